"""How final a loss is, by hand."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from lots.reports.wash_status import WashStatus, is_provisional, open_losses, status, unchecked
from lots.types import Policy, RealizedLot, SpousePolicy, TaxDeferredPolicy, Term
from tests.lots.ledger import CORP, IRA, K401, SPOUSE, T2, T, day


def row(
    gain: int, *, disallowed: int = 0, permanent: int = 0, on: str = "2026-03-02"
) -> RealizedLot:
    fields: dict[str, Any] = {
        "sale": "s", "trade_date": day(on), "account": "T", "security": "M", "lot": "b", "part": 0,
        "quantity": Fraction(1), "acquired": day("2025-01-02"), "holding_start": day("2025-01-02"),
        "term": Term.LONG, "proceeds": Fraction(1000 + gain), "basis": Fraction(1000),
    }  # fmt: skip
    return RealizedLot(**fields, disallowed=Fraction(disallowed), permanent=Fraction(permanent))


LATER = day("2026-06-01")


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        (row(5), WashStatus.NONE),
        (row(-5), WashStatus.NONE),
        (row(-5, disallowed=5), WashStatus.DEFERRED),
        (row(-5, disallowed=2), WashStatus.DEFERRED),
        (row(-5, disallowed=5, permanent=5), WashStatus.PERMANENT),
        (row(-5, disallowed=5, permanent=2), WashStatus.MIXED),
    ],
)
def test_after_the_window_the_status_says_where_the_loss_went(sold, expected):
    assert status(sold, LATER) is expected


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2026-03-02", "provisional"), ("2026-04-01", "provisional"), ("2026-04-02", "none")],
)
def test_a_loss_is_provisional_through_day_30(as_of, expected):
    """2 March + 30 days is 1 April: a purchase of that day still washes."""
    assert status(row(-5), day(as_of)).value == expected


def test_a_loss_disallowed_altogether_is_settled_inside_its_window():
    assert status(row(-5, disallowed=5), day("2026-03-03")) is WashStatus.DEFERRED
    assert status(row(-5, disallowed=4), day("2026-03-03")) is WashStatus.PROVISIONAL


def test_a_gain_is_never_provisional():
    assert status(row(5), day("2026-03-03"), [K401]) is WashStatus.NONE


def test_none_is_never_said_of_accounts_that_nobody_looked_at():
    assert status(row(-5), LATER, [K401]) is WashStatus.NOT_CHECKED
    assert status(row(-5, disallowed=2), LATER, [K401]) is WashStatus.NOT_CHECKED
    assert status(row(-5, disallowed=5), LATER, [K401]) is WashStatus.DEFERRED
    assert status(row(-5), day("2026-03-03"), [K401]) is WashStatus.PROVISIONAL


def test_open_losses_say_until_when_and_how_much():
    rows = [row(-5, disallowed=2), row(-7, on="2026-01-02"), row(9)]

    (loss,) = open_losses(rows, day("2026-03-10"))

    assert loss.until == day("2026-04-01")
    assert loss.allowed == 3


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2026-12-31", True), ("2027-01-30", True), ("2027-01-31", False), ("2028-01-01", False)],
)
def test_no_year_is_final_before_31_january(as_of, expected):
    assert is_provisional(2026, [row(-5, on="2026-12-31")], day(as_of)) is expected
    assert is_provisional(2026, [], day(as_of)) is expected


def test_a_held_away_account_counts_where_its_purchases_would():
    away = [T2, SPOUSE, IRA, K401, CORP]

    assert unchecked(T, away, Policy()) == (T2, SPOUSE, IRA, K401, CORP)
    assert unchecked(T, away, Policy(spouse=SpousePolicy.TAXPAYER_ONLY)) == (T2, IRA, K401, CORP)
    assert unchecked(T, away, Policy(tax_deferred=TaxDeferredPolicy.IRA_AND_ROTH_ONLY)) == (
        T2, SPOUSE, IRA, CORP,
    )  # fmt: skip
    assert unchecked(CORP, away, Policy()) == ()
    assert unchecked(T, [T], Policy()) == ()


def test_a_date_is_compared_as_a_date():
    assert status(row(-5, on="2026-01-30"), date(2026, 3, 1)) is WashStatus.PROVISIONAL
    assert status(row(-5, on="2026-01-30"), date(2026, 3, 2)) is WashStatus.NONE
