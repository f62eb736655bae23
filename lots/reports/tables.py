"""A report as tables of typed cells: what pages, CSV and spreadsheets are made of. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

Cell = str | date | Decimal | int | None


class CellKind(StrEnum):
    """How the cells of a column are written."""

    TEXT = "text"
    DAY = "day"
    MONEY = "money"  # dollars and cents
    SHARES = "shares"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Column:
    """``is_extra``: beyond what the form has, so that paper can do without it.

    ``is_note``: a sentence, which on a page stands on a line of its own under the row.
    """

    title: str
    kind: CellKind = CellKind.TEXT
    is_extra: bool = False
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[Cell, ...]
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Raises ValueError for a row that has not a cell for every column."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    name: str = ""  # short, for the tab of a spreadsheet; empty = the title

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.title}: {len(row.cells)} cells for {len(self.columns)} columns."
                )

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns that stand beside each other on a page."""
        return tuple(column for column in self.columns if not column.is_note)

    @property
    def shown(self) -> list[tuple[bool, list[tuple[str, Cell, bool]], str]]:
        """(is a total, [(kind of cell, value, is extra)], notes) row by row, for templates."""
        return [
            (
                row.is_total,
                [
                    (_kind_of(column, cell), cell, column.is_extra)
                    for column, cell in zip(self.columns, row.cells, strict=True)
                    if not column.is_note
                ],
                " ".join(
                    f"{column.title}: {cell}"
                    for column, cell in zip(self.columns, row.cells, strict=True)
                    if column.is_note and cell
                ),
            )
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """``preface`` and ``remark`` are said before the tables, wherever the report is read."""

    slug: str
    title: str
    preface: tuple[str, ...]
    tables: tuple[Table, ...]
    remark: str = ""  # what is missing and why

    @property
    def opening(self) -> tuple[str, ...]:
        """The lines at the top of a file."""
        return tuple(line for line in (self.title, *self.preface, self.remark) if line)


def columns(*named: str | tuple[str, CellKind], extra: int = 0) -> tuple[Column, ...]:
    """Columns of text, or of the kind given with their title; the last ``extra`` of them are extra."""
    pairs = [(name, CellKind.TEXT) if isinstance(name, str) else name for name in named]
    first_extra = len(pairs) - extra
    return tuple(
        Column(title, kind, is_extra=place >= first_extra)
        for place, (title, kind) in enumerate(pairs)
    )


def noted(made: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns with the last one as a note."""
    return (*made[:-1], replace(made[-1], is_note=True))


def rows(cells: Iterable[Sequence[Cell]]) -> tuple[Row, ...]:
    return tuple(Row(tuple(line)) for line in cells)


def total(*cells: Cell) -> Row:
    return Row(cells, is_total=True)


def _kind_of(column: Column, cell: Cell) -> str:
    """A word in a column of days or numbers (``INHERITED``) is text."""
    return CellKind.TEXT.value if isinstance(cell, str) else column.kind.value
