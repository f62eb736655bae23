"""Which mappings count, by whom and when; and what is left after a choice."""

from datetime import date
from typing import Any

import pytest

from harvesting.substitutes import MappingRow, in_force, standing_refusals
from tests.harvesting.books import AAA, BBB, CCC, DDD, EEE, TODAY, around, book, days_ago

NAMES = {AAA: "AAA", BBB: "BBB", CCC: "CCC", DDD: "DDD", EEE: "EEE"}
TOMORROW = date(2022, 12, 29)


def row(substitute: int, rank: int = 1, *, own: bool = False, **days: Any) -> MappingRow:
    return MappingRow(
        security=AAA, substitute=substitute, rank=rank, pair=f"AAA -> {NAMES[substitute]}",
        is_own=own, **days,
    )  # fmt: skip


def test_the_households_list_goes_first_and_the_firms_follows_where_it_runs_out() -> None:
    rows = [row(CCC, 1), row(DDD, 2), row(DDD, 1, own=True), row(EEE, 5, own=True)]
    assert in_force(rows, TODAY).ranked == {AAA: (DDD, EEE, CCC)}


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ({"since": TOMORROW}, "begins on 2022-12-29"),
        ({"ended_on": days_ago(1)}, "ended on 2022-12-27"),
        ({"valid_until": days_ago(1)}, "was to be reviewed by 2022-12-27"),
    ],
)
def test_a_mapping_counts_on_its_days_only(days: dict[str, Any], why: str) -> None:
    """N12."""
    found = in_force([row(CCC, **days), row(DDD, 2)], TODAY)
    assert found.ranked == {AAA: (DDD,)}
    assert found.refused == {AAA: (f"the mapping AAA -> CCC {why}",)}


def test_the_firms_list_passes_over_what_left_the_model_and_the_households_own_does_not() -> None:
    """F18."""
    left = {CCC: "CCC left the model on 2022-12-01 by version 3 of Core (universe change)"}
    found = in_force([row(CCC, 1), row(DDD, 2)], TODAY, left=left)
    assert found.ranked == {AAA: (DDD,)}
    assert found.left == {AAA: (f"the mapping AAA -> CCC is passed over, {left[CCC]}",)}
    assert (found.refused, found.by_hand) == ({}, {})
    both = in_force([row(CCC, 1), row(DDD, 2), row(CCC, 4, own=True)], TODAY, left=left)
    assert both.ranked == {AAA: (CCC, DDD)}
    assert (both.left, both.by_hand) == ({}, {AAA: (CCC,)})


@pytest.mark.parametrize("field", ["since", "ended_on", "valid_until"])
def test_the_first_and_the_last_day_are_included(field: str) -> None:
    day: dict[str, Any] = {field: TODAY}
    found = in_force([row(CCC, **day)], TODAY)
    assert (found.ranked, found.refused) == ({AAA: (CCC,)}, {})


def test_a_mapping_taken_back_before_it_began_never_counts() -> None:
    taken_back = row(CCC, since=TODAY, ended_on=days_ago(1))
    for day in (days_ago(1), TODAY, TOMORROW):
        assert in_force([taken_back], day).ranked == {}


def test_a_pair_that_counts_has_no_reason_told_and_an_old_end_says_less_than_a_missed_review() -> (
    None
):
    ended = row(CCC, ended_on=days_ago(300))
    assert in_force([ended, row(CCC, 2)], TODAY).refused == {}
    late = row(CCC, 2, valid_until=days_ago(1))
    assert in_force([late, ended], TODAY).refused == {
        AAA: ("the mapping AAA -> CCC was to be reviewed by 2022-12-27",)
    }


def test_a_firms_review_stands_where_the_households_own_has_lapsed() -> None:
    found = in_force([row(CCC, own=True, valid_until=days_ago(1)), row(CCC, 3)], TODAY)
    assert (found.ranked, found.refused) == ({AAA: (CCC,)}, {})


def test_whatever_stands_against_a_purchase_refuses_it() -> None:
    """A29: delisted, no price, stale, jumped, restricted, itself in a window."""
    home = book(prices={CCC: ""}, days={DDD: days_ago(9)})
    home = type(home)(**{
        **{name: getattr(home, name) for name in home.__slots__}, "delisted": {BBB: days_ago(2)},
    })  # fmt: skip
    near = around(
        substitutes={AAA: (BBB, CCC, DDD, EEE)},
        buy_blocked={EEE: "restricted for this household: an employer's stock"},
    )
    assert standing_refusals(home, near) == {
        BBB: "BBB no longer trades since 2022-12-26",
        CCC: "CCC has no price",
        DDD: "the price of DDD is of 2022-12-19",
        EEE: "EEE is restricted for this household: an employer's stock",
    }
