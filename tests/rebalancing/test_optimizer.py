"""The lot-level optimiser: hand-solved cases, brute force, invariants, refusals, solver faults."""

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rebalancing.errors import (
    BadProblem,
    Inaccurate,
    Infeasible,
    SolverTimeout,
    Unbounded,
)
from rebalancing.optimizer import Problem, TaxSchedule, conic, sides, solve
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.objective import cash_after, evaluate, washed, worst_violation
from rebalancing.optimizer.sides import Search, either_or_groups, largest_buys
from rebalancing.optimizer.tax_schedule import HalfPlane, Piece, Plane

NO_TAX = TaxSchedule(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
USUAL = TaxSchedule(0.4, 0.2, 0.0, 0.0, 0.003, 0.4, 0.15)
ST_GAINS = replace(USUAL, st_realised=1.0)  # every loss saves 0.4 per dollar
LT_GAINS = replace(USUAL, lt_realised=1.0)


def one_security(*, weight=0.6, target=0.6, gains=(), taxable=True, tax=NO_TAX, **changes):
    """A single account with one security, equal lots of the given gains per dollar, and cash."""
    count = max(len(gains), 1)
    values = {
        "weights": np.array([weight]), "targets": np.array([target]),
        "cash": np.array([1.0 - weight]), "cash_min": np.zeros(1), "cash_max": np.ones(1),
        "factor_loadings": np.zeros((1, 0)), "specific_variance": np.array([0.04]),
        "cost_rates": np.array([0.001]), "lower": np.zeros(1), "upper": np.ones(1),
        "may_buy": np.array([True]), "lot_weight": np.full(count, weight / count),
        "lot_sellable": np.full(count, weight / count), "lot_gain": np.array(gains or (0.0,)),
        "lot_is_long": np.zeros(count, np.bool_), "lot_is_taxable": np.full(count, taxable),
        "lot_position": np.zeros(count, np.int64), "position_account": np.zeros(1, np.int64),
        "position_security": np.zeros(1, np.int64), "tax": tax, "risk_aversion": 1.0,
    }  # fmt: skip
    return Problem(**{**values, **changes})


def household(seed, *, n=6, accounts=3, lots=24, tax=None, impact=False, location=False, **changes):
    """A random household: taxable accounts, the last one an IRA, some names restricted."""
    random = np.random.default_rng(seed)
    loadings = np.column_stack([
        0.16 + 0.04 * random.random(n), *(0.05 * random.standard_normal((3, n))),
    ])  # fmt: skip
    target = random.dirichlet(5 * np.ones(n)) * 0.98
    account, security = np.repeat(np.arange(accounts), n), np.tile(np.arange(n), accounts)
    share = random.dirichlet(4 * np.ones(accounts))
    weights = target[security] * share[account] * np.exp(0.5 * random.standard_normal(accounts * n))
    weights *= random.random(accounts * n) < 0.8
    weights[0] += 0.01
    weights *= 0.97 / weights.sum()
    held = np.flatnonzero(weights)
    position = np.concatenate([held, random.choice(held, max(0, lots - len(held)))])
    cut = random.random(len(position)) + 0.1
    value = cut / np.bincount(position, cut, len(weights))[position] * weights[position]
    short, long = (float(so_far) for so_far in random.choice([0.0, 0.02, -0.02], 2))
    year = TaxSchedule(0.408, 0.238, short, long, 0.003, 0.408, 0.2)
    values = {
        "weights": weights, "targets": target, "cash": 0.03 * share,
        "cash_min": 0.002 * share, "cash_max": 0.05 * np.ones(accounts),
        "factor_loadings": loadings, "specific_variance": (0.15 + 0.15 * random.random(n)) ** 2,
        "cost_rates": 0.0003 + 0.0005 * random.random(n), "lower": np.zeros(n),
        "upper": np.maximum(target, np.bincount(security, weights, n)) + 0.05,
        "may_buy": random.random(len(weights)) < 0.9, "lot_weight": value,
        "lot_sellable": value * (random.random(len(value)) < 0.9),
        "lot_gain": np.minimum(0.25 * random.standard_normal(len(value)) + 0.05, 0.9),
        "lot_is_long": random.random(len(value)) < 0.6,
        "lot_is_taxable": account[position] < max(1, accounts - 1),
        "lot_position": position, "position_account": account, "position_security": security,
        "tax": tax or year, "risk_aversion": float(10 ** random.uniform(-1, 1.5)),
        "impact": 0.01 * np.ones(n) if impact else None,
        "location_cost": 0.002 * random.random(len(weights)) if location else None,
    }  # fmt: skip
    return Problem(**{**values, **changes})


def assert_proven(problem, solution):
    """What every solution owes: feasible by our arithmetic, honest figures, a valid bound."""
    assert worst_violation(problem, solution.buys, solution.sells).amount <= 1e-8
    found = evaluate(problem, solution.buys, solution.sells)
    assert solution.objective == found.objective
    assert (solution.tax, solution.cost) == (found.tax, found.cost)
    assert (solution.st_gain, solution.lt_gain) == (found.st_gain, found.lt_gain)
    assert solution.active_risk == found.active_risk
    assert solution.bound <= solution.objective
    assert solution.gap_bp == pytest.approx((solution.objective - solution.bound) * 1e4)


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


def raw_regions(tax):
    """The five regions themselves, one plane each: not the merged pieces the search uses."""
    limit, order = tax.loss_limit, tax.ordinary_rate
    gain_s, loss_s = HalfPlane(-1.0, 0.0, 0.0), HalfPlane(1.0, 0.0, 0.0)
    gain_l, loss_l = HalfPlane(0.0, -1.0, 0.0), HalfPlane(0.0, 1.0, 0.0)
    up, down = HalfPlane(-1.0, -1.0, 0.0), HalfPlane(1.0, 1.0, 0.0)
    carried = tax.carried_loss_value
    return (
        Piece("A", (gain_s, gain_l), (Plane(tax.st_rate, tax.lt_rate, 0.0),)),
        Piece("B", (gain_s, loss_l, up), (Plane(tax.st_rate, tax.st_rate, 0.0),)),
        Piece("C", (loss_s, gain_l, up), (Plane(tax.lt_rate, tax.lt_rate, 0.0),)),
        Piece("D", (down, HalfPlane(-1.0, -1.0, limit)), (Plane(order, order, 0.0),)),
        Piece(
            "E", (HalfPlane(1.0, 1.0, -limit),),
            (Plane(carried, carried, (carried - order) * limit),),
        ),
    )  # fmt: skip


def brute_force(problem):
    """Best objective over every choice of sides and every tax region."""
    small = condense(problem).problem
    buy_max = largest_buys(small)
    groups = either_or_groups(small, buy_max)
    search = Search(small, conic.solve_conic, None, buy_max, groups)
    best = np.inf
    for choice in itertools.product((True, False), repeat=len(groups)):
        sides = tuple(zip(groups, choice, strict=True))
        for region in raw_regions(problem.tax):
            found = search.solve_fixed(search.subproblem(region, sides), sides)
            best = min(best, np.inf if found is None else found.objective)
    return best, len(groups)


@pytest.mark.parametrize("seed", range(12))
def test_solution_matches_brute_force_over_sides_and_regions(seed):
    problem = household(seed, n=4, lots=20, impact=seed % 3 == 1, location=seed % 2 == 1)
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
        seed, n=5, impact=seed % 2 == 0, location=seed % 2 == 1,
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

    problem = condense(household(seed, n=5, impact=seed % 2 == 0)).problem
    buy_max = largest_buys(problem)
    groups = either_or_groups(problem, buy_max)
    search = Search(problem, conic.solve_conic, None, buy_max, groups)
    for region in raw_regions(problem.tax):
        sub = replace(search.subproblem(region, ()), undecided=groups)
        direct, oracle = conic.solve_conic(sub, None), solve_cvxpy(sub, None)
        assert direct.status == oracle.status
        if direct.status is conic.Status.OPTIMAL:
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


def random_feasible(problem, random):
    """Random trades that keep every limit, or None."""
    harvest = random.random(len(problem.targets)) < 0.5  # by group rank
    sells = problem.lot_sellable * random.random(len(problem.lot_weight))
    sells *= random.random(len(sells)) < random.random()
    sells[problem.lot_is_loss & ~harvest[problem.lot_group]] = 0.0
    cash = cash_after(problem, np.zeros(len(problem.weights)), sells) - problem.cash_min
    wanted = random.random(len(problem.weights)) * problem.may_buy
    wanted *= ~harvest[problem.position_group]
    total = np.bincount(problem.position_account, wanted, len(cash))
    scale = np.divide(cash, total, out=np.zeros_like(cash), where=total > 0.0)
    share = 1.0 - 0.9 * random.random(len(cash)) * (cash < 0.04)
    buys = wanted * (share * scale * 0.998)[problem.position_account]
    if worst_violation(problem, buys, sells).amount > 0.0:
        return None
    return buys, sells


@pytest.mark.parametrize("seed", range(10))
def test_i11_feasible_and_not_worse_than_no_trade_or_random_trades(seed):
    problem = household(seed, n=10, lots=50, impact=seed % 2 == 0, location=seed % 3 == 0)
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
    problem = household(seed, n=8, lots=40, impact=seed % 2 == 0, location=True)
    random = np.random.default_rng(seed)
    lot, account, position = (random.permutation(size) for size in (
        len(problem.lot_weight), len(problem.cash), len(problem.weights),
    ))  # fmt: skip
    new_account, new_position = np.argsort(account), np.argsort(position)
    per_lot = ("lot_weight", "lot_sellable", "lot_gain", "lot_is_long", "lot_is_taxable")
    shuffled = problem.replace(
        **{name: getattr(problem, name)[lot] for name in per_lot},
        **{name: getattr(problem, name)[account] for name in ("cash", "cash_min", "cash_max")},
        weights=problem.weights[position], may_buy=problem.may_buy[position],
        location_cost=problem.location_cost[position],
        lot_position=new_position[problem.lot_position[lot]],
        position_account=new_account[problem.position_account[position]],
        position_security=problem.position_security[position],
    )  # fmt: skip
    original, moved = solve(problem), solve(shuffled)
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


def test_i14_the_same_household_ten_times_as_rich_trades_the_same_weights():
    problem = household(5, n=8, lots=30)
    dollars = {
        name: np.round(1e6 * getattr(problem, name), 2)
        for name in ("weights", "cash", "cash_min", "cash_max", "lot_weight", "lot_sellable")
    }
    small = problem.replace(**{name: value / 1e6 for name, value in dollars.items()})
    large = problem.replace(**{name: 10 * value / 1e7 for name, value in dollars.items()})
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


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": np.array([np.nan])}, r"weights holds nan at 0"),
        ({"weights": np.array([0.3, 0.3])}, "position_account has shape|may_buy has shape"),
        ({"targets": np.array([[0.6]])}, "targets has 2 dimensions"),
        ({"cash": np.array([np.inf])}, "cash holds inf"),
        ({"cost_rates": np.array([-0.001])}, "cost_rates.*negative"),
        ({"specific_variance": np.array([-1.0])}, "specific_variance.*negative"),
        ({"impact": np.array([-1.0])}, "impact.*negative"),
        ({"factor_loadings": np.zeros(1)}, "factor_loadings has 1 dimensions"),
        ({"factor_loadings": np.full((1, 2), np.nan)}, "factor_loadings holds nan"),
        ({"lot_position": np.array([1])}, "lot_position points outside"),
        ({"lot_position": np.array([0.0])}, "lot_position holds float64"),
        ({"position_account": np.array([-1])}, "position_account points outside"),
        ({"lot_sellable": np.array([0.7])}, "lot_sellable.*more than the lot"),
        ({"lot_weight": np.array([0.9]), "lot_sellable": np.array([0.9])}, "position 0 exceed"),
        ({"upper": np.array([-0.1])}, r"lower\[0\] is above upper"),
        ({"cash_min": np.array([2.0])}, r"cash_min\[0\] is above cash_max"),
        ({"may_buy": np.array([2])}, "may_buy"),
        ({"risk_aversion": -1.0}, "risk_aversion"),
        ({"risk_aversion": np.nan}, "risk_aversion"),
        ({"min_trade": "much"}, "min_trade"),
        ({"weights": np.array(["a"])}, "weights does not hold numbers"),
        ({"tax": None}, "TaxSchedule"),
    ],
)
def test_a_bad_problem_names_the_field(changes, words):
    with pytest.raises(BadProblem, match=words) as refused:
        one_security(**changes)
    assert refused.value.code == "bad_problem"


def test_arrays_of_a_problem_are_its_own():
    weights = np.array([0.6])
    problem = one_security(weights=weights)
    weights[0] = 0.9
    assert problem.weights[0] == 0.6
    with pytest.raises(ValueError, match="read-only"):
        problem.weights[0] = 0.5


@pytest.mark.parametrize(
    ("changes", "conflict"),
    [
        ({"cash": [0.0], "cash_min": [0.7]}, "cash floor of account 0"),
        ({"cash": [0.4], "cash_max": [0.1], "may_buy": [False]}, "cash ceiling of account 0"),
        ({"lower": [0.8], "may_buy": [False]}, "lower bound of security 0"),
        ({"upper": [0.5], "lot_sellable": [0.05]}, "upper bound of security 0"),
    ],
)
def test_infeasible_names_the_limit_and_by_how_much(changes, conflict):
    with pytest.raises(Infeasible, match=conflict) as refused:
        solve(one_security(gains=(0.0,), **changes))
    assert refused.value.code == "infeasible"
    assert len(refused.value.conflicts) == 1
    assert "short by" in refused.value.conflicts[0]


def test_infeasible_through_caps_names_the_cap():
    tax = replace(ST_GAINS, max_tax=0.0)
    problem = one_security(gains=(0.5,), upper=[0.3], tax=tax)
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert refused.value.conflicts == ("tax cap",)
    problem = problem.replace(tax=replace(ST_GAINS, max_st_gain=0.0))
    with pytest.raises(Infeasible, match=r"short-term gain cap|upper bound of security 0"):
        solve(problem)


def test_infeasible_through_the_wash_sale_rule_says_so():
    """Cash must come from a loss here while the floor of the security needs buying there."""
    problem = household(
        1, n=1, accounts=2, lots=1, weights=[0.5, 0.0], cash=[0.0, 0.5], cash_min=[0.2, 0.0],
        cash_max=[1.0, 1.0], may_buy=[True, True], lot_weight=[0.5], lot_sellable=[0.5],
        lot_gain=[-0.5], lot_is_long=[False], lot_is_taxable=[True], lot_position=[0],
        targets=[0.5], lower=[0.5], upper=[1.0], tax=ST_GAINS, risk_aversion=1.0,
    )  # fmt: skip
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert refused.value.conflicts == ("wash-sale sides",)


def test_a_minimum_no_trade_can_reach_is_named():
    problem = one_security(
        weight=0.6, gains=(0.2,), cash=[0.001], cash_min=[0.002], min_trade=0.5,
        lot_sellable=[0.1], may_buy=[False],
    )  # fmt: skip
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert refused.value.conflicts == ("smallest trade",)


def test_unbounded_is_named():
    problem = one_security(
        gains=(0.0,), cash_min=[-np.inf], upper=[np.inf], risk_aversion=0.0, location_cost=[-0.1],
    )  # fmt: skip
    with pytest.raises(Unbounded) as refused:
        solve(problem)
    assert refused.value.code == "unbounded"


# Solver faults: nothing unverified may come back -------------------------------------------------


def faulty(monkeypatch, fault, *, after=0):
    """Let `fault` change Clarabel's answers from call number `after` on."""
    real, calls = conic.run_clarabel, itertools.count()

    def run(*args):
        answer = real(*args)
        return fault(answer) if next(calls) >= after else answer

    monkeypatch.setattr(conic, "run_clarabel", run)


FAULTS = {
    "almost solved": lambda raw: replace(raw, status="AlmostSolved"),
    "no progress": lambda raw: replace(raw, status="InsufficientProgress", z=0.0 * raw.z),
    "numerical error": lambda raw: replace(raw, status="NumericalError"),
    "not a number": lambda raw: replace(raw, x=np.full_like(raw.x, np.nan)),
    "one not a number": lambda raw: replace(raw, x=np.where(np.arange(len(raw.x)), raw.x, np.nan)),
    "wrong trades": lambda raw: replace(raw, x=raw.x + 0.5),
    "unknown status": lambda raw: replace(raw, status="Fine"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("after", [0, 1])
def test_a_solver_fault_never_becomes_a_solution(monkeypatch, fault, after):
    problem = household(3, n=6, tax=ST_GAINS)
    faulty(monkeypatch, FAULTS[fault], after=after)
    with pytest.raises(Inaccurate) as refused:
        solve(problem)
    assert refused.value.code == "inaccurate"
    assert "Nothing was proposed" in str(refused.value)


def test_a_late_fault_costs_accuracy_never_truth(monkeypatch):
    """Whatever call fails first, what comes back is proven, or nothing comes back."""
    problem = household(3, n=6, tax=ST_GAINS)
    calls = solve(problem).solves
    best = solve(problem).objective
    for fault, after in itertools.product(FAULTS.values(), range(calls)):
        with monkeypatch.context() as patch:
            faulty(patch, fault, after=after)
            try:
                solution = solve(problem)
            except Inaccurate:
                continue
        assert_proven(problem, solution)
        assert solution.objective == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_claim_of_infeasibility_needs_its_certificate(monkeypatch, after):
    """A false claim about one tax region would make the bound wrong: it is not believed."""
    problem = household(4, n=6, tax=USUAL)
    assert len(solve(problem).regions) == 3
    faulty(monkeypatch, lambda raw: replace(raw, status="PrimalInfeasible"), after=after)
    with pytest.raises(Inaccurate):
        solve(problem)


def test_a_timeout_inside_the_solver_is_named(monkeypatch):
    faulty(monkeypatch, lambda raw: replace(raw, status="MaxTime"))
    with pytest.raises(SolverTimeout) as refused:
        solve(household(3), time_limit=60.0)
    assert refused.value.code == "solver_timeout"


def test_a_spent_time_limit_raises_instead_of_returning_what_there_is():
    with pytest.raises(SolverTimeout):
        solve(household(3), time_limit=0.0)


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
