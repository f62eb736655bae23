"""What trades cost, from a custodian's schedule and a day's volume to the objective and the verdict (F8-F11)."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from proposals.costs import Commission, TradingCosts, orders_of
from proposals.types import DraftTrade, Side
from rebalancing.household.checks import verify
from rebalancing.optimizer.objective import evaluate
from rebalancing.telling import explanation
from rebalancing.trades import arrays
from rebalancing.trades.best_trades import best_trades
from rebalancing.types import HouseholdState
from tests.rebalancing.states import LIMITS, account, lot, risk, state


def costs(**changes: Any) -> TradingCosts:
    values: dict[str, Any] = {
        "half_spreads": {1: D("0.0005"), 2: D("0.0005")},
        "volatilities": {1: D("0.3"), 2: D("0.3")},
    }
    return TradingCosts(**{**values, **changes})


def household(found: TradingCosts, **changes: Any) -> HouseholdState:
    """$1,000,000: 70 % in S1 at $100 bought at $99, 30 % in S2 at $50; 60 and 38 % are wanted."""
    values: dict[str, Any] = {
        "accounts": (account(1, "20000"),),
        "lots": (lot(1, "7000", "693000", opening=1), lot(2, "5600", "280000", opening=2)),
        "prices": {1: "100", 2: "50"},
        "targets": {1: "0.60", 2: "0.38"},
    }
    return replace(state(**{**values, **changes}), costs=found)


def test_the_objective_has_the_dearest_commission_rate_of_the_accounts() -> None:
    cheap, dear = Commission(of_amount=D("0.0001")), Commission(per_share=D("0.02"))
    start = household(
        costs(commissions={1: cheap, 2: dear}), accounts=(account(1, "20000"), account(2, "0"))
    )
    problem, _ = arrays.build(start, risk(2))
    assert problem.cost_rates == pytest.approx([0.0005 + 0.0002, 0.0005 + 0.0004])


def test_the_impact_of_the_objective_is_that_of_the_orders_in_dollars() -> None:
    """One rule for cash and objective: the 3/2 power of ``proposals.costs`` (F10)."""
    start = household(costs(daily_volumes={1: D(200_000), 2: D(400_000)}))
    problem, index = arrays.build(start, risk(2))
    sold = D(1000)
    trade = DraftTrade(
        account=1, security=1, side=Side.SELL, quantity=sold, price=D(100), reason="", opening=1,
        part=0, basis=D(99_000), term="long",
    )  # fmt: skip
    [order] = orders_of([trade])
    sells = np.array([float(trade.amount / index.value), 0.0])
    found = evaluate(problem, np.zeros(2), sells)
    linear = found.cost - float(sells[0]) * 0.0005
    assert linear * float(index.value) == pytest.approx(float(order.cost(start.costs).impact))
    assert order.cost(start.costs).impact > 100


def test_a_security_that_no_trade_can_move_has_no_impact_in_the_problem() -> None:
    """Half a basis point on the largest sensible trade is not worth a cone."""
    assert arrays.build(household(costs()), risk(2))[0].impact is None
    deep = costs(daily_volumes={1: D(10) ** 11, 2: D(400_000)})
    impact = arrays.build(household(deep), risk(2))[0].impact
    assert impact is not None
    assert (impact[0], impact[1] > 0) == (0.0, True)


def test_impact_makes_the_trade_smaller() -> None:
    free = best_trades(household(costs()), risk(2))
    thin = costs(daily_volumes={1: D(2000), 2: D(4000)})
    dear = best_trades(household(thin), risk(2))
    sold = [
        sum(one.amount for one in found.trades if one.side is Side.SELL) for found in (free, dear)
    ]
    assert 0 < sold[1] < sold[0] * D("0.8")


def test_each_part_of_the_cost_is_shown_exactly() -> None:
    found = costs(
        commissions={1: Commission(per_order=D("4.95"), per_share=D("0.005"))},
        daily_volumes={1: D(200_000), 2: D(400_000)},
    )
    start = household(found)
    figures = best_trades(start, risk(2))
    assert verify(figures.trades, start) == []
    orders = orders_of(figures.trades)
    worth = figures.worth
    shares = sum(order.shares for order in orders)
    assert worth.trading.commission == (D("4.95") * len(orders) + D("0.005") * shares).quantize(
        D("0.01"), "ROUND_CEILING"
    )
    assert worth.trading.spread == sum(order.amount for order in orders) * D("0.0005")
    exact = sum(order.cost(found).impact for order in orders)
    assert 0 <= worth.trading.impact - exact < D("0.01")
    assert worth.cost == worth.trading.total + worth.tax + worth.later_tax
    told = explanation.parts_of(worth)
    assert [name in told for name in ("commission", "spread", "impact", "tax")] == [True] * 4


def test_the_gain_taken_now_lowers_the_tax_of_a_later_sale() -> None:
    """$1 of gain: 23.8 % in ten years at 5 % a year is worth 14.61 cents today; in a retirement account nothing."""
    figures = best_trades(household(costs()), risk(2))
    assert figures.long_gain > 0
    expected = -(figures.long_gain * D("0.238") / D("1.05") ** 10)
    assert abs(figures.worth.later_tax - expected) < D("0.01")
    ira = household(
        costs(),
        accounts=(account(1, "20000", is_taxable=False),),
        lots=(lot(1, "7000", "693000", opening=1, is_taxable=False),
              lot(2, "5600", "280000", opening=2, is_taxable=False)),
    )  # fmt: skip
    assert best_trades(ira, risk(2)).worth.later_tax == 0
    given_away = household(costs(), limits=replace(LIMITS, taxable_sale_chance=D(0)))
    assert best_trades(given_away, risk(2)).worth.later_tax == 0


def test_a_ticket_forbids_orders_that_it_would_eat() -> None:
    """A $9.95 ticket is at most 1 % of its order: nothing below $995 in that account."""
    ticket = costs(commissions={1: Commission(minimum=D("9.95"))})
    start = household(ticket)
    assert (start.smallest_trade(1), start.smallest_trade(2)) == (D(995), D(250))
    trade = DraftTrade(
        account=1, security=1, side=Side.SELL, quantity=D(9), price=D(100), reason="", opening=1,
        part=0, basis=D(891), term="long",
    )  # fmt: skip
    assert any("smallest trade" in text for text in verify([trade], start))
    assert arrays.build(start, risk(2))[0].min_trade == pytest.approx(995e-6)


def test_an_order_above_a_tenth_of_a_day_is_to_be_sliced() -> None:
    start = household(costs(daily_volumes={1: D(9_000), 2: D(10) ** 9}))
    trade = DraftTrade(
        account=1, security=1, side=Side.SELL, quantity=D(1000), price=D(100), reason="",
        opening=1, part=0, basis=D(99_000), term="long",
    )  # fmt: skip
    [told] = explanation.slices([trade], start)
    assert told.startswith("The sale of 1,000 S1 is 11.1 % of what is traded in a day")
    assert explanation.slices([replace(trade, quantity=D(900))], start) == []
