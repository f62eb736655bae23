"""Accounts that trade fractions of shares beside those that do not (F38)."""

from dataclasses import replace
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest

from proposals.types import DraftTrade, Side
from rebalancing.errors import Infeasible
from rebalancing.household.cash_bands import household_band
from rebalancing.household.checks import verify
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState
from tests.rebalancing.states import account, lot, random_state, risk, state

Q = D("0.0001")


def household(**changes: Any) -> HouseholdState:
    """$20,000 with shares at $1,900: whole ones cannot come near the model."""
    values: dict[str, Any] = {
        "accounts": (replace(account(1, "6000"), quantum=Q),),
        "lots": (lot(1, "100", "9000", opening=1), lot(2, "2", "3800", opening=2)),
        "prices": {1: "100", 2: "1900"},
        "targets": {1: "0.48", 2: "0.50"},
    }
    return state(**{**values, **changes})


def test_fractions_come_nearer_to_the_model_than_whole_shares() -> None:
    whole = household(accounts=(account(1, "6000"),))
    fine, coarse = (best_trades(one, risk(2)) for one in (household(), whole))
    assert verify(fine.trades, household()) == []
    assert any(one.quantity != one.quantity.to_integral_value() for one in fine.trades)
    assert all(one.quantity == one.quantity.quantize(Q) for one in fine.trades)
    assert all(one.quantity == one.quantity.to_integral_value() for one in coarse.trades)
    assert fine.proof.gap_bp < coarse.proof.gap_bp / 10


def test_whole_and_fractional_accounts_stand_side_by_side() -> None:
    start = household(
        accounts=(replace(account(1, "6000"), quantum=Q), account(2, "6000")),
        lots=(lot(1, "100", "9000", opening=1), lot(1, "60", "5900", opening=2, account=2)),
    )
    trades = best_trades(start, risk(2)).trades
    assert verify(trades, start) == []
    assert {one.account for one in trades} == {1, 2}
    assert all(
        one.quantity == one.quantity.to_integral_value() for one in trades if one.account == 2
    )


def test_a_fraction_that_the_account_does_not_trade_is_refused() -> None:
    def bought(quantity: str, start: HouseholdState) -> list[str]:
        trade = DraftTrade(
            account=1, security=2, side=Side.BUY, quantity=D(quantity), price=D(1900), reason=""
        )
        return verify([trade], start)

    assert bought("1.5", household()) == []
    assert bought("1.50005", household()) == ["S2: 1.50005 shares to buy are not whole shares."]
    whole = household(accounts=(account(1, "6000"),))
    assert bought("1.5", whole) == ["S2: 1.5 shares to buy are not whole shares."]


def test_a_fraction_below_the_smallest_trade_is_refused() -> None:
    trade = DraftTrade(
        account=1, security=2, side=Side.BUY, quantity=D("0.1"), price=D(1900), reason=""
    )
    assert any("smallest trade" in text for text in verify([trade], household()))


@pytest.mark.parametrize("seed", range(40))
def test_random_households_with_fractions_break_no_rule(seed: int) -> None:
    rng = Random(seed)
    start = random_state(rng)
    start = replace(
        start,
        accounts=tuple(replace(one, quantum=rng.choice([Q, D(1)])) for one in start.accounts),
    )
    try:
        found = best_trades(start, risk(len(universe(start))))
    except Infeasible:
        assert start.cash < household_band(start)[0] or not start.buyable
        return
    assert verify(found.trades, start) == []
    assert all(dollars >= 0 for dollars in found.cash_after.values())
