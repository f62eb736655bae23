"""Results as rows of a CSV file: one row a run, every figure text, so that a file read back is what was written.

A study's record is a flat dataclass of texts; its cells are the runs that are wanted.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from datetime import date
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ABOUT = "about.json"
_ROOT = Path(__file__).resolve().parent.parent.parent

Cell = TypeVar("Cell")
Record = TypeVar("Record", bound="DataclassInstance")


def columns(kind: type[Record]) -> tuple[str, ...]:
    """The names of a record's texts, in their order."""
    return tuple(item.name for item in fields(kind))


def write(records: Iterable[Record], kind: type[Record]) -> str:
    """CSV text."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns(kind))
    rows.writerows([getattr(one, name) for name in columns(kind)] for one in records)
    return text.getvalue()


def read(text: str, kind: type[Record]) -> tuple[Record, ...]:
    """The records of a CSV text. Raises ValueError for other columns."""
    rows = csv.reader(io.StringIO(text))
    if tuple(next(rows, ())) != columns(kind):
        raise ValueError("This is no result of the backtest: its columns are others.")
    return tuple(kind(*row) for row in rows)


def compute(
    cells: Sequence[Cell],
    *,
    run: Callable[[Cell, Path], Record],
    kind: type[Record],
    prices: Path,
    rooms: Iterable[str],
    cache_folder: Path | None = None,
    jobs: int = 1,
    chunk: int = 1,
    done: Callable[[], object] = lambda: None,
) -> tuple[Record, ...]:
    """Run every cell that the cache does not hold; ``done`` is called after each. The order is that of ``cells``.

    ``run`` is a function of a module, because it goes to other processes, ``chunk`` cells at a time.
    """
    cache_file = (
        None if cache_folder is None else cache_folder / f"{fingerprint(prices, rooms)}.jsonl"
    )
    known = {} if cache_file is None else _cached(cache_file, kind)
    missing = [cell for cell in cells if str(cell) not in known]
    for _ in range(len(cells) - len(missing)):
        done()
    for cell, found in zip(missing, _results(missing, run, prices, jobs, chunk), strict=True):
        known[str(cell)] = found
        if cache_file is not None:
            _keep(cache_file, str(cell), found)
        done()
    return tuple(known[str(cell)] for cell in cells)


def fingerprint(prices: Path, rooms: Iterable[str]) -> str:
    """Of the prices and of all code that decides (folders and files): a cached result is of exactly this."""
    digest = hashlib.sha256(prices.read_bytes())
    for room in rooms:
        place = _ROOT / room
        for path in (place,) if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def note(folder: Path, name: str, *, day: date, version: str, code: str, runs: int) -> None:
    """When and with which code a table was computed, beside it."""
    path = folder / ABOUT
    about = read_about(folder) if path.exists() else {}
    about[name] = {
        "computed_on": day.isoformat(),
        "version": version,
        "code": code,
        "runs": runs,
    }
    path.write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_about(folder: Path) -> dict[str, dict[str, str | int]]:
    """By table: ``computed_on``, ``version``, ``code`` (a hash of the code and prices), ``runs``."""
    found: dict[str, dict[str, str | int]] = json.loads(
        (folder / ABOUT).read_text(encoding="utf-8")
    )
    return found


def _results(
    cells: Sequence[Cell], run: Callable[[Cell, Path], Record], prices: Path, jobs: int, chunk: int
) -> Iterator[Record]:
    if jobs <= 1:
        yield from (run(cell, prices) for cell in cells)
        return
    with ProcessPoolExecutor(jobs) as workers:
        yield from workers.map(run, cells, repeat(prices), chunksize=chunk)


def _cached(path: Path, kind: type[Record]) -> dict[str, Record]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {key: kind(**values) for key, values in map(json.loads, lines)}


def _keep(path: Path, key: str, found: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        values: Mapping[str, str] = {name: getattr(found, name) for name in columns(type(found))}
        file.write(json.dumps([key, values]) + "\n")
