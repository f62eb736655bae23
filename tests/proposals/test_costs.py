from decimal import Decimal

import pytest

from proposals.costs import Commission, TradeCost, TradingCosts

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
