"""Proof by other means: another statement, other solvers, multipliers by own arithmetic, cases by hand."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from rebalancing.errors import Inaccurate, RebalancingError
from rebalancing.optimizer import conic, solve
from tests.rebalancing.optimizer.households import (
    ST_GAINS,
    assert_proven,
    brute_force,
    household,
    one_security,
)
from tests.rebalancing.optimizer.independent import enumerated, mixed_integer

# Each goes through cvxpy's own solve of another statement; I12: 1e-6 relative.


@pytest.mark.parametrize(("seed", "later"), [(1, False), (5, False), (2, True), (4, True)])
def test_i12_enumeration_by_another_statement_and_another_solver(seed, later):
    problem = household(seed, n=3, lots=12, accounts=2, location=seed == 1, later=later)
    solution = solve(problem)
    best, calls = enumerated(problem, solver=cp.OSQP, eps_abs=1e-9, eps_rel=1e-9, max_iter=100_000)
    assert calls >= 10
    assert solution.objective == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert solution.bound <= best + 1e-9


@pytest.mark.skipif(
    "SCIP" not in cp.installed_solvers(), reason="SCIP (pyscipopt) is not installed here"
)
@pytest.mark.parametrize(("seed", "n", "later"), [(0, 6, False), (4, 12, False), (1, 8, True)])
def test_i12_one_mixed_integer_program_by_scip(seed, n, later):
    """SCIP's own tolerance is 1e-6 of what it is given: 0.005 bp."""
    problem = household(seed, n=n, lots=3 * n, accounts=2, later=later)
    solution = solve(problem)
    best = mixed_integer(problem)
    assert solution.objective <= best + 1e-7
    assert solution.objective == pytest.approx(best, abs=5e-7)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(12))
def test_i12_twelve_securities_against_brute_force(seed):
    problem = household(100 + seed, n=12, lots=48, accounts=2, impact=seed % 2 == 1)
    solution = solve(problem)
    best, _ = brute_force(problem)
    assert_proven(problem, solution)
    assert solution.objective == pytest.approx(best, abs=3e-8)
    assert solution.bound <= best + 1e-9


# The last convex problem: Karush, Kuhn and Tucker by own arithmetic -------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_multipliers_of_the_last_problem_prove_it(monkeypatch, seed):
    calls = []
    real = conic.run_clarabel

    def run(*args):
        calls.append((args, real(*args)))
        return calls[-1][1]

    monkeypatch.setattr(conic, "run_clarabel", run)
    solve(household(seed, n=10, lots=40, location=True))
    (quadratic, linear, matrix, rhs, sizes, *_), found = calls[-1]
    zero, positive, second, power = sizes
    assert (second, power) == (0, 0)  # every side is fixed: a quadratic program
    slack = rhs - matrix @ found.x
    at_most = slice(zero, zero + positive)
    stationarity = quadratic @ found.x + linear + matrix.T @ found.z
    assert np.abs(slack[:zero]).max() < 1e-6  # per cent
    assert slack[at_most].min() > -1e-6
    assert found.z[at_most].min() > -1e-6
    assert np.abs(stationarity).max() < 1e-5 * np.abs(linear).max()
    assert np.abs(slack[at_most] * found.z[at_most]).max() < 1e-5  # basis points


# Households whose answer is known -----------------------------------------------------------------


def two_accounts(**changes):
    """A taxable account and an IRA, the same fund in both, its half too much of the household."""
    values = {
        "weights": [0.4, 0.4], "targets": [0.4], "cash": [0.1, 0.1], "cash_min": [0.0, 0.0],
        "cash_max": [1.0, 1.0], "may_buy": [True, True], "lot_weight": [0.4, 0.4],
        "lot_sellable": [0.4, 0.4], "lot_gain": [0.5, 0.5], "lot_is_long": [True, True],
        "lot_is_taxable": [True, False], "lot_position": [0, 1], "upper": [1.0],
        "specific_variance": [0.04], "factor_loadings": np.zeros((1, 0)), "cost_rates": [0.001],
        "tax": ST_GAINS, "risk_aversion": 10.0,
    }  # fmt: skip
    return household(2, n=1, accounts=2, lots=2, **{**values, **changes})


def test_the_appreciated_fund_is_sold_in_the_ira():
    # Without tax 2 * 10 * 0.04 * d = 0.001: d = 0.00125, and the IRA has enough for all of it.
    solution = solve(two_accounts())
    np.testing.assert_allclose(solution.sells, [0.0, 0.39875], atol=1e-6)
    assert solution.tax == 0.0


def test_what_the_ira_cannot_give_is_sold_where_it_is_taxed_only_as_far_as_it_pays():
    # Taxed, a dollar costs 0.5 * 0.2 + 0.001, so d = 0.101 / 0.8 = 0.12625 is left; the IRA gives 0.1.
    solution = solve(two_accounts(lot_sellable=[0.4, 0.1]))
    np.testing.assert_allclose(solution.sells, [0.4 - 0.1 - 0.12625, 0.1], atol=1e-6)
    assert solution.tax == pytest.approx(0.1 * solution.sells[0])


def test_a_loss_sold_in_the_taxable_account_keeps_the_ira_from_buying_the_same():
    # Under target by 0.2 with a 30 % loss: harvesting saves 0.12 a dollar against 2 * 0.5 * 0.04 * d.
    problem = two_accounts(
        targets=[1.0], lot_gain=[-0.3, 0.0], lot_is_long=[False, True], risk_aversion=0.5,
        lot_sellable=[0.4, 0.0],
    )  # fmt: skip
    solution = solve(problem)
    assert solution.sides == {0: "harvest"}
    assert not solution.buys.any()
    assert solution.sells[0] == pytest.approx(0.4)
    dear = solve(problem.replace(risk_aversion=100.0))
    assert dear.sides == {0: "buy"}
    assert dear.buys.sum() > 0.15
    assert not dear.sells.any()


def test_asset_location_moves_the_bond_fund_into_the_ira():
    """Stocks in the IRA, bonds in the taxable account, no gains: they change places."""
    problem = household(
        2, n=2, accounts=2, lots=2, weights=[0.0, 0.5, 0.5, 0.0], targets=[0.5, 0.5],
        cash=[0.0, 0.0], cash_min=[0.0, 0.0], cash_max=[1.0, 1.0], may_buy=[True] * 4,
        factor_loadings=np.zeros((2, 0)), specific_variance=[0.04, 0.01], cost_rates=[0.0, 0.0],
        upper=[1.0, 1.0], lot_weight=[0.5, 0.5], lot_sellable=[0.5, 0.5], lot_gain=[0.0, 0.0],
        lot_is_long=[True, True], lot_is_taxable=[True, False], lot_position=[1, 2],
        location_cost=[0.0, 0.015, 0.0, 0.0],  # stock and bond taxable, then in the IRA
        tax=ST_GAINS, risk_aversion=10.0,
    )  # fmt: skip
    solution = solve(problem)
    np.testing.assert_allclose(solution.sells, [0.5, 0.5], atol=2e-4)
    np.testing.assert_allclose(solution.buys, [0.5, 0.0, 0.0, 0.5], atol=2e-4)
    assert solution.active_risk == pytest.approx(0.0, abs=2e-5)


# Numbers that break solvers -----------------------------------------------------------------------


@pytest.mark.parametrize("digits", range(2, 17, 2))
def test_any_condition_number_of_the_covariance_gives_a_proof_or_a_named_error(digits):
    problem = household(digits, n=8, lots=30)
    random = np.random.default_rng(digits)
    basis, _ = np.linalg.qr(random.standard_normal((8, 8)))
    loadings = 0.3 * basis * np.sqrt(np.logspace(0, -digits, 8))
    problem = problem.replace(factor_loadings=loadings, specific_variance=np.zeros(8))
    covariance = loadings @ loadings.T
    assert np.linalg.cond(covariance) > 10.0 ** min(digits - 1, 14)
    solution = solve(problem)
    assert_proven(problem, solution)
    assert solution.gap_bp < 0.05


LIES = {
    "infeasible": lambda raw: replace(raw, status="PrimalInfeasible"),
    "unbounded": lambda raw: replace(raw, status="DualInfeasible"),
    "inaccurate": lambda raw: replace(raw, status="AlmostSolved"),
    "nan": lambda raw: replace(raw, x=np.full_like(raw.x, np.nan)),
    "nan prices": lambda raw: replace(raw, z=np.full_like(raw.z, np.nan)),
    "timeout": lambda raw: replace(raw, status="MaxTime"),
    "wrong trades": lambda raw: replace(raw, x=raw.x * 1.7 + 0.3),
    "wrong prices": lambda raw: replace(raw, z=raw.z * 1.3 + 0.1),
    "too short": lambda raw: replace(raw, x=raw.x[:-1]),
}


@pytest.mark.parametrize("lie", LIES)
def test_p5_from_whatever_call_on_a_solver_lies_nothing_unproven_comes_back(monkeypatch, lie):
    problem = household(7, n=5, lots=15)
    honest = solve(problem)
    real = conic.run_clarabel
    for after in range(honest.solves):
        count = iter(range(1000))

        def run(*args, count=count, after=after):
            answer = real(*args)
            return LIES[lie](answer) if next(count) >= after else answer

        monkeypatch.setattr(conic, "run_clarabel", run)
        try:
            solution = solve(problem, time_limit=60.0)
        except RebalancingError:
            continue
        assert_proven(problem, solution)
        assert solution.bound <= honest.objective + 1e-9
        assert solution.objective >= honest.bound - 1e-9


class PanicException(BaseException):
    """Not an Exception, as PyO3 has it."""


@pytest.mark.parametrize("fault", [PanicException("panicked"), RuntimeError("no memory")])
def test_p5_a_solver_that_breaks_off_is_never_a_solution(monkeypatch, fault):
    def panic(*_args):
        raise fault

    monkeypatch.setattr(conic, "run_clarabel", panic)
    with pytest.raises(Inaccurate, match="Nothing was proposed"):
        solve(one_security(gains=(0.0,)))


def test_somebody_who_interrupts_is_heard(monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(conic, "run_clarabel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        solve(one_security(gains=(0.0,)))
