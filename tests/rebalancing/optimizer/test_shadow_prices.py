"""Prices of the caps on gains and tax: against finite differences and by hand."""

from dataclasses import replace

import numpy as np
import pytest

from rebalancing.errors import BadProblem
from rebalancing.optimizer import solve, tracking_bought
from tests.rebalancing.optimizer.households import LT_GAINS, ST_GAINS, household, one_security

STEP = 2e-5


def overweight(cap, **changes):
    """Sells short-term gains until 2 * 10 * 0.04 * d = 0.2 * 0.4 + 0.001, or the cap."""
    tax = replace(ST_GAINS, max_st_gain=cap)
    return one_security(weight=0.9, gains=(0.2,), tax=tax, risk_aversion=10.0, **changes)


def test_the_price_of_a_gain_cap_by_hand():
    # With 0.01 of gain 0.05 is sold and d = 0.25: each dollar more of gain sells 5, and each
    # of these saves 2 * 10 * 0.04 * 0.25 of risk for 0.08 of tax and 0.001 of cost.
    solution = solve(overweight(0.01))
    assert solution.shadow_prices == {"max_st_gain": pytest.approx(5 * (0.2 - 0.081), rel=1e-4)}


def test_a_cap_that_does_not_bind_costs_nothing():
    assert solve(overweight(0.2)).shadow_prices["max_st_gain"] == pytest.approx(0.0, abs=1e-6)


def test_without_caps_there_are_no_prices():
    assert solve(one_security(gains=(0.2,))).shadow_prices == {}


def test_a_cap_of_nothing_that_forbids_every_trade_has_its_price():
    solution = solve(overweight(0.0, may_buy=[False]))
    assert not solution.sells.any()
    assert solution.shadow_prices["max_st_gain"] == pytest.approx(5 * (0.24 - 0.081), rel=1e-4)


@pytest.mark.parametrize(
    ("cap", "share"),
    [("max_st_gain", 0.7), ("max_lt_gain", 0.4), ("max_tax", 0.5), ("max_net_gain", 0.4)],
)
@pytest.mark.parametrize(("seed", "engine"), [(0, "clarabel"), (6, "clarabel"), (0, "cvxpy")])
def test_prices_are_the_slope_of_the_objective(seed, cap, share, engine):
    gains = np.random.default_rng(seed).uniform(0.1, 0.5, 30)
    free = household(
        seed, n=6, lots=30, tax=LT_GAINS, risk_aversion=300.0, lot_gain=gains,
        cash_min=np.zeros(3), cash_max=np.ones(3),
    )  # fmt: skip
    whole = solve(free)
    most = share * {
        "max_st_gain": whole.st_gain, "max_lt_gain": whole.lt_gain, "max_tax": whole.tax,
        "max_net_gain": whole.st_gain + whole.lt_gain,
    }[cap]  # fmt: skip

    def at(limit):
        return solve(free.replace(tax=replace(LT_GAINS, **{cap: limit})), engine=engine)

    price = at(most).shadow_prices[cap]
    slope = (at(most - STEP).objective - at(most + STEP).objective) / (2 * STEP)
    assert price > 0.01
    assert price == pytest.approx(slope, rel=0.01, abs=2e-3)


def test_what_a_thousand_dollars_of_gain_buy_in_tracking():
    """Told as active risk: lambda (risk^2 - (risk - bought)^2) is the promised fall."""
    problem = overweight(0.01)
    solution = solve(problem)
    bought = tracking_bought(problem, solution, "max_st_gain", 0.001)
    less = solution.active_risk - bought / 1e4
    fall = 10.0 * (solution.active_risk**2 - less**2)
    assert fall == pytest.approx(0.001 * solution.shadow_prices["max_st_gain"])
    assert 5.0 < bought < 50.0
    with pytest.raises(BadProblem, match="max_tax"):
        tracking_bought(problem, solution, "max_tax", 0.001)
    nothing_left = tracking_bought(problem, solution, "max_st_gain", 10.0)
    assert nothing_left == pytest.approx(solution.active_risk * 1e4)
