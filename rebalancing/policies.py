"""How far a rebalance goes: to the target, to the edge of the band, or half way. One rule for households and studies.

Which names are out of band is not decided here (``rebalancing.drift``). Weights are fractions; every function takes
Decimals (a household) or floats (a study over price histories), never both at once.
"""

from collections.abc import Mapping, Set
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

Number = TypeVar("Number", Decimal, float)


class Destination(StrEnum):
    """Where a name that is out of band is brought back to."""

    TARGET = "target"
    HALF = "half"  # half a band from its target
    EDGE = "edge"  # just inside the band


# Distance from the target as a fraction of the band, in quarters: exact as Decimal and as float.
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
