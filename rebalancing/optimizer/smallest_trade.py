"""No trade below the smallest one: which small trades are left out, and which are made larger.

Sides and tax piece are given, so with the choice made the problem is convex and exact. A trade that
is wanted at x is worth more at the minimum than not made at all once x is above half of it: its
value is a parabola with its lowest point at x. That leaves aside what trades do to each other, so
the clearer half of the small ones is decided by it and the rest solved again, and in the end single
choices are turned over while that helps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from rebalancing.errors import SolverTimeout
from rebalancing.optimizer.conic import Subproblem
from rebalancing.optimizer.objective import sold_by_position
from rebalancing.optimizer.prices import Prices, prices_at
from rebalancing.optimizer.problem import BoolArray, FloatArray, Problem, summed
from rebalancing.optimizer.security_bounds import Alone, alone_at
from rebalancing.optimizer.sides import RESIDUAL, Candidate, Search, Sides, small_trades
from rebalancing.optimizer.tax_schedule import Piece

Step = tuple[Subproblem, Candidate]  # trades, and the subproblem that they answer

_TRIES = 60  # convex problems at most to get rid of trades below the minimum
_TRIES_AGAIN = 4  # the same after one choice was turned over
_IN_VAIN = 3  # choices turned over without use in a row, and the search ends
_GOOD_ENOUGH = 5e-6  # fractions of V, 0.05 bp: a gap not worth turning choices over for
_PROMISING = 2e-6  # fractions of V: what turning a choice over may seem to cost and still be tried
_AT_THE_MINIMUM = 1.001  # times the smallest trade: made for its floor's sake, most likely
_UPWARDS = 1.0 + 1e-12  # floors of several lots must not add up to less than the minimum


class _Trade(NamedTuple):
    """A position's buy, or its sales together; below the minimum or, with no size, not made."""

    size: float
    bought: bool
    position: int


def large_enough(search: Search, best: Candidate) -> Step | None:
    """Trades of at least the minimum on these sides; None where there seem to be none.

    Raises SolverTimeout where the time is up before there are any.
    """
    assert best.piece is not None
    whole = search.subproblem(best.piece, best.sides)
    hopeless = _never_large_enough(search.problem, whole)
    start = _decided(search, whole, best.sides, fewer=hopeless) if hopeless else None
    step = _rounded(search, *(start or (whole, best)), search.calls + _TRIES)
    return None if step is None else _turned(search, whole, step)


class _Left(NamedTuple):
    """What was too small before the last step, and what of it that step left out."""

    few: Sequence[_Trade] = ()
    out: Sequence[_Trade] = ()

    def turned_up(self, few: Sequence[_Trade]) -> list[_Trade]:
        """Trades that took the place of those left out: somebody has to make them, for cash most likely."""
        known = {(trade.bought, trade.position) for trade in self.few}
        spared = sum(trade.size for trade in self.few) - sum(trade.size for trade in few)
        if spared > sum(trade.size for trade in self.out) / 2.0:
            return []
        return [trade for trade in few if (trade.bought, trade.position) not in known]


_NOTHING_LEFT = _Left()


def _rounded(
    search: Search, sub: Subproblem, current: Candidate, last_call: int, left: _Left = _NOTHING_LEFT
) -> Step | None:
    """Decide the clearer half of what is too small, each by the nearer of nothing and the minimum.

    What turned up for trades left out is made as large as the minimum. Where all of that leads
    nowhere leave out the smaller half, or make the smallest as large as the minimum, or leave out
    the other half.
    """
    few = _too_small(search.problem, current)
    if not few:
        return sub, current
    half = math.ceil(len(few) / 2)
    middle = search.problem.min_trade / 2.0
    clear = sorted(few, key=lambda trade: -abs(trade.size - middle))[:half]
    ways: tuple[tuple[Sequence[_Trade], Sequence[_Trade]], ...] = (
        ((), left.turned_up(few)[-1:]),
        ([one for one in clear if one.size < middle], [one for one in clear if one.size >= middle]),
        (few[:half], ()),
        ((), few[:1]),
        (few[half:], ()),
    )
    for fewer, larger in ways:
        if search.calls > last_call or not (fewer or larger):
            continue
        step = _decided(search, sub, current.sides, fewer=fewer, larger=larger)
        out = _Left(few, () if larger else fewer)
        found = None if step is None else _rounded(search, *step, last_call, out)
        if found is not None:
            return found
    return None


def _turned(search: Search, whole: Subproblem, step: Step) -> Step:
    """The same with single choices turned over, the most promising first, while that helps.

    When the time is up, what was found by then.
    """
    if not search.problem.min_trade:
        return step
    proof = _Proof(search, dict.fromkeys(search.pieces, -math.inf))
    proof.extend(step)
    first = step
    tried = np.zeros((2, len(whole.buy_max)), dtype=np.bool_)
    in_vain = 0
    while in_vain < _IN_VAIN and step[1].objective > search.bound + _GOOD_ENOUGH:
        trade = _most_promising(whole, step[1], tried)
        if trade is None:
            break
        tried[int(trade.bought), trade.position] = True
        try:
            other = _turned_over(search, whole, step, trade)
        except SolverTimeout:
            search.ended = "time_limit"
            break
        in_vain += 1
        if other is not None and other[1].objective < step[1].objective - RESIDUAL:
            step, in_vain = other, 0
    if step is not first:
        proof.extend(step)
    return step


@dataclass
class _Proof:
    """Bounds that know of the smallest trade, a tax piece each: the tax is convex on a piece only."""

    search: Search
    bounds: dict[Piece, float]

    def extend(self, step: Step) -> None:
        """Raise the search's bound by the prices of these trades, as far as it pays.

        Where they prove too little of another piece, it is asked for its own. Time that runs out
        leaves the bound as it was.
        """
        sub, found = step
        enough = found.objective - _GOOD_ENOUGH
        prices = prices_at(self.search.problem, found)
        if prices is None or self.search.bound >= enough:
            return
        alone = self._alone(prices)
        for piece, known in self.bounds.items():
            if known < enough:
                self.bounds[piece] = max(known, self._bound(alone, piece))
            if self.bounds[piece] < enough and piece != sub.piece:
                self._ask(piece, step)
        least = min(self.bounds.values())
        if math.isfinite(least):
            self.search.bound = max(self.search.bound, least)

    def _ask(self, piece: Piece, step: Step) -> None:
        sub, found = step
        try:
            there = self.search.solve_fixed(replace(sub, piece=piece), found.sides)
        except SolverTimeout:
            self.search.ended = "time_limit"
            return
        own = None if there is None else prices_at(self.search.problem, there)
        if own is not None:
            self.bounds[piece] = max(self.bounds[piece], self._bound(self._alone(own), piece))

    def _alone(self, prices: Prices) -> Alone:
        return alone_at(self.search.problem, prices, self.search.buy_max, self.search.sell_max)

    def _bound(self, alone: Alone, piece: Piece) -> float:
        return alone.bound(self.search.problem, piece, self.search.gains)


def _turned_over(search: Search, whole: Subproblem, step: Step, trade: _Trade) -> Step | None:
    """With a trade left out that was made, or made that was left out."""
    sub, found = step
    open_again = _reopened(whole, sub, trade.position)
    fewer, larger = ([trade], []) if trade.size else ([], [trade])
    other = _decided(search, open_again, found.sides, fewer=fewer, larger=larger)
    return other and _rounded(search, *other, search.calls + _TRIES_AGAIN)


def _reopened(whole: Subproblem, sub: Subproblem, position: int) -> Subproblem:
    """The limits of one position as they were before anything was decided about it."""
    at = np.arange(len(sub.buy_max)) == position
    lots = sub.problem.lot_position == position
    return replace(
        sub,
        buy_max=np.where(at, whole.buy_max, sub.buy_max),
        buy_min=np.where(at, whole.buy_min, sub.buy_min),
        sell_max=np.where(lots, whole.sell_max, sub.sell_max),
        sell_min=np.where(lots, whole.sell_min, sub.sell_min),
    )


def _most_promising(whole: Subproblem, found: Candidate, tried: BoolArray) -> _Trade | None:
    """The choice whose turning over seems to help most, if it seems to help at all.

    Only trades just at the minimum are asked whether they are better left out, and only positions
    that are not traded whether they are better traded.
    """
    problem = whole.problem
    prices = prices_at(problem, found)
    if prices is None:
        return None
    sold = sold_by_position(problem, found.sells)
    growth = np.where(tried, np.inf, _growth(whole, found, prices))
    bought, position = np.unravel_index(int(np.argmin(growth)), growth.shape)
    if growth[bought, position] > _PROMISING:
        return None
    size = (found.buys if bought else sold)[position]
    return _Trade(float(size), bool(bought), int(position))


def _growth(whole: Subproblem, found: Candidate, prices: Prices) -> FloatArray:
    """(2, m) of the objective, once a position's sales or its buy are turned over; inf where they cannot be.

    Along the slopes, with the own risk of the security; factors are taken to stay as they are.
    """
    problem, floor = whole.problem, whole.problem.min_trade
    security, lot_position = problem.position_security, problem.lot_position
    count = len(security)
    own = problem.risk_aversion * problem.specific_variance
    risk = (prices.factor_risk(problem) + 2.0 * own * prices.active)[security]
    buys, sells = prices.of_buys(problem) + risk, prices.of_sells(problem) - risk[lot_position]
    sold = sold_by_position(problem, found.sells)
    idle = (found.buys == 0.0) & (sold == 0.0)
    first = _first_sales(problem, whole.sell_max, sells)
    rising = (
        summed(lot_position, first * sells, count),
        floor * buys,
    )
    falling = (
        -summed(lot_position, found.sells * sells, count),
        -found.buys * buys,
    )
    possible = (sold_by_position(problem, whole.sell_max) >= floor, whole.buy_max >= floor)
    needed = (sold_by_position(problem, whole.sell_min) > 0.0, whole.buy_min > 0.0)
    curve = own[security]
    impact = np.zeros(count) if problem.impact is None else problem.impact[security]
    growth = np.full((2, count), np.inf)
    for row, made in enumerate((sold, found.buys)):
        at_the_minimum = (made > 0.0) & (made <= floor * _AT_THE_MINIMUM) & ~needed[row]
        start = idle & possible[row]
        growth[row, start] = (rising[row] + curve * floor**2 + impact * floor**1.5)[start]
        stop = (falling[row] + curve * made**2 - impact * made**1.5)[at_the_minimum]
        growth[row, at_the_minimum] = stop
    return growth


def _first_sales(problem: Problem, sell_max: FloatArray, slope: FloatArray) -> FloatArray:
    """(L,) what a sale of the smallest size in every position would take of each lot, cheapest first."""
    position = problem.lot_position
    order = np.lexsort((slope, position))
    size = sell_max[order]
    upto = np.cumsum(size)
    starts = np.searchsorted(position[order], np.arange(len(problem.weights)))
    before_position = np.concatenate([[0.0], upto])[starts]
    before = upto - size - before_position[position[order]]
    first = np.zeros(len(size))
    first[order] = np.clip(problem.min_trade - before, 0.0, size)
    return first


def _never_large_enough(problem: Problem, whole: Subproblem) -> list[_Trade]:
    """Trades that no other trades could make large enough: there is less to sell, or less may be bought."""
    floor = problem.min_trade
    most_sold = sold_by_position(problem, whole.sell_max)
    must_sell = sold_by_position(problem, whole.sell_min) > 0.0
    few_bought = (whole.buy_max > 0.0) & (whole.buy_max < floor) & (whole.buy_min == 0.0)
    few_sold = (most_sold > 0.0) & (most_sold < floor) & ~must_sell
    return [
        _Trade(0.0, bought=bought, position=int(position))
        for bought, few in ((True, few_bought), (False, few_sold))
        for position in np.flatnonzero(few)
    ]


def _too_small(problem: Problem, found: Candidate) -> list[_Trade]:
    """Trades below the minimum, smallest first."""
    sold = sold_by_position(problem, found.sells)
    few_bought, few_sold = small_trades(problem, found.buys, found.sells, problem.min_trade)
    few = [_Trade(float(found.buys[at]), bought=True, position=int(at)) for at in few_bought]
    few += [_Trade(float(sold[at]), bought=False, position=int(at)) for at in few_sold]
    return sorted(few)


def _decided(
    search: Search,
    sub: Subproblem,
    sides: Sides,
    *,
    fewer: Sequence[_Trade] = (),
    larger: Sequence[_Trade] = (),
) -> Step | None:
    """The problem with some trades left out and others of at least the minimum, where the limits allow it."""
    problem = search.problem
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
            for lot in lots[np.argsort(problem.taxed_gain[lots], kind="stable")]:
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
