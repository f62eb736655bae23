"""Geometry of the charts on the page, in the units of their viewBoxes; every figure in them stands in a table too."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from harvesting.backtest.market import ALL_YEARS, COHORTS, Frequency
from harvesting.backtest.records import Record
from harvesting.backtest.report import gaps_to_weekly, only, select
from harvesting.backtest.tables import FOLLOWED, TableName

_LONGEST = 400.0  # of a bar
_LEFT = 90.0
_ROW = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """Two bars under one name, and their figures as text."""

    name: str
    grey: float
    blue: float
    text: str
    top: int

    @property
    def text_y(self) -> int:
        return self.top + 16

    @property
    def second(self) -> int:
        return self.top + 12

    @property
    def label_x(self) -> float:
        return _LEFT + max(self.grey, self.blue) + 8


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of pairs of bars; ``grey`` and ``blue`` say what they are."""

    label: str
    grey: str
    blue: str
    rows: tuple[Bar, ...]

    @property
    def height(self) -> int:
        return _ROW * len(self.rows) + 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, and the text at its end."""

    kind: str  # class of the stroke
    points: str
    name: str
    end_y: float


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of lines over the fraction of the window that is priced."""

    label: str
    lines: tuple[Line, ...]
    marks: tuple[tuple[float, str], ...]  # x and text
    steps: tuple[tuple[float, str], ...]  # y and text
    zero: float


def frequencies(records: Sequence[Record]) -> Bars:
    """Mean alpha by scan frequency with one and two substitutes, no threshold."""
    found = select(records, table=TableName.L2.value, threshold="0")
    values = []
    for frequency in Frequency:
        one, two = (
            mean(row.bp for row in select(found, frequency=frequency.value, substitutes=count))
            for count in ("1", "2")
        )
        values.append((frequency.value, one, two, f"{one:.0f} / {two:.0f} bp"))
    return _bars("Alpha a year by scan frequency", "1 substitute", "2 substitutes", values)


def periods(records: Sequence[Record]) -> Bars:
    """Alpha of one lump sum over all years beside that of fresh cohorts: before and after liquidation."""
    found = select(records, table=TableName.L1.value, substitutes="2", contribution="0")
    values = []
    for cohort in (ALL_YEARS, *COHORTS):
        row = only(found, cohort=cohort.name)
        after = float(row.alpha_after_liquidation_bp)
        values.append(
            (cohort.name, after, row.bp, f"{after / 100:.2f} / {row.bp / 100:.2f} % a year")
        )
    return _bars(
        "Alpha a year by period, monthly scans", "after liquidation", "before liquidation", values
    )


def window(records: Sequence[Record]) -> Lines:
    """Daily scans less weekly greedy, mean of all starts, by the fraction priced (threshold 0)."""
    found = select(
        records,
        table=TableName.WINDOW.value,
        threshold="0",
        frequency=Frequency.DAILY.value,
        always_priced="no",
    )
    every = select(records, table=TableName.WINDOW.value)
    fractions = ("0", *(str(fraction) for fraction in FOLLOWED))
    gaps = {
        count: [
            mean(
                gaps_to_weekly(
                    every, count, select(found, substitutes=count, window_fraction=fraction)
                ).values()
            )
            for fraction in fractions
        ]
        for count in ("1", "2")
    }
    lowest = min(-2.0, *(min(line) for line in gaps.values()))
    highest = max(4.0, *(max(line) for line in gaps.values()))

    def height(bp: float) -> float:
        return round(10 + 200 * (highest - bp) / (highest - lowest), 1)

    places = [round(60 + 480 * float(fraction) / float(fractions[-1]), 1) for fraction in fractions]
    lines = tuple(
        Line(
            kind=kind,
            points=" ".join(f"{x},{height(bp)}" for x, bp in zip(places, gaps[count], strict=True)),
            name="1 substitute" if count == "1" else "2 substitutes",
            end_y=height(gaps[count][-1]) + 4,
        )
        for count, kind in (("1", "first"), ("2", "second"))
    )
    steps = range(int(lowest) // 4 * 4 + 4, int(highest) + 1, 4)
    return Lines(
        label="Daily scans with the window priced, less weekly greedy, in basis points a year",
        lines=lines,
        marks=tuple(zip(places, fractions, strict=True)),
        steps=tuple((height(step), f"{step:+d}".replace("-", "−")) for step in steps if step),
        zero=height(0),
    )


def _bars(
    label: str, grey: str, blue: str, values: Sequence[tuple[str, float, float, str]]
) -> Bars:
    longest = max(max(first, second) for _, first, second, _ in values)
    rows = tuple(
        Bar(
            name=name,
            grey=round(_LONGEST * max(first, 0) / longest, 1),
            blue=round(_LONGEST * max(second, 0) / longest, 1),
            text=text,
            top=_ROW * place + 4,
        )
        for place, (name, first, second, text) in enumerate(values)
    )
    return Bars(label, grey, blue, rows)
