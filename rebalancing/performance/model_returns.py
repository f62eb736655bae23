"""What a model would have returned: its weights in force on each day, kept to every day, without costs (F15). Pure.

A model has no lots and no drift of its own: it is taken to have its weights at each close, so that any two spans chain.
What its weights leave below 1 is cash and earns nothing. Weights given during a day or its night count from the next.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rebalancing.model_changes.universe import step_weights

Floats = NDArray[np.float64]
Weights = Mapping[int, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A published version: what the weights were and became, in steps, on these days (the business dates)."""

    before: Weights
    after: Weights
    step_days: tuple[date, ...]  # of the steps that were taken
    steps: int


@dataclass(frozen=True, slots=True)
class WeightHistory:
    """Weights from the close of each day on, the oldest first; the first from ``since`` on, None: from always."""

    weights: tuple[tuple[date | None, Weights], ...]

    @property
    def since(self) -> date | None:
        return self.weights[0][0]


def weight_history(
    current: Weights, moves: Sequence[Move], *, changed_on: date | None, today: date
) -> WeightHistory:
    """From the weights of ``today`` back over the published moves, which stand in order.

    ``changed_on``: when the weights were last given otherwise than by a version; nothing is known before. Where the
    weights are not those that a move left, the day on which they came is not on record: they are known today alone.
    """
    found: list[tuple[date | None, Weights]] = []
    upper = dict(current)
    for move in reversed(moves):
        taken = len(move.step_days)
        if changed_on is not None and changed_on >= move.step_days[-1]:
            break
        if upper != step_weights(move.before, move.after, taken, move.steps):
            return WeightHistory(tuple(reversed(found)) or ((today, upper),))
        for step in range(taken, 0, -1):
            weights = step_weights(move.before, move.after, step, move.steps)
            found.append((move.step_days[step - 1], weights))
        upper = {one: weight for one, weight in move.before.items() if weight > 0}
    return WeightHistory(((changed_on, upper), *reversed(found)))


@dataclass(frozen=True, eq=False)
class ModelReturns:
    """``returns`` (T,): of the day since the close before; NaN where it is not known, with the names that lack."""

    returns: Floats
    lacking: Mapping[
        int, tuple[int, ...]
    ]  # row -> securities without a close there or the day before
    known_from: int  # the first row at whose close the weights are known

    def over(self, first: int, invested: NDArray[np.bool_]) -> float | None:
        """The return from the close of row ``first`` over the days on which a portfolio was invested."""
        steps = self.returns[first + 1 :][invested[first + 1 :]]
        found = float(np.prod(1.0 + steps)) - 1.0
        return found if np.isfinite(found) else None

    def first_unknown(self, first: int, invested: NDArray[np.bool_]) -> int | None:
        """The last row over which that return is not known."""
        wrong = np.flatnonzero(~np.isfinite(self.returns) & invested)
        wrong = wrong[wrong > first]
        return int(wrong[-1]) if len(wrong) else None


def model_returns(
    history: WeightHistory, days: Sequence[date], rows: Mapping[int, int], returns: Floats
) -> ModelReturns:
    """``returns`` (T, n) are total returns of the securities since the close before, row 0 unused; ``rows`` say which
    column is whose."""
    count = len(days)
    found = np.full(count, np.nan)
    lacking: dict[int, tuple[int, ...]] = {}
    starts = [0 if day is None else bisect_left(days, day) for day, _ in history.weights]
    for (start, end), (_, weights) in zip(
        pairwise([*starts, count - 1]), history.weights, strict=True
    ):
        if end <= start:
            continue
        names = [one for one in weights if one in rows]
        columns = [rows[one] for one in names]
        part = returns[start + 1 : end + 1, columns]
        found[start + 1 : end + 1] = part @ np.array([float(weights[one]) for one in names])
        for row in np.flatnonzero(~np.isfinite(found[start + 1 : end + 1])):
            lacking[start + 1 + int(row)] = tuple(
                names[column] for column in np.flatnonzero(~np.isfinite(part[row]))
            )
    return ModelReturns(found, lacking, min(starts[0], count - 1))
