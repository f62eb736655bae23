from datetime import date, timedelta

import pytest

from lots.holding_period import first_long_term_day, tacked_start, term
from lots.types import TackingPolicy, Term


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("2026-01-05", "2027-01-06"),
        ("2027-02-28", "2028-03-01"),  # a month end: not 29 February
        ("2024-02-29", "2025-03-01"),
        ("2024-02-28", "2025-03-01"),  # no month end in 2024: the ordinary rule
        ("2023-02-28", "2024-03-01"),
        ("2025-04-30", "2026-05-01"),
        ("2024-12-31", "2026-01-01"),
        ("2024-11-30", "2025-12-01"),
        ("2025-03-10", "2026-03-11"),
    ],
)
def test_long_term_begins_the_day_after_the_anniversary(start, first):
    assert first_long_term_day(date.fromisoformat(start)) == date.fromisoformat(first)


def test_term_changes_exactly_on_the_first_long_term_day():
    start = date(2025, 3, 10)
    assert term(start, date(2026, 3, 10)) is Term.SHORT
    assert term(start, date(2026, 3, 11)) is Term.LONG


def test_term_is_decided_by_the_calendar_and_not_by_365_days():
    # 366 days lie between 2023-06-15 and 2024-06-15, which is still short-term (R4).
    assert date(2024, 6, 15) - date(2023, 6, 15) == timedelta(days=366)
    assert term(date(2023, 6, 15), date(2024, 6, 15)) is Term.SHORT


def test_a_sale_before_the_start_is_refused():
    with pytest.raises(ValueError, match="before the holding period began"):
        term(date(2026, 1, 2), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("own", "by_sum", "by_date", "by_union"),
    [
        ("2026-03-02", "2026-01-15", "2026-01-05", "2026-01-15"),
        ("2026-02-10", "2025-12-26", "2026-01-05", "2026-01-05"),
        ("2026-01-02", "2025-11-17", "2026-01-02", "2026-01-02"),  # older than the sold lot
    ],
)
def test_tacking_by_each_method(own, by_sum, by_date, by_union):
    for method, expected in (
        (TackingPolicy.SUM, by_sum),
        (TackingPolicy.DATE, by_date),
        (TackingPolicy.UNION, by_union),
    ):
        start = tacked_start(
            own=date.fromisoformat(own),
            sold_start=date(2026, 1, 5),
            sold_on=date(2026, 2, 20),
            method=method,
        )
        assert start == date.fromisoformat(expected)


def test_union_is_the_default_method():
    start = tacked_start(
        own=date(2026, 2, 10), sold_start=date(2026, 1, 5), sold_on=date(2026, 2, 20)
    )
    assert start == date(2026, 1, 5)
    assert first_long_term_day(start) == date(2027, 1, 6)
