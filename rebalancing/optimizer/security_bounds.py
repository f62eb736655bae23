"""A lower bound from prices: the best each group of securities could do by itself, smallest trade included.

Weak duality: with cash, gains and factor exposure at fixed prices, the problem falls apart into its
groups of identical securities, and what is left of each is small enough to solve with its either-or
and its smallest trade. The sum is a bound on all trades at any prices whatever; at those of the best
trades it is close, which the convex relaxation, blind to the smallest trade, is not.

All securities are solved at once without the smallest trade; only where a trade then falls below it
is one solved in cases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from rebalancing.optimizer.objective import cash_after
from rebalancing.optimizer.prices import Prices
from rebalancing.optimizer.problem import BoolArray, FloatArray, IntArray, Problem, summed
from rebalancing.optimizer.single_security import (
    NONE,
    ROUNDED,
    Position,
    Security,
    Trade,
    least,
)
from rebalancing.optimizer.tax_schedule import Box, HalfPlane, Piece

_ALLOWED = 1e-8  # what our own check lets trades miss a bound by
_STEP = 1e-6  # of a price of gains: where the slope of the tax is read

# The sides of a group; one without an either-or has the first alone, with all of its trades.
_HARVEST, _BUY = 0, 1


@dataclass(frozen=True, eq=False)
class Alone:
    """What each group of securities would do by itself at the prices, and what that proves.

    With prices near the best ones the trades are near the best trades, but nothing keeps them to
    the limits that the groups share.
    """

    value: float  # of all groups and of what the trades do not change, but for the tax
    prices: Prices
    groups: FloatArray  # (G,) the value of each
    harvest: BoolArray  # (G,) whether it is on that side
    buys: FloatArray  # (m,)
    sells: FloatArray  # (L,)

    def worse(self, problem: Problem, buys: FloatArray, sells: FloatArray) -> FloatArray:
        """(G,) by how much each group's part of these trades is worse: with what limits leave unused, the gap."""
        count, security = len(problem.targets), problem.position_security
        of_lot = security[problem.lot_position]
        weight = problem.start - problem.targets
        weight += summed(security, buys, count) - summed(of_lot, sells, count)
        slope = self.prices.of_weights(problem) + _impact_slope(problem, self.prices)
        curve = problem.risk_aversion * problem.specific_variance
        value = (slope + curve * weight) * weight
        value += summed(security, self.prices.of_buys(problem) * buys, count)
        value += summed(of_lot, self.prices.of_sells(problem) * sells, count)
        return summed(problem.group_ranks, value, problem.group_count) - self.groups

    def slopes(self, problem: Problem, piece: Piece, gains: Box) -> Prices:
        """By what the bound on a piece grows per unit of each price, where it falls together with its tangent.

        As `Prices`: of `exposure`, `cash`, the joint limits and the gains; nothing of the others, which are left as
        they are.
        """
        prices, count = self.prices, len(problem.targets)
        security = problem.position_security
        active = problem.start - problem.targets + summed(security, self.buys, count)
        active -= summed(security[problem.lot_position], self.sells, count)
        exposure = problem.factor_loadings.T @ active
        cash = cash_after(problem, self.buys, self.sells)
        limit = np.where(prices.cash > 0.0, problem.cash_min, problem.cash_max)
        limit = np.where(
            prices.cash == 0.0, np.clip(cash, problem.cash_min, problem.cash_max), limit
        )
        gain = problem.taxed_gain * self.sells
        before = _least_tax(problem, prices, piece, gains)
        short = _least_tax(
            problem, replace(prices, short_gain=prices.short_gain + _STEP), piece, gains
        )
        long = _least_tax(
            problem, replace(prices, long_gain=prices.long_gain + _STEP), piece, gains
        )
        return replace(
            prices,
            exposure=2.0 * problem.risk_aversion * (exposure - prices.exposure),
            cash=limit - cash,
            joint=_beyond(problem, prices, active + problem.targets, float(cash.sum())),
            short_gain=float(gain[~problem.lot_is_long].sum()) + (short - before) / _STEP,
            long_gain=float(gain[problem.lot_is_long].sum()) + (long - before) / _STEP,
        )

    def bound(self, problem: Problem, piece: Piece, gains: Box) -> float:
        """`bound_at` of one tax piece at these prices."""
        tax = _least_tax(problem, self.prices, piece, gains)
        if tax == math.inf:
            return math.inf
        total = self.value + tax
        return total - ROUNDED if math.isfinite(total) else -math.inf


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
    return alone_at(problem, prices, buy_max, sell_max).bound(problem, piece, gains)


def alone_at(problem: Problem, prices: Prices, buy_max: FloatArray, sell_max: FloatArray) -> Alone:
    """Every group solved for its own: exact but for securities left after too many cases, whose bound counts."""
    prices = replace(
        prices, cash=_dual_cash(problem, prices.cash), joint=_dual_joint(problem, prices.joint)
    )
    moves = _Moves(problem, prices, buy_max, sell_max)
    relaxed = [moves.solved(side) for side in (_HARVEST, _BUY)]
    values, side = _least_of_groups(moves, relaxed)
    return Alone(
        float(values.sum()) + _fixed(problem, prices), prices, values,
        moves.split & (side == _HARVEST),
        _chosen([one.buys for one in relaxed], side[problem.position_group]),
        _chosen([one.sells for one in relaxed], side[problem.lot_group]),
    )  # fmt: skip


def _chosen(of_sides: list[FloatArray], side: IntArray) -> FloatArray:
    """The trades of the better side; specks are none."""
    trades = np.where(side == _HARVEST, *of_sides)
    return np.where(trades > NONE, trades, 0.0)


def _dual_cash(problem: Problem, cash: FloatArray) -> FloatArray:
    """(A,) without a price for a limit that is not there."""
    no_floor = (cash > 0.0) & ~np.isfinite(problem.cash_min)
    no_ceiling = (cash < 0.0) & ~np.isfinite(problem.cash_max)
    return np.where(no_floor | no_ceiling, 0.0, cash)


def _dual_joint(problem: Problem, joint: FloatArray) -> FloatArray:
    """(r,) the same."""
    no_most = (joint > 0.0) & ~np.isfinite(problem.joint.high)
    no_least = (joint < 0.0) & ~np.isfinite(problem.joint.low)
    return np.where(no_most | no_least, 0.0, joint)


def _beyond(problem: Problem, prices: Prices, weights: FloatArray, cash: float) -> FloatArray:
    """(r,) how far the joint limits' values are beyond the limits that the prices are about."""
    joint, price = problem.joint, prices.joint
    values = joint.values(weights, cash)
    limit = np.where(price > 0.0, joint.high, joint.low)
    limit = np.where(price == 0.0, np.clip(values, joint.low, joint.high), limit)
    return np.asarray(values - limit)


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
    together = _beyond(problem, prices, problem.targets, float(problem.cash.sum()))
    joint = float(np.where(prices.joint == 0.0, 0.0, prices.joint) @ together)
    bent = 0.0
    if problem.impact is not None:
        bent = -0.5 * float(problem.impact @ np.abs(prices.net) ** 1.5)
    return cash + risk + location + joint + bent - float(impact @ start)


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


class _Relaxed(NamedTuple):
    """One side of every group without the smallest trade."""

    value: FloatArray  # (n,) of each security; inf: not possible, -inf: nothing holds it back
    small: BoolArray  # (n,) whether a trade of it is below the smallest
    buys: FloatArray  # (m,)
    sells: FloatArray  # (L,)


class _Moves:
    """What may be traded of each security, at prices: m buys and then L lots, cheapest first in a table.

    From everything sold and nothing bought the weight of a security rises by the cheapest way
    first: a purchase, or a sale less.
    """

    def __init__(
        self, problem: Problem, prices: Prices, buy_max: FloatArray, sell_max: FloatArray
    ) -> None:
        self.problem = problem
        self.buy_max, self.sell_max = buy_max, sell_max
        self.buy_price, self.sell_price = prices.of_buys(problem), prices.of_sells(problem)
        self.slope = prices.of_weights(problem) + _impact_slope(problem, prices)
        self.curve = problem.risk_aversion * problem.specific_variance
        self.start = problem.start - problem.targets
        self.low = problem.lower - problem.targets - _ALLOWED
        self.high = problem.upper - problem.targets + _ALLOWED
        self.needed = summed(problem.lot_position, problem.least_sells, len(buy_max)) > 0.0
        self._tell_sides()
        self._fill_table()

    def _tell_sides(self) -> None:
        """Which groups have two sides, and which sides floors rule out (2, G)."""
        problem = self.problem
        count, loss = problem.group_count, problem.lot_is_loss

        def some(group: IntArray, chosen: BoolArray) -> BoolArray:
            return np.bincount(group, chosen, count) > 0.0

        buys = some(problem.position_group, self.buy_max > 0.0)
        losses = some(problem.lot_group, loss & (self.sell_max > 0.0))
        must_buy = some(problem.position_group, problem.least_buys > 0.0)
        must_lose = some(problem.lot_group, loss & (problem.least_sells > 0.0))
        self.split = buys & losses
        self.forbidden = np.stack([self.split & must_buy, ~self.split | must_lose])

    def _fill_table(self) -> None:
        problem = self.problem
        security = np.concatenate([
            problem.position_security, problem.position_security[problem.lot_position],
        ])  # fmt: skip
        price = np.concatenate([self.buy_price, -self.sell_price])
        order = np.lexsort((price, security))
        self.order, self.row = order, security[order]
        starts = np.searchsorted(self.row, np.arange(len(self.start)))
        self.column = np.arange(len(order)) - starts[self.row]
        width = int(self.column.max(initial=-1)) + 1
        self.price = np.zeros((len(self.start), width))
        self.price[self.row, self.column] = price[order]
        with np.errstate(divide="ignore", invalid="ignore"):
            goal = -(self.slope[:, None] + self.price) / (2.0 * self.curve[:, None])
        flat = np.where(self.slope[:, None] + self.price < 0.0, np.inf, -np.inf)
        goal = np.where(self.curve[:, None] > 0.0, goal, flat)  # up to where it pays at each price
        self.goal = np.minimum(np.maximum(goal, self.low[:, None]), self.high[:, None])

    def most(self, side: int) -> tuple[FloatArray, FloatArray]:
        """(m,) and (L,) what may be bought and sold on a side."""
        problem = self.problem
        if side == _HARVEST:
            return np.where(self.split[problem.position_group], 0.0, self.buy_max), self.sell_max
        barred = self.split[problem.lot_group] & problem.lot_is_loss
        return self.buy_max, np.where(barred, 0.0, self.sell_max)

    def solved(self, side: int) -> _Relaxed:
        problem = self.problem
        count, size = len(self.start), len(self.buy_max)
        security, position = problem.position_security, problem.lot_position
        of_lot = security[position]
        buy_most, sell_most = self.most(side)
        least = problem.least_buys
        room = np.zeros_like(self.price)
        room[self.row, self.column] = np.maximum(
            np.concatenate([buy_most - least, sell_most - problem.least_sells]), 0.0
        )[self.order]
        weight = self.start + summed(security, least, count) - summed(of_lot, sell_most, count)
        value = summed(security, self.buy_price * least, count)
        value += summed(of_lot, self.sell_price * sell_most, count)
        before = np.cumsum(np.column_stack([weight, room]), axis=1)[:, :-1]
        with np.errstate(invalid="ignore"):
            step = np.minimum(np.maximum(self.goal - before, 0.0), room)
        step[np.isnan(step)] = 0.0  # after one that has no end
        weight = weight + step.sum(axis=1)
        with np.errstate(invalid="ignore"):
            value += (self.price * step).sum(axis=1) + (self.slope + self.curve * weight) * weight
        outside = (weight < self.low - ROUNDED) | (weight > self.high + ROUNDED)
        value[outside] = np.inf
        value[np.isinf(weight)] = -np.inf
        moved = np.empty(len(self.order))
        moved[self.order] = step[self.row, self.column]
        buys, sells = least + moved[:size], sell_most - moved[size:]
        few = self._too_small(buys, summed(position, sells, size))
        small = (np.bincount(security, few, count) > 0.0) & np.isfinite(value)
        return _Relaxed(value, small, buys, sells)

    def _too_small(self, bought: FloatArray, sold: FloatArray) -> BoolArray:
        """(m,) positions with a trade below the smallest one and no floor of its own."""
        minimum = self.problem.min_trade - NONE
        few_bought = (bought > NONE) & (bought < minimum) & (self.problem.least_buys == 0.0)
        few_sold = (sold > NONE) & (sold < minimum) & ~self.needed
        return np.asarray(few_bought | few_sold)

    def lots(self, position: int) -> IntArray:
        """Of a position, cheapest first."""
        lots = np.flatnonzero(self.problem.lot_position == position)
        return lots[np.argsort(self.sell_price[lots], kind="stable")]

    def security(self, one: int, side: int) -> tuple[Security, list[int]]:
        """A security on one side, and its positions."""
        problem = self.problem
        buy_most, sell_most = self.most(side)
        own: list[int] = np.flatnonzero(problem.position_security == one).tolist()
        positions = []
        for at in own:
            lots = self.lots(at)
            positions.append(Position(
                Trade(*(float(of[at]) for of in (self.buy_price, problem.least_buys, buy_most))),
                tuple(map(Trade, *(
                    of[lots].tolist() for of in (self.sell_price, problem.least_sells, sell_most)
                ))),
            ))  # fmt: skip
        facts = (self.slope, self.curve, self.start, self.low, self.high)
        slope, curve, start, low, high = (float(of[one]) for of in facts)
        return Security(slope, curve, start, low, high, tuple(positions)), own


def _least_of_groups(moves: _Moves, relaxed: list[_Relaxed]) -> tuple[FloatArray, IntArray]:
    """(G,) the least value of each group and its side; their trades are made exact.

    A side that cannot be better than the other one is not looked into.
    """
    group, count = moves.problem.group_ranks, moves.problem.group_count
    values = np.stack([summed(group, one.value, count) for one in relaxed])
    values[moves.forbidden] = np.inf
    small = np.stack([np.bincount(group, one.small, count) > 0.0 for one in relaxed])
    small &= np.isfinite(values)
    known = np.where(small, np.inf, values).min(axis=0)
    for at in np.flatnonzero((small & (values < known)).any(axis=0)).tolist():
        members = np.flatnonzero(group == at)
        for side in np.argsort(values[:, at], kind="stable").tolist():
            if small[side, at] and values[side, at] < known[at]:
                one = relaxed[side]
                values[side, at] += sum(
                    _in_cases(moves, security, side, one) - float(one.value[security])
                    for security in members[one.small[members]].tolist()
                )
                known[at] = min(known[at], values[side, at])
    return values.min(axis=0), np.asarray(values.argmin(axis=0))


def _in_cases(moves: _Moves, one: int, side: int, relaxed: _Relaxed) -> float:
    """The least value of one security with the smallest trade; its trades take the place of the others."""
    security, own = moves.security(one, side)
    best = least(moves.problem.min_trade, security)
    for at, bought, sold in zip(own, best.bought, best.sold, strict=True):
        relaxed.buys[at] = bought
        lots = moves.lots(at)
        most = moves.most(side)[1][lots]
        before = np.cumsum(most) - most
        relaxed.sells[lots] = np.clip(sold - before, 0.0, most)
    return best.value
