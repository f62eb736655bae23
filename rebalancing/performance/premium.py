"""What rebalancing brought, or cost, against what was held before it, untouched (F21): a fact about the past. Pure.

The shadow portfolio is what the household held at the close before the day of its first executed rebalance of the
period. Nothing of it is traded after; each name's dividends on record stay in the name that paid them, cash stays cash
and earns nothing. What the household did return is time-weighted: money that came and went changes neither side. It
holds for all that was traded since, harvests too, after their costs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Premium:
    """Returns of one span as fractions, and dollars held at its start."""

    own: float
    untouched: float
    value: float

    @property
    def fraction(self) -> float:
        """By how much the household returned more."""
        return self.own - self.untouched

    @property
    def dollars(self) -> float:
        """That, on what was held at the start."""
        return self.fraction * self.value


def untouched(dollars: Floats, cash: float, returns: Floats) -> float | None:
    """The return of ``dollars`` (n,) and cash, left alone over ``returns`` (days, n); None where one is not known."""
    held = dollars != 0.0
    grown = float(dollars[held] @ np.prod(1.0 + returns[:, held], axis=0))
    value = float(dollars.sum()) + cash
    if not np.isfinite(grown) or value <= 0.0:
        return None
    return (grown + cash) / value - 1.0
