"""Weights of a model by a recipe, long only and within bands: float64, from a risk model (F16).

Equal and fixed weights, and those by market value, need no optimiser. Minimum variance and mean-variance are one convex
quadratic program, solved by Clarabel and believed only if our own check of feasibility and of the optimality conditions
holds. Risk parity is Richard and Roncalli's constrained risk budgeting: coordinate descent on
``w' Sigma w / 2 - c sum(log w)`` within each name's bounds, with the scale ``c`` at which the weights make the total;
names inside their bounds then contribute equally.

Mean-variance has no views unless they are given: its expected returns are those that make the present weights the best
ones (``market_risk_price * Sigma * reference``). The same price weighs their variance, whatever a policy asks of active
risk, so that without a view and inside the bands nothing changes. What views make of them is in
``rebalancing.model_changes.return_views``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from rebalancing.errors import BadProblem, Inaccurate, Infeasible
from rebalancing.model_changes import return_views
from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.return_views import View
from rebalancing.optimizer.problem import BoolArray, FloatArray
from rebalancing.risk import RiskModel

TOLERANCE = 1e-7  # of our own checks, against the size of what is compared
_NOTICEABLE = 1e-9
_EXACT = 1e-13
_STEPS = 200  # limits taken up or let go of after the solver
_SWEEPS = 10_000
_HALVINGS = 200
_STILL = 1e-14  # coordinate descent has arrived


@dataclass(frozen=True)
class Band:
    """Together the weights of some names stay between two ends; ``name`` is what a refusal calls it."""

    name: str
    members: BoolArray  # (n,)
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, eq=False)
class Task:
    """What to find weights for; all arrays (n,), weights as fractions of a portfolio.

    ``total`` is what the weights sum to, the rest being cash. ``names`` are for refusals. ``reference`` are the present
    weights. ``views`` are the mean-variance recipe's, ``market_values`` (dollars) that of market value.
    """

    risk: RiskModel
    names: Sequence[str]
    reference: FloatArray
    total: float
    lower: FloatArray
    upper: FloatArray
    bands: tuple[Band, ...] = ()
    market_risk_price: float = return_views.CUSTOMARY_RISK_PRICE  # of total variance, a year
    views: tuple[View, ...] = ()
    market_values: FloatArray | None = None


def weights(recipe: Recipe, task: Task) -> FloatArray:
    """(n,) weights by the recipe. Raises BadProblem, Infeasible (naming what is in conflict), Inaccurate."""
    _check(task)
    match recipe:
        case Recipe.FIXED:
            return _kept(np.array(task.reference, dtype=np.float64), task, recipe)
        case Recipe.EQUAL:
            n = len(task.names)
            return _kept(np.full(n, task.total / n), task, recipe)
        case Recipe.MARKET_VALUE:
            return _kept(_by_market_value(task), task, recipe)
        case Recipe.RISK_PARITY:
            return _kept(_risk_parity(task), task, recipe)
        case Recipe.MINIMUM_VARIANCE:
            return _quadratic(task, np.zeros(len(task.names)))
        case Recipe.MEAN_VARIANCE:
            return _quadratic(task, _expected(task) / task.market_risk_price)


def _by_market_value(task: Task) -> FloatArray:
    values = task.market_values
    if values is None or values.shape != (len(task.names),) or not np.all(np.isfinite(values)):
        raise BadProblem(f"market_values needs {len(task.names)} finite numbers.")
    if np.any(values <= 0.0):
        raise BadProblem("A market value must be above 0.")
    return np.asarray(values * (task.total / values.sum()), dtype=np.float64)


def risk_contributions(risk: RiskModel, found: FloatArray) -> FloatArray:
    """(n,) what each name adds to the variance; they sum to it."""
    return np.asarray(found * risk.marginal(found), dtype=np.float64)


def _expected(task: Task) -> FloatArray:
    """(n,) yearly returns: those implied by the present weights, moved by the views."""
    implied = return_views.implied(task.risk, task.reference, task.market_risk_price)
    if not task.views:
        return implied
    return return_views.posterior(task.risk, implied, task.views).returns


def _check(task: Task) -> None:
    n = len(task.names)
    for name in ("reference", "lower", "upper"):
        values = getattr(task, name)
        if values.shape != (n,) or not np.all(np.isfinite(values)):
            raise BadProblem(f"{name} needs {n} finite numbers.")
    if n == 0 or task.risk.loadings.shape[0] != n or len(task.risk.specific_variance) != n:
        raise BadProblem(f"The risk model does not have the {n} names of the model.")
    if not np.all(np.isfinite(task.risk.loadings)) or not np.all(task.risk.specific_variance > 0):
        raise BadProblem("The risk model holds a number that is none, or no specific variance.")
    if not 0.0 < task.total <= 1.0:
        raise BadProblem(f"Weights cannot sum to {task.total}: it must be above 0 and at most 1.")
    if not (np.isfinite(task.market_risk_price) and task.market_risk_price > 0.0):
        raise BadProblem("market_risk_price must be above 0.")
    if np.any(task.lower < 0.0):
        raise BadProblem("A lowest weight is negative: a model is long only.")
    return_views.check(task.views, n)
    _refuse_conflicts(task)


def _limits(task: Task) -> list[tuple[str, FloatArray, float]]:
    """Every limit as (name, row, most): row @ weights <= most."""
    n, found = len(task.names), []
    for at, name in enumerate(task.names):
        row = np.zeros(n)
        row[at] = 1.0
        found.append((f"highest weight of {name}", row, float(task.upper[at])))
        found.append((f"lowest weight of {name}", -row, -float(task.lower[at])))
    for band in task.bands:
        row = band.members.astype(np.float64)
        found.append((f"highest weight of {band.name}", row, band.high))
        found.append((f"lowest weight of {band.name}", -row, -band.low))
    return found


def _refuse_conflicts(task: Task) -> None:
    """Raises Infeasible with the smallest relaxation by which all limits could be kept."""
    limits = _limits(task)
    matrix = np.array([row for _, row, _ in limits])
    most = np.array([limit for _, _, limit in limits])
    inside = np.clip(task.reference, task.lower, task.upper)
    if abs(inside.sum() - task.total) <= _NOTICEABLE and np.all(matrix @ inside <= most):
        return  # the present weights will do
    from scipy.optimize import linprog  # half a second to import

    n, count = len(task.names), len(limits)
    answer = linprog(
        np.concatenate([np.zeros(n), np.ones(count)]),
        A_ub=sparse.hstack([sparse.csr_array(matrix), -sparse.eye_array(count)]),
        b_ub=most,
        A_eq=np.concatenate([np.ones(n), np.zeros(count)])[None, :],
        b_eq=[task.total],
        bounds=[(0.0, None)] * (n + count),
        method="highs",
    )
    if answer.status != 0:
        raise Inaccurate("Whether any weights keep all limits could not be found out.")
    conflicts = tuple(
        f"{name} (short by {slack * 100:.2f} %)"
        for (name, _, _), slack in zip(limits, answer.x[n:], strict=True)
        if slack > _NOTICEABLE
    )
    if conflicts:
        raise Infeasible(
            f"No weights that sum to {task.total * 100:.2f} % keep: {'; '.join(conflicts)}.",
            conflicts=conflicts,
            advice="Relax one of the limits named here, or give the model other names.",
        )


def _kept(found: FloatArray, task: Task, recipe: Recipe) -> FloatArray:
    """The weights of a recipe that cannot bend. Raises Infeasible where they break a limit."""
    broken = [
        (name, row @ found - most)
        for name, row, most in _limits(task)
        if row @ found - most > _NOTICEABLE
    ]
    if abs(found.sum() - task.total) > _NOTICEABLE:
        raise Infeasible(
            f"The {recipe.replace('_', ' ')} weights sum to {found.sum():.4%}, not {task.total:.4%}."
        )
    if broken:
        conflicts = tuple(f"{name} (by {by * 100:.2f} %)" for name, by in broken)
        raise Infeasible(
            f"The {recipe.replace('_', ' ')} weights break: {'; '.join(conflicts)}.",
            conflicts=conflicts,
            advice="Relax the limits named here, or use minimum variance, which keeps them.",
        )
    return found


def _quadratic(task: Task, reward: FloatArray) -> FloatArray:
    """argmin w' Sigma w / 2 - reward' w over the task's limits."""
    import clarabel  # its import takes a moment

    n = len(task.names)
    limits = _limits(task)
    rows = np.vstack([np.ones((1, n)), *(row[None, :] for _, row, _ in limits)])
    most = np.array([task.total, *(limit for _, _, limit in limits)])
    sigma = task.risk.covariance()
    scale = float(np.mean(np.diag(sigma)))  # variances of 1e-6 and of 1 alike
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(sigma / scale)),
        -reward / scale,
        sparse.csc_matrix(rows),
        most,
        [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(len(limits))],
        settings,
    )
    answer = solver.solve()
    found, prices = np.array(answer.x), np.array(answer.z)
    if not (np.all(np.isfinite(found)) and np.all(np.isfinite(prices))):
        raise Inaccurate(f"The solver ended without weights ({answer.status}).")
    problem = (sigma / scale, -reward / scale, rows, most)
    polished = _polished(found, prices, *problem)
    if _error(*polished, *problem) <= _error(found, prices, *problem):
        found, prices = polished
    wrong = _error(found, prices, *problem)
    if not wrong <= TOLERANCE:
        raise Inaccurate(f"The weights miss the optimality conditions by {wrong:.1e}.")
    return np.asarray(np.clip(found, task.lower, task.upper), dtype=np.float64)


def _polished(
    found: FloatArray,
    prices: FloatArray,
    quadratic: FloatArray,
    linear: FloatArray,
    rows: FloatArray,
    most: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """The exact answer: the limits that bind are taken from the solver's, and mended one by one until all is right.

    Each step solves one linear system. Where that comes to no end the solver's own answer is returned.
    """
    binding = set(np.flatnonzero(prices > most - rows @ found).tolist()) | {0}
    n = len(found)
    for _ in range(_STEPS):
        order = np.array(sorted(binding))
        held, count = rows[order], len(order)
        system = np.block([[quadratic, held.T], [held, np.zeros((count, count))]])
        answer = np.linalg.lstsq(system, np.concatenate([-linear, most[order]]), rcond=None)[0]
        exact, slack = np.zeros_like(prices), most - rows @ answer[:n]
        exact[order] = answer[n:]
        slack[order] = 0.0
        cheapest, tightest = 1 + int(np.argmin(exact[1:])), 1 + int(np.argmin(slack[1:]))
        if exact[cheapest] < 0.0:
            binding.remove(cheapest)
        elif slack[tightest] < -_EXACT:
            binding.add(tightest)
        else:
            return answer[:n], exact
    return found, prices


def _error(
    found: FloatArray,
    prices: FloatArray,
    quadratic: FloatArray,
    linear: FloatArray,
    rows: FloatArray,
    most: FloatArray,
) -> float:
    """By how much feasibility, the signs of the prices, stationarity and complementarity are missed at worst."""
    slack = most - rows @ found
    gradient = quadratic @ found + linear
    size = 1.0 + float(np.abs(gradient).max())
    return max(
        abs(float(slack[0])),
        float(np.max(-slack[1:], initial=0.0)),
        float(np.max(-prices[1:], initial=0.0)) / size,
        float(np.abs(gradient + rows.T @ prices).max()) / size,
        float(np.abs(slack[1:] * prices[1:]).max(initial=0.0)) / size,
    )


def _risk_parity(task: Task) -> FloatArray:
    """Weights of equal risk contributions, but for names at a bound."""
    floor = np.maximum(task.lower, 0.0)
    if task.upper.min() <= 0.0:
        names = [name for name, most in zip(task.names, task.upper, strict=True) if most <= 0.0]
        raise Infeasible(
            f"Risk parity gives every name a weight, and {', '.join(names)} may have none.",
            advice="Leave those names out of the model, or use minimum variance.",
        )
    sigma = task.risk.covariance()
    free = _descend(sigma, 1.0, np.zeros_like(floor), np.full_like(floor, np.inf), None)
    scaled = free * (task.total / free.sum())
    if np.all(scaled >= floor) and np.all(scaled <= task.upper):
        _verify_parity(scaled, task, floor)
        return np.asarray(scaled, dtype=np.float64)
    found = _at_total(task, sigma, floor, scaled)
    _verify_parity(found, task, floor)
    return found


def _at_total(task: Task, sigma: FloatArray, floor: FloatArray, start: FloatArray) -> FloatArray:
    """The scale c at which the bounded weights make the total: they grow with it."""
    low, high = 0.0, float(np.max(np.diag(sigma)))
    found = np.clip(start, floor, task.upper)
    while _descend(sigma, high, floor, task.upper, found).sum() < task.total:
        high *= 4.0
        if high > 1e12:
            return np.array(task.upper)  # the highest weights together just make the total
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        found = _descend(sigma, middle, floor, task.upper, found)
        if found.sum() < task.total:
            low = middle
        else:
            high = middle
        if abs(found.sum() - task.total) <= 1e-13:
            break
    return found


def _descend(
    sigma: FloatArray,
    scale: float,
    lower: FloatArray,
    upper: FloatArray,
    start: FloatArray | None,
) -> FloatArray:
    """argmin w' Sigma w / 2 - scale * sum(log w) within the bounds. Raises Inaccurate where it does not arrive."""
    own = np.diag(sigma)
    found = np.sqrt(scale / own) if start is None else start.copy()
    found = np.clip(found, lower, upper)
    pull = sigma @ found
    for _ in range(_SWEEPS):
        moved = 0.0
        for at in range(len(found)):
            others = pull[at] - own[at] * found[at]
            new = (np.sqrt(others * others + 4.0 * own[at] * scale) - others) / (2.0 * own[at])
            new = min(max(new, lower[at]), upper[at])
            step = new - found[at]
            if step:
                pull = pull + sigma[:, at] * step
                found[at] = new
                moved = max(moved, abs(step) / max(new, 1e-300))
        if moved <= _STILL * 10:
            return np.asarray(found, dtype=np.float64)
    raise Inaccurate("Risk parity did not come to rest.")


def _verify_parity(found: FloatArray, task: Task, floor: FloatArray) -> None:
    """Names inside their bounds contribute equally. Raises Inaccurate."""
    inside = (found > floor + _NOTICEABLE) & (found < task.upper - _NOTICEABLE)
    parts = risk_contributions(task.risk, found)[inside]
    if len(parts) > 1 and float(np.ptp(parts)) > TOLERANCE * float(parts.mean()):
        raise Inaccurate("The risk contributions are not equal.")
