"""Floors and caps of single trades: rows an adviser fixed, lots that must go, buys that are capped."""

import itertools

import numpy as np
import pytest

from rebalancing.errors import Infeasible
from rebalancing.optimizer import Problem, Solution, conic, solve
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.objective import worst_violation
from rebalancing.optimizer.sides import open_search
from rebalancing.optimizer.subproblem import Status, Subproblem
from tests.rebalancing.optimizer.households import (
    ST_GAINS,
    assert_proven,
    brute_force,
    household,
    one_security,
    raw_regions,
)


def floored(seed, **changes):
    """A random household with floors on buys, gain sales and loss sales, and caps on buys."""
    random = np.random.default_rng(100 + seed)
    problem = household(seed, **changes)
    m, lots = len(problem.weights), len(problem.lot_weight)
    return problem.replace(
        buy_floor=np.where(problem.may_buy & (random.random(m) < 0.1), 0.002, 0.0),
        buy_cap=np.where(random.random(m) < 0.2, 0.002, np.inf),
        sell_floor=problem.lot_sellable * random.choice([0.0, 0.0, 0.0, 0.4, 1.0], lots),
        cash_max=np.ones(3),
        upper=np.ones(len(problem.targets)),
    )


def solvable(*, count, **changes):
    """The first seeds whose floors do not contradict each other: problems and answers."""
    found: list[tuple[Problem, Solution]] = []
    for seed in itertools.count():
        if len(found) == count:
            break
        problem = floored(seed, **changes)
        try:
            found.append((problem, solve(problem)))
        except Infeasible:
            continue
    return found


@pytest.mark.parametrize(("count", "later"), [(8, False), (4, True)])
def test_floors_and_caps_match_brute_force_over_sides_and_regions(count, later):
    for problem, solution in solvable(count=count, n=4, lots=16, later=later):
        best, _ = brute_force(problem)
        assert_proven(problem, solution)
        assert solution.objective == pytest.approx(best, abs=3e-8)
        assert solution.bound <= best + 1e-9
        assert np.all(solution.buys >= problem.buy_floor - 1e-12)
        assert np.all(solution.buys <= problem.buy_cap + 1e-12)
        assert np.all(solution.sells >= problem.sell_floor - 1e-12)


def test_floors_and_caps_are_the_same_problem_in_cvxpy():
    """Solutions, and every relaxation: a floor of a gain sale is shared between the sides."""
    from rebalancing.optimizer.model import solve_cvxpy

    for problem, solution in solvable(count=2, n=3, lots=12, impact=True, later=True):
        oracle = solve(problem, engine="cvxpy")
        assert solution.objective == pytest.approx(oracle.objective, abs=1e-7)
        small = condense(problem).problem
        search = open_search(small, conic.solve_conic)
        for region in raw_regions(problem.tax):
            sub = Subproblem(
                small, region, search.buy_max, search.sell_max, small.least_buys,
                small.least_sells, search.either_or,
            )  # fmt: skip
            direct, model = conic.solve_conic(sub, None), solve_cvxpy(sub, None)
            assert direct.status == model.status
            if direct.status is Status.OPTIMAL:
                assert direct.bound == pytest.approx(model.bound, abs=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_fixing_every_trade_of_the_answer_gives_the_answer(seed):
    problem = household(seed, n=6, lots=24)
    free = solve(problem)
    fixed = problem.replace(
        buy_floor=free.buys,
        buy_cap=free.buys,
        sell_floor=np.minimum(free.sells, problem.lot_sellable),
    )
    again = solve(fixed)
    np.testing.assert_allclose(again.buys, free.buys, atol=1e-12)
    assert again.objective == pytest.approx(free.objective, abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_a_floor_never_makes_the_answer_better(seed):
    problem = household(seed, n=6, lots=24)
    free = solve(problem)
    lot = int(np.argmax(problem.lot_sellable - free.sells))
    floor = np.zeros(24)
    floor[lot] = 0.5 * (problem.lot_sellable[lot] + free.sells[lot])
    held = solve(problem.replace(sell_floor=floor, cash_max=np.ones(3)))
    assert held.sells[lot] >= floor[lot]
    assert held.bound > free.bound


def test_a_loss_that_must_be_sold_forbids_buying_its_group():
    problem = one_security(weight=0.3, target=0.6, gains=(-0.2,), tax=ST_GAINS, risk_aversion=50.0)
    assert solve(problem).sides == {0: "buy"}
    must = problem.replace(sell_floor=[0.1])
    solution = solve(must)
    assert solution.sides == {0: "harvest"}
    assert solution.buys[0] == 0.0
    assert solution.sells[0] == pytest.approx(0.1, abs=1e-9)


def test_a_buy_that_must_be_made_forbids_selling_its_loss():
    problem = one_security(gains=(-0.3,), tax=ST_GAINS, risk_aversion=1.0)
    assert solve(problem).sides == {0: "harvest"}
    solution = solve(problem.replace(buy_floor=[0.05]))
    assert solution.sides == {0: "buy"}
    assert solution.sells[0] == 0.0
    assert solution.buys[0] == pytest.approx(0.05, abs=1e-6)


def test_a_trade_with_a_floor_is_kept_below_the_smallest_trade():
    problem = one_security(gains=(0.0,), cost_rates=[0.01], min_trade=0.05, buy_floor=[0.01])
    assert solve(problem).buys[0] == pytest.approx(0.01, abs=1e-12)
    problem = one_security(
        gains=(0.5,), tax=ST_GAINS, min_trade=0.05, sell_floor=[0.01], risk_aversion=0.1
    )
    assert solve(problem).sells[0] == pytest.approx(0.01, abs=1e-12)


def test_equal_lots_of_which_one_must_go_are_told_apart():
    """The search merges lots it cannot tell apart; the floor still falls to its own lot."""
    problem = one_security(gains=(0.2, 0.2, 0.2), tax=ST_GAINS, sell_floor=[0.0, 0.15, 0.0])
    np.testing.assert_allclose(solve(problem).sells, [0.0, 0.15, 0.0], atol=1e-9)


def test_a_capped_buy_stops_at_its_cap():
    problem = one_security(weight=0.5, gains=(0.0,))
    assert solve(problem).buys[0] > 0.08
    assert solve(problem.replace(buy_cap=[0.03])).buys[0] == pytest.approx(0.03, abs=1e-8)
    assert solve(problem.replace(buy_cap=[0.0])).buys[0] == 0.0


def test_a_floor_missed_is_a_violation():
    problem = one_security(gains=(0.0,), buy_floor=[0.1])
    missed = worst_violation(problem, np.array([0.04]), np.zeros(1))
    assert missed.constraint == "buy below its floor in position 0"
    assert missed.amount == pytest.approx(0.06)
