"""Geometry of two charts, in the units of their viewBoxes: points on a curve, and lines over years. Pure Decimal.

Every figure in them stands in a table too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

ZERO = Decimal(0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 560, 16, 232
_TENTH = Decimal("0.1")
_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_LINES = 4  # of a grid, about
_HIGHEST = 10  # of a text
_CLOSE = 14  # two texts nearer than this would touch
_HARDLY = Decimal("0.05")  # of the longest side


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure on an axis."""

    at: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class Point:
    """A dot with its name, and the place of the name."""

    x: Decimal
    y: Decimal
    name: str
    name_x: Decimal
    name_y: Decimal
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """Dots joined from left to right; ``xs`` and ``ys`` are the axes."""

    points: tuple[Point, ...]
    xs: tuple[Mark, ...]
    ys: tuple[Mark, ...]

    @property
    def path(self) -> str:
        """For a polyline."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its name at its end."""

    path: str
    name: str
    end_x: Decimal
    end_y: Decimal


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over whole years, from now on the left."""

    lines: tuple[Line, ...]
    xs: tuple[Mark, ...]
    ys: tuple[Mark, ...]


def curve(rows: Sequence[tuple[Decimal, Decimal, str, bool]]) -> Curve:
    """Rows of x, y, name and whether it is the chosen one; y starts at zero."""
    ordered = sorted(rows, key=lambda row: (row[0], -row[1]))
    xs = _scale([row[0] for row in rows])
    ys = _scale([ZERO, *(row[1] for row in rows)])
    points: list[Point] = []
    for x, y, name, is_chosen in ordered:
        across, up = _across(x, xs), _up(y, ys)
        taken = [one.name_y for one in points if abs(across - one.x) < 3 * _CLOSE]
        beside = _free(up - 7, taken)
        points.append(Point(across, up, name, across + 9, beside, is_chosen))
    return Curve(
        tuple(points),
        tuple(Mark(_across(x, xs), x) for x in xs.marks),
        tuple(Mark(_up(y, ys), y) for y in ys.marks),
    )


def over_years(rows: Sequence[tuple[str, Sequence[Decimal]]]) -> Lines:
    """Each row a name and its values now, after one year, after two and so on; the axis starts at zero."""
    longest = max((len(values) for _, values in rows), default=1)
    ys = _scale([ZERO, *(value for _, values in rows for value in values)])
    step = -(-max(longest - 1, 1) // 10)
    years = [Decimal(year) for year in range(0, longest, step)]
    last = Decimal(max(longest - 1, 1))
    lines = []
    for name, values in rows:
        places = [
            (_within(Decimal(year) / last), _up(value, ys)) for year, value in enumerate(values)
        ]
        path = " ".join(f"{x},{y}" for x, y in places)
        lines.append(Line(path, name, places[-1][0] + 6, places[-1][1] + 4))
    return Lines(
        tuple(_apart(lines)),
        tuple(Mark(_within(year / last), year) for year in years),
        tuple(Mark(_up(y, ys), y) for y in ys.marks),
    )


def _apart(lines: Sequence[Line]) -> list[Line]:
    """The same lines with names that do not touch."""
    found: list[Line] = []
    for line in lines:
        taken = [one.end_y for one in found if abs(line.end_x - one.end_x) < 3 * _CLOSE]
        found.append(replace(line, end_y=_free(line.end_y, taken)))
    return found


def _free(wanted: Decimal, taken: Sequence[Decimal]) -> Decimal:
    """The height nearest to the wanted one, above it where there is room, that touches none."""
    step = 0
    while True:
        for height in (wanted - step * _CLOSE, wanted + step * _CLOSE):
            if height >= _HIGHEST and all(abs(height - one) >= _CLOSE for one in taken):
                return height
        step += 1


@dataclass(frozen=True, slots=True)
class _Scale:
    """From ``low`` to ``high``, with round numbers between them."""

    low: Decimal
    high: Decimal
    marks: tuple[Decimal, ...]


def _scale(values: Sequence[Decimal]) -> _Scale:
    """Round numbers around the values; a little below zero gets room, but no number of its own."""
    low, high = min(values, default=ZERO), max(values, default=ZERO)
    rough = max((high - low) / _LINES, Decimal("0.0001"))
    tens = Decimal(1).scaleb(rough.adjusted())
    step = next(one * tens for one in _STEPS if one * tens >= rough)
    first = (low / step).to_integral_value(ROUND_FLOOR) * step
    count = max(int(((high - first) / step).to_integral_value(ROUND_CEILING)), 1)
    marks = tuple(first + step * number for number in range(count + 1))
    if first < low and -_HARDLY * high < low < ZERO:
        return _Scale(low, marks[-1], marks[1:])
    return _Scale(first, marks[-1], marks)


def _across(value: Decimal, scale: _Scale) -> Decimal:
    return _within((value - scale.low) / (scale.high - scale.low))


def _within(part: Decimal) -> Decimal:
    return (_LEFT + (_RIGHT - _LEFT) * part).quantize(_TENTH)


def _up(value: Decimal, scale: _Scale) -> Decimal:
    part = (value - scale.low) / (scale.high - scale.low)
    return (_BOTTOM - (_BOTTOM - _TOP) * part).quantize(_TENTH)
