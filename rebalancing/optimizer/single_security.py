"""One security by itself at fixed prices: its best trades where each is nothing or of at least the smallest."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

ROUNDED = 1e-12  # fractions of V: taken off for what adding up may have lost
NONE = 1e-11  # a smaller trade is none
_CASES = 100  # of what is traded in a security's accounts, branched on at most


@dataclass(frozen=True, slots=True)
class Trade:
    """A buy or the sale of a lot: price per dollar, and its limits, in fractions of V."""

    price: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Position:
    buy: Trade
    lots: tuple[Trade, ...]  # cheapest first


@dataclass(frozen=True, slots=True)
class Security:
    """slope d + curve d^2, d being the active weight: `start` and what is traded, between low and high."""

    slope: float
    curve: float
    start: float
    low: float
    high: float
    positions: tuple[Position, ...]


class Solved(NamedTuple):
    value: float
    bought: list[float]  # by position
    sold: list[float]


def least(minimum: float, security: Security) -> Solved:
    """The best of one security where every trade is nothing or of at least the minimum; inf: not possible.

    Branches on a position whose best trade is smaller, the lowest value first. Without the branching
    it is a bound as well: a security in many accounts is left at that after `_CASES` of them.
    """
    first = _solved(security)
    cases = [(first.value, 0, security, first)]
    for count in range(1, 2 * _CASES, 2):
        value, _, lowest, solved = cases[0]
        choices = _choices(minimum, lowest, solved)
        if not choices or math.isinf(value):
            return solved
        heapq.heappop(cases)
        for place, choice in enumerate(choices):
            other = _solved(choice)
            heapq.heappush(cases, (other.value, count + place, choice, other))
    return cases[0][3]


def _choices(minimum: float, security: Security, solved: Solved) -> list[Security]:
    """Without the first trade that is below the minimum, and with at least the minimum of it."""
    for at, position in enumerate(security.positions):
        bought, sold = solved.bought[at], solved.sold[at]
        needed = any(lot.least > 0.0 for lot in position.lots)
        if NONE < bought < minimum - NONE and position.buy.least == 0.0:
            choices = [_without_buy(position), _with_buy(position, minimum)]
        elif NONE < sold < minimum - NONE and not needed:
            choices = [_without_sales(position), _with_sales(position, minimum)]
        else:
            continue
        return [_at(security, at, choice) for choice in choices if choice is not None]
    return []


def _solved(security: Security) -> Solved:
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
        return Solved(
            -math.inf, bought, sold
        )  # nothing holds it back, nor tells what it would be worth
    if not security.low - ROUNDED <= weight <= security.high + ROUNDED:
        return Solved(math.inf, bought, sold)
    value += (security.slope + security.curve * weight) * weight
    return Solved(value, bought, sold)


def _lowest_point(security: Security, price: float) -> float:
    """The weight up to which it pays to raise it at a price."""
    slope = security.slope + price
    if security.curve > 0.0:
        return -slope / (2.0 * security.curve)
    return math.inf if slope < 0.0 else -math.inf


def _at(security: Security, at: int, position: Position) -> Security:
    own = security.positions
    return replace(security, positions=(*own[:at], position, *own[at + 1 :]))


def _without_buy(position: Position) -> Position:
    return replace(position, buy=replace(position.buy, most=0.0))


def _with_buy(position: Position, minimum: float) -> Position | None:
    if position.buy.most < minimum:
        return None
    return replace(position, buy=replace(position.buy, least=minimum))


def _without_sales(position: Position) -> Position:
    return replace(position, lots=tuple(replace(lot, most=0.0) for lot in position.lots))


def _with_sales(position: Position, minimum: float) -> Position | None:
    """The cheapest lots sold up to the minimum at least."""
    left, lots = minimum, []
    for lot in position.lots:
        least = min(left, lot.most)
        left -= least
        lots.append(replace(lot, least=least))
    return None if left > 0.0 else replace(position, lots=tuple(lots))
