"""Why a problem has no solution: the smallest relaxation of its limits, by a linear program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from rebalancing.errors import Infeasible
from rebalancing.optimizer.problem import FloatArray, Problem

_NOTICEABLE = 1e-8


@dataclass(frozen=True)
class _Limit:
    """row @ (buys, sells) <= limit, in words."""

    name: str
    row: FloatArray
    limit: float


def explain(problem: Problem, found: Infeasible) -> Infeasible:
    """Infeasible naming the limits in conflict and by how much they would have to give."""
    from scipy.optimize import linprog  # half a second to import, only needed on failure

    limits = _limits(problem)
    if not limits:
        return found
    matrix = np.array([limit.row for limit in limits])
    trades, count = matrix.shape[1], len(limits)
    ceilings = [(0.0, None if may else 0.0) for may in problem.may_buy]
    ceilings += [(0.0, float(most)) for most in problem.lot_sellable]
    answer = linprog(
        np.concatenate([np.zeros(trades), np.ones(count)]),
        A_ub=sparse.hstack([sparse.csr_array(matrix), -sparse.eye_array(count)]),
        b_ub=np.array([limit.limit for limit in limits]),
        bounds=ceilings + [(0.0, None)] * count,
        method="highs",
    )
    if answer.status != 0:
        return found
    slack = answer.x[trades:]
    conflicts = tuple(
        f"{limit.name} (short by {amount:.6%} of the household's value)"
        for limit, amount in zip(limits, slack, strict=True)
        if amount > _NOTICEABLE
    )
    if conflicts:
        return Infeasible("No trades satisfy: " + "; ".join(conflicts) + ".", conflicts=conflicts)
    if problem.tax.max_tax is not None:
        return Infeasible(
            "The limits can be met, but not within the tax cap.", conflicts=("tax cap",)
        )
    return found


def _limits(problem: Problem) -> list[_Limit]:
    n, m, lots = len(problem.targets), len(problem.weights), len(problem.lot_weight)
    security = np.concatenate([
        problem.position_security, problem.position_security[problem.lot_position]
    ])  # fmt: skip
    account = np.concatenate([
        problem.position_account, problem.position_account[problem.lot_position]
    ])  # fmt: skip
    sign = np.concatenate([np.ones(m), -np.ones(lots)])
    flow = -sign - problem.cost_rates[security]
    start = problem.start
    limits: list[_Limit] = []
    for i in range(n):
        row = np.where(security == i, sign, 0.0)
        limits.append(_Limit(f"upper bound of security {i}", row, problem.upper[i] - start[i]))
        limits.append(_Limit(f"lower bound of security {i}", -row, start[i] - problem.lower[i]))
    for a in range(len(problem.cash)):
        row = np.where(account == a, flow, 0.0)
        cash = problem.cash[a]
        limits.append(_Limit(f"cash ceiling of account {a}", row, problem.cash_max[a] - cash))
        limits.append(_Limit(f"cash floor of account {a}", -row, cash - problem.cash_min[a]))
    gain = np.concatenate([np.zeros(m), problem.taxed_gain])
    long = np.concatenate([np.zeros(m, np.bool_), problem.lot_is_long])
    caps = (
        ("short-term gain cap", problem.tax.max_st_gain, ~long),
        ("long-term gain cap", problem.tax.max_lt_gain, long),
    )
    for name, cap, term in caps:
        if cap is not None:
            limits.append(_Limit(name, np.where(term, gain, 0.0), cap))
    return [limit for limit in limits if np.isfinite(limit.limit)]
