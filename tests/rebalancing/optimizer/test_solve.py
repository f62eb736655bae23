"""The lot-level optimiser: hand-solved cases, brute force, invariants, restrictions, hard numbers."""

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rebalancing.errors import Unbounded
from rebalancing.optimizer import Problem, conic, sides, solve
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.objective import cash_after, evaluate, washed
from rebalancing.optimizer.sides import open_search
from rebalancing.optimizer.subproblem import Status
from tests.rebalancing.optimizer.households import (
    LT_GAINS,
    NO_TAX,
    ST_GAINS,
    USUAL,
    assert_proven,
    brute_force,
    household,
    in_dollars,
    one_security,
    random_feasible,
    raw_regions,
    shuffled,
)

# Hand-solved cases -------------------------------------------------------------------------------


def test_buys_until_marginal_risk_equals_cost():
    # 2 * 0.04 * d + 0.001 = 0, so d = -0.0125.
    solution = solve(one_security(weight=0.5, gains=(0.0,)))
    assert solution.buys[0] == pytest.approx(0.0875, abs=1e-7)
    assert solution.sells[0] == 0.0
    assert solution.cost == pytest.approx(0.0000875, abs=1e-9)
    assert solution.active_risk == pytest.approx(0.2 * 0.0125, abs=1e-8)
    assert solution.sides == {0: "buy"}


def test_impact_of_three_halves_power_is_priced_exactly():
    # Minimise 0.04 (x - 0.1)^2 + 0.02 x^1.5: at the optimum 0.08 (0.1 - x) = 0.03 sqrt(x).
    problem = one_security(
        weight=0.5, cost_rates=np.zeros(1), impact=np.array([0.02]), gains=(0.0,)
    )
    root = (-0.03 + np.sqrt(0.03**2 + 4 * 0.08 * 0.008)) / (2 * 0.08)
    solution = solve(problem)
    assert solution.buys[0] == pytest.approx(root**2, abs=1e-6)
    assert solution.cost == pytest.approx(0.02 * root**3, abs=1e-7)


def test_keeps_an_overweight_whose_tax_costs_more_than_its_risk():
    problem = one_security(weight=0.7, gains=(0.5,), tax=ST_GAINS, risk_aversion=10.0)
    solution = solve(problem)  # tax and cost 0.201 per dollar against 0.08 of risk
    assert not solution.buys.any()
    assert not solution.sells.any()
    assert solution.sides == {0: "free"}


def test_sells_an_overweight_until_risk_equals_tax_and_cost():
    # 2 * 20 * 0.04 * d = 0.5 * 0.2 + 0.001, so d = 0.063125.
    problem = one_security(
        weight=0.7, gains=(0.5,), tax=LT_GAINS, risk_aversion=20.0,
        lot_is_long=np.array([True]),
    )  # fmt: skip
    solution = solve(problem)
    assert solution.sells[0] == pytest.approx(0.036875, abs=1e-7)
    assert solution.lt_gain == pytest.approx(0.0184375, abs=1e-7)
    assert solution.tax == pytest.approx(0.0036875, abs=1e-7)


def test_harvests_a_loss_until_risk_outweighs_the_saving():
    # 2 * 10 * 0.04 * s = 0.3 * 0.4 - 0.001, so s = 0.14875, and nothing is bought back.
    solution = solve(one_security(gains=(-0.3,), tax=ST_GAINS, risk_aversion=10.0))
    assert solution.sells[0] == pytest.approx(0.14875, abs=1e-7)
    assert solution.buys[0] == 0.0
    assert solution.tax == pytest.approx(-0.14875 * 0.12, abs=1e-7)
    assert solution.sides == {0: "harvest"}


def test_sells_the_lot_with_the_least_tax_first():
    problem = one_security(weight=0.8, gains=(0.5, 0.1, 0.3, -0.2), tax=ST_GAINS, lower=[0.5])
    problem = problem.replace(targets=np.array([0.5]), risk_aversion=100.0)
    solution = solve(problem)
    assert solution.sells[3] == pytest.approx(0.2)
    assert 0.0 < solution.sells[1] < 0.2
    assert solution.sells[0] == solution.sells[2] == 0.0


def test_a_lot_in_an_ira_carries_no_tax():
    problem = one_security(weight=0.7, gains=(0.9,), taxable=False, tax=ST_GAINS)
    solution = solve(problem)
    assert solution.sells[0] == pytest.approx(0.0875, abs=1e-7)
    assert (solution.tax, solution.st_gain) == (0.0, 0.0)


def test_two_securities_move_from_over_to_underweight():
    problem = Problem(
        weights=np.array([0.6, 0.4]), targets=np.array([0.5, 0.5]), cash=np.zeros(1),
        cash_min=np.zeros(1), cash_max=np.ones(1), factor_loadings=np.array([[0.2], [0.2]]),
        specific_variance=np.array([0.04, 0.04]), cost_rates=np.zeros(2), lower=np.zeros(2),
        upper=np.ones(2), may_buy=np.array([True, True]), lot_weight=np.array([0.6, 0.4]),
        lot_sellable=np.array([0.6, 0.4]), lot_gain=np.zeros(2),
        lot_is_long=np.array([True, True]), lot_is_taxable=np.array([True, True]),
        lot_position=np.array([0, 1]), position_account=np.array([0, 0]),
        position_security=np.array([0, 1]), tax=USUAL, risk_aversion=1.0,
    )  # fmt: skip
    solution = solve(problem)
    np.testing.assert_allclose(solution.buys, [0.0, 0.1], atol=1e-6)
    np.testing.assert_allclose(solution.sells, [0.1, 0.0], atol=1e-6)
    assert solution.objective == pytest.approx(0.0, abs=1e-10)


def test_without_costs_a_position_is_still_not_sold_and_bought_at_once():
    problem = household(3, n=6, tax=NO_TAX, cost_rates=np.zeros(6))
    solution = solve(problem)
    sold = np.bincount(problem.lot_position, solution.sells, len(problem.weights))
    assert solution.buys.any()
    assert not np.minimum(solution.buys, sold).any()


def test_location_cost_moves_a_security_to_the_account_where_it_costs_less():
    problem = household(
        2, n=1, accounts=2, lots=2, location_cost=np.array([0.02, 0.0]), weights=[0.5, 0.2],
        cash=[0.0, 0.3], cash_min=np.zeros(2), cash_max=np.ones(2), may_buy=[True, True],
        lot_weight=[0.5, 0.2], lot_sellable=[0.5, 0.2], lot_gain=np.zeros(2),
        targets=[0.7], upper=[1.0], lot_position=[0, 1], lot_is_taxable=[False, False],
        lot_is_long=[True, True],
    )  # fmt: skip
    solution = solve(problem)
    assert solution.sells[0] > 0.25
    assert solution.buys[1] > 0.25


# Proof against brute force -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_solution_matches_brute_force_over_sides_and_regions(seed):
    problem = household(
        seed, n=4, lots=20, impact=seed % 3 == 1, location=seed % 2 == 1, later=seed % 4 > 1
    )
    solution = solve(problem)
    best, choices = brute_force(problem)
    assert choices >= 1
    assert_proven(problem, solution)
    assert solution.objective == pytest.approx(best, abs=3e-8)  # 0.0003 bp
    assert solution.bound <= best + 1e-9
    assert solution.gap_bp <= 0.01


@pytest.mark.parametrize("seed", [1, 8])
def test_eight_securities_match_brute_force(seed):
    problem = household(seed, n=8, accounts=2, lots=30)
    solution = solve(problem)
    best, choices = brute_force(problem)
    assert choices >= 4
    assert solution.objective == pytest.approx(best, abs=3e-8)
    assert solution.bound <= best + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_identical_groups_of_several_securities_match_brute_force(seed):
    problem = household(seed, n=6, lots=24, security_group=np.array([7, 7, 2, 2, 7, 40]))
    solution = solve(problem)
    assert solution.objective == pytest.approx(brute_force(problem)[0], abs=3e-8)
    assert set(solution.sides) == {2, 7, 40}


@pytest.mark.parametrize("seed", range(5))
def test_cvxpy_engine_agrees_with_the_direct_path(seed):
    """Within 1e-3 bp: the direct path and the model written in cvxpy are the same problem."""
    problem = household(
        seed, n=5, impact=seed % 2 == 0, location=seed % 2 == 1, later=seed > 2,
        security_group=np.array([0, 1, 1, 3, 4]),
    )  # fmt: skip
    capped = replace(problem.tax, max_st_gain=0.002, max_lt_gain=0.002, max_tax=0.001)
    for case in (problem, problem.replace(tax=capped)):
        direct, oracle = solve(case), solve(case, engine="cvxpy")
        assert direct.objective == pytest.approx(oracle.objective, abs=1e-7)
        assert direct.bound == pytest.approx(oracle.bound, abs=1e-7)
        assert direct.solver != oracle.solver


@pytest.mark.parametrize("seed", range(4))
def test_every_relaxation_agrees_with_cvxpy(seed):
    """The undecided groups under their perspective, not only the solutions they lead to."""
    from rebalancing.optimizer.model import solve_cvxpy

    problem = condense(household(seed, n=5, impact=seed % 2 == 0, later=seed > 1)).problem
    search = open_search(problem, conic.solve_conic)
    groups = search.either_or
    for region in raw_regions(problem.tax):
        sub = replace(search.subproblem(region, ()), undecided=groups)
        direct, oracle = conic.solve_conic(sub, None), solve_cvxpy(sub, None)
        assert direct.status == oracle.status
        if direct.status is Status.OPTIMAL:
            assert direct.bound == pytest.approx(oracle.bound, abs=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_a_search_cut_short_still_reports_a_valid_bound(monkeypatch, seed):
    problem = household(seed, n=8, lots=40, security_group=np.arange(8) // 2)
    full = solve(problem)
    monkeypatch.setattr(sides, "NODES", 0)
    cut = solve(problem)
    assert_proven(problem, cut)
    assert cut.solves <= full.solves
    assert cut.bound <= full.objective + 1e-9
    assert cut.objective >= full.bound - 1e-9


# Invariants --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_i11_feasible_and_not_worse_than_no_trade_or_random_trades(seed):
    kinds = {"impact": seed % 2 == 0, "location": seed % 3 == 0, "later": seed % 4 > 1}
    problem = household(seed, n=10, lots=50, **kinds)
    problem = problem.replace(upper=np.ones(10), cash_max=np.ones(3))
    solution = solve(problem)
    assert_proven(problem, solution)
    nothing = evaluate(problem, np.zeros_like(solution.buys), np.zeros_like(solution.sells))
    assert solution.no_trade_objective == nothing.objective
    assert solution.objective <= nothing.objective
    random = np.random.default_rng(seed)
    points = (random_feasible(problem, random) for _ in range(2000))
    found = list(itertools.islice((point for point in points if point), 100))
    assert len(found) == 100
    for buys, sells in found:
        assert solution.bound <= solution.objective <= evaluate(problem, buys, sells).objective


@pytest.mark.parametrize("seed", range(4))
def test_i13_order_of_lots_accounts_and_positions_does_not_matter(seed):
    problem = household(seed, n=8, lots=40, impact=seed % 2 == 0, location=True, later=seed > 1)
    moved_problem, lot, position = shuffled(problem, np.random.default_rng(seed))
    original, moved = solve(problem), solve(moved_problem)
    np.testing.assert_array_equal(moved.buys, original.buys[position])
    np.testing.assert_array_equal(moved.sells, original.sells[lot])
    assert moved.bound == original.bound


def test_i13_splitting_a_lot_in_two_changes_nothing():
    problem = household(4, n=8, lots=30)
    lot = int(np.argmax(solve(problem).sells))
    halves = np.repeat(np.arange(30), np.where(np.arange(30) == lot, 2, 1))
    part = np.where(halves == lot, np.where(np.arange(31) == lot, 0.25, 0.75), 1.0)
    per_lot = ("lot_gain", "lot_is_long", "lot_is_taxable", "lot_position")
    split = problem.replace(
        **{name: getattr(problem, name)[halves] for name in per_lot},
        lot_weight=problem.lot_weight[halves] * part,
        lot_sellable=problem.lot_sellable[halves] * part,
    )
    whole, parts = solve(problem), solve(split)
    np.testing.assert_allclose(parts.buys, whole.buys, atol=1e-12)
    np.testing.assert_allclose(np.bincount(halves, parts.sells), whole.sells, atol=1e-12)
    assert parts.tax == pytest.approx(whole.tax, abs=1e-12)


@pytest.mark.chaos
def test_p4_order_and_scale_on_five_hundred_households():
    for seed in range(500):
        problem = household(
            seed, n=4 + seed % 3, lots=14, impact=seed % 5 == 0, location=True,
            min_trade=0.003 * (seed % 2), cash_min=np.zeros(3), cash_max=np.ones(3),
        )  # fmt: skip
        moved_problem, lot, position = shuffled(problem, np.random.default_rng(seed))
        original, moved = solve(problem), solve(moved_problem)
        np.testing.assert_array_equal(moved.buys, original.buys[position])
        np.testing.assert_array_equal(moved.sells, original.sells[lot])
        assert_proven(problem, original)
        rich, poor = (solve(in_dollars(problem, dollars)) for dollars in (1e7, 1e6))
        # The search for small trades ends near its bound, at 0.05 basis points or where it finds nothing more, so the
        # last digit of a weight may choose between plans that are nearly as good; without it nothing may.
        tolerance = 1e-5 if problem.min_trade else 1e-7
        assert rich.objective == pytest.approx(poor.objective, abs=tolerance)


def test_i14_the_same_household_ten_times_as_rich_trades_the_same_weights():
    problem = household(5, n=8, lots=30)
    small, large = in_dollars(problem, 1e6), in_dollars(problem, 1e7)
    np.testing.assert_allclose(solve(large).buys, solve(small).buys, atol=1e-8)
    np.testing.assert_allclose(solve(large).sells, solve(small).sells, atol=1e-8)


def test_solving_twice_gives_the_same_bits():
    problem = household(6, n=8, lots=30, impact=True)
    first, second = solve(problem), solve(problem, time_limit=60.0)
    np.testing.assert_array_equal(first.buys, second.buys)
    np.testing.assert_array_equal(first.sells, second.sells)
    assert (first.objective, first.bound) == (second.objective, second.bound)


# Restrictions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_never_buys_anywhere_what_a_taxable_account_sells_at_a_loss(seed):
    groups = np.arange(10) // 2
    problem = household(seed, n=10, lots=50, tax=ST_GAINS, security_group=groups)
    solution = solve(problem)
    assert not washed(problem, solution.buys, solution.sells).any()
    bought = np.bincount(groups[problem.position_security], solution.buys)
    assert "harvest" in solution.sides.values()
    for group, side in solution.sides.items():
        if side == "harvest":
            assert bought[group] == 0.0


def test_an_ira_may_not_buy_back_the_loss_of_a_taxable_account():
    """Household underweight with a loss: without the rule it would sell here and buy there."""
    values = {
        "weights": [0.4, 0.0], "targets": [0.8], "cash": [0.0, 0.6], "cash_min": [0.0, 0.0],
        "cash_max": [1.0, 1.0], "may_buy": [True, True], "lot_weight": [0.4],
        "lot_sellable": [0.4], "lot_gain": [-0.5], "lot_is_long": [False],
        "lot_is_taxable": [True], "lot_position": [0], "upper": [1.0], "tax": ST_GAINS,
    }  # fmt: skip
    for price in (0.1, 300.0):
        problem = household(1, n=1, accounts=2, lots=1, **values, risk_aversion=price)
        solution = solve(problem)
        assert solution.sides == {0: "harvest" if price < 1.0 else "buy"}
        assert not washed(problem, solution.buys, solution.sells).any()


def test_a_loss_inside_an_ira_may_be_sold_and_bought_elsewhere():
    problem = household(
        2, n=1, accounts=2, lots=1, weights=[0.0, 0.5], cash=[0.5, 0.0], cash_min=[0.0, 0.0],
        cash_max=[1.0, 1.0], may_buy=[True, True], lot_weight=[0.5], lot_sellable=[0.5],
        lot_gain=[-0.5], lot_is_long=[False], lot_is_taxable=[False], lot_position=[1],
        targets=[0.5], upper=[1.0], location_cost=[0.0, 0.05], tax=ST_GAINS, risk_aversion=1.0,
    )  # fmt: skip
    solution = solve(problem)
    assert solution.sells[0] > 0.4
    assert solution.buys[0] > 0.4
    assert solution.tax == 0.0


def test_a_blocked_buy_is_respected():
    problem = one_security(weight=0.5, gains=(0.0,), may_buy=np.array([False]))
    assert solve(problem).buys[0] == 0.0


def test_a_lot_that_may_not_be_sold_is_kept():
    problem = one_security(gains=(-0.3, -0.2), tax=ST_GAINS, lot_sellable=np.array([0.0, 0.1]))
    np.testing.assert_allclose(solve(problem).sells, [0.0, 0.1], atol=1e-9)


def test_caps_on_gains_and_tax_are_kept():
    gains = np.random.default_rng(0).uniform(0.1, 0.5, 40)
    free = household(0, n=8, lots=40, tax=LT_GAINS, risk_aversion=300.0, lot_gain=gains)
    before = solve(free)
    assert before.lt_gain > 0.004
    assert before.tax > 0.004
    for cap, figure in (("max_lt_gain", "lt_gain"), ("max_tax", "tax")):
        most = getattr(before, figure) - 0.002
        capped = free.replace(tax=replace(free.tax, **{cap: most}))
        solution = solve(capped)
        assert_proven(capped, solution)
        assert getattr(solution, figure) <= most + 1e-8
        assert solution.objective > before.objective


def test_the_short_term_cap_is_kept():
    free = one_security(weight=0.9, gains=(0.2,), tax=ST_GAINS, risk_aversion=50.0)
    capped = free.replace(tax=replace(ST_GAINS, max_st_gain=0.01))
    assert solve(free).st_gain > 0.02
    assert solve(capped).st_gain == pytest.approx(0.01, abs=1e-8)


def test_cash_ends_inside_its_band_even_where_it_starts_outside():
    problem = household(1, n=6, lots=30)
    problem = problem.replace(cash_max=0.3 * problem.cash, cash_min=0.29 * problem.cash)
    solution = solve(problem)
    cash = cash_after(problem, solution.buys, solution.sells)
    assert np.all(cash <= problem.cash_max + 1e-8)
    assert np.all(cash >= problem.cash_min - 1e-8)


def test_a_band_of_no_width_is_met():
    problem = household(1, n=6, lots=30)
    problem = problem.replace(cash_max=problem.cash_min)
    solution = solve(problem)
    cash = cash_after(problem, solution.buys, solution.sells)
    np.testing.assert_allclose(cash, problem.cash_min, atol=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_no_trade_is_below_the_minimum(seed):
    free = household(seed, n=10, lots=50)
    problem = free.replace(min_trade=0.01)
    solution = solve(problem)
    assert_proven(problem, solution)
    sold = np.bincount(problem.lot_position, solution.sells, len(problem.weights))
    trades = np.concatenate([solution.buys, sold])
    assert trades[trades > 0.0].min() >= 0.01
    assert solve(free).bound <= solution.objective <= solution.no_trade_objective


def test_a_needed_small_trade_is_made_as_large_as_the_minimum():
    problem = one_security(
        weight=0.6, gains=(0.2,), cash=[0.001], cash_min=[0.004], min_trade=0.01, tax=ST_GAINS,
        may_buy=[False],
    )  # fmt: skip
    assert solve(problem).sells[0] == pytest.approx(0.01, abs=1e-8)


def test_unbounded_is_named():
    problem = one_security(
        gains=(0.0,), cash_min=[-np.inf], upper=[np.inf], risk_aversion=0.0, location_cost=[-0.1],
    )  # fmt: skip
    with pytest.raises(Unbounded) as refused:
        solve(problem)
    assert refused.value.code == "unbounded"


# Hard numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_extreme_risk_models_still_give_proven_trades(seed):
    """Condition number of Sigma up to 1e16, no specific risk, no factors, twin columns."""
    problem = household(seed, n=6)
    spread = np.logspace(0, -16, 6) * 0.04
    twins = problem.factor_loadings.copy()
    twins[1] = twins[0]
    for changes in (
        {"specific_variance": spread},
        {"specific_variance": np.zeros(6)},
        {"factor_loadings": np.zeros((6, 0))},
        {"factor_loadings": twins, "specific_variance": np.full(6, 1e-16)},
        {"risk_aversion": 0.0},
        {"risk_aversion": 1e4},
        {"cost_rates": np.zeros(6)},
    ):
        case = problem.replace(**changes)
        solution = solve(case)
        assert_proven(case, solution)
        assert solution.gap_bp < 0.05


def test_tiny_lots_beside_large_ones_are_handled():
    problem = household(2, n=6)
    shrunk = np.where(np.arange(24) % 3 == 0, 1e-7, 1.0)
    problem = problem.replace(
        lot_weight=problem.lot_weight * shrunk, lot_sellable=problem.lot_sellable * shrunk
    )
    solution = solve(problem)
    assert_proven(problem, solution)
    assert solution.gap_bp < 0.01


def test_a_household_without_lots_or_without_cash_is_solved():
    empty = {
        name: np.zeros(0)
        for name in ("lot_weight", "lot_sellable", "lot_gain", "lot_is_long", "lot_is_taxable")
    }
    fresh = one_security(weight=0.0, **empty, lot_position=np.zeros(0, np.int64))
    assert solve(fresh).buys[0] == pytest.approx(0.5875, abs=1e-7)
    stuck = one_security(cash=[0.0], cash_max=[0.0], gains=(0.0,))
    assert solve(stuck).objective == 0.0


def test_the_optimiser_imports_no_django_no_decimal_and_no_cvxpy():
    code = (
        "import sys, rebalancing.optimizer, rebalancing.risk, rebalancing.errors\n"
        "print([m for m in ('django', 'cvxpy', 'scipy.optimize') if m in sys.modules])\n"
        "print([n for n, m in list(sys.modules.items()) if n.startswith('rebalancing')"
        " and any(getattr(v, '__module__', '') == 'decimal' for v in vars(m).values())])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "[]"]
