"""Asset location: what yields moves to where it is not taxed, and not for free (F36)."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from proposals.types import Side
from rebalancing.household import location
from rebalancing.household.checks import verify
from rebalancing.trades import arrays
from rebalancing.trades.best_trades import best_trades
from rebalancing.types import HouseholdState
from securities.types import Yields
from tests.rebalancing.states import LIMITS, TAX, account, lot, risk, state

YIELDS = {1: Yields(ordinary=D("0.05")), 2: Yields(qualified=D("0.01"))}


def household(yields: dict[int, Yields] | None = None, **changes: Any) -> HouseholdState:
    """A bond fund S1 in the taxable account, a stock S2 in the Roth, $50,000 each, with hardly a gain, on target."""
    values: dict[str, Any] = {
        "accounts": (account(1, "1000"), account(2, "1000", is_taxable=False)),
        "lots": (
            lot(1, "500", "48000", opening=1),
            lot(2, "500", "50000", opening=2, account=2, is_taxable=False),
        ),
        "prices": {1: "100", 2: "100"},
        "targets": {1: "0.49", 2: "0.49"},
    }
    found = state(**{**values, **changes})
    drags = location.yearly_drags(YIELDS if yields is None else yields, TAX)
    return replace(found, drags=drags)


def test_interest_costs_the_ordinary_rate_and_qualified_dividends_the_long_one() -> None:
    drags = location.yearly_drags({**YIELDS, 3: Yields(exempt=D("0.04"))}, TAX)
    assert drags == {1: D("0.05") * D("0.408"), 2: D("0.01") * D("0.238")}


def test_the_cost_is_a_years_times_the_horizon() -> None:
    """Drag is yearly, trades are paid once: the horizon stands between them, as for risk (T40)."""
    start = household()
    half = D("0.05") * D("0.408") / 2
    assert location.costs(start) == pytest.approx(
        {(1, 1): half, (2, 1): -half, (1, 2): D("0.00119"), (2, 2): D("-0.00119")}
    )
    monthly = replace(start, limits=replace(LIMITS, horizon_years=D("0.25")))
    yearly, quarter = (arrays.build(one, risk(2))[0].location_cost for one in (start, monthly))
    assert yearly is not None
    assert quarter is not None
    assert quarter == pytest.approx(yearly / 4)


def test_one_sort_of_account_has_no_location() -> None:
    taxed = household(accounts=(account(1, "1000"), account(2, "1000")))
    assert location.costs(taxed) is None
    assert arrays.build(taxed, risk(2))[0].location_cost is None
    assert location.costs(household({})) is None


def test_the_average_location_costs_nothing_so_nobody_is_paid_for_holding_less() -> None:
    start = household()
    part = location.taxable_part(start)
    alike = {(1, 1): 500 * part, (2, 1): 500 * (1 - part)}
    assert location.benefit(start, alike) == 0


def test_what_yields_moves_to_where_it_is_not_taxed() -> None:
    """$50,000 at 5 % and 40.8 % cost $1,020 a year in the wrong account; the swap costs four half spreads."""
    start = household()
    figures = best_trades(start, risk(2))
    assert verify(figures.trades, start) == []
    bought = {(one.account, one.security) for one in figures.trades if one.side is Side.BUY}
    assert bought == {(1, 2), (2, 1)}
    saved = figures.location_after - figures.location_before
    # every dollar of S1 that leaves saves 2.04 cents a year, every dollar of S2 that comes costs 0.238
    moved = sum(one.amount for one in figures.trades if one.side is Side.SELL and one.security == 1)
    came = sum(one.amount for one in figures.trades if one.side is Side.BUY and one.security == 2)
    assert saved > 800
    assert abs(saved - (moved * D("0.0204") - came * D("0.00238"))) < 5


def test_without_yields_nothing_moves() -> None:
    assert best_trades(household({}), risk(2)).trades == ()


def test_tax_on_the_gain_keeps_it_where_it_is() -> None:
    """A gain of 90 % at 23.8 % costs far more than two years of drag."""
    start = household(
        lots=(
            lot(1, "500", "5000", opening=1),
            lot(2, "500", "50000", opening=2, account=2, is_taxable=False),
        )
    )
    trades = best_trades(start, risk(2)).trades
    assert not [one for one in trades if (one.security, one.side) == (1, Side.SELL)]


def test_a_loss_does_not_move_into_the_ira() -> None:
    """Selling at a loss and buying in the Roth would lose it for good (R16)."""
    start = household(
        lots=(
            lot(1, "500", "60000", opening=1),
            lot(2, "500", "50000", opening=2, account=2, is_taxable=False),
        )
    )
    trades = best_trades(start, risk(2)).trades
    sides = {(one.side, one.security) for one in trades}
    assert not {(Side.SELL, 1), (Side.BUY, 1)} <= sides
