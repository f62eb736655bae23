"""Windows in both directions, from literals."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from lots.types import LotRow
from proposals.coming import HORIZON_DAYS, SavingsPlan, due_days
from proposals.types import (
    BuyBlock,
    Cadence,
    ComingPurchase,
    Origin,
    RestrictionKind,
    RestrictionRow,
    Restrictions,
    SellBlock,
    Side,
)
from proposals.windows import (
    LossSale,
    Purchase,
    Reservation,
    identical_to,
    windows_on,
    with_restrictions,
)

SOLD = date(2022, 12, 1)
A, B, C = 1, 2, 3


def loss_sale(security: int = A, day: date = SOLD, shares: str = "10") -> LossSale:
    return LossSale(security, day, Decimal(shares), f"{shares} sold on {day}")


def purchase(
    security: int = A, day: date = SOLD, shares: str = "10", *, ira: bool = False
) -> Purchase:
    return Purchase(security, day, Decimal(shares), f"{shares} bought on {day}", ira)


@pytest.mark.parametrize(
    ("days", "blocked"), [(-31, False), (-30, True), (0, True), (30, True), (31, False)]
)
def test_both_directions_are_blocked_30_days_around_a_trade(days, blocked):
    day = SOLD + timedelta(days=days)
    found = windows_on(day, loss_sales=[loss_sale(B)], purchases=[purchase(A)])
    assert (B in found.buy_blocked) == blocked
    assert (A in found.sell_blocked) == blocked


def test_the_clear_date_is_day_31():
    found = windows_on(date(2022, 12, 10), loss_sales=[loss_sale()], purchases=[purchase(B)])
    assert found.buy_blocked[A].clear_on == date(2023, 1, 1)
    assert found.sell_blocked[B].clear_on == date(2023, 1, 1)


def test_the_latest_trade_decides_and_shares_add_up():
    later = SOLD + timedelta(days=5)
    found = windows_on(
        date(2022, 12, 10),
        loss_sales=[loss_sale(shares="10"), loss_sale(day=later, shares="2")],
        purchases=[],
    )
    assert found.buy_blocked == {
        A: BuyBlock(date(2023, 1, 6), "2 sold on 2022-12-06, and 1 more", Decimal(12))
    }


def test_identical_securities_count_and_substitutes_do_not():
    found = windows_on(
        SOLD, loss_sales=[loss_sale(A)], purchases=[purchase(A)], groups=[frozenset({A, B})]
    )
    assert set(found.buy_blocked) == set(found.sell_blocked) == {A, B}
    assert found.buy_blocked[B].cause == "10 sold on 2022-12-01 (substantially identical)"


def test_a_purchase_in_a_retirement_account_makes_the_loss_permanent():
    found = windows_on(SOLD, loss_sales=[], purchases=[purchase(), purchase(shares="1", ira=True)])
    assert found.sell_blocked == {
        A: SellBlock(
            date(2023, 1, 1), Decimal(11), "10 bought on 2022-12-01, and 1 more", permanent=True
        )
    }


def test_reservations_of_one_lot_add_up():
    found = windows_on(
        SOLD,
        loss_sales=[],
        purchases=[],
        reservations=[Reservation(7, 0, Decimal(3)), Reservation(7, 0, Decimal(4))],
    )
    assert found.reserved == {(7, 0): Decimal(7)}


def test_a_security_is_identical_to_itself():
    assert identical_to(C, [frozenset({A, B})]) == {C}


def ahead(
    day: date, shares: str = "5", *, counts: bool = True, ira: bool = False
) -> ComingPurchase:
    return ComingPurchase(
        security=A,
        account=1,
        day=day,
        shares=Decimal(shares),
        price=Decimal(10),
        cause=f"{shares} will be bought on {day}",
        is_reinvestment=not counts,
        retirement=ira,
        counts=counts,
    )


@pytest.mark.parametrize(("days", "blocked"), [(0, True), (30, True), (31, False)])
def test_a_purchase_ahead_blocks_a_loss_sale_30_days_before_it(days, blocked):
    """T19, seen from the sale: the purchase of day 30 washes it, that of day 31 does not."""
    found = windows_on(
        SOLD, loss_sales=[], purchases=[], coming=[ahead(SOLD + timedelta(days=days))]
    )
    assert (A in found.sell_blocked) == blocked
    assert (found.coming != ()) == blocked


def test_what_can_still_be_switched_off_blocks_nothing_and_is_told():
    coming = ahead(SOLD + timedelta(days=9), counts=False)
    found = windows_on(SOLD, loss_sales=[], purchases=[], coming=[coming])
    assert found.sell_blocked == {}
    assert found.switches == (coming,)


def test_the_first_clear_day_lies_in_the_window_of_nothing_that_is_ahead():
    """31 days after the next purchase would be too early: another one is 20 days later."""
    days = [SOLD + timedelta(days=n) for n in (9, 60)]
    found = windows_on(SOLD, loss_sales=[], purchases=[], coming=map(ahead, days))
    block = found.sell_blocked[A]
    assert block.clear_on == days[1] + timedelta(days=31)
    assert block.shares == Decimal(5)  # of the window of today
    assert not block.is_endless


def test_a_gap_between_two_windows_is_a_clear_day():
    days = [SOLD + timedelta(days=n) for n in (9, 71)]
    found = windows_on(SOLD, loss_sales=[], purchases=[], coming=map(ahead, days))
    assert found.sell_blocked[A].clear_on == SOLD + timedelta(days=40)


def test_a_plan_that_goes_on_leaves_no_clear_day():
    plan = SavingsPlan(1, A, Decimal(50), SOLD, Cadence.MONTHLY)
    last = SOLD + timedelta(days=HORIZON_DAYS)
    days = due_days(plan, SOLD, last, lambda day: day.weekday() < 5)
    found = windows_on(SOLD, loss_sales=[], purchases=[], coming=map(ahead, days))
    assert found.sell_blocked[A].is_endless


def test_a_block_says_what_opened_it():
    found = windows_on(
        SOLD,
        loss_sales=[loss_sale()],
        purchases=[purchase()],
        coming=[ahead(SOLD + timedelta(days=3), ira=True)],
    )
    assert [one.origin for one in found.buy_blocked[A].opened_by] == [Origin.TRADE]
    block = found.sell_blocked[A]
    assert [one.origin for one in block.opened_by] == [Origin.TRADE, Origin.PLAN]
    assert block.coming == Decimal(5)
    assert block.permanent


# Restrictions (F37)


def rule(kind: RestrictionKind, account: int | None = None, until: date | None = None):
    return RestrictionRow(A, kind, account, date(2022, 1, 3), until, "Employer's stock.", "for Ann")


LOTS = {
    (7, 0): LotRow(7, 0, 1, A, SOLD, SOLD, Decimal(9), Decimal(90)),
    (8, 0): LotRow(8, 0, 2, A, SOLD, SOLD, Decimal(4), Decimal(40)),
    (9, 0): LotRow(9, 0, 1, B, SOLD, SOLD, Decimal(2), Decimal(20)),
}


def test_a_household_that_must_not_buy_is_blocked_until_the_restriction_ends():
    bare = windows_on(SOLD, loss_sales=[], purchases=[])
    rows = Restrictions((rule(RestrictionKind.NO_BUY, until=date(2023, 3, 31)),))
    block = with_restrictions(bare, rows, LOTS).buy_blocked[A]
    assert block.clear_on == date(2023, 4, 1)
    assert not block.is_window
    assert block.told == (
        "blocked until 2023-04-01: Employer's stock (restricted for Ann since 2022-01-03 until 2023-03-31)"
    )


def test_a_restriction_without_end_names_no_day():
    bare = windows_on(SOLD, loss_sales=[], purchases=[])
    rows = Restrictions((rule(RestrictionKind.NO_BUY),))
    block = with_restrictions(bare, rows, LOTS).buy_blocked[A]
    assert block.told == "blocked: Employer's stock (restricted for Ann since 2022-01-03)"


def test_a_window_under_a_restriction_stays_a_window():
    found = windows_on(SOLD, loss_sales=[loss_sale()], purchases=[])
    rows = Restrictions((rule(RestrictionKind.NO_BUY, until=date(2022, 12, 2)),))
    block = with_restrictions(found, rows, LOTS).buy_blocked[A]
    assert block.is_window
    assert block.is_restricted
    assert block.clear_on == date(2023, 1, 1)


def test_one_account_that_must_not_buy_blocks_nobody_else():
    bare = windows_on(SOLD, loss_sales=[], purchases=[])
    rows = Restrictions((rule(RestrictionKind.NO_BUY, account=2),))
    found = with_restrictions(bare, rows, LOTS)
    assert found.buy_blocked == {}
    assert found.restricted.against(Side.BUY, account=2, security=A) is not None
    assert found.restricted.against(Side.BUY, account=1, security=A) is None
    assert found.restricted.against(Side.SELL, account=2, security=A) is None


def test_shares_that_must_not_be_sold_are_reserved_to_the_last_one():
    bare = windows_on(
        SOLD, loss_sales=[], purchases=[], reservations=[Reservation(7, 0, Decimal(3))]
    )
    household = Restrictions((rule(RestrictionKind.NO_SELL),))
    found = with_restrictions(bare, household, LOTS)
    assert found.no_sell == {(1, A), (2, A)}
    assert found.reserved == {(7, 0): Decimal(9), (8, 0): Decimal(4)}
    one_account = Restrictions((rule(RestrictionKind.NO_SELL, account=2),))
    assert with_restrictions(bare, one_account, LOTS).no_sell == {(2, A)}
