"""No trade below the smallest one: which small trades are left out, and which are made larger.

What the search found without that rule is rounded (`rounding`); then single choices are turned over
while that helps, and what is left of the gap says where better ones may be (`exchanges`).
"""

from __future__ import annotations

import numpy as np

from rebalancing.errors import SolverTimeout
from rebalancing.optimizer.exchanges import WORTH, begun_anew, exchanged
from rebalancing.optimizer.objective import sold_by_position
from rebalancing.optimizer.prices import Prices, prices_at
from rebalancing.optimizer.problem import BoolArray, FloatArray, Problem, summed
from rebalancing.optimizer.proof import GOOD_ENOUGH, Proof
from rebalancing.optimizer.rounding import (
    Step,
    Trade,
    decided,
    never_large_enough,
    reopened,
    rounded,
)
from rebalancing.optimizer.sides import RESIDUAL, Candidate, Search
from rebalancing.optimizer.subproblem import Subproblem

_TRIES = 60  # convex problems at most to get rid of trades below the minimum
_TRIES_AGAIN = 4  # the same after one choice was turned over
_WIDE = 1e-4  # fractions of V, 1 bp: a gap worth looking for better prices for
_IN_VAIN = 3  # choices turned over without use in a row, and the search ends
_PROMISING = 2e-6  # fractions of V: what turning a choice over may seem to cost and still be tried
_AT_THE_MINIMUM = 1.001  # times the smallest trade: made for its floor's sake, most likely


def large_enough(search: Search, best: Candidate) -> Step | None:
    """Trades of at least the minimum; None where there seem to be none.

    Raises SolverTimeout where the time is up before there are any.
    """
    assert best.piece is not None
    whole = search.subproblem(best.piece, best.sides)
    hopeless = never_large_enough(search.problem, whole)
    start = decided(search, whole, best.sides, fewer=hopeless) if hopeless else None
    step = rounded(search, *(start or (whole, best)), search.calls + _TRIES)
    if not search.problem.min_trade:
        return step
    proof = Proof(search)
    if step is None:
        nothing = search.no_trade()
        worth = None if nothing is None else nothing.objective
        proof.extend((whole, best), worth)
    else:
        step = _turned(search, proof, whole, step)
        worth = step[1].objective
        if worth > search.bound + WORTH:
            proof.extend((whole, best), worth)
            step = exchanged(search, step, proof)
            worth = step[1].objective
    if worth is not None and worth > search.bound + _WIDE:
        proof.ascend(worth)
    if worth is not None and worth > search.bound + _WIDE:
        step = begun_anew(search, step, proof)
    return step


def _turned(search: Search, proof: Proof, whole: Subproblem, step: Step) -> Step:
    """The same with single choices turned over, the most promising first, while that helps.

    When the time is up, what was found by then.
    """
    proof.extend(step)
    first = step
    tried = np.zeros((2, len(whole.buy_max)), dtype=np.bool_)
    in_vain = 0
    while in_vain < _IN_VAIN and step[1].objective > search.bound + GOOD_ENOUGH:
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


def _turned_over(search: Search, whole: Subproblem, step: Step, trade: Trade) -> Step | None:
    """With a trade left out that was made, or made that was left out."""
    sub, found = step
    open_again = reopened(sub, whole, np.arange(len(sub.buy_max)) == trade.position)
    fewer, larger = ([trade], []) if trade.size else ([], [trade])
    other = decided(search, open_again, found.sides, fewer=fewer, larger=larger)
    return other and rounded(search, *other, search.calls + _TRIES_AGAIN)


def _most_promising(whole: Subproblem, found: Candidate, tried: BoolArray) -> Trade | None:
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
    return Trade(float(size), bool(bought), int(position))


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
