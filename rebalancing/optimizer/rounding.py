"""Small trades left out, or made as large as the smallest, until none is too small.

Sides and tax piece are given, so with the choices made the problem is convex and exact. A trade that
is wanted at x is worth more at the minimum than not made at all once x is above half of it: its
value is a parabola with its lowest point at x. That leaves aside what trades do to each other, so
the clearer half of the small ones is decided by it and the rest solved again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rebalancing.optimizer.objective import sold_by_position
from rebalancing.optimizer.prices import dearness
from rebalancing.optimizer.problem import BoolArray, FloatArray, Problem
from rebalancing.optimizer.sides import RESIDUAL, Candidate, Search, Sides, small_trades
from rebalancing.optimizer.subproblem import Subproblem

Step = tuple[Subproblem, Candidate]  # trades, and the subproblem that they answer

_UPWARDS = 1.0 + 1e-12  # floors of several lots must not add up to less than the minimum


class Trade(NamedTuple):
    """A position's buy, or its sales together; below the minimum or, with no size, not made."""

    size: float
    bought: bool
    position: int


class _Left(NamedTuple):
    """What was too small before the last step, and what of it that step left out."""

    few: Sequence[Trade] = ()
    out: Sequence[Trade] = ()

    def turned_up(self, few: Sequence[Trade]) -> list[Trade]:
        """Trades that took the place of those left out: somebody has to make them, for cash most likely."""
        known = {(trade.bought, trade.position) for trade in self.few}
        spared = sum(trade.size for trade in self.few) - sum(trade.size for trade in few)
        if spared > sum(trade.size for trade in self.out) / 2.0:
            return []
        return [trade for trade in few if (trade.bought, trade.position) not in known]


_NOTHING_LEFT = _Left()


def rounded(
    search: Search, sub: Subproblem, current: Candidate, last_call: int, left: _Left = _NOTHING_LEFT
) -> Step | None:
    """Decide the clearer half of what is too small, each by the nearer of nothing and the minimum.

    What turned up for trades left out is made as large as the minimum. Where all of that leads
    nowhere leave out the smaller half, or make the smallest as large as the minimum, or leave out
    the other half.
    """
    few = too_small(search.problem, current)
    if not few:
        return sub, current
    half = math.ceil(len(few) / 2)
    middle = search.problem.min_trade / 2.0
    clear = sorted(few, key=lambda trade: -abs(trade.size - middle))[:half]
    ways: tuple[tuple[Sequence[Trade], Sequence[Trade]], ...] = (
        ((), left.turned_up(few)[-1:]),
        ([one for one in clear if one.size < middle], [one for one in clear if one.size >= middle]),
        (few[:half], ()),
        ((), few[:1]),
        (few[half:], ()),
    )
    for fewer, larger in ways:
        if search.calls > last_call or not (fewer or larger):
            continue
        step = decided(
            search, sub, current.sides, fewer=fewer, larger=larger,
            dear=dearness(search.problem, current.duals),
        )  # fmt: skip
        out = _Left(few, () if larger else fewer)
        found = None if step is None else rounded(search, *step, last_call, out)
        if found is not None:
            return found
    return None


def never_large_enough(problem: Problem, whole: Subproblem) -> list[Trade]:
    """Trades that no other trades could make large enough: there is less to sell, or less may be bought."""
    floor = problem.min_trade
    most_sold = sold_by_position(problem, whole.sell_max)
    must_sell = sold_by_position(problem, whole.sell_min) > 0.0
    few_bought = (whole.buy_max > 0.0) & (whole.buy_max < floor) & (whole.buy_min == 0.0)
    few_sold = (most_sold > 0.0) & (most_sold < floor) & ~must_sell
    return [
        Trade(0.0, bought=bought, position=int(position))
        for bought, few in ((True, few_bought), (False, few_sold))
        for position in np.flatnonzero(few)
    ]


def too_small(problem: Problem, found: Candidate) -> list[Trade]:
    """Trades below the minimum, smallest first."""
    sold = sold_by_position(problem, found.sells)
    few_bought, few_sold = small_trades(problem, found.buys, found.sells, problem.min_trade)
    few = [Trade(float(found.buys[at]), bought=True, position=int(at)) for at in few_bought]
    few += [Trade(float(sold[at]), bought=False, position=int(at)) for at in few_sold]
    return sorted(few)


def decided(
    search: Search,
    sub: Subproblem,
    sides: Sides,
    *,
    fewer: Sequence[Trade] = (),
    larger: Sequence[Trade] = (),
    dear: FloatArray | None = None,
) -> Step | None:
    """The problem with some trades left out and others of at least the minimum, where the limits allow it.

    A larger sale is made of the lots of least `dear` (L,), by default of the least gain.
    """
    problem = search.problem
    order = problem.taxed_gain if dear is None else dear
    buy_max, sell_max = sub.buy_max.copy(), sub.sell_max.copy()
    buy_min, sell_min = sub.buy_min.copy(), sub.sell_min.copy()
    buy_max[[trade.position for trade in fewer if trade.bought]] = 0.0
    left_out = [trade.position for trade in fewer if not trade.bought]
    sell_max[np.isin(problem.lot_position, left_out)] = 0.0
    for trade in larger:
        left = problem.min_trade * _UPWARDS
        lots = np.flatnonzero(problem.lot_position == trade.position)
        if trade.bought:
            buy_min[trade.position] = min(left, buy_max[trade.position])
            left -= buy_min[trade.position]
            sell_max[lots] = sell_min[lots]  # both at once would be netted below the minimum
        else:
            for lot in lots[np.argsort(order[lots], kind="stable")]:
                sell_min[lot] = min(left, sell_max[lot])
                left -= sell_min[lot]
            buy_max[trade.position] = buy_min[trade.position]
        if left > RESIDUAL:
            return None
    return _again(
        search,
        replace(sub, buy_max=buy_max, sell_max=sell_max, buy_min=buy_min, sell_min=sell_min),
        sides,
    )


def _again(search: Search, sub: Subproblem, sides: Sides) -> Step | None:
    """The answer on the tax piece it was on; where that has none left, the best of the others."""
    found = search.solve_fixed(sub, sides)
    if found is not None:
        return sub, found
    best: Step | None = None
    for piece in search.pieces:
        other = replace(sub, piece=piece)
        found = None if piece == sub.piece else search.solve_fixed(other, sides)
        if found is not None and (best is None or found.objective < best[1].objective):
            best = other, found
    return best


def reopened(sub: Subproblem, whole: Subproblem, at: BoolArray) -> Subproblem:
    """With the limits of some positions (m,) as they were before anything was decided about them."""
    lots = at[sub.problem.lot_position]
    return replace(
        sub,
        buy_max=np.where(at, whole.buy_max, sub.buy_max),
        buy_min=np.where(at, whole.buy_min, sub.buy_min),
        sell_max=np.where(lots, whole.sell_max, sub.sell_max),
        sell_min=np.where(lots, whole.sell_min, sub.sell_min),
    )
