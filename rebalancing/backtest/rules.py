"""Never, the calendar, points and bands: rules that look at weights only."""

from dataclasses import dataclass

import numpy as np

from rebalancing.optimizer.problem import FloatArray
from rebalancing.policies.policy import Destination, destinations


def never(day: int, weights: FloatArray) -> None:
    """Nothing is ever traded."""


@dataclass(frozen=True, eq=False)
class Calendar:
    """Everything back to target, whenever it is looked at."""

    targets: FloatArray

    def __call__(self, day: int, weights: FloatArray) -> FloatArray:
        return self.targets.copy()


@dataclass(frozen=True, eq=False)
class Points:
    """Everything back to target as soon as one weight is further from it than ``points`` (a fraction of the whole)."""

    targets: FloatArray
    points: float

    def __call__(self, day: int, weights: FloatArray) -> FloatArray | None:
        out = np.abs(weights - self.targets).max() > self.points
        return self.targets.copy() if out else None


@dataclass(frozen=True, eq=False)
class Band:
    """Names further from target than ``width`` (relative) go back as far as ``to``; only they and the offset trade."""

    targets: FloatArray
    width: float
    to: Destination

    def __call__(self, day: int, weights: FloatArray) -> FloatArray | None:
        outside = np.flatnonzero(np.abs(weights / self.targets - 1.0) > self.width)
        if not len(outside):
            return None
        names = range(len(weights))
        found = destinations(
            weights=dict(zip(names, weights.tolist(), strict=True)),
            targets=dict(zip(names, self.targets.tolist(), strict=True)),
            widths=dict(zip(names, (self.targets * self.width).tolist(), strict=True)),
            outside=frozenset(outside.tolist()),
            to=self.to,
            total=1.0,
        )
        return np.array([found[name] for name in names])
