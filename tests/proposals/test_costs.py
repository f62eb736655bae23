from dataclasses import replace
from decimal import Decimal

import pytest

from proposals.costs import (
    Commission,
    TradeCost,
    TradingCosts,
    cash_moved,
    cost_of,
    orders_of,
)
from proposals.drafts import problems_of
from tests.proposals.trades import IRA, OLD, SUB, TAXABLE, draft, facts, purchase, sale

D = Decimal


def test_a_commission_is_summed_and_never_below_its_minimum():
    schedule = Commission(
        per_order=D("1"), per_share=D("0.005"), of_amount=D("0.0001"), minimum=D("4.95")
    )
    assert schedule.of(D(100), D(10_000)) == D("4.95")  # 1 + 0.50 + 1 = 2.50
    assert schedule.of(D(1000), D(100_000)) == D("16")  # 1 + 5 + 10


def test_half_the_spread_is_paid_on_the_dollars_traded():
    costs = TradingCosts(half_spreads={7: D("0.0005")})
    assert costs.of(account=1, security=7, shares=D(10), amount=D(8000)) == TradeCost(spread=D(4))


def test_impact_is_that_of_the_square_root_law():
    """1 % of a day's volume at 25.2 % a year: 10,000 x 0.252 x sqrt(0.01 / 252) = $15.87."""
    costs = TradingCosts(volatilities={7: D("0.252")}, daily_volumes={7: D(10_000)})
    cost = costs.of(account=1, security=7, shares=D(100), amount=D(10_000))
    assert round(cost.impact, 2) == D("15.87")
    fourfold = costs.of(account=1, security=7, shares=D(400), amount=D(40_000))
    assert round(fourfold.impact / cost.impact, 10) == 8  # the power 3/2


def test_an_unknown_volume_counts_no_impact_and_no_shares_cost_nothing():
    costs = TradingCosts(commissions={1: Commission(per_order=D(5))}, volatilities={7: D("0.3")})
    assert costs.of(account=1, security=7, shares=D(1), amount=D(50)).total == D(5)
    assert costs.of(account=1, security=7, shares=D(0), amount=D(0)).total == 0


def test_a_float_is_refused():
    with pytest.raises(TypeError, match="Decimal"):
        TradingCosts().of(account=1, security=7, shares=1.0, amount=D(1))  # type: ignore[arg-type]


# Of trades: an order is what costs


COSTS = TradingCosts(
    half_spreads={OLD: D("0.001"), SUB: D("0.002")},
    commissions={TAXABLE: Commission(per_order=D("4.95"))},
)


def test_lots_of_one_sale_are_one_order_and_pay_one_commission():
    """1600 sold and 1520 bought: $4.95 twice, $1.60 and $3.04 of spread."""
    trades = [sale("12"), sale("8"), purchase("19")]
    assert [(one.side, one.shares, one.amount) for one in orders_of(trades)] == [
        ("sell", D(20), D(1600)),
        ("buy", D(19), D(1520)),
    ]
    assert cost_of(trades, COSTS) == TradeCost(commission=D("9.90"), spread=D("4.64"))
    assert cash_moved(trades, COSTS) == {TAXABLE: D("65.46")}


def test_accounts_are_orders_of_their_own():
    trades = [sale("12"), replace(sale("8"), account=IRA)]
    assert cash_moved(trades, COSTS) == {TAXABLE: D("954.09"), IRA: D("639.36")}


def test_impact_is_that_of_the_whole_order():
    """Two lots of one order move the price like one: 400 shares, not twice 200."""
    costs = TradingCosts(volatilities={OLD: D("0.252")}, daily_volumes={OLD: D(10_000)})
    together = cost_of([sale("200"), sale("200")], costs).impact
    assert together == cost_of([sale("400")], costs).impact
    assert together > 2 * cost_of([sale("200")], costs).impact


def test_a_commission_makes_room_in_a_pair_for_one_share_less():
    """$1600 less $81.80 of commissions and spread buys 18 shares of 80; without them 19 would be asked for."""
    costs = TradingCosts(
        half_spreads=COSTS.half_spreads, commissions={TAXABLE: Commission(per_order=D("38.5"))}
    )
    assert problems_of(draft(sale(), purchase("18")), facts(costs=costs)) == ()
    assert [one.code for one in problems_of(draft(sale(), purchase("18")), facts())] == [
        "unbalanced_pair"
    ]
    assert [one.code for one in problems_of(draft(sale(), purchase("17")), facts(costs=costs))] == [
        "unbalanced_pair"
    ]
