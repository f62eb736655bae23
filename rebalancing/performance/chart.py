"""The line of a household beside its model's, in the units of its drawing, with the table behind it. Pure floats."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, isfinite

import numpy as np
from numpy.typing import NDArray

from rebalancing.performance.model_returns import ModelReturns
from rebalancing.performance.returns import Path

Floats = NDArray[np.float64]

_LEFT, _RIGHT, _TOP, _BOTTOM = 60.0, 540.0, 20.0, 210.0
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_STEPS = 6
_NEAR = 14.0  # two names closer than this would cover each other


@dataclass(frozen=True, slots=True)
class Line:
    """``kind`` is the class of the stroke; the name stands at its end."""

    kind: str
    name: str
    points: str
    end_y: float


@dataclass(frozen=True, slots=True)
class Row:
    """A month's end, and the last day: returns since the first day as fractions, None where not known; dollars."""

    day: date
    value: float | None
    own: float | None
    model: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Returns since ``since``, in per cent."""

    since: date
    lines: tuple[Line, ...]
    steps: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    zero: float
    rows: tuple[Row, ...]


def chart(
    days: Sequence[date], values: Floats, own: Path, model: ModelReturns | None
) -> Chart | None:
    """From the first close that is measured; None where that leaves no line."""
    first = own.start
    if first >= len(days) - 1 or not own.invested[first + 1 :].any():
        return None
    first += int(np.argmax(own.invested[first + 1 :]))  # an account that was opened later
    if not own.is_valued(first):
        return None
    mine = own.index(first) - 1.0
    theirs = None if model is None else _model_line(model, first, own)
    known = [mine] if theirs is None else [mine, theirs]
    low, high, step = _scale(known)

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low), 1)

    count = len(days) - first

    def x(place: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * place / (count - 1), 1)

    def line(kind: str, name: str, found: Floats) -> Line:
        at = [place for place in range(count) if isfinite(found[place])]
        points = " ".join(f"{x(place)},{y(float(found[place]))}" for place in at)
        return Line(kind, name, points, y(float(found[at[-1]])))

    lines = [line("second", "household", mine)]
    if theirs is not None:
        lines.append(line("first", "model", theirs))
    ends = _month_ends(days[first:])
    marks = ends[:: max(1, ceil(len(ends) / 7))]
    return Chart(
        since=days[first],
        lines=tuple(_apart(lines)),
        steps=tuple(
            (y(number * step), f"{number * step * 100:.0f} %")
            for number in range(round(low / step), round(high / step) + 1)
            if number
        ),
        marks=tuple((x(place), f"{days[first + place]:%b %y}") for place in marks),
        zero=y(0.0),
        rows=tuple(
            Row(
                day=days[first + place],
                value=_known(values[first + place]),
                own=_known(mine[place]),
                model=None if theirs is None else _known(theirs[place]),
            )
            for place in [0, *ends]
        ),
    )


def _model_line(model: ModelReturns, first: int, own: Path) -> Floats | None:
    """The model over the days on which the household was invested; None where one of them is not known."""
    steps = np.where(own.invested[first:], model.returns[first:], 0.0)
    steps[0] = 0.0
    if not np.isfinite(steps).all():
        return None
    return np.asarray(np.cumprod(1.0 + steps) - 1.0, dtype=np.float64)


def _known(number: float) -> float | None:
    return float(number) if isfinite(number) else None


def _scale(lines: Sequence[Floats]) -> tuple[float, float, float]:
    """Lowest, highest and the step between grid lines, whole steps around all lines and zero."""
    low = min(0.0, *(float(np.nanmin(line)) for line in lines))
    high = max(0.0, *(float(np.nanmax(line)) for line in lines))
    step = next((one for one in _STEPS if (high - low) / one <= _MOST_STEPS), _STEPS[-1])
    low, high = floor(low / step) * step, ceil(high / step) * step
    return (low, high, step) if high > low else (0.0, step, step)


def _month_ends(days: Sequence[date]) -> list[int]:
    """Places of the last day of each month, and of the last day."""
    last = len(days) - 1
    return [
        place
        for place in range(1, len(days))
        if place == last or days[place].month != days[place + 1].month
    ]


def _apart(lines: Sequence[Line]) -> Sequence[Line]:
    """The names moved so that none covers another."""
    if len(lines) < 2 or abs(lines[0].end_y - lines[1].end_y) >= _NEAR:
        return lines
    upper, lower = sorted(lines, key=lambda one: one.end_y)
    middle = (upper.end_y + lower.end_y) / 2
    return [
        Line(upper.kind, upper.name, upper.points, round(middle - _NEAR / 2, 1)),
        Line(lower.kind, lower.name, lower.points, round(middle + _NEAR / 2, 1)),
    ]
