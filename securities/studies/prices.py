"""The price file of a study: daily closes as text, one column a stock."""

import csv
import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Closes:
    """Closes in dollars as the file spells them, by stock and trading day."""

    days: tuple[date, ...]
    stocks: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]  # by stock


def read_closes(path: Path) -> Closes:
    """A gzipped CSV: a header with the symbols, then a date and the closes. Raises OSError and ValueError."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        header, *rows = csv.reader(lines)
    return Closes(
        days=tuple(date.fromisoformat(row[0]) for row in rows),
        stocks=tuple(header[1:]),
        texts=tuple(tuple(row[column] for row in rows) for column in range(1, len(header))),
    )
