"""A lower bound from prices: the best each group of securities could do by itself, smallest trade included.

Weak duality: with cash, gains and factor exposure at fixed prices, the problem falls apart into its
groups of identical securities, and what is left of each is small enough to solve with its either-or
and its smallest trade. The sum is a bound on all trades at any prices whatever; at those of the best
trades it is close, which the convex relaxation, blind to the smallest trade, is not.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from rebalancing.optimizer.prices import Prices
from rebalancing.optimizer.problem import FloatArray, Problem
from rebalancing.optimizer.tax_schedule import Box, HalfPlane, Piece

_ROUNDED = 1e-12  # fractions of V: taken off for what adding up may have lost
_ALLOWED = 1e-8  # what our own check lets trades miss a bound by
_NONE = 1e-11  # a smaller trade is none
_CASES = 100  # of what is traded in a security's accounts, branched on at most


@dataclass(frozen=True, slots=True)
class _Trade:
    """A buy or the sale of a lot: price per dollar, and its limits, in fractions of V."""

    price: float
    least: float
    most: float
    is_loss: bool = False


@dataclass(frozen=True, slots=True)
class _Position:
    buy: _Trade
    lots: tuple[_Trade, ...]  # cheapest first


@dataclass(frozen=True, slots=True)
class _Security:
    """slope d + curve d^2, d being the active weight: `start` and what is traded, between low and high."""

    slope: float
    curve: float
    start: float
    low: float
    high: float
    positions: tuple[_Position, ...]


def bound_at(
    problem: Problem,
    prices: Prices,
    piece: Piece,
    buy_max: FloatArray,
    sell_max: FloatArray,
    gains: Box,
) -> float:
    """A bound from below on the objective of all trades that end on a tax piece; -inf if unsure.

    `buy_max` (m,) and `sell_max` (L,) limit every trade, `gains` the year's totals. inf where the
    caps keep every trade off the piece.
    """
    prices = replace(prices, cash=_dual_cash(problem, prices.cash))
    tax = _least_tax(problem, prices, piece, gains)
    if tax == math.inf:
        return math.inf
    fixed = _fixed(problem, prices) + tax
    total = fixed + sum(
        min(_least_of_side(problem.min_trade, side) for side in _sides(group))
        for group in _groups(problem, prices, buy_max, sell_max)
    )
    return total - _ROUNDED if math.isfinite(total) else -math.inf


def _dual_cash(problem: Problem, cash: FloatArray) -> FloatArray:
    """(A,) without a price for a limit that is not there."""
    no_floor = (cash > 0.0) & ~np.isfinite(problem.cash_min)
    no_ceiling = (cash < 0.0) & ~np.isfinite(problem.cash_max)
    return np.where(no_floor | no_ceiling, 0.0, cash)


def _fixed(problem: Problem, prices: Prices) -> float:
    """What the trades do not change: of risk and impact their tangents, cash at the limit that costs least."""
    held = np.where(prices.cash >= 0.0, problem.cash_min, problem.cash_max)
    limit = np.where(prices.cash == 0.0, 0.0, held)
    cash = float(prices.cash @ (limit - problem.cash))
    risk = -problem.risk_aversion * float(prices.exposure @ prices.exposure)
    place = problem.location_cost
    location = 0.0 if place is None else float(place @ problem.weights)
    impact = _impact_slope(problem, prices)
    start = problem.start - problem.targets
    bent = 0.0
    if problem.impact is not None:
        bent = -0.5 * float(problem.impact @ np.abs(prices.net) ** 1.5)
    return cash + risk + location + bent - float(impact @ start)


def _impact_slope(problem: Problem, prices: Prices) -> FloatArray:
    """(n,) of eta |x|^(3/2), which lies above its tangent at the net trade."""
    if problem.impact is None:
        return np.zeros(len(problem.targets))
    return np.asarray(1.5 * problem.impact * np.sign(prices.net) * np.sqrt(np.abs(prices.net)))


def _least_tax(problem: Problem, prices: Prices, piece: Piece, gains: Box) -> float:
    """Least of the tax less gains at their prices, on a piece of what they can reach, caps kept."""
    tax = problem.tax
    before = tax.year_tax(tax.st_realised, tax.lt_realised)
    reach = gains
    if tax.max_st_gain is not None:
        most = tax.st_realised + tax.max_st_gain + _ALLOWED
        reach = reach._replace(short_high=max(min(reach.short_high, most), reach.short_low))
    if tax.max_lt_gain is not None:
        most = tax.lt_realised + tax.max_lt_gain + _ALLOWED
        reach = reach._replace(long_high=max(min(reach.long_high, most), reach.long_low))
    if tax.max_net_gain is not None:
        most = tax.st_realised + tax.lt_realised + tax.max_net_gain + _ALLOWED
        piece = replace(piece, within=(*piece.within, HalfPlane(1.0, 1.0, most)))
    tax_cap, capped = 0.0, 0.0
    if tax.max_tax is not None:
        tax_cap = prices.tax_cap
        capped = tax_cap * (before + tax.max_tax + _ALLOWED)
    more = 1.0 + tax_cap
    short, long = prices.short_gain, prices.long_gain
    least = piece.least(-short / more, -long / more, reach)
    if least == -math.inf and _is_empty(piece, reach):
        return math.inf
    return more * least + short * tax.st_realised + long * tax.lt_realised - before - capped


def _is_empty(piece: Piece, reach: Box) -> bool:
    """Whether no totals of the year are on the piece, not even nearly."""
    wider = tuple(half._replace(limit=half.limit + _ALLOWED) for half in piece.within)
    no_corner = replace(piece, within=wider).least(0.0, 0.0, reach) == -math.inf
    return no_corner and bool(np.all(np.isfinite(reach)))


def _groups(
    problem: Problem, prices: Prices, buy_max: FloatArray, sell_max: FloatArray
) -> Iterator[list[_Security]]:
    """The securities of each identical group with what may be traded of them."""
    low = (problem.lower - problem.targets - _ALLOWED).tolist()
    high = (problem.upper - problem.targets + _ALLOWED).tolist()
    slope = (prices.factor_risk(problem) + _impact_slope(problem, prices)).tolist()
    curve = (problem.risk_aversion * problem.specific_variance).tolist()
    start = (problem.start - problem.targets).tolist()
    positions = _positions(problem, prices, buy_max, sell_max)
    of_security: list[list[_Position]] = [[] for _ in start]
    for position, security in zip(positions, problem.position_security.tolist(), strict=True):
        of_security[security].append(position)
    groups: list[list[_Security]] = [[] for _ in range(problem.group_count)]
    for one, group in enumerate(problem.group_ranks.tolist()):
        groups[group].append(_Security(
            slope[one], curve[one], start[one], low[one], high[one], tuple(of_security[one])
        ))  # fmt: skip
    yield from groups


def _positions(
    problem: Problem, prices: Prices, buy_max: FloatArray, sell_max: FloatArray
) -> list[_Position]:
    lots: list[list[_Trade]] = [[] for _ in buy_max]
    cost, loss = prices.of_sells(problem), problem.lot_is_loss
    for lot in np.argsort(cost, kind="stable").tolist():
        trade = _Trade(
            float(cost[lot]), float(problem.least_sells[lot]), float(sell_max[lot]), bool(loss[lot])
        )
        lots[problem.lot_position[lot]].append(trade)
    return [
        _Position(_Trade(price, least, most), tuple(own))
        for price, least, most, own in zip(
            prices.of_buys(problem).tolist(), problem.least_buys.tolist(), buy_max.tolist(),
            lots, strict=True,
        )
    ]  # fmt: skip


def _sides(group: list[_Security]) -> Iterator[list[_Security]]:
    """The group without its buys, and without its losses; as it is where it has not both."""
    positions = [position for security in group for position in security.positions]
    buys = any(position.buy.most > 0.0 for position in positions)
    losses = any(lot.is_loss and lot.most > 0.0 for one in positions for lot in one.lots)
    if not (buys and losses):
        yield group
        return
    if not any(position.buy.least > 0.0 for position in positions):
        yield [_each(one, _without_buy) for one in group]
    if not any(lot.is_loss and lot.least > 0.0 for one in positions for lot in one.lots):
        yield [_each(one, _without_losses) for one in group]


def _each(security: _Security, change: Callable[[_Position], _Position]) -> _Security:
    return replace(security, positions=tuple(map(change, security.positions)))


def _least_of_side(minimum: float, side: list[_Security]) -> float:
    return sum(_least(minimum, security) for security in side)


def _least(minimum: float, security: _Security) -> float:
    """Least value of one security where every trade is nothing or of at least the minimum; inf: not possible.

    Branches on a position whose best trade is smaller, the lowest value first. Without the branching
    it is a bound as well: a security in many accounts is left at that after `_CASES` of them.
    """
    cases = [(_solved(security)[0], 0, security)]
    for count in range(1, 2 * _CASES, 2):
        value, _, lowest = cases[0]
        choices = _choices(minimum, lowest)
        if not choices or math.isinf(value):
            return value
        heapq.heappop(cases)
        for place, choice in enumerate(choices):
            heapq.heappush(cases, (_solved(choice)[0], count + place, choice))
    return cases[0][0]


def _choices(minimum: float, security: _Security) -> list[_Security]:
    """Without the first trade that is below the minimum, and with at least the minimum of it."""
    _, bought, sold = _solved(security)
    for at, position in enumerate(security.positions):
        needed = any(lot.least > 0.0 for lot in position.lots)
        if _NONE < bought[at] < minimum - _NONE and position.buy.least == 0.0:
            choices = [_without_buy(position), _with_buy(position, minimum)]
        elif _NONE < sold[at] < minimum - _NONE and not needed:
            choices = [_without_sales(position), _with_sales(position, minimum)]
        else:
            continue
        return [_at(security, at, choice) for choice in choices if choice is not None]
    return []


def _solved(security: _Security) -> tuple[float, list[float], list[float]]:
    """Least value without a smallest trade, and what is bought and sold in each position for it.

    From everything sold and nothing bought the weight rises, by the cheapest way first: a purchase,
    or a sale less.
    """
    bought = [position.buy.least for position in security.positions]
    sold = [sum(lot.most for lot in position.lots) for position in security.positions]
    weight = security.start + sum(bought) - sum(sold)
    value = 0.0
    moves: list[tuple[float, float, bool, int]] = []
    for at, position in enumerate(security.positions):
        buy = position.buy
        value += buy.price * buy.least
        moves.append((buy.price, buy.most - buy.least, True, at))
        for lot in position.lots:
            value += lot.price * lot.most
            moves.append((-lot.price, lot.most - lot.least, False, at))
    for price, room, is_buy, at in sorted(moves):
        goal = min(max(_lowest_point(security, price), security.low), security.high)
        step = min(goal - weight, max(room, 0.0))
        if goal <= weight:
            break
        weight += step
        value += price * step
        (bought if is_buy else sold)[at] += step if is_buy else -step
    if math.isinf(weight):
        return -math.inf, bought, sold  # nothing holds it back, nor tells what it would be worth
    if not security.low - _ROUNDED <= weight <= security.high + _ROUNDED:
        return math.inf, bought, sold
    return value + (security.slope + security.curve * weight) * weight, bought, sold


def _lowest_point(security: _Security, price: float) -> float:
    """The weight up to which it pays to raise it at a price."""
    slope = security.slope + price
    if security.curve > 0.0:
        return -slope / (2.0 * security.curve)
    return math.inf if slope < 0.0 else -math.inf


def _at(security: _Security, at: int, position: _Position) -> _Security:
    own = security.positions
    return replace(security, positions=(*own[:at], position, *own[at + 1 :]))


def _without_buy(position: _Position) -> _Position:
    return replace(position, buy=replace(position.buy, most=0.0))


def _with_buy(position: _Position, minimum: float) -> _Position | None:
    if position.buy.most < minimum:
        return None
    return replace(position, buy=replace(position.buy, least=minimum))


def _without_sales(position: _Position) -> _Position:
    return replace(position, lots=tuple(replace(lot, most=0.0) for lot in position.lots))


def _without_losses(position: _Position) -> _Position:
    lots = (replace(lot, most=0.0) if lot.is_loss else lot for lot in position.lots)
    return replace(position, lots=tuple(lots))


def _with_sales(position: _Position, minimum: float) -> _Position | None:
    """The cheapest lots sold up to the minimum at least."""
    left, lots = minimum, []
    for lot in position.lots:
        least = min(left, lot.most)
        left -= least
        lots.append(replace(lot, least=least))
    return None if left > 0.0 else replace(position, lots=tuple(lots))
