"""One household's rebalance as one problem, solved with a proof.

`solve` is pure: numpy in, numpy out; no Django, no Decimal, no randomness, and no clock unless a
time limit is asked for, which can only turn a solution into an error. Shares are fractional here;
whole shares and the exact checks in Decimal belong to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np

from rebalancing.errors import Inaccurate, Infeasible
from rebalancing.optimizer import conic
from rebalancing.optimizer.condensed import condense
from rebalancing.optimizer.conflicts import explain
from rebalancing.optimizer.objective import evaluate, worst_violation
from rebalancing.optimizer.problem import FloatArray, Problem, summed
from rebalancing.optimizer.sides import (
    RESIDUAL,
    Candidate,
    Search,
    either_or_groups,
    largest_buys,
    small_trades,
)

Side = Literal["harvest", "buy", "free"]
EngineName = Literal["clarabel", "cvxpy"]

_SPECK = 1e-7  # fractions of V ($0.10 of a million): not worth a row on anybody's screen
_ROUNDS = 25  # of dropping trades below the minimum


@dataclass(frozen=True, eq=False)
class Solution:
    """Trades that passed every check, their objective, and a proven lower bound.

    Amounts are fractions of V. `sides` says per identical group whether a loss was harvested,
    something was bought, or neither ("free").
    """

    buys: FloatArray  # (m,)
    sells: FloatArray  # (L,)
    objective: float
    bound: float
    gap_bp: float
    active_risk: float  # yearly
    tax: float  # against no trade; negative: saved
    cost: float  # linear and impact
    st_gain: float
    lt_gain: float
    sides: dict[int, Side]
    status: str  # always "optimal"
    residual: float  # worst constraint violation by our own arithmetic, <= 1e-8
    no_trade_objective: float
    regions: tuple[str, ...]  # tax pieces searched
    solves: int
    solver: str


def solve(
    problem: Problem, *, time_limit: float | None = None, engine: EngineName = "clarabel"
) -> Solution:
    """Best trades for the household, with a bound that proves how good they are.

    `time_limit` in seconds. Raises Infeasible, Unbounded, Inaccurate, SolverTimeout.
    """
    deadline = None if time_limit is None else perf_counter() + time_limit
    condensed = condense(problem)
    small = condensed.problem
    buy_max = largest_buys(small)
    search = Search(small, _engine(engine), deadline, buy_max, either_or_groups(small, buy_max))
    try:
        best = search.run()
    except Infeasible as none:
        raise explain(small, none) from none
    best = _finish(search, best)
    buys, sells = condensed.expand(best.buys, best.sells)
    return _certified(problem, buys, sells, search, _solver_name(engine))


def _engine(name: EngineName) -> conic.Engine:
    if name == "cvxpy":
        from rebalancing.optimizer.model import solve_cvxpy  # cvxpy takes seconds to import

        return solve_cvxpy
    return conic.solve_conic


def _solver_name(name: EngineName) -> str:
    return conic.SOLVER if name == "clarabel" else f"cvxpy with {conic.SOLVER}"


def _certified(
    problem: Problem, buys: FloatArray, sells: FloatArray, search: Search, solver: str
) -> Solution:
    worst = worst_violation(problem, buys, sells)
    if not worst.amount <= RESIDUAL:
        raise Inaccurate(f"The trades miss a limit: {worst.constraint} by {worst.amount:.1e}.")
    found = evaluate(problem, buys, sells)
    nothing = evaluate(problem, np.zeros_like(buys), np.zeros_like(sells))
    bound = min(search.bound, found.objective)
    return Solution(
        buys=buys,
        sells=sells,
        objective=found.objective,
        bound=bound,
        gap_bp=(found.objective - bound) * conic.BASIS_POINTS,
        active_risk=found.active_risk,
        tax=found.tax,
        cost=found.cost,
        st_gain=found.st_gain,
        lt_gain=found.lt_gain,
        sides=_sides(problem, buys, sells),
        status="optimal",
        residual=abs(max(worst.amount, 0.0)),
        no_trade_objective=nothing.objective,
        regions=tuple(search.regions),
        solves=search.calls,
        solver=solver,
    )


def _sides(problem: Problem, buys: FloatArray, sells: FloatArray) -> dict[int, Side]:
    names = np.unique(problem.groups)
    bought = summed(problem.position_group, buys, len(names)) > 0.0
    losses = np.where(problem.lot_is_loss, sells, 0.0)
    lost = summed(problem.lot_group, losses, len(names)) > 0.0
    return {
        int(name): "harvest" if lost[rank] else "buy" if bought[rank] else "free"
        for rank, name in enumerate(names)
    }


def _finish(search: Search, best: Candidate) -> Candidate:
    """Drop trades below the minimum and re-solve the rest, then clear specks the same way."""
    if best.piece is None:
        return best
    problem, current = search.problem, best
    sub = search.subproblem(best.piece, best.sides)
    for _ in range(_ROUNDS):
        few_bought, few_sold = small_trades(problem, current.buys, current.sells, problem.min_trade)
        if not len(few_bought) and not len(few_sold):
            break
        buy_max, sell_max = sub.buy_max.copy(), sub.sell_max.copy()
        buy_max[few_bought] = 0.0
        sell_max[np.isin(problem.lot_position, few_sold)] = 0.0
        smaller = replace(sub, buy_max=buy_max, sell_max=sell_max)
        found = search.solve_fixed(smaller, best.sides)
        if found is None:
            current = _enlarged(search, sub, current)
            break
        sub, current = smaller, found
    current = _without_specks(search, sub, current)
    nothing = search.no_trade()
    if nothing is not None and nothing.objective <= current.objective:
        return nothing
    return current


def _without_specks(search: Search, sub: conic.Subproblem, found: Candidate) -> Candidate:
    """The same trades with what is almost nothing, or almost the whole lot, made exact."""
    whole = (sub.sell_max > 0.0) & (found.sells > sub.sell_max - _SPECK)
    none_bought, none_sold = found.buys < _SPECK, (found.sells < _SPECK) & ~whole
    exact = replace(
        sub,
        buy_max=np.where(none_bought, 0.0, sub.buy_max),
        sell_max=np.where(none_sold, 0.0, sub.sell_max),
        buy_min=np.where(none_bought, 0.0, sub.buy_min),
        sell_min=np.where(whole, sub.sell_max, np.where(none_sold, 0.0, sub.sell_min)),
    )
    troubles = search.troubles
    clean = search.solve_fixed(exact, found.sides)
    search.troubles = troubles  # the checked trades before polishing stand either way
    if clean is None or clean.objective > found.objective + RESIDUAL:
        return found
    floor = search.problem.min_trade
    kept_small = any(len(few) for few in small_trades(
        search.problem, clean.buys, clean.sells, floor
    ))  # fmt: skip
    return found if kept_small else clean


def _enlarged(search: Search, sub: conic.Subproblem, found: Candidate) -> Candidate:
    """Where a small trade is needed (a cash floor, say), make it as large as the minimum."""
    problem = search.problem
    floor = problem.min_trade
    few_bought, few_sold = small_trades(problem, found.buys, found.sells, floor)
    buy_min, sell_min = sub.buy_min.copy(), sub.sell_min.copy()
    buy_min[few_bought] = np.minimum(floor, sub.buy_max[few_bought])
    for position in few_sold:
        left = floor
        lots = np.flatnonzero(problem.lot_position == position)
        for lot in lots[np.argsort(problem.taxed_gain[lots], kind="stable")]:
            sell_min[lot] = min(left, sub.sell_max[lot])
            left -= sell_min[lot]
    larger = search.solve_fixed(replace(sub, buy_min=buy_min, sell_min=sell_min), found.sides)
    if larger is not None and not any(
        len(few) for few in small_trades(problem, larger.buys, larger.sells, floor)
    ):
        return larger
    nothing = search.no_trade()
    if nothing is not None:
        return nothing
    raise Infeasible(
        f"A limit can only be met with a trade below the smallest trade of {floor:.4%}.",
        conflicts=("smallest trade",),
    )
