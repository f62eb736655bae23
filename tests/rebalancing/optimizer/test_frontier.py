"""The frontier: whole, checked solutions from the least paid to the nearest to the model."""

import numpy as np
import pytest

from rebalancing.errors import BadProblem, Infeasible, SolverTimeout
from rebalancing.optimizer import frontier, solve
from tests.rebalancing.optimizer.households import (
    ST_GAINS,
    assert_proven,
    household,
    one_security,
)


@pytest.mark.parametrize(
    "changes",
    [{}, {"location": True, "impact": True}, {"min_trade": 0.002}, {"later": True}],
    ids=str,
)
def test_seven_proven_points_fall_in_risk_and_rise_in_what_is_paid(changes):
    problem = household(3, n=10, lots=40, **changes)
    found = frontier(problem)
    assert len(found) == 7
    risks, paid = [p.active_risk for p in found], [p.paid for p in found]
    assert all(np.diff(risks) < 0.0)
    assert all(np.diff(paid) > 0.0)
    for point in found:
        priced = problem.replace(risk_aversion=point.risk_aversion)
        assert_proven(priced, point.solution)
        assert point.solution.status == "optimal"
        assert point.active_risk == point.solution.active_risk


def test_the_problems_own_solution_is_among_them():
    problem = household(4, n=8, lots=32)
    own = solve(problem)
    (given,) = [point for point in frontier(problem) if point.is_given]
    np.testing.assert_array_equal(given.solution.buys, own.buys)
    np.testing.assert_array_equal(given.solution.sells, own.sells)
    assert given.risk_aversion == problem.risk_aversion
    assert given.paid == pytest.approx(own.cost + own.tax, abs=1e-12)


def test_the_ends_are_the_least_paid_and_the_nearest_to_the_model():
    problem = household(5, n=8, lots=32)
    cheap, *_, dear = frontier(problem)
    free_of_risk = solve(problem.replace(risk_aversion=0.0))
    assert cheap.paid == pytest.approx(free_of_risk.cost + free_of_risk.tax, abs=1e-6)
    for price in (1e3, 1e4):
        nearer = solve(problem.replace(risk_aversion=price))
        assert dear.active_risk <= nearer.active_risk + 1e-6


def test_no_point_is_far_from_its_neighbours():
    """Widest gaps first: no step is more than 45 % of the frontier on both axes together."""
    found = frontier(household(6, n=20, accounts=1, lots=60))
    risks = np.array([p.active_risk for p in found])
    paid = np.array([p.paid for p in found])
    steps = np.hypot(np.diff(risks) / np.ptp(risks), np.diff(paid) / np.ptp(paid))
    assert len(found) == 7
    assert steps.max() < 0.45


def test_by_hand_one_overweight_goes_from_no_trade_to_all_of_it():
    # 0.3 too much at 0.081 a dollar: kept while 2 * price * 0.04 * 0.3 < 0.081.
    problem = one_security(weight=0.9, gains=(0.2,), tax=ST_GAINS, risk_aversion=1.0)
    first, *_, last = frontier(problem)
    assert first.paid == 0.0
    assert first.active_risk == pytest.approx(0.2 * 0.3)
    assert last.active_risk == pytest.approx(0.0, abs=1e-4)
    assert last.paid == pytest.approx(0.3 * 0.081, abs=1e-4)


def test_where_nothing_can_be_traded_there_is_one_point():
    stuck = one_security(gains=(0.0,), may_buy=[False], lot_sellable=[0.0])
    (only,) = frontier(stuck)
    assert only.is_given


def test_what_the_problem_refuses_the_frontier_refuses():
    with pytest.raises(Infeasible):
        frontier(one_security(gains=(0.0,), lower=[0.9], may_buy=[False]))
    with pytest.raises(SolverTimeout):
        frontier(household(3, n=6), time_limit=0.0)
    with pytest.raises(BadProblem, match="3 or more"):
        frontier(household(3, n=6), points=2)


def test_floors_hold_along_the_whole_frontier():
    problem = household(3, n=8, lots=32)
    lot = int(np.argmax(problem.lot_sellable))
    floor = np.zeros(32)
    floor[lot] = problem.lot_sellable[lot]
    for point in frontier(problem.replace(sell_floor=floor, cash_max=np.ones(3))):
        assert point.solution.sells[lot] == pytest.approx(floor[lot], abs=1e-12)
