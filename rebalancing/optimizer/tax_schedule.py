"""The tax of a year after netting, as a function of its short- and long-term totals.

T(S, L) is piecewise linear on five regions and is not convex. It is convex on each of a few
polyhedral *pieces* that together cover the plane, so a convex problem per piece is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from rebalancing.errors import BadProblem


@dataclass(frozen=True)
class TaxSchedule:
    """Rates and the year so far; every amount is a fraction of the household's value V.

    Rates combine federal tax, NIIT and state. `st_realised` and `lt_realised` are the year's
    totals before trading, carryovers included (losses negative). `loss_limit` is what a net loss
    may take off ordinary income; beyond it each dollar is worth `carried_loss_value`.
    The caps hold for what the trades add: `Solution.st_gain`, `.lt_gain` and `.tax`.
    """

    st_rate: float
    lt_rate: float
    st_realised: float
    lt_realised: float
    loss_limit: float
    ordinary_rate: float
    carried_loss_value: float
    max_st_gain: float | None = None
    max_lt_gain: float | None = None
    max_tax: float | None = None
    max_net_gain: float | None = None  # of both terms together

    def __post_init__(self) -> None:
        for name in ("st_rate", "lt_rate", "ordinary_rate", "carried_loss_value"):
            rate = _finite(name, getattr(self, name))
            if not 0.0 <= rate <= 1.0:
                raise BadProblem(f"TaxSchedule.{name} is {rate}, which is outside 0 to 1.")
        for name in ("st_realised", "lt_realised", "loss_limit"):
            _finite(name, getattr(self, name))
        if self.loss_limit < 0.0:
            raise BadProblem(f"TaxSchedule.loss_limit is {self.loss_limit}, which is negative.")
        for name in ("max_st_gain", "max_lt_gain", "max_tax", "max_net_gain"):
            if getattr(self, name) is not None:
                _finite(name, getattr(self, name))

    def year_tax(self, short: float, long: float) -> float:
        """T(S, L) of the year's totals, not yet compared with no trade (negative: saved)."""
        net = short + long
        if net >= 0.0:
            if short >= 0.0 and long >= 0.0:
                return self.st_rate * short + self.lt_rate * long
            return (self.st_rate if long < 0.0 else self.lt_rate) * net
        if net >= -self.loss_limit:
            return self.ordinary_rate * net
        beyond = net + self.loss_limit
        return -self.ordinary_rate * self.loss_limit + self.carried_loss_value * beyond

    def added_tax(self, st_gain: float, lt_gain: float) -> float:
        """Tax the given gains add to the year, against not trading."""
        after = self.year_tax(self.st_realised + st_gain, self.lt_realised + lt_gain)
        return after - self.year_tax(self.st_realised, self.lt_realised)


class HalfPlane(NamedTuple):
    """short * S + long * L <= limit."""

    short: float
    long: float
    limit: float


class Plane(NamedTuple):
    """A linear piece of T: short * S + long * L + constant."""

    short: float
    long: float
    constant: float


class Box(NamedTuple):
    """Every (S, L) the lots can reach, ignoring cash."""

    short_low: float
    short_high: float
    long_low: float
    long_high: float

    def range_of(self, half: HalfPlane) -> tuple[float, float]:
        """Smallest and largest short * S + long * L over the box."""
        s = sorted((half.short * self.short_low, half.short * self.short_high))
        t = sorted((half.long * self.long_low, half.long * self.long_high))
        return s[0] + t[0], s[1] + t[1]


@dataclass(frozen=True)
class Piece:
    """A polyhedron of (S, L) on which T is the largest of `planes`, hence convex."""

    name: str
    within: tuple[HalfPlane, ...]
    planes: tuple[Plane, ...]

    def contains(self, short: float, long: float, *, slack: float = 0.0) -> bool:
        return all(h.short * short + h.long * long <= h.limit + slack for h in self.within)

    def value(self, short: float, long: float) -> float:
        return max(p.short * short + p.long * long + p.constant for p in self.planes)

    def least(self, short: float, long: float, box: Box) -> float:
        """A bound from below of T + short * S + long * L over the piece inside a box; -inf if unsure.

        The least of it is at a corner: where two of the lines cross that limit the piece, limit
        the box, or part two planes. A corner a little outside is counted, which only lowers it.
        """
        if not np.all(np.isfinite(box)):
            return -math.inf
        limits = [
            *self.within,
            HalfPlane(-1.0, 0.0, -box.short_low), HalfPlane(1.0, 0.0, box.short_high),
            HalfPlane(0.0, -1.0, -box.long_low), HalfPlane(0.0, 1.0, box.long_high),
        ]  # fmt: skip
        folds = [
            HalfPlane(a.short - b.short, a.long - b.long, b.constant - a.constant)
            for a, b in combinations(self.planes, 2)
        ]
        least = math.inf
        for one, other in combinations((*limits, *folds), 2):
            across = one.short * other.long - one.long * other.short
            if abs(across) <= _PARALLEL:
                continue
            s = (one.limit * other.long - one.long * other.limit) / across
            t = (one.short * other.limit - one.limit * other.short) / across
            slack = _ROUNDED * (1.0 + abs(s) + abs(t))
            if all(half.short * s + half.long * t <= half.limit + slack for half in limits):
                least = min(least, self.value(s, t) + short * s + long * t)
        return least if least < math.inf else -math.inf


_PARALLEL = 1e-12
_ROUNDED = 1e-12  # fractions of V: how far outside a corner may be by rounding

_ST_GAIN = HalfPlane(-1.0, 0.0, 0.0)  # S >= 0
_ST_LOSS = HalfPlane(1.0, 0.0, 0.0)  # S <= 0
_LT_GAIN = HalfPlane(0.0, -1.0, 0.0)
_LT_LOSS = HalfPlane(0.0, 1.0, 0.0)
_NET_GAIN = HalfPlane(-1.0, -1.0, 0.0)
_NET_LOSS = HalfPlane(1.0, 1.0, 0.0)


def pieces(tax: TaxSchedule) -> tuple[Piece, ...]:
    """Convex pieces covering the plane: three under usual rates, the five regions at worst.

    They have no more than their borders in common: what the multipliers of one prove of another
    then says something new.
    """
    limit = tax.loss_limit
    gains = Plane(tax.st_rate, tax.lt_rate, 0.0)
    net_long = Plane(tax.lt_rate, tax.lt_rate, 0.0)
    net_short = Plane(tax.st_rate, tax.st_rate, 0.0)
    within_limit = Plane(tax.ordinary_rate, tax.ordinary_rate, 0.0)
    carried_constant = (tax.carried_loss_value - tax.ordinary_rate) * limit
    carried = Plane(tax.carried_loss_value, tax.carried_loss_value, carried_constant)
    found: list[Piece] = []
    if tax.st_rate >= tax.lt_rate:
        found.append(Piece("gain", (_LT_GAIN, _NET_GAIN), (gains, net_long)))
    else:
        found.append(Piece("both_gains", (_ST_GAIN, _LT_GAIN), (gains,)))
        found.append(Piece("lt_gain_st_loss", (_ST_LOSS, _LT_GAIN, _NET_GAIN), (net_long,)))
    losses = (carried, within_limit) if limit > 0.0 else (carried,)
    slopes = [p.short for p in losses]
    convex_loss = slopes == sorted(slopes)
    if convex_loss:
        found.append(Piece("net_loss", (_NET_LOSS,), losses))
    else:
        above = HalfPlane(-1.0, -1.0, limit)
        found.append(Piece("net_loss_within_limit", (_NET_LOSS, above), (within_limit,)))
        found.append(Piece("net_loss_beyond_limit", (HalfPlane(1.0, 1.0, -limit),), (carried,)))
    found.append(Piece("st_gain_lt_loss", (_ST_GAIN, _LT_LOSS, _NET_GAIN), (net_short,)))
    return tuple(found)


def _lt_loss(tax: TaxSchedule) -> Piece | None:
    """L <= 0 as one piece, where T is convex there."""
    loss = next((piece for piece in pieces(tax) if piece.name == "net_loss"), None)
    if loss is None or max(plane.short for plane in loss.planes) > tax.st_rate:
        return None
    net_short = Plane(tax.st_rate, tax.st_rate, 0.0)
    return Piece("lt_loss", (), (*loss.planes, net_short))


def reachable(tax: TaxSchedule, box: Box) -> tuple[Piece, ...]:
    """Pieces the trades can end in, without half-planes the box already satisfies.

    A piece that only touches the box is left out: the others are closed and cover it.
    """
    kept: list[Piece] = []
    for piece in pieces(tax):
        ranges = [box.range_of(half) for half in piece.within]
        if any(_touches_only(half, box) for half in piece.within):
            continue
        within = tuple(
            half for half, (_, high) in zip(piece.within, ranges, strict=True) if high > half.limit
        )
        if not within:
            return (Piece(piece.name, (), piece.planes),)
        kept.append(Piece(piece.name, within, piece.planes))
    merged = _lt_loss(tax)
    if box.long_high <= 0.0 and merged is not None:
        return (merged,)
    return tuple(
        piece
        for piece in kept
        if not any(other is not piece and _inside(piece, other) for other in kept)
    )


def _touches_only(half: HalfPlane, box: Box) -> bool:
    """Whether a box has nothing in a half-plane, or its border alone."""
    low, high = box.range_of(half)
    return low > half.limit or (low == half.limit and high > half.limit)


def least_slopes(tax: TaxSchedule, box: Box) -> tuple[float, float]:
    """The least that a dollar more of short-term gain can cost this year, and one of long-term gain.

    Of every plane of T that is T somewhere in the box. Whoever is credited no more than that for a gain
    gains nothing by selling it and buying it back.
    """
    slopes = [
        (plane.short, plane.long)
        for piece in reachable(tax, box)
        for plane in piece.planes
        if not any(_touches_only(_not_above(plane, other), box) for other in piece.planes)
    ]
    shorts, longs = zip(*slopes, strict=True)
    return min(shorts), min(longs)


def _not_above(plane: Plane, other: Plane) -> HalfPlane:
    """Where `other` is no more than `plane`."""
    return HalfPlane(
        other.short - plane.short, other.long - plane.long, plane.constant - other.constant
    )


def _inside(piece: Piece, other: Piece) -> bool:
    """Whether every limit of `other` already holds in `piece` (sufficient, not necessary)."""
    return set(other.within) < set(piece.within)


def _finite(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as wrong:
        raise BadProblem(f"TaxSchedule.{name} is {value!r}, which is not a number.") from wrong
    if not math.isfinite(number):
        raise BadProblem(f"TaxSchedule.{name} is {value}, which is not a finite number.")
    return number
