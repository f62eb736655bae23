"""What the page of the backtest shows, out of the results that are shipped with the project."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rebalancing.backtest import charts, report
from rebalancing.backtest.results import about, shipped
from rebalancing.backtest.tables import TableName
from securities.studies.tables import Table

DAYS = "30 December 1991 to 28 December 2022"

_TITLES = {
    TableName.L3: "When to rebalance",
    TableName.OPTIMA: "Does our optimum beat the best band?",
    TableName.LOTS: "And after tax?",
    TableName.BANDS: "The bands",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One file of results with its tables and, where there is one, its chart."""

    name: str
    title: str
    tables: tuple[Table, ...]
    about: Mapping[str, str | int]
    chart: charts.Chart | None = None


@cache
def verdict() -> tuple[report.Answer, ...]:
    """Whether our optimum beats the best band, way by way."""
    return report.verdict(shipped())


@cache
def sections() -> tuple[Section, ...]:
    """In the order of the page. The results are files of the package: they change with its version only."""
    records = shipped()
    drawn = {TableName.OPTIMA: charts.turnover, TableName.LOTS: charts.drag}
    return tuple(
        Section(
            name=name.value,
            title=title,
            tables=tuple(make(records) for make in report.MAKERS[name]),
            about=about()[name.value],
            chart=drawn[name](records) if name in drawn else None,
        )
        for name, title in _TITLES.items()
    )
