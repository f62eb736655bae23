"""What the page of the backtest shows, out of the results that are shipped with the project."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from harvesting.backtest import charts
from harvesting.backtest.report import tables
from harvesting.backtest.results import about, shipped
from harvesting.backtest.tables import TableName
from securities.studies.tables import Table

DAYS = "2 January 1990 to 28 December 2022"
ANSWER = (
    "Pricing the window does not beat weekly greedy: with two substitutes it brings daily scans up to weekly ones and "
    "not beyond, with one substitute it does nothing for them."
)

_TITLES = {
    TableName.L1: "What harvesting adds, and how it fades",
    TableName.L2: "How often to look, and from which loss on",
    TableName.RULES: "The same by our own rules",
    TableName.FLOWS: "With new money every month",
    TableName.WINDOW: "Does pricing the window beat weekly greedy?",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One file of results with its tables and, where there is one, its chart."""

    name: str
    title: str
    tables: tuple[Table, ...]
    about: Mapping[str, str | int]
    bars: charts.Bars | None = None
    lines: charts.Lines | None = None


@cache
def sections() -> tuple[Section, ...]:
    """In the order of the page. The results are files of the package: they change with its version only."""
    records = shipped()
    bars = {TableName.L1: charts.periods, TableName.L2: charts.frequencies}
    return tuple(
        Section(
            name=name.value,
            title=title,
            tables=tables([one for one in records if one.table == name.value]),
            about=about()[name.value],
            bars=bars[name](records) if name in bars else None,
            lines=charts.window(records) if name is TableName.WINDOW else None,
        )
        for name, title in _TITLES.items()
    )
