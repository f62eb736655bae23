"""A report as tables of typed cells: what pages, CSV and spreadsheets are made of. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    title: str
    kind: CellKind = CellKind.TEXT


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
    def shown(self) -> list[tuple[bool, list[tuple[str, Cell]]]]:
        """(is a total, [(kind of cell, value)]) row by row, for templates."""
        return [
            (
                row.is_total,
                [
                    (_kind_of(column, cell), cell)
                    for column, cell in zip(self.columns, row.cells, strict=True)
                ],
            )
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """``preface`` is said before the tables, wherever the report is read."""

    slug: str
    title: str
    preface: tuple[str, ...]
    tables: tuple[Table, ...]


def columns(*named: str | tuple[str, CellKind]) -> tuple[Column, ...]:
    """Columns of text, or of the kind given with their title."""
    return tuple(Column(name) if isinstance(name, str) else Column(*name) for name in named)


def rows(cells: Iterable[Sequence[Cell]]) -> tuple[Row, ...]:
    return tuple(Row(tuple(line)) for line in cells)


def total(*cells: Cell) -> Row:
    return Row(cells, is_total=True)


def _kind_of(column: Column, cell: Cell) -> str:
    """A word in a column of days or numbers (``INHERITED``) is text."""
    return CellKind.TEXT.value if isinstance(cell, str) else column.kind.value
