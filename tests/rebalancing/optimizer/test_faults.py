"""Solver faults: nothing unverified may come back."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rebalancing.errors import Inaccurate, SolverTimeout
from rebalancing.optimizer import conic, solve
from rebalancing.optimizer.sides import Search
from tests.rebalancing.optimizer.households import ST_GAINS, USUAL, assert_proven, household


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
    problem = household(3, n=4, lots=12, tax=ST_GAINS)
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
    monkeypatch.setattr(Search, "elsewhere", lambda *_: -np.inf)  # every region is relaxed
    faulty(monkeypatch, lambda raw: replace(raw, status="PrimalInfeasible"), after=after)
    with pytest.raises(Inaccurate):
        solve(problem)


def test_a_timeout_inside_the_solver_leaves_no_trade_with_the_bound_it_has(monkeypatch):
    """Standing still is a verified solution; it comes back with its gap and says why."""
    problem = household(3)
    best = solve(problem)
    faulty(monkeypatch, lambda raw: replace(raw, status="MaxTime"))
    solution = solve(problem, time_limit=60.0)
    assert_proven(problem, solution)
    assert solution.status == "time_limit"
    assert solution.objective == solution.no_trade_objective
    assert solution.bound <= best.objective + 1e-9
    assert solution.gap_bp > best.gap_bp


def test_a_timeout_without_any_verified_trades_is_an_error(monkeypatch):
    problem = household(3)
    must = problem.replace(cash_min=problem.cash + 0.001)  # so that standing still is not allowed
    assert solve(must).status == "optimal"
    faulty(monkeypatch, lambda raw: replace(raw, status="MaxTime"))
    with pytest.raises(SolverTimeout) as refused:
        solve(must, time_limit=60.0)
    assert refused.value.code == "solver_timeout"


def test_a_timeout_without_any_bound_is_an_error(monkeypatch):
    faulty(monkeypatch, lambda raw: replace(raw, status="MaxTime", z=np.full_like(raw.z, np.nan)))
    with pytest.raises(SolverTimeout):
        solve(household(3), time_limit=60.0)


@pytest.mark.parametrize("min_trade", [0.0, 0.01])
def test_whenever_the_time_is_up_what_comes_back_is_proven(monkeypatch, min_trade):
    """Cut at every call in turn: limits kept, smallest trade kept, the bound still a bound."""
    problem = household(3, n=8, lots=30, min_trade=min_trade)
    full = solve(problem)
    assert full.status == "optimal"
    ended = set()
    for after in range(full.solves):
        with monkeypatch.context() as patch:
            faulty(patch, lambda raw: replace(raw, status="MaxTime"), after=after)
            solution = solve(problem, time_limit=60.0)
        assert_proven(problem, solution)
        assert solution.bound <= full.objective + 1e-9
        assert full.bound - 1e-9 <= solution.objective <= solution.no_trade_objective
        sold = np.bincount(problem.lot_position, solution.sells, len(problem.weights))
        trades = np.concatenate([solution.buys, sold])
        assert not np.any((trades > 0.0) & (trades < min_trade))
        ended.add((solution.status, solution.objective < solution.no_trade_objective))
    assert ("time_limit", True) in ended


def test_a_time_limit_of_nothing_is_an_error():
    with pytest.raises(SolverTimeout):
        solve(household(3), time_limit=0.0)
