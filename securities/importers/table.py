"""CSV with a header line: which columns there are, and which rows, each with its line in the file."""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from securities.importers.cells import shown
from securities.importers.refusal import ImportRefused, Problems

MOST_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, and a cell for every column, blanks around it dropped."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A header and at least one row; every row has as many cells as the header."""

    header: Row
    rows: Sequence[Row]


def read_table(text: str, problems: Problems, *, most_rows: int = MOST_ROWS) -> Table:
    """Split a file into cells.

    Raises ImportRefused for a file without a header or without rows, one that is no CSV, or one with too many rows.
    Rows of the wrong length are noted in ``problems`` and left out.
    """
    header: Row | None = None
    rows: list[Row] = []
    for row in _filled(text, problems):
        if header is None:
            header = row
        elif len(row.cells) != len(header.cells):
            problems.add(
                f"the row has {len(row.cells)} cells, the header has {len(header.cells)}",
                line=row.line,
            )
        elif len(rows) >= most_rows:
            raise problems.refuse(
                f"more than {most_rows:,} rows: split the file by date", line=row.line
            )
        else:
            rows.append(row)
    if header is None:
        raise problems.refuse("the file is empty")
    if not rows and not problems.found:
        raise problems.refuse("the file has a header line and no rows", line=header.line)
    return Table(header, rows)


def check_header(
    header: Row,
    problems: Problems,
    *,
    accepted: Collection[str],
    required: Collection[str],
) -> None:
    """Raises ImportRefused for an unknown, repeated or missing column."""
    for place, column in enumerate(header.cells):
        if column not in accepted:
            what = f"{shown(column)} is no column of this format" if column else "a nameless column"
            problems.add(
                f"{what}; accepted are {', '.join(accepted)}", line=header.line, column=column[:40]
            )
        elif column in header.cells[:place]:
            problems.add("the column stands twice", line=header.line, column=column)
    for column in required:
        if column not in header.cells:
            problems.add("the column is missing", line=header.line, column=column)
    problems.raise_if_any()


def _filled(text: str, problems: Problems) -> Iterator[Row]:
    """Rows that are not blank. A quoted cell may span lines: a row counts by the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip(" ") for cell in cells]
            if any(stripped):
                yield Row(line, stripped)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _no_csv(error, problems, line) from error


def _no_csv(error: csv.Error, problems: Problems, line: int) -> ImportRefused:
    return problems.refuse(f"not readable as CSV: {error}", line=line)
