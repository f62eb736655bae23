"""One household's rebalance as one problem, solved with a proof.

`solve` is pure: numpy in, numpy out; no Django, no Decimal, no randomness, and no clock unless a
time limit is asked for. Shares are fractional here; whole shares and the exact checks in Decimal
belong to the caller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np

from rebalancing.errors import Inaccurate, Infeasible, SolverTimeout
from rebalancing.optimizer import conic
from rebalancing.optimizer.condensed import Condensed, condense
from rebalancing.optimizer.conflicts import explain
from rebalancing.optimizer.objective import evaluate, sold_by_position, worst_violation
from rebalancing.optimizer.problem import FloatArray, Problem, summed
from rebalancing.optimizer.sides import (
    BUY,
    CLOSE,
    RESIDUAL,
    Candidate,
    Ended,
    Search,
    Sides,
    contradicts_itself,
    open_search,
    small_trades,
)

Side = Literal["harvest", "buy", "free"]
EngineName = Literal["clarabel", "cvxpy"]

_Small = tuple[float, bool, int]  # size, bought, position
_Step = tuple[conic.Subproblem, Candidate]

_SPECK = 1e-7  # fractions of V ($0.10 of a million): not worth a row on anybody's screen
_TRIES = 60  # convex problems at most to get rid of trades below the minimum


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
    tax: float  # against no trade; negative: saved
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


def _engine(name: EngineName) -> conic.Engine:
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
        gap_bp=(found.objective - bound) * conic.BASIS_POINTS,
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
    )


def _shadow_prices(problem: Problem, best: Candidate) -> dict[str, float]:
    return {
        name: price
        for name, price in zip(conic.CAPS, best.cap_prices, strict=True)
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
        final, sub = _large_enough(search, best)
        final = search.priced(final, sub)
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
    if all(getattr(search.problem.tax, cap) is None for cap in conic.CAPS):
        return rest
    sides = tuple((group, BUY) for group in search.either_or)
    for piece in search.pieces_at_rest():
        sub = search.subproblem(piece, sides)
        found = search.solve_fixed(sub, sides)
        if found is not None:
            prices = np.maximum(rest.cap_prices, search.priced(found, sub).cap_prices)
            rest = replace(rest, cap_prices=tuple(prices.tolist()))
    return rest


def _large_enough(search: Search, best: Candidate) -> tuple[Candidate, conic.Subproblem]:
    """No trade below the minimum, then specks cleared the same way; with the subproblem behind it."""
    assert best.piece is not None
    sub = search.subproblem(best.piece, best.sides)
    hopeless = _never_large_enough(search.problem, sub, best)
    start = _without(search, sub, best.sides, hopeless) or (sub, best)
    step = _large_enough_from(search, *start, search.calls + _TRIES)
    if step is None:
        return _at_rest(search), sub
    sub, current = step
    return _without_specks(search, sub, current), sub


def _large_enough_from(
    search: Search, sub: conic.Subproblem, current: Candidate, last_call: int
) -> _Step | None:
    """Leave out the smaller half of what is too small and solve again: some of the rest grows.

    Where that leads nowhere, make the smallest as large as the minimum (a cash floor needs it, say),
    or leave out the other half.
    """
    few, sides = _too_small(search.problem, current), current.sides
    if not few:
        return sub, current
    half = math.ceil(len(few) / 2)
    for way, trades in ((_without, few[:half]), (_enlarged, few[:1]), (_without, few[half:])):
        step = way(search, sub, sides, trades) if search.calls <= last_call else None
        found = None if step is None else _large_enough_from(search, *step, last_call)
        if found is not None:
            return found
    return None


def _never_large_enough(problem: Problem, sub: conic.Subproblem, found: Candidate) -> list[_Small]:
    """Trades too small now that no other trades could make large enough: there is less to sell."""
    most = sold_by_position(problem, sub.sell_max)
    return [
        small for small in _too_small(problem, found)
        if (sub.buy_max if small[1] else most)[small[2]] < problem.min_trade
    ]  # fmt: skip


def _too_small(problem: Problem, found: Candidate) -> list[_Small]:
    """Trades below the minimum, smallest first."""
    sold = sold_by_position(problem, found.sells)
    few_bought, few_sold = small_trades(problem, found.buys, found.sells, problem.min_trade)
    few = [(float(found.buys[at]), True, int(at)) for at in few_bought]
    return sorted(few + [(float(sold[at]), False, int(at)) for at in few_sold])


def _without(
    search: Search, sub: conic.Subproblem, sides: Sides, few: list[_Small]
) -> _Step | None:
    """The problem without these trades, where the limits allow it."""
    if not few:
        return None
    bought = [position for _, is_buy, position in few if is_buy]
    sold = [position for _, is_buy, position in few if not is_buy]
    buy_max = sub.buy_max.copy()
    buy_max[bought] = 0.0
    none_sold = np.isin(search.problem.lot_position, sold)
    fewer = replace(sub, buy_max=buy_max, sell_max=np.where(none_sold, 0.0, sub.sell_max))
    return _again(search, fewer, sides)


def _enlarged(
    search: Search, sub: conic.Subproblem, sides: Sides, few: list[_Small]
) -> _Step | None:
    """The problem with the first of these at least as large as the minimum, where it can be."""
    problem = search.problem
    (_, bought, position), *_ = few
    left = problem.min_trade
    buy_min, sell_min = sub.buy_min.copy(), sub.sell_min.copy()
    if bought:
        buy_min[position] = min(left, sub.buy_max[position])
        left -= buy_min[position]
    else:
        lots = np.flatnonzero(problem.lot_position == position)
        for lot in lots[np.argsort(problem.taxed_gain[lots], kind="stable")]:
            sell_min[lot] = min(left, sub.sell_max[lot])
            left -= sell_min[lot]
    if left > RESIDUAL:
        return None
    larger = replace(sub, buy_min=buy_min, sell_min=sell_min)
    return _again(search, larger, sides)


def _again(search: Search, sub: conic.Subproblem, sides: Sides) -> _Step | None:
    """The answer on the tax piece it was on; where that has none left, the best of the others."""
    found = search.solve_fixed(sub, sides)
    if found is not None:
        return sub, found
    best: _Step | None = None
    for piece in search.pieces:
        other = replace(sub, piece=piece)
        found = None if piece == sub.piece else search.solve_fixed(other, sides)
        if found is not None and (best is None or found.objective < best[1].objective):
            best = other, found
    return best


def _at_rest(search: Search) -> Candidate:
    nothing = search.no_trade()
    if nothing is None:
        floor = search.problem.min_trade
        raise Infeasible(
            f"A limit can only be met with a trade below the smallest trade of {floor:.4%}.",
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


def _without_specks(search: Search, sub: conic.Subproblem, found: Candidate) -> Candidate:
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
