"""A run of the harvest backtest as a row of its CSV file, and the cells computed, kept and read back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harvesting.backtest.market import History, read_history
from harvesting.backtest.run import Result, run
from harvesting.backtest.tables import Cell
from securities.studies import records as studies

ROOMS = ("harvesting", "lots")  # whose code decides


@dataclass(frozen=True, slots=True)
class Record:
    """One run. ``alpha_bp`` is a year over the same money never harvested; counts are of all stocks together."""

    table: str
    cohort: str
    rules: str
    substitutes: str
    wash_rule: str
    frequency: str
    week_ends: str
    threshold: str
    window_fraction: str
    always_priced: str
    swap_back: str
    contribution: str
    short_rate: str
    long_rate: str
    alpha_bp: str
    alpha_after_liquidation_bp: str
    harvests: str
    blocked: str
    unpaid: str
    sold_along: str
    swap_backs: str
    wash_sales: str

    @property
    def bp(self) -> float:
        return float(self.alpha_bp)


def record(cell: Cell, result: Result) -> Record:
    """The row of a run."""
    setup = cell.setup
    return Record(
        table=cell.table.value,
        cohort=cell.cohort.name,
        rules=setup.rules.value,
        substitutes=str(setup.twins - 1),
        wash_rule=_yes(setup.wash_rule),
        frequency=setup.frequency.value,
        week_ends=str(setup.weekday),
        threshold=str(setup.threshold),
        window_fraction=str(setup.window_fraction),
        always_priced=_yes(setup.always_priced),
        swap_back=setup.swap_back.value,
        contribution=str(setup.contribution),
        short_rate=str(setup.short_rate),
        long_rate=str(setup.long_rate),
        alpha_bp=f"{1e4 * result.before:.2f}",
        alpha_after_liquidation_bp=f"{1e4 * result.after:.2f}",
        harvests=str(result.harvests),
        blocked=str(result.blocked),
        unpaid=str(result.unpaid),
        sold_along=str(result.along),
        swap_backs=str(result.swaps),
        wash_sales=str(result.washed) if setup.wash_rule else "",
    )


def write(records: Iterable[Record]) -> str:
    """CSV text."""
    return studies.write(records, Record)


def read(text: str) -> tuple[Record, ...]:
    """The records of a CSV text. Raises ValueError for other columns."""
    return studies.read(text, Record)


def compute(
    cells: Sequence[Cell],
    *,
    prices: Path,
    cache_folder: Path | None = None,
    jobs: int = 1,
    done: Callable[[], object] = lambda: None,
) -> tuple[Record, ...]:
    """Run every cell that the cache does not hold; ``done`` is called after each. The order is that of ``cells``."""
    return studies.compute(
        cells,
        run=_one,
        kind=Record,
        prices=prices,
        rooms=ROOMS,
        cache_folder=cache_folder,
        jobs=jobs,
        chunk=4,
        done=done,
    )


def _yes(value: bool) -> str:  # noqa: FBT001 - a formatter of one value
    return "yes" if value else "no"


def _one(cell: Cell, prices: Path) -> Record:
    return record(cell, run(_history(prices), cell.cohort, cell.setup, check=cell.setup.wash_rule))


@cache
def _history(prices: Path) -> History:
    return read_history(prices)
