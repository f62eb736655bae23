"""What will be bought by itself, from literals: savings plans and dividends that are reinvested (R25, F31)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from proposals.coming import (
    ExpectedDividend,
    SavingsPlan,
    Surroundings,
    due_days,
    laid_out,
    switch_by,
)
from proposals.types import Cadence, ComingPurchase
from securities.calendar import is_business_date

TODAY = date(2022, 12, 1)  # a Thursday
UNTIL = date(2022, 12, 31)
ANN, IRA, AAA, BBB = 1, 2, 11, 12
CHRISTMAS = date(2022, 12, 26)  # the Monday on which the market rests


def is_open(day: date) -> bool:
    return day.weekday() < 5 and day != CHRISTMAS


def plan(first_on: date, cadence: Cadence = Cadence.MONTHLY, **changes: object) -> SavingsPlan:
    given = {"account": ANN, "security": AAA, "amount": Decimal(500), "ended_on": None, **changes}
    return SavingsPlan(first_on=first_on, cadence=cadence, **given)  # type: ignore[arg-type]


def dividend(ex_date: date, pay_date: date, **changes: object) -> ExpectedDividend:
    given = {"account": ANN, "security": AAA, "amount": Decimal("0.25"), "held": Decimal(100)}
    return ExpectedDividend(ex_date=ex_date, pay_date=pay_date, **{**given, **changes})  # type: ignore[arg-type]


def found(*facts: SavingsPlan | ExpectedDividend, **changes: object) -> tuple[ComingPurchase, ...]:
    around = Surroundings(
        **{  # type: ignore[arg-type]
            "as_of": TODAY,
            "prices": {AAA: Decimal(100)},
            "symbols": {AAA: "AAA", BBB: "BBB"},
            "accounts": {ANN: "Ann taxable", IRA: "Ann IRA"},
            "retirement": frozenset({IRA}),
            "booked": {},
            "is_open": is_open,
            **changes,
        }
    )
    return laid_out(
        [one for one in facts if isinstance(one, SavingsPlan)],
        [one for one in facts if isinstance(one, ExpectedDividend)],
        around,
        until=UNTIL,
    )


@pytest.mark.parametrize(
    ("cadence", "first_on", "days"),
    [
        (Cadence.ONCE, date(2023, 1, 9), [date(2023, 1, 9)]),
        (Cadence.ONCE, date(2022, 1, 10), []),
        (Cadence.WEEKLY, date(2022, 1, 5), [date(2023, 1, d) for d in (4, 11, 18, 25)]),
        (Cadence.BIWEEKLY, date(2022, 12, 21), [date(2023, 1, 4), date(2023, 1, 18)]),
        (Cadence.MONTHLY, date(2021, 5, 17), [date(2023, 1, 17)]),
        (Cadence.QUARTERLY, date(2022, 7, 11), [date(2023, 1, 11)]),
        (Cadence.QUARTERLY, date(2022, 8, 11), []),
    ],
)
def test_a_plan_buys_on_the_days_of_its_cadence(cadence, first_on, days):
    january = (date(2023, 1, 1), date(2023, 1, 31))
    assert list(due_days(plan(first_on, cadence), *january, is_open)) == days


def test_a_day_on_which_the_market_rests_moves_to_the_next_trading_day():
    """25 December 2022 is a Sunday, the 26th the day on which the market makes up for it."""
    month = (date(2022, 12, 1), date(2022, 12, 31))
    assert list(due_days(plan(date(2022, 5, 25)), *month, is_open)) == [date(2022, 12, 27)]
    assert list(due_days(plan(date(2022, 5, 25)), *month, is_business_date)) == [date(2022, 12, 27)]


def test_a_day_before_the_range_may_move_into_it():
    """Saturday the 31st of December is the 2nd of January, a Monday."""
    january = (date(2023, 1, 1), date(2023, 1, 20))
    assert list(due_days(plan(date(2022, 10, 31)), *january, is_open)) == [date(2023, 1, 2)]


def test_the_31st_of_a_shorter_month_is_its_last_day_and_comes_back():
    year = (date(2024, 1, 1), date(2024, 5, 31))
    assert list(due_days(plan(date(2024, 1, 31)), *year, lambda _: True)) == [
        date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31),
    ]  # fmt: skip


def test_a_plan_ends_on_its_last_day():
    span = (date(2022, 12, 1), date(2023, 3, 31))
    ended = plan(date(2022, 12, 5), ended_on=date(2023, 1, 5))
    assert list(due_days(ended, *span, is_open)) == [date(2022, 12, 5), date(2023, 1, 5)]


def test_dollars_become_shares_rounded_up_to_what_is_stored():
    (one,) = found(plan(date(2022, 12, 5), amount=Decimal(100)), prices={AAA: Decimal(3)})
    assert one.shares == Decimal("33.33333334")
    assert one.counts
    assert not one.is_reinvestment
    assert one.cause == (
        "the monthly scheduled purchase of 2022-12-05 buys about 33.334 AAA in Ann taxable"
    )


def test_without_a_price_there_are_rather_too_many_shares():
    (one,) = found(plan(date(2022, 12, 5)), prices={})
    assert one.shares == Decimal(500)


def test_what_a_retirement_account_will_buy_is_marked():
    (one,) = found(plan(date(2022, 12, 5), account=IRA))
    assert one.retirement


def test_a_purchase_that_was_due_counts_until_it_is_booked():
    """A statement comes days after the fact; once the purchase is on the books it is counted there."""
    late = plan(TODAY - timedelta(days=3), Cadence.ONCE)
    assert [one.day for one in found(late)] == [TODAY - timedelta(days=3)]
    assert found(late, booked={(ANN, AAA): TODAY - timedelta(days=2)}) == ()
    assert len(found(late, booked={(ANN, AAA): TODAY - timedelta(days=4)})) == 1
    assert len(found(late, booked={(IRA, AAA): TODAY})) == 1
    assert found(plan(TODAY - timedelta(days=6), Cadence.ONCE)) == ()


def test_the_switch_must_be_made_two_trading_days_before_the_ex_date():
    assert switch_by(date(2022, 12, 8), is_open) == date(2022, 12, 6)
    assert switch_by(date(2022, 12, 27), is_open) == date(2022, 12, 22)  # past Christmas


@pytest.mark.parametrize(
    ("ex_date", "counts"),
    [
        (date(2022, 12, 6), False),
        (date(2022, 12, 5), False),  # Monday: Thursday is two trading days before
        (date(2022, 12, 2), True),
        (date(2022, 12, 1), True),
        (date(2022, 11, 20), True),  # the payment is certain
    ],
)
def test_a_reinvestment_counts_as_bought_once_it_is_too_late_to_switch_it_off(ex_date, counts):
    (one,) = found(dividend(ex_date, date(2022, 12, 20)))
    assert one.counts is counts
    assert one.is_reinvestment
    assert bool(one.instruction) is not counts


def test_the_instruction_names_switch_account_day_dividend_and_shares():
    (one,) = found(dividend(date(2022, 12, 12), date(2022, 12, 20)))
    assert one.instruction == (
        "Switch reinvestment of AAA off in Ann taxable until 2023-01-01 "
        "(dividend paid 2022-12-20, about 0.25 shares)."
    )
    assert one.shares == Decimal("0.25")


def test_a_dividend_beyond_the_end_or_on_no_shares_buys_nothing():
    ahead = date(2022, 12, 12)
    assert found(dividend(ahead, UNTIL + timedelta(days=1))) == ()
    assert found(dividend(ahead, UNTIL, held=Decimal(0))) == ()
    assert len(found(dividend(ahead, UNTIL))) == 1


def test_floats_are_refused():
    with pytest.raises(TypeError):
        plan(TODAY, amount=500.0)
    with pytest.raises(TypeError):
        dividend(TODAY, TODAY, amount=0.25)
