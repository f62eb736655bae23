"""The timeline of a household's windows: 61-day bars around each trade, and a line for today. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lots.wash_sales import first_clear_date, window
from proposals.types import Cause, Origin
from proposals.window_table import GroupRow

LABEL = 90  # units of the view box, left of the days
PER_DAY = 5
STEP = 34  # a group
_BAR = 10
_TOP = 24
_AHEAD = (Origin.PLAN, Origin.DIVIDEND)
_PLANNED = (Origin.APPROVED, Origin.ORDER, Origin.PENDING, Origin.DRAFT)


@dataclass(frozen=True, slots=True)
class Bar:
    """One window; ``kind`` is a class of the style sheet."""

    x: int
    y: int
    width: int
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A chart in units of its view box; empty where no window is open."""

    width: int
    height: int
    today_x: int
    days: tuple[Label, ...]
    names: tuple[Label, ...]
    bars: tuple[Bar, ...]


def timeline(rows: Iterable[GroupRow], as_of: date) -> Timeline:
    """One line per group: sales at a loss above, purchases below. Only windows that hold ``as_of`` are drawn."""
    first = window(window(as_of)[0])[0]
    last = window(window(as_of)[1])[1]

    def x(day: date) -> int:
        return LABEL + (day - first).days * PER_DAY

    bars: list[Bar] = []
    names: list[Label] = []
    for place, row in enumerate(rows):
        top = _TOP + place * STEP
        names.append(Label(0, top + 14, row.symbol))
        for cause, y in _placed(row, top):
            opens, _ = window(cause.day)
            width = x(first_clear_date(cause.day)) - x(opens)
            bars.append(Bar(x(opens), y, width, _kind(cause), cause.text))
    marks = (first, window(as_of)[0], as_of, window(as_of)[1], last)
    return Timeline(
        width=x(last + timedelta(days=1)) + 40,
        height=_TOP + len(names) * STEP + 4,
        today_x=x(as_of),
        days=tuple(Label(x(day), 12, f"{day.day} {day:%b}") for day in marks),
        names=tuple(names),
        bars=tuple(bars),
    )


def _placed(row: GroupRow, top: int) -> Iterator[tuple[Cause, int]]:
    for side, y in ((row.buy, top), (row.sell, top + _BAR + 3)):
        for cause in side.causes if side else ():
            yield cause, y


def _kind(cause: Cause) -> str:
    if cause.origin in _AHEAD:
        return "ahead"
    return "planned" if cause.origin in _PLANNED else "done"
