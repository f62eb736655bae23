"""Limits on several securities and cash together: by hand, against other solvers, and what the bound owes them."""

from dataclasses import replace

import numpy as np
import pytest

from rebalancing.errors import BadProblem, Infeasible
from rebalancing.optimizer import evaluate, solve
from rebalancing.optimizer.conflicts import JOINT, explain
from rebalancing.optimizer.joint_limits import JointLimits
from rebalancing.optimizer.objective import cash_after, sold_by_position
from rebalancing.optimizer.price_ascent import raised
from rebalancing.optimizer.problem import summed
from rebalancing.optimizer.security_bounds import alone_at
from tests.rebalancing.optimizer.households import (
    assert_proven,
    brute_force,
    household,
    one_security,
    random_feasible,
)
from tests.rebalancing.optimizer.independent import mixed_integer
from tests.rebalancing.optimizer.test_smallest_trade import (
    bound,
    disturbed,
    keeps_the_smallest,
    searched,
)


def joint(weights, *, cash=0.0, low=-np.inf, high=np.inf):
    """One row."""
    return JointLimits(
        weights=np.array([weights], dtype=np.float64), cash=np.array([cash]), low=np.array([low]),
        high=np.array([high]),
    )  # fmt: skip


def values(problem, buys, sells):
    """What the rows come to after the trades."""
    n = len(problem.targets)
    after = problem.weights + buys - sold_by_position(problem, sells)
    cash = float(cash_after(problem, buys, sells).sum())
    return problem.joint.values(summed(problem.position_security, after, n), cash)


def tightened(problem, seed, *, rows=3, by=0.01):
    """The household with limits on random sums that its free optimum misses by so much."""
    random = np.random.default_rng(seed)
    n = len(problem.targets)
    sums = JointLimits(
        weights=(random.random((rows, n)) < 0.5) * random.choice([1.0, 0.5, -0.4], (rows, n)),
        cash=random.choice([0.0, 1.0], rows), low=np.full(rows, -np.inf), high=np.full(rows, np.inf),
    )  # fmt: skip
    free = solve(problem)
    at = values(problem.replace(joint_limits=sums), free.buys, free.sells)
    upward = random.random(rows) < 0.5
    limited = replace(
        sums, low=np.where(upward, at + by, at - 0.5), high=np.where(upward, at + 0.5, at - by)
    )
    return problem.replace(joint_limits=limited), free


# By hand --------------------------------------------------------------------------------------------


def test_a_sector_is_brought_to_its_limit_where_that_costs_least():
    """Two names at 30 % each, 52 % allowed together: the one without a gain is sold, as risk is equal."""
    problem = household(0, n=2, accounts=1, lots=2).replace(
        weights=np.array([0.3, 0.3]), targets=np.array([0.3, 0.3]), cash=np.array([0.4]),
        cash_min=np.zeros(1), cash_max=np.ones(1), may_buy=np.zeros(2, np.bool_),
        lot_weight=np.array([0.3, 0.3]), lot_sellable=np.array([0.3, 0.3]),
        lot_gain=np.array([0.5, 0.0]), lot_position=np.array([0, 1]), cost_rates=np.full(2, 0.001),
        lot_is_taxable=np.ones(2, np.bool_), risk_aversion=1e-3, upper=np.ones(2),
        joint_limits=joint([1.0, 1.0], high=0.52),
    )  # fmt: skip
    solution = solve(problem)
    assert solution.sells == pytest.approx([0.0, 0.08], abs=1e-8)
    assert solution.gap_bp < 1e-3
    assert_proven(problem, solution)


def test_cash_of_all_accounts_counts_after_its_costs():
    """60 % invested, 45 % cash asked for: 5 % more, and a thousandth of what is sold for it."""
    problem = one_security(joint_limits=joint([0.0], cash=1.0, low=0.45))
    solution = solve(problem)
    assert solution.sells.sum() == pytest.approx(0.05 / 0.999, abs=1e-8)
    assert_proven(problem, solution)


def test_without_a_row_that_binds_nothing_changes():
    problem = household(3)
    wide = joint(np.ones(6), cash=1.0, low=-5.0, high=5.0)
    assert solve(problem.replace(joint_limits=wide)).objective == pytest.approx(
        solve(problem).objective, abs=1e-9
    )


# Against others --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_it_matches_brute_force_over_sides_and_regions(seed):
    problem, free = tightened(household(seed, impact=seed % 2 == 1, location=seed % 3 == 0), seed)
    solution = solve(problem)
    assert_proven(problem, solution)
    best, _ = brute_force(problem)
    assert solution.objective == pytest.approx(best, abs=2e-8)
    assert solution.gap_bp < 1.0
    assert solution.objective > free.objective + 1e-7  # the rows bind


@pytest.mark.parametrize("seed", range(4))
def test_cvxpy_agrees_with_the_direct_path(seed):
    problem, _ = tightened(household(seed, n=5, lots=18, impact=seed % 2 == 0), seed)
    ours, theirs = solve(problem), solve(problem, engine="cvxpy")
    assert ours.objective == pytest.approx(theirs.objective, abs=1e-7)


@pytest.mark.parametrize(("seed", "smallest"), [(0, 0.0), (1, 0.0), (2, 0.004), (5, 0.008)])
def test_i12_one_mixed_integer_program_by_scip(seed, smallest):
    problem, _ = tightened(household(seed, n=6, lots=20, min_trade=smallest), seed)
    solution = solve(problem)
    assert_proven(problem, solution)
    assert keeps_the_smallest(problem, solution.buys, solution.sells)
    best = mixed_integer(problem, scip_params={"limits/gap": 1e-7})
    assert solution.bound <= best + 1e-7
    assert solution.objective <= best + 1e-5  # 0.1 bp


# The bound -------------------------------------------------------------------------------------------


def loose(seed, **changes):
    """A household with limits that random trades keep often enough."""
    return tightened(household(seed, **changes), seed, by=-0.01)[0]


@pytest.mark.parametrize("seed", range(6))
def test_at_any_prices_the_bound_is_below_every_feasible_trade(seed):
    random = np.random.default_rng(seed)
    problem = loose(
        seed, n=6, lots=24, accounts=2, impact=seed % 2 == 0, min_trade=0.004 * (seed % 3)
    )
    search, prices, _ = searched(problem)
    small = search.problem
    found = [random_feasible(small, random) for _ in range(2000)]
    kept = [one for one in found if one is not None and keeps_the_smallest(small, *one)]
    least = min([solve(problem).objective, *(evaluate(small, *one).objective for one in kept)])
    for size in (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0):
        assert bound(search, disturbed(prices, random, size)) <= least


def convex(seed, **changes):
    """Gains only, in a year that nets to gains whatever is sold: no sides, one tax piece."""
    free = household(seed, n=6, lots=24, accounts=2, **changes)
    return free.replace(
        lot_gain=np.abs(free.lot_gain), tax=replace(free.tax, st_realised=1.0, lt_realised=1.0)
    )


@pytest.mark.parametrize("seed", range(6))
def test_at_the_prices_of_limits_that_bind_the_bound_comes_up_to_the_optimum(seed):
    problem, _ = tightened(convex(seed, impact=seed % 2 == 0), seed)
    search, prices, best = searched(problem)
    assert np.abs(prices.joint).max() > 1e-4
    assert bound(search, prices) == pytest.approx(best.objective, abs=1e-7)
    without = replace(prices, joint=np.zeros_like(prices.joint))
    assert bound(search, without) < best.objective - 1e-6


def test_better_prices_of_limits_prove_more_and_never_too_much():
    better = 0
    for seed in range(4):
        problem, _ = tightened(convex(seed), seed)
        search, prices, best = searched(problem)
        limits = search.buy_max, search.sell_max, search.gains
        without = replace(prices, joint=np.zeros_like(prices.joint))
        alone = alone_at(search.problem, without, search.buy_max, search.sell_max)
        (piece,) = search.pieces
        before = alone.bound(search.problem, piece, search.gains)
        after, there = raised(search.problem, alone, piece, limits, best.objective)
        assert before <= after <= best.objective
        better += after > before + 1e-6 and bool(np.abs(there.prices.joint).max() > 0.0)
    assert better >= 3


# Where they cannot be kept ---------------------------------------------------------------------------


def test_the_limit_that_cannot_be_kept_is_named_with_the_least_that_helps():
    problem = one_security(
        joint_limits=joint([1.0], high=0.2), lot_sellable=np.array([0.1]), may_buy=np.array([False])
    )
    with pytest.raises(Infeasible, match="most of joint limit 0") as refused:
        solve(problem)
    (relaxation,) = refused.value.relaxations
    assert relaxation.amount == pytest.approx(0.3, abs=1e-7)
    assert_proven(relaxation.applied_to(problem), solve(relaxation.applied_to(problem)))
    assert "what may be sold" in str(refused.value)


def test_only_the_limits_that_may_give_do():
    """Cash has a ceiling: the cheapest relaxation would be its own, a joint limit has to give instead."""
    problem = one_security(
        joint_limits=joint([2.0], high=0.8), cash_max=np.array([0.5]), may_buy=np.array([False])
    )
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert [one.limit for one in refused.value.relaxations] == ["cash_max"]
    given = explain(problem, refused.value, JOINT)
    assert [one.limit for one in given.relaxations] == ["joint_high"]
    relaxed = given.relaxations[0].applied_to(problem)
    solution = solve(relaxed)
    assert_proven(relaxed, solution)
    assert solution.sells.sum() == pytest.approx(
        0.1, abs=1e-6
    )  # what the sale costs is no way to have less cash


def test_where_they_are_not_the_reason_the_same_error_comes_back():
    problem = one_security(
        joint_limits=joint([1.0], high=0.9), cash_min=np.array([1.5]), cash_max=np.array([2.0])
    )
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert explain(problem, refused.value, JOINT) is refused.value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": np.ones(2)}, "weights has 1 dimensions"),
        ({"weights": np.array([[np.nan]])}, "joint_limits.weights holds nan"),
        ({"cash": np.zeros(2)}, r"joint_limits.cash has shape \(2,\)"),
        ({"low": np.array([0.7]), "high": np.array([0.6])}, "low is above high in row 0"),
        ({"low": np.array([np.inf])}, "joint_limits.low holds inf"),
    ],
)
def test_bad_limits_are_refused(changes, words):
    row = {
        "weights": np.ones((1, 1)), "cash": np.zeros(1), "low": np.array([-np.inf]),
        "high": np.array([np.inf]),
    }  # fmt: skip
    with pytest.raises(BadProblem, match=words):
        JointLimits(**{**row, **changes})
    with pytest.raises(BadProblem, match="has 2 securities in a row; the problem has 1"):
        one_security(joint_limits=joint([1.0, 1.0]))


def test_a_limit_that_is_kept_does_not_give_for_one_that_is_not():
    """60 % held, 40 % allowed, and 50 % wanted of what is worth half: the first gives only as far as the second."""
    rows = JointLimits(
        weights=np.array([[1.0], [0.5]]), cash=np.zeros(2), low=np.array([-np.inf, 0.25]),
        high=np.array([0.4, np.inf]),
    )  # fmt: skip
    problem = one_security(joint_limits=rows, may_buy=np.array([False]))
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    (relaxation,) = explain(problem, refused.value, JOINT).relaxations
    assert (relaxation.limit, relaxation.row) == ("joint_high", 0)
    assert relaxation.amount == pytest.approx(0.1, abs=1e-6)
    solution = solve(relaxation.applied_to(problem))
    assert solution.sells.sum() == pytest.approx(0.1, abs=1e-6)


def test_what_cannot_be_kept_is_not_brought_nearer_by_what_trading_costs():
    """60 % held, 45 % of cash at most: 5 % is sold, not all of it and the most of that bought back to pay for it."""
    problem = household(0, n=2, accounts=1, lots=2).replace(
        weights=np.array([0.3, 0.3]), targets=np.array([0.3, 0.3]), cash=np.array([0.4]),
        cash_min=np.zeros(1), cash_max=np.array([0.45]), may_buy=np.ones(2, np.bool_),
        lot_weight=np.array([0.3, 0.3]), lot_sellable=np.array([0.3, 0.3]),
        lot_gain=np.array([0.5, 0.5]), lot_position=np.array([0, 1]), cost_rates=np.full(2, 0.001),
        lot_is_taxable=np.ones(2, np.bool_), upper=np.ones(2),
        joint_limits=joint([1.0, 1.0], high=0.3),
    )  # fmt: skip
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    (relaxation,) = explain(problem, refused.value, JOINT).relaxations
    assert relaxation.amount == pytest.approx(0.25, abs=1e-6)
    solution = solve(relaxation.applied_to(problem))
    assert solution.sells.sum() == pytest.approx(0.05, abs=1e-6)
    assert solution.buys.sum() == pytest.approx(0.0, abs=1e-6)
