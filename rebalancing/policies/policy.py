"""The words of a rebalance policy, and how far a rebalance goes: to the target, the edge of the band, or half way.

One rule for households and studies.

Which names are out of band is not decided here (``rebalancing.policies.drift``). Weights are fractions; every function
takes Decimals (a household) or floats (a study over price histories), never both at once.
"""

from collections.abc import Mapping, Set
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

Number = TypeVar("Number", Decimal, float)


class PolicyKind(StrEnum):
    """What decides whether a look trades, and toward what."""

    CALENDAR = "calendar"  # on the date, toward the model
    THRESHOLD = "threshold"  # on the date, what is out of band, as far as the destination (F3)
    OPTIMUM = "optimum"  # on the date, where something is out of band, whatever pays best (F4)


class Cadence(StrEnum):
    """How often a household is looked at: on the last business day of each period (F1)."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ANNUAL = "annual"
    NONE = "none"  # only cash that is out of its band opens a proposal


class BandType(StrEnum):
    """What a band is measured in (F2)."""

    ABSOLUTE = "absolute"  # points of the household
    RELATIVE = "relative"  # a fraction of the target
    TIGHTER = "tighter"  # the narrower of both


class CashFlows(StrEnum):
    """What cash outside its band may set off by itself (F6)."""

    FULL = "full"  # a rebalance like any other
    INVEST_AND_RAISE_ONLY = "invest_and_raise_only"  # a deposit only buys, a need only sells


class Horizon(StrEnum):
    """Over how long what a trade corrects is counted (F4, F5)."""

    ONE = "one"  # over the policy's years, every security alike
    BY_NAME = "by_name"  # over each security's own, until its weight has drifted as far again


class Destination(StrEnum):
    """Where a name that is out of band is brought back to."""

    TARGET = "target"
    HALF = "half"  # half a band from its target
    EDGE = "edge"  # just inside the band


# Distance from the target in halves of the way to the edge: exact as Decimal and as float.
_HALVES = {Destination.TARGET: 0, Destination.HALF: 1, Destination.EDGE: 2}


def destinations(
    *,
    weights: Mapping[int, Number],
    targets: Mapping[int, Number],
    widths: Mapping[int, Number],
    outside: Set[int],
    to: Destination,
    total: Number,
) -> dict[int, Number]:
    """The weight each name should end with, so that together they make ``total``.

    ``widths`` are half bands as fractions of the whole. The names in ``outside`` go to their target, to the edge or
    half way; what that leaves over goes to the names inside, in proportion to how far each is from its target in the
    needed direction (equally where none is). Where every name is outside all go to their targets.
    Names without a weight or a target count as zero.
    """
    names = sorted(weights.keys() | targets.keys())
    zero = total - total
    held = {name: weights.get(name, zero) for name in names}
    wanted = {name: targets.get(name, zero) for name in names}
    inside = [name for name in names if name not in outside]
    if not inside:
        return wanted
    found = dict(held)
    for name in names:
        if name in outside:
            way = widths[name] * _HALVES[to] / 2
            found[name] = wanted[name] + (way if held[name] > wanted[name] else -way)
    left = total - sum(found.values(), zero)
    gaps = {name: max((wanted[name] - held[name]) * _sign(left), zero) for name in inside}
    together = sum(gaps.values(), zero)
    for name in inside:
        share = gaps[name] / together if together > zero else 1 / (zero + len(inside))
        found[name] += left * share
    return found


def _sign(number: Decimal | float) -> int:
    return 1 if number > 0 else -1


# Years until the benefit of a look is renewed by the next one (F5); none is looked at for its own sake.
_YEARS = {
    Cadence.DAILY: Decimal(252),
    Cadence.WEEKLY: Decimal(52),
    Cadence.MONTHLY: Decimal(12),
    Cadence.QUARTERLY: Decimal(4),
    Cadence.ANNUAL: Decimal(1),
    Cadence.NONE: Decimal(1),
}


def horizon_of(cadence: Cadence) -> Decimal:
    """Years from one look to the next."""
    return 1 / _YEARS[cadence]
