"""Windows in both directions, from literals."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from proposals.types import BuyBlock, SellBlock
from proposals.windows import LossSale, Purchase, Reservation, identical_to, windows_on

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
