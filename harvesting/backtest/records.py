"""Results as rows of a CSV file: one row a run, every figure text, so that a file read back is what was written."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from harvesting.backtest.market import History, read_history
from harvesting.backtest.run import Result, run
from harvesting.backtest.tables import Cell

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


COLUMNS = tuple(item.name for item in fields(Record))


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
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows([getattr(one, name) for name in COLUMNS] for one in records)
    return text.getvalue()


def read(text: str) -> tuple[Record, ...]:
    """The records of a CSV text. Raises ValueError for other columns."""
    rows = csv.reader(io.StringIO(text))
    if tuple(next(rows, ())) != COLUMNS:
        raise ValueError("This is no result of the backtest: its columns are others.")
    return tuple(Record(*row) for row in rows)


def compute(
    cells: Sequence[Cell],
    *,
    prices: Path,
    cache_folder: Path | None = None,
    jobs: int = 1,
    done: Callable[[], object] = lambda: None,
) -> tuple[Record, ...]:
    """Run every cell that the cache does not hold; ``done`` is called after each. The order is that of ``cells``."""
    cache_file = None if cache_folder is None else cache_folder / f"{fingerprint(prices)}.jsonl"
    known = {} if cache_file is None else _cached(cache_file)
    missing = [cell for cell in cells if str(cell) not in known]
    for _ in range(len(cells) - len(missing)):
        done()
    for cell, found in zip(missing, _results(missing, prices, jobs), strict=True):
        known[str(cell)] = found
        if cache_file is not None:
            _keep(cache_file, str(cell), found)
        done()
    return tuple(known[str(cell)] for cell in cells)


def fingerprint(prices: Path) -> str:
    """Of the prices and of all code that decides: a cached result is of exactly this."""
    digest = hashlib.sha256(prices.read_bytes())
    root = Path(__file__).resolve().parent.parent.parent
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _yes(value: bool) -> str:  # noqa: FBT001 - a formatter of one value
    return "yes" if value else "no"


def _results(cells: Sequence[Cell], prices: Path, jobs: int) -> Iterator[Record]:
    if jobs <= 1:
        yield from (_one(cell, prices) for cell in cells)
        return
    with ProcessPoolExecutor(jobs) as workers:
        yield from workers.map(_one, cells, [prices] * len(cells), chunksize=4)


def _one(cell: Cell, prices: Path) -> Record:
    return record(cell, run(_history(prices), cell.cohort, cell.setup, check=cell.setup.wash_rule))


@cache
def _history(prices: Path) -> History:
    return read_history(prices)


def _cached(path: Path) -> dict[str, Record]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {key: Record(**values) for key, values in map(json.loads, lines)}


def _keep(path: Path, key: str, found: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        values = {name: getattr(found, name) for name in COLUMNS}
        file.write(json.dumps([key, values]) + "\n")
