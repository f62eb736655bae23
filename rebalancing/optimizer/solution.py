"""One household's rebalance as one problem, solved with a proof.

`solve` is pure: numpy in, numpy out; no Django, no Decimal, no randomness, and no clock unless a
time limit is asked for. Shares are fractional here; whole shares and the exact checks in Decimal
belong to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np

from rebalancing.errors import Inaccurate, Infeasible, SolverTimeout
from rebalancing.optimizer import conic
from rebalancing.optimizer.condensed import Condensed, condense
from rebalancing.optimizer.conflicts import explain
from rebalancing.optimizer.objective import evaluate, worst_violation
from rebalancing.optimizer.problem import FloatArray, Problem, summed
from rebalancing.optimizer.sides import (
    BUY,
    CLOSE,
    RESIDUAL,
    Candidate,
    Ended,
    Search,
    contradicts_itself,
    open_search,
    small_trades,
)
from rebalancing.optimizer.smallest_trade import large_enough
from rebalancing.optimizer.subproblem import BASIS_POINTS, CAPS, Engine, Subproblem

Side = Literal["harvest", "buy", "free"]
EngineName = Literal["clarabel", "cvxpy"]

_SPECK = 1e-7  # fractions of V ($0.10 of a million): not worth a row on anybody's screen


@dataclass(frozen=True, eq=False)
class Solution:
    """Trades that passed every check, their objective, and a proven lower bound.

    Amounts are fractions of V. `sides` says per identical group whether a loss was harvested,
    something was bought, or neither ("free"). Whatever `status` says, the trades keep every
    limit and `bound` is proven:

    - "optimal": the search ended by itself; what is left of the gap is the smallest trade's
    - "node_limit": it stopped after a fixed number of relaxations with the gap it had
    - "time_limit": it was stopped by the clock with the gap it had

    `shadow_prices` names every cap of the tax schedule that is set (`max_st_gain`, `max_lt_gain`,
    `max_tax`, `max_net_gain`) with the fall of the objective per unit more of it, 0 where it does not bind: from
    the multipliers of the last convex problem, so for these sides, this tax piece and without the
    trades that were too small.
    """

    buys: FloatArray  # (m,)
    sells: FloatArray  # (L,)
    objective: float
    bound: float
    gap_bp: float
    active_risk: float  # yearly
    tax: float  # of this year, against no trade; negative: saved
    cost: float  # linear and impact
    st_gain: float
    lt_gain: float
    sides: dict[int, Side]
    status: Ended
    residual: float  # worst constraint violation by our own arithmetic, <= 1e-8
    no_trade_objective: float
    regions: tuple[str, ...]  # tax pieces searched
    solves: int
    solver: str
    shadow_prices: dict[str, float]
    later_tax: float = 0.0  # today's value of what a later sale owes; negative: saves


def solve(
    problem: Problem, *, time_limit: float | None = None, engine: EngineName = "clarabel"
) -> Solution:
    """Best trades for the household, with a bound that proves how good they are.

    `time_limit` in seconds: what is best when it has passed comes back with its gap. Raises
    Infeasible, Unbounded, Inaccurate, and SolverTimeout where no trades or no bound were proven.
    """
    deadline = None if time_limit is None else perf_counter() + time_limit
    return solve_condensed(condense(problem), engine, deadline)


def solve_condensed(
    condensed: Condensed,
    engine: EngineName = "clarabel",
    deadline: float | None = None,
    close: float = CLOSE,
) -> Solution:
    """`solve` of a problem condensed before; a gap up to `close` (fractions of V) counts as closed."""
    problem, small = condensed.original, condensed.problem
    if contradicts_itself(small):
        raise explain(problem, Infeasible("What has to be bought and sold contradicts itself."))
    search = open_search(small, _engine(engine), deadline)
    search.close = close
    try:
        best = search.run()
    except Infeasible as none:
        raise explain(problem, none) from none
    best = _finish(search, best)
    buys, sells = condensed.expand(best.buys, best.sells)
    return _certified(problem, buys, sells, search, best, _solver_name(engine))


def _engine(name: EngineName) -> Engine:
    if name == "cvxpy":
        from rebalancing.optimizer.model import solve_cvxpy  # cvxpy takes seconds to import

        return solve_cvxpy
    return conic.solve_conic


def _solver_name(name: EngineName) -> str:
    return conic.SOLVER if name == "clarabel" else f"cvxpy with {conic.SOLVER}"


def _certified(
    problem: Problem,
    buys: FloatArray,
    sells: FloatArray,
    search: Search,
    best: Candidate,
    solver: str,
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
        gap_bp=(found.objective - bound) * BASIS_POINTS,
        active_risk=found.active_risk,
        tax=found.tax,
        cost=found.cost,
        st_gain=found.st_gain,
        lt_gain=found.lt_gain,
        sides=_sides(problem, buys, sells),
        status=search.ended,
        residual=abs(max(worst.amount, 0.0)),
        no_trade_objective=nothing.objective,
        regions=tuple(piece.name for piece in search.pieces),
        solves=search.calls,
        solver=solver,
        shadow_prices=_shadow_prices(problem, best),
        later_tax=found.later_tax,
    )


def _shadow_prices(problem: Problem, best: Candidate) -> dict[str, float]:
    return {
        name: price
        for name, price in zip(CAPS, best.cap_prices, strict=True)
        if getattr(problem.tax, name) is not None
    }


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
    """What is proposed of the best trades found: none too small, no specks, or no trade at all."""
    try:
        if best.piece is None:
            return _priced_at_rest(search, best)
        step = large_enough(search, best)
        if step is None:
            final = _at_rest(search)
        else:
            sub, best = step
            final = search.priced(_without_specks(search, sub, best), sub)
    except SolverTimeout:
        search.ended = "time_limit"
        final = _cut_down(search, best)
    nothing = search.no_trade()
    if nothing is None or nothing.objective > final.objective:
        return final
    if nothing.objective > final.objective - CLOSE:
        return replace(nothing, cap_prices=final.cap_prices)
    return nothing


def _priced_at_rest(search: Search, rest: Candidate) -> Candidate:
    """No trade with the prices of the caps that keep it so, losses being left where they are."""
    if all(getattr(search.problem.tax, cap) is None for cap in CAPS):
        return rest
    sides = tuple((group, BUY) for group in search.either_or)
    for piece in search.pieces_at_rest():
        sub = search.subproblem(piece, sides)
        found = search.solve_fixed(sub, sides)
        if found is not None:
            prices = np.maximum(rest.cap_prices, search.priced(found, sub).cap_prices)
            rest = replace(rest, cap_prices=tuple(prices.tolist()))
    return rest


def _at_rest(search: Search) -> Candidate:
    nothing = search.no_trade()
    if nothing is None:
        floor = search.problem.min_trade
        raise Infeasible(
            f"No trades of at least {floor:.4%} each, the smallest trade, were found that meet every limit.",
            conflicts=("smallest trade",),
        )
    return nothing


def _cut_down(search: Search, best: Candidate) -> Candidate:
    """With no time left to solve again: the trades without the small ones, where that is allowed."""
    problem = search.problem
    few_bought, few_sold = small_trades(problem, best.buys, best.sells, problem.min_trade)
    buys, sells = best.buys.copy(), best.sells.copy()
    buys[few_bought] = 0.0
    sells[np.isin(problem.lot_position, few_sold)] = 0.0
    if worst_violation(problem, buys, sells).amount <= RESIDUAL:
        return replace(
            best, objective=evaluate(problem, buys, sells).objective, buys=buys, sells=sells
        )
    nothing = search.no_trade()
    if nothing is None:
        raise SolverTimeout(
            "The time limit passed before trades of at least the minimum were found."
        )
    return nothing


def _without_specks(search: Search, sub: Subproblem, found: Candidate) -> Candidate:
    """The same trades with what is almost the floor, or almost the whole lot, made exact."""
    whole = (sub.sell_max > 0.0) & (found.sells > sub.sell_max - _SPECK)
    none_bought = found.buys < sub.buy_min + _SPECK
    none_sold = (found.sells < sub.sell_min + _SPECK) & ~whole
    exact = replace(
        sub,
        buy_max=np.where(none_bought, sub.buy_min, sub.buy_max),
        sell_max=np.where(none_sold, sub.sell_min, sub.sell_max),
        sell_min=np.where(whole, sub.sell_max, sub.sell_min),
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
