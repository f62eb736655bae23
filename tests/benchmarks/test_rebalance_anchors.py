"""What the optimiser is measured against must itself be right: textbook functions, SLSQP, cvxpy, SCIP, the peer."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.rebalance import anchors, convex, fixed_sides, ours, peer, regions, slsqp
from benchmarks.rebalance.instances import WithoutLots, Year, make, make_without_lots
from rebalancing.optimizer import TaxSchedule, evaluate, solve
from rebalancing.optimizer.objective import cash_after, worst_violation

BASIS_POINT = 1e-4


def two_names(*, current: float, cost: float) -> WithoutLots:
    """Half and half is wanted; uncorrelated, 20 % of risk each."""
    return WithoutLots(
        name="two",
        current=np.array([current, 1.0 - current]),
        target=np.array([0.5, 0.5]),
        loadings=np.zeros((2, 0)),
        specific_variance=np.full(2, 0.04),
        cost_rates=np.full(2, cost),
    )


def textbook(account: WithoutLots) -> np.ndarray:
    return anchors.optimal_rebalance(
        account.current, account.target, account.covariance, account.cost_rates
    )


def value(account: WithoutLots, weights: np.ndarray) -> float:
    return anchors.value(
        weights, account.current, account.target, account.covariance, account.cost_rates
    )


# The textbook's functions -------------------------------------------------------------------------


def test_the_threshold_moves_everything_once_one_name_is_more_than_five_points_away():
    target = np.array([0.4, 0.3, 0.3])
    current = np.array([0.46, 0.28, 0.26])
    assert anchors.threshold_rebalance(current, target).tolist() == target.tolist()


def test_the_threshold_leaves_what_is_exactly_at_its_band():
    target, current = np.array([0.5, 0.5]), np.array([0.5625, 0.4375])
    assert anchors.threshold_rebalance(current, target, band=0.0625).tolist() == current.tolist()


def test_what_the_threshold_returns_is_a_copy():
    current = np.array([0.5, 0.5])
    anchors.threshold_rebalance(current, current)[0] = 9.0
    assert current[0] == 0.5


def test_slsqp_without_costs_goes_to_the_target():
    account = two_names(current=0.7, cost=0.0)
    assert textbook(account) == pytest.approx(account.target, abs=1e-4)


def test_slsqp_stops_near_where_marginal_risk_is_the_cost_of_two_trades():
    # Both names move by x: 2 x 0.04 (0.2 - x)^2 + 2 x 0.002 x, so 0.16 (0.2 - x) = 0.004.
    account = two_names(current=0.7, cost=0.002)
    assert textbook(account)[0] == pytest.approx(0.5 + 0.025, abs=2e-3)


def test_our_optimum_of_the_problem_without_lots_is_the_one_found_by_hand():
    account = two_names(current=0.7, cost=0.002)
    weights = anchors.weights_of(anchors.as_problem(account))
    assert weights == pytest.approx([0.525, 0.475], abs=1e-6)


@pytest.mark.parametrize("size", [20, 50])
def test_the_optimiser_minimises_the_same_value_but_for_a_constant(size):
    account = make_without_lots(size, seed=3)
    problem = anchors.as_problem(account)
    solution = solve(problem)
    weights = problem.weights + solution.buys - solution.sells
    constant = float(account.cost_rates @ account.current)
    assert solution.objective - constant == pytest.approx(value(account, weights), abs=1e-12)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert value(account, weights) <= value(account, textbook(account)) + 1e-10


# SLSQP, cvxpy and SCIP on lots --------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(Year))
def account(request):
    return make(20, seed=2, year=request.param)


@pytest.fixture(scope="module")
def fixed(account):
    return fixed_sides.of_solution(account.problem, solve(account.problem))


def test_the_convex_step_has_one_value_for_our_solver_cvxpy_and_slsqp(account, fixed):
    problem = account.problem
    naive = convex.solve_fixed(fixed)
    found = {
        "ours": ours.fixed_step(fixed)(),
        "cvxpy": (naive.buys, naive.sells),
        "slsqp": slsqp.solve(fixed, in_region=True),
    }
    values = {name: evaluate(problem, *trades).objective for name, trades in found.items()}
    assert values["cvxpy"] == pytest.approx(values["ours"], abs=0.001 * BASIS_POINT)
    assert values["slsqp"] == pytest.approx(values["ours"], abs=0.001 * BASIS_POINT)
    assert naive.claimed == pytest.approx(values["cvxpy"], abs=1e-9)  # it prices what we price
    assert solve(problem).objective == pytest.approx(values["ours"], abs=0.001 * BASIS_POINT)


def test_what_slsqp_minimises_has_the_derivatives_it_is_told(fixed):
    search = slsqp._Search(fixed, in_region=False)
    at = 0.4 * search.most
    for i in range(0, search.width, 7):
        step = np.zeros(search.width)
        step[i] = 1e-6
        slope = (search.value(at + step) - search.value(at - step)) / 2e-6
        assert search.gradient(at)[i] == pytest.approx(slope, abs=1e-7)


def test_sides_by_a_rule_keep_the_wash_sale_rule_and_are_no_better_than_ours(account):
    problem = account.problem
    trades = slsqp.solve(slsqp.by_rule(problem), in_region=False)
    assert worst_violation(problem, *trades).amount <= 1e-8
    assert evaluate(problem, *trades).objective >= solve(problem).objective - 1e-10


def test_the_plain_relaxation_washes_and_looks_too_good(account):
    problem = account.problem
    plain = convex.solve_plain(problem)
    worst = worst_violation(problem, plain.buys, plain.sells)
    assert worst.constraint.startswith("loss sold and bought in group")
    assert worst.amount > 0.001
    assert plain.claimed < solve(problem).bound - 5 * BASIS_POINT


def test_scip_finds_our_optimum_and_proves_it():
    problem = make(20, seed=1, year=Year.GAINS).problem
    found = convex.solve_with_scip(problem, seconds=60.0)
    assert found is not None
    assert found.proven
    solution = solve(problem)
    assert worst_violation(problem, found.buys, found.sells).amount <= 1e-7
    assert evaluate(problem, found.buys, found.sells).objective == pytest.approx(
        solution.objective, abs=0.01 * BASIS_POINT
    )
    assert found.bound == pytest.approx(solution.objective, abs=0.01 * BASIS_POINT)


def test_the_regions_of_the_tax_are_those_of_the_law():
    tax = TaxSchedule(0.4, 0.2, 0.0, 0.0, 0.003, 0.37, 0.1)
    points = [(0.02, 0.01), (0.02, -0.01), (-0.01, 0.02), (-0.001, -0.001), (0.001, -0.02)]
    names = []
    for short, long in points:
        region = next(one for one in regions.regions(tax) if one.holds(short, long))
        names.append(region.name)
        told = region.short * short + region.long * long + region.constant
        assert told == pytest.approx(tax.year_tax(short, long), abs=1e-15)
    assert len(set(names)) == 5


# The peer package ---------------------------------------------------------------------------------


def test_the_peer_gets_the_same_dollars_lots_and_targets():
    problem = make(20, seed=1, year=Year.GAINS).problem
    told = peer.as_account(problem)
    unsold = 1.0 - problem.lot_sellable.sum() - problem.cash[0]
    assert sum(lot["shares"] for lot in told["lots"]) * peer.PRICE + told["cash"] == pytest.approx(
        peer.VALUE * (1.0 - unsold - problem.cash_min[0])
    )
    assert sum(told["targets"].values()) == pytest.approx(1.0, abs=1e-12)
    assert len(told["lots"]) == (problem.lot_sellable > 0).sum()
    assert set(told["restricted"]) == {
        "cash", *(f"S{i:04d}" for i in np.flatnonzero(~problem.may_buy))
    }  # fmt: skip


def test_the_peer_is_told_rates_at_which_the_year_stands():
    problem = make(20, seed=1, year=Year.GAINS).problem
    loss = problem.replace(tax=replace(problem.tax, st_realised=-0.5, lt_realised=-0.5))
    assert (peer.as_account(problem)["short_rate"], peer.as_account(problem)["long_rate"]) == (
        problem.tax.st_rate,
        problem.tax.lt_rate,
    )
    assert peer.as_account(loss)["long_rate"] == problem.tax.carried_loss_value


def test_what_the_peer_says_comes_back_as_weights_that_are_paid_for():
    problem = make(20, seed=1, year=Year.GAINS).problem
    lot = int(np.argmax(problem.lot_sellable))
    answer = {
        "feasible": True, "searched": 1, "objective_dollars": 0.0, "cpu_seconds": 1.0, "wall_seconds": 2.0,
        "trades": [
            {"side": "BUY", "ticker": "S0003", "shares": 5_000.0},
            {"side": "SELL", "lot_id": str(lot), "shares": 10.0},
        ],
    }  # fmt: skip
    found = peer.read(problem, answer)
    assert found is not None
    assert found.sells[lot] == pytest.approx(0.001)
    assert 0.0 < found.buys[3] < 0.5  # half of the account was asked for, the cash pays a hundredth
    assert cash_after(problem, found.buys, found.sells)[0] == pytest.approx(problem.cash_min[0])
    assert peer.read(problem, {"feasible": False}) is None


def test_the_peer_refuses_what_it_cannot_be_told():
    problem = make(20, seed=1, year=Year.GAINS).problem
    two = problem.replace(cash=np.zeros(2), cash_min=np.zeros(2), cash_max=np.ones(2))
    with pytest.raises(ValueError, match="one account"):
        peer.as_account(two)


@pytest.mark.skipif(not peer.is_installed(), reason="`make bench` installs taxrebalance")
@pytest.mark.slow
def test_the_peers_own_objective_is_ours_for_its_trades():
    """With one rate of cost nothing is lost in translation."""
    problem = make(6, seed=1, year=Year.GAINS).problem
    problem = problem.replace(cost_rates=np.full(6, 0.0004))
    (found,) = peer.solve([problem], repeats=1)
    assert found is not None
    own = found.objective_dollars / peer.VALUE
    assert own == pytest.approx(
        evaluate(problem, found.buys, found.sells).objective, abs=0.001 * BASIS_POINT
    )
    assert own >= solve(problem).objective
