"""How final a loss is, by hand."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from lots.reports.wash_status import (
    QuietAccount,
    WashStatus,
    is_provisional,
    open_losses,
    quiet_accounts,
    seen_to,
    status,
    unchecked,
)
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


@pytest.mark.parametrize(
    ("booked_through", "expected"),
    [("2026-03-02", "provisional"), ("2026-03-31", "provisional"), ("2026-04-01", "none")],
)
def test_a_window_is_not_closed_before_the_ledger_reaches_its_last_day(booked_through, expected):
    """The calendar is in June; purchases up to 1 April would wash."""
    assert status(row(-5), seen_to(LATER, day(booked_through))).value == expected


@pytest.mark.parametrize(
    ("booked_through", "expected"),
    [("2026-12-31", True), ("2027-01-29", True), ("2027-01-30", False), ("2027-05-01", False)],
)
def test_a_year_is_not_closed_before_the_ledger_reaches_30_january(booked_through, expected):
    assert is_provisional(2026, [], seen_to(day("2027-06-01"), day(booked_through))) is expected


def test_neither_the_calendar_nor_the_ledger_alone_closes_anything():
    assert seen_to(day("2026-04-01"), day("2026-05-01")) == day("2026-04-01")
    assert seen_to(LATER, None) == date.min


def test_accounts_whose_bookings_end_inside_a_window_are_named():
    """The loss of 2 March is tested through 1 April: T ends on 31 March, S on 1 April, I never began."""
    last = {"T": day("2026-03-31"), "S": day("2026-04-01"), "K": day("2026-01-05")}

    def quiet(sold: RealizedLot, as_of: date = LATER, policy: Policy = Policy()):  # noqa: B008
        return quiet_accounts(
            [sold], {one.id: one for one in (T, SPOUSE, IRA, K401)}, last,
            imported=["T", "S", "I", "K"], policy=policy, as_of=as_of,
        )  # fmt: skip

    until = day("2026-04-01")
    assert quiet(row(-5)) == (
        QuietAccount("T", day("2026-03-31"), until),
        QuietAccount("I", None, until),
        QuietAccount("K", day("2026-01-05"), until),
    )
    assert quiet(row(5)) == ()
    assert quiet(row(-5, disallowed=5)) == ()
    assert quiet(row(-5), as_of=until) == ()
    iras = Policy(tax_deferred=TaxDeferredPolicy.IRA_AND_ROTH_ONLY)
    assert [one.account for one in quiet(row(-5), policy=iras)] == ["T", "I"]


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
