"""Geometry of the charts on the page, in the units of their viewBox; every figure in them stands in a table too."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rebalancing.backtest.method import LOOKS, Kind
from rebalancing.backtest.records import Record
from rebalancing.backtest.report import select
from rebalancing.backtest.tables import TableName

_LEFT, _RIGHT, _TOP, _BOTTOM = 60.0, 600.0, 20.0, 330.0
_WIDEST = 300.0  # basis points of tracking error


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, its dots, and its name for the legend."""

    kind: str  # class of the stroke
    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        return " ".join(f"{x},{y}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over tracking error."""

    label: str
    unit: str  # of the height
    lines: tuple[Line, ...]
    marks: tuple[tuple[float, str], ...]  # x and text
    steps: tuple[tuple[float, str], ...]  # y and text


def turnover(records: Sequence[Record]) -> Chart:
    """One-way turnover by tracking error."""
    return _chart(
        records,
        "One-way turnover by tracking error",
        "% a year",
        lambda one: one.turnover,
        (0.0, 50.0, 10),
        ((Kind.FIXED, 1), (Kind.BY_NAME, 1)),
    )


def drag(records: Sequence[Record]) -> Chart:
    """Spread and tax by tracking error."""
    return _chart(
        records,
        "Spread and tax by tracking error",
        "bp a year",
        lambda one: one.drag,
        (40.0, 120.0, 20),
        ((Kind.BY_NAME, 1), (Kind.BY_LOT, 5)),
    )


def _chart(
    records: Sequence[Record],
    label: str,
    unit: str,
    figure: Callable[[Record], float],
    scale: tuple[float, float, int],
    kinds: tuple[tuple[Kind, int], ...],  # with the days between looks
) -> Chart:
    low, high, step = scale

    def line(kind: str, name: str, chosen: Iterable[Record]) -> Line:
        shown = sorted(
            (one for one in chosen if one.te <= _WIDEST and low <= figure(one) <= high),
            key=lambda one: one.te,
        )
        return Line(kind, name, tuple((_x(one.te), _y(figure(one), low, high)) for one in shown))

    grid = select(records, table=TableName.BANDS.value, look="1")
    lines = [
        line(
            "calendar",
            "calendar",
            select(records, table=TableName.L3.value, rule=Kind.CALENDAR.value),
        ),
        line("half", "bands to half, daily", select(grid, to="half")),
        line("edge", "bands to the edge, daily", select(grid, to="edge")),
    ]
    for stroke, (kind, every) in zip(("one", "ours"), kinds, strict=True):
        name = f"our optimum, {kind.value}, {LOOKS[every]}"
        lines.append(line(stroke, name, select(records, rule=kind.value, look=str(every))))
    return Chart(
        label=label,
        unit=unit,
        lines=tuple(lines),
        marks=tuple((_x(te), str(te)) for te in range(0, int(_WIDEST) + 1, 50)),
        steps=tuple(
            (_y(value, low, high), str(value)) for value in range(int(low), int(high) + 1, step)
        ),
    )


def _x(te: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * te / _WIDEST, 1)


def _y(value: float, low: float, high: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low), 1)
