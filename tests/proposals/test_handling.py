"""Whether an order goes to the market, gets a limit, or is worked over the day (F9, F10)."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proposals.costs import TradingCosts
from proposals.handling import (
    UNSAID,
    Handling,
    HandlingRule,
    limit_fault,
    limit_for,
    suggest,
    suggestions,
    tick,
)
from proposals.types import DraftTrade, OrderType, Side

prices = st.decimals(min_value="0.01", max_value=100_000, places=6)
half_spreads = st.decimals(min_value=0, max_value="0.2", places=8)
sides = st.sampled_from(Side)


def suggested(**changes: object) -> Handling:
    given: dict[str, object] = {
        "side": Side.BUY,
        "price": D("50.00"),
        "half_spread": D("0.002"),
        "share_of_volume": D("0.01"),
        "is_paired": False,
        "rule": UNSAID,
    }
    return suggest(**given | changes)  # type: ignore[arg-type]


def test_a_wide_spread_gets_a_limit_at_half_of_it_and_says_why() -> None:
    assert suggested() == Handling(
        OrderType.LIMIT,
        D("50.10"),
        "A spread of 40 bp, above the 10 bp of the policy: the half spread that was counted, no more.",
    )
    assert suggested(side=Side.SELL).limit_price == D("49.90")


def test_the_limit_is_the_whole_spread_and_is_not_above_itself() -> None:
    assert suggested(half_spread=D("0.0005")).type is OrderType.MARKET
    assert suggested(half_spread=D("0.00050001")).type is OrderType.LIMIT
    wide = HandlingRule(spread_limit=D("0.004"))
    assert suggested(rule=wide).type is OrderType.MARKET
    assert "40 bp, not above the 40 bp" in suggested(rule=wide).why


def test_too_much_of_a_days_volume_is_worked_whatever_the_spread() -> None:
    large = suggested(share_of_volume=D("0.1001"))
    assert (large.type, large.limit_price) == (OrderType.VWAP, None)
    assert "10.01 % of what is traded in a day, above the 10 %" in large.why
    assert suggested(share_of_volume=D("0.1")).type is OrderType.LIMIT


def test_nothing_is_claimed_of_a_volume_that_is_not_known() -> None:
    assert suggested(share_of_volume=None, half_spread=D(0)).type is OrderType.MARKET


def test_a_leg_of_a_pair_never_gets_a_limit() -> None:
    leg = suggested(is_paired=True)
    assert (leg.type, leg.limit_price) == (OrderType.MARKET, None)
    assert "a limit left unfilled breaks the pair" in leg.why


@given(price=prices, half_spread=half_spreads, side=sides)
def test_a_limit_never_gives_up_more_than_was_counted_and_is_on_the_tick(
    price: D, half_spread: D, side: Side
) -> None:
    limit = limit_for(side, price=price, half_spread=half_spread)
    exact = price * (1 + half_spread if side is Side.BUY else 1 - half_spread)
    kept = exact - limit if side is Side.BUY else limit - exact
    assert 0 <= kept < tick(exact)
    if limit:
        assert limit % tick(limit) == 0


@given(price=prices, half_spread=half_spreads, side=sides)
def test_what_is_suggested_would_be_taken_from_a_person_too(
    price: D, half_spread: D, side: Side
) -> None:
    found = suggested(price=price, half_spread=half_spread, side=side)
    assert (found.type is OrderType.LIMIT) == (found.limit_price is not None)
    if found.limit_price is not None:
        assert limit_fault(found.limit_price, price) is None


@pytest.mark.parametrize(
    ("price", "half_spread", "side", "limit"),
    [
        ("0.9990", "0.0005", Side.BUY, "0.9994"),  # four places below a dollar
        ("0.9990", "0.0050", Side.BUY, "1.00"),  # 1.003995: cents from a dollar up
        ("1.0020", "0.0050", Side.SELL, "0.9970"),  # 0.99699
        ("10.003", "0.0006", Side.BUY, "10.00"),  # less than the reference price: it waits
    ],
)
def test_the_tick_is_a_cent_from_a_dollar_up(
    price: str, half_spread: str, side: Side, limit: str
) -> None:
    assert limit_for(side, price=D(price), half_spread=D(half_spread)) == D(limit)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("0", "above zero"),
        ("-3", "above zero"),
        ("10.005", "not on the tick"),
        ("0.99995", "not on the tick"),
        ("20.01", "far from the 10"),
        ("4.99", "far from the 10"),
    ],
)
def test_a_limit_that_cannot_be_is_told(limit: str, said: str) -> None:
    fault = limit_fault(D(limit), D(10))
    assert fault is not None
    assert said in fault


def test_a_limit_within_a_factor_of_two_is_one() -> None:
    assert [limit_fault(D(one), D(10)) for one in ("5", "20", "10.01")] == [None] * 3


def test_a_spread_of_more_than_half_the_price_leaves_no_limit_for_a_sale() -> None:
    assert "no limit on the tick" in suggested(side=Side.SELL, half_spread=D("0.6")).why


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        suggested(price=50.0)


def trade(quantity: str, side: Side = Side.BUY, security: int = 7, pair: int = 0) -> DraftTrade:
    return DraftTrade(
        account=1, security=security, side=side, quantity=D(quantity), price=D(50), reason="R", pair=pair
    )  # fmt: skip


def test_an_order_is_looked_at_as_a_whole() -> None:
    costs = TradingCosts(
        half_spreads={7: D("0.002"), 8: D("0.002"), 9: D("0.002")},
        daily_volumes={7: D(1000)},
    )
    found = suggestions(
        [
            trade("60"), trade("50"),  # 11 % of a day together
            trade("10", security=8),
            trade("10", Side.SELL, security=9, pair=1), trade("10", Side.SELL, security=9, pair=2),
        ],
        costs,
        UNSAID,
    )  # fmt: skip
    assert {key: one.type for key, one in found.items()} == {
        (1, 7, Side.BUY): OrderType.VWAP,
        (1, 8, Side.BUY): OrderType.LIMIT,
        (1, 9, Side.SELL): OrderType.MARKET,  # legs of two pairs in one order
    }
