"""The optima: against the product's optimiser, and the horizon against the sum it was derived from."""

import numpy as np
import pytest

from rebalancing.backtest.book import HALF_SPREAD
from rebalancing.backtest.optimum import (
    Optimum,
    StudyOptimum,
    at_horizon,
    best_trades,
    may_trade,
)
from rebalancing.optimizer import evaluate, solve
from rebalancing.trades.horizons import band, horizons
from tests.rebalancing.backtest.markets import real


def drifted(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    weights = real().targets * np.exp(0.25 * random.standard_normal(20))
    return np.asarray(weights / weights.sum())


def problem_of(seed: int, *, taxed: bool):
    """A problem as the backtest puts it, on real prices; with tax, three lots a name of some tax per dollar each."""
    rule = Optimum(real(), risk_price=float(10 ** (seed % 3)))
    weights = drifted(seed)
    rule(2000 + 300 * seed, weights)  # estimates the risk
    lots = rule._lots(weights, 2000)
    if taxed:
        tax = np.random.default_rng(seed).random(60) * 0.1
        spread = np.array([at_horizon(float(one)) for one in tax])
        lots = (np.repeat(weights / 3, 3), spread, np.repeat(np.arange(20), 3))
    return rule.problem(weights, lots)


@pytest.mark.parametrize("taxed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_trades_of_a_look_are_those_of_the_products_optimiser(seed, taxed):
    problem = problem_of(seed, taxed=taxed)

    proved = solve(problem)
    buys, sells = best_trades(problem)

    ours = evaluate(problem, buys, sells)
    assert proved.objective < proved.no_trade_objective  # there is something to do
    assert ours.objective == pytest.approx(proved.objective, abs=1e-9)
    np.testing.assert_allclose(buys, proved.buys, atol=1e-5)


def test_nothing_is_traded_where_the_quick_look_says_no():
    gradient = np.array([0.0010, 0.0, -0.0006])

    assert may_trade(gradient, 0.0007)
    assert not may_trade(gradient, 0.0009)
    assert not may_trade(gradient, 0.0007, tax=np.array([0.0003, 0.0, 0.0]))


def test_the_studys_optimum_stops_where_a_pair_costs_as_much_as_it_brings():
    """At the answer no pair of names is worth another trade, and none that was traded was not worth its last dollar."""
    rule, weights, ratio = StudyOptimum(real(), 0.001), drifted(1), 0.001
    wanted = rule(2000, weights)

    assert wanted is not None
    gradient = 2 * rule._covariance @ (wanted - real().targets)
    sold, bought = wanted < weights - 1e-6, wanted > weights + 1e-6
    assert not may_trade(gradient, ratio * (1 + 1e-2))
    assert gradient[sold].min() - gradient[bought].max() == pytest.approx(2 * ratio, rel=1e-2)
    assert wanted.sum() == pytest.approx(1.0)


def test_the_band_is_where_risk_and_trading_together_cost_least():
    cost, price, weight, volatility = 0.0005, 10.0, 0.05, 0.3

    def a_year(width: float) -> float:
        risk = price * (volatility * weight * width) ** 2 / 3
        return risk + cost * weight * volatility**2 / (2 * width)

    width = float(band(cost, price, np.array([weight]))[0])
    assert a_year(width) < min(a_year(width * 1.01), a_year(width / 1.01))
    # and with its horizon the objective of one look stops trading exactly there
    horizon = float(horizons(np.array([width]), np.array([volatility]))[0])
    assert 2 * price * horizon * volatility**2 * weight * width == pytest.approx(cost)


def test_a_tax_counts_over_its_own_horizon():
    """A name that costs k times as much: the same band, whether its cost is brought down or its horizon drawn out."""
    tax = 0.05
    times = 1 + tax / HALF_SPREAD
    wide = band(HALF_SPREAD + tax, 10.0, np.array([0.05]))
    narrow = band(HALF_SPREAD, 10.0, np.array([0.05]))

    assert wide / narrow == pytest.approx(times ** (1 / 3))
    assert (HALF_SPREAD + at_horizon(tax)) / HALF_SPREAD == pytest.approx(times ** (1 / 3))
    assert at_horizon(0.0) == 0


def test_a_dearer_risk_means_more_trading():
    weights = drifted(2)
    turnovers = []
    for price in (0.3, 3.0, 30.0):
        wanted = Optimum(real(), price)(2000, weights)
        turnovers.append(0.0 if wanted is None else float(np.abs(wanted - weights).sum()))

    assert turnovers == sorted(turnovers)
    assert turnovers[0] < turnovers[-1]
