"""Later tax in the optimiser: linear in what is sold, beside this year's tax and outside its caps."""

from dataclasses import replace

import numpy as np
import pytest

from rebalancing.optimizer import conic, solve
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.objective import evaluate
from rebalancing.optimizer.prices import dearness, prices_at
from rebalancing.optimizer.rounding import Trade, decided
from rebalancing.optimizer.security_bounds import alone_at
from rebalancing.optimizer.sides import netted, open_search
from rebalancing.optimizer.subproblem import Duals
from tests.rebalancing.optimizer.households import (
    LT_GAINS,
    NO_TAX,
    ST_GAINS,
    USUAL,
    assert_proven,
    brute_force,
    household,
    one_security,
    random_feasible,
)

# A year of losses beyond any limit: a dollar of gain or loss is worth 0.15.
CARRIED = replace(USUAL, st_realised=-1.0)


def test_the_objective_counts_it_by_the_dollar_sold_and_an_ira_has_none():
    problem = household(3, n=4, lots=16, later=True)
    sells = 0.5 * problem.lot_sellable
    buys = np.zeros(len(problem.weights))
    with_it, without = (
        evaluate(one, buys, sells) for one in (problem, problem.replace(later_tax=None))
    )
    taxable = problem.lot_is_taxable
    assert problem.later_tax[~taxable].any()
    assert with_it.later_tax == pytest.approx(problem.later_tax[taxable] @ sells[taxable])
    assert with_it.objective - without.objective == pytest.approx(with_it.later_tax, abs=1e-15)
    assert (with_it.tax, without.later_tax) == (without.tax, 0.0)


@pytest.mark.parametrize(("later", "sold"), [(0.3, 0.6), (0.5, 0.0)])
def test_a_loss_is_harvested_only_where_it_saves_more_than_it_owes_later(later, sold):
    """Saves 0.4 of each dollar of loss this year, and risk is free."""
    problem = one_security(gains=(-0.2,), tax=ST_GAINS, risk_aversion=0.0, later_tax=[later * 0.2])
    solution = solve(problem)
    assert solution.sells.sum() == pytest.approx(sold)
    assert solution.tax == pytest.approx(-0.4 * 0.2 * sold)
    assert solution.later_tax == pytest.approx(later * 0.2 * sold)
    assert_proven(problem, solution)


def test_a_cap_on_tax_is_about_this_year():
    """A gain whose later saving is nearly its tax is sold up to the cap of the tax and no further."""
    tax = replace(LT_GAINS, max_tax=0.01)
    problem = one_security(
        weight=0.9,
        gains=(0.2,),
        tax=tax,
        lot_is_long=[True],
        risk_aversion=100.0,
        later_tax=[-0.03],
    )
    solution = solve(problem)
    assert solution.tax == pytest.approx(0.01)
    assert solution.sells.sum() == pytest.approx(0.25)


def test_lots_that_differ_in_it_alone_are_two():
    alike = {"gains": (-0.2, -0.2), "tax": ST_GAINS, "risk_aversion": 0.0}
    same = one_security(**alike, later_tax=[0.05, 0.05])
    other = one_security(**alike, later_tax=[0.1, 0.05])
    assert [len(condense(one).problem.lot_weight) for one in (same, other)] == [1, 2]
    np.testing.assert_allclose(solve(other).sells, [0.0, 0.3])  # 0.08 is saved this year


def test_a_gain_credited_with_all_it_costs_is_not_sold_and_bought_back():
    problem = one_security(
        weight=0.5, target=0.5, gains=(0.4, 0.2), tax=LT_GAINS, lot_is_long=[True, True],
        cost_rates=[0.0], later_tax=[-0.08, -0.04],
    )  # fmt: skip
    solution = solve(problem)
    assert not solution.buys.any()
    assert not solution.sells.any()
    bought, sold = netted(problem, np.array([0.2]), np.array([0.25, 0.05]))
    np.testing.assert_allclose(bought, 0.0)
    np.testing.assert_allclose(sold, [0.05, 0.05])  # the higher gain is kept


def test_where_it_pays_more_than_a_gain_costs_the_figures_stay_honest():
    """Nobody should ask so, and whoever does gets the best of it with its proof."""
    problem = one_security(
        weight=0.5, target=0.5, gains=(0.4,), tax=LT_GAINS, lot_is_long=[True], cost_rates=[0.0],
        later_tax=[-0.1],
    )  # fmt: skip
    solution = solve(problem)
    assert_proven(problem, solution)
    assert solution.sells.sum() == pytest.approx(0.5)
    assert solution.objective == pytest.approx(0.5 * (0.08 - 0.1))
    assert solution.gap_bp < 0.001


def test_a_deeper_loss_may_be_the_dearer_one():
    """Carried on a loss is worth 0.15: owing 0.3 later makes the slight one the cheaper to sell."""
    problem = condense(one_security(
        weight=0.62, target=0.6, gains=(-0.5, -0.1), tax=CARRIED, cash_max=[1.0],
        min_trade=0.05, later_tax=[0.15, 0.03],
    )).problem  # fmt: skip
    duals = Duals(np.zeros(1), 0.15, 0.15, np.zeros(0))
    np.testing.assert_allclose(dearness(problem, duals), 0.15 * np.array([0.5, 0.1]))
    plain = problem.replace(later_tax=None)
    np.testing.assert_array_equal(dearness(plain, duals), plain.taxed_gain)
    np.testing.assert_array_equal(dearness(problem, None), problem.taxed_gain)
    search = open_search(problem, conic.solve_conic)
    sides = tuple((group, True) for group in search.either_or)
    whole = search.subproblem(search.pieces[0], sides)
    step = decided(
        search, whole, sides, larger=[Trade(0.0, bought=False, position=0)],
        dear=dearness(problem, duals),
    )  # fmt: skip
    assert step is not None
    np.testing.assert_allclose(step[1].sells, [0.0, 0.05], atol=1e-9)
    solution = solve(problem)
    assert solution.sells[0] == 0.0
    assert_proven(problem, solution)


@pytest.mark.parametrize("seed", range(6))
def test_brute_force_finds_nothing_better(seed):
    problem = household(
        seed, n=4, lots=20, later=True, location=seed % 2 == 1,
        security_group=np.array([0, 1, 1, 2]), tax=(None, CARRIED, ST_GAINS)[seed % 3],
    )  # fmt: skip
    solution = solve(problem)
    best, choices = brute_force(problem)
    assert choices >= 1
    assert_proven(problem, solution)
    assert solution.objective == pytest.approx(best, abs=3e-8)
    assert solution.bound <= best + 1e-9
    assert solution.later_tax != 0.0


@pytest.mark.parametrize("tax", [LT_GAINS, NO_TAX], ids=("credited", "owed"))
@pytest.mark.parametrize("seed", range(4))
def test_the_bound_by_securities_counts_it(seed, tax):
    """Below all trades where gains save later, and near the best ones where losses owe."""
    random = np.random.default_rng(seed)
    problem = condense(household(seed, n=5, lots=20, accounts=2, later=True, tax=tax)).problem
    search = open_search(problem, conic.solve_conic)
    best = search.run()
    prices = prices_at(problem, best)
    assert prices
    alone = alone_at(problem, prices, search.buy_max, search.sell_max)
    bound = min(alone.bound(problem, piece, search.gains) for piece in search.pieces)
    found = [random_feasible(problem, random) for _ in range(300)]
    values = [evaluate(problem, *one).objective for one in found if one is not None]
    assert values
    assert bound <= min(best.objective, *values)
    assert bound > best.objective - 1e-5
