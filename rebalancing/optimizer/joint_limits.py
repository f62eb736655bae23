"""Limits on several securities and on cash together: a sector, an asset class, the largest names, a factor.

Each is a row: low <= weights @ w + cash * c <= high, w being the household's weights after trading and c its
cash of all accounts after linear costs, both in fractions of V as it is before trading.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rebalancing.errors import BadProblem
from rebalancing.optimizer.checked_arrays import BoolArray, FloatArray, IntArray, floats, indices


@dataclass(frozen=True, kw_only=True, eq=False)
class JointLimits:
    """r rows; `low` may hold -inf and `high` +inf (no limit). Raises BadProblem on bad input.

    Arrays are copied and made read-only.
    """

    weights: FloatArray  # (r, n) what a unit of each security's weight counts
    cash: FloatArray  # (r,) what a unit of cash counts
    low: FloatArray  # (r,)
    high: FloatArray  # (r,)
    # (r,) rows that give together where they cannot be kept, each by the first of them: what counts of a rule about
    # the largest is the row that is furthest out. Default: every row for itself
    shared: IntArray | None = None

    def __post_init__(self) -> None:
        table = np.asarray(self.weights)
        if table.ndim != 2:
            raise BadProblem(f"JointLimits.weights has {table.ndim} dimensions; it needs (r, n).")
        rows = len(table)
        for name, shape, open_end in (
            ("weights", table.shape, None), ("cash", (rows,), None),
            ("low", (rows,), -np.inf), ("high", (rows,), np.inf),
        ):  # fmt: skip
            values = floats(getattr(self, name), f"joint_limits.{name}", shape, open_end=open_end)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if self.shared is None:
            object.__setattr__(self, "shared", np.arange(rows))
        object.__setattr__(self, "shared", indices(self.shared, "joint_limits.shared", rows, rows))
        over = self.low > self.high
        if np.any(over):
            raise BadProblem(
                f"Problem.joint_limits: low is above high in row {int(np.argmax(over))}."
            )

    def __len__(self) -> int:
        return len(self.low)

    def values(self, weights: FloatArray, cash: float) -> FloatArray:
        """(r,) what the rows come to at weights (n,) and the household's cash."""
        return np.asarray(self.weights @ weights + self.cash * cash)

    def given(
        self, *, low: FloatArray | float = 0.0, high: FloatArray | float = 0.0
    ) -> JointLimits:
        """The same rows with their limits (r,) moved outwards by so much."""
        return replace(self, low=self.low - low, high=self.high + high)

    def together(self, row: int) -> BoolArray:
        """(r,) the rows that give with this one."""
        assert self.shared is not None  # set in __post_init__
        return np.asarray(self.shared == self.shared[row])


def none(securities: int) -> JointLimits:
    """No limits at all."""
    nothing: Any = np.zeros(0)
    return JointLimits(weights=np.zeros((0, securities)), cash=nothing, low=nothing, high=nothing)
