"""Fills reported by the custodian, as CSV: what each row says, before anybody asks whether it fits an order.

Columns: ``order_id, external_id, trade_date, quantity, price, fee``; ``fee`` may be left out. ``order_id`` is the one
of the order file, ``external_id`` the custodian's own id of the execution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from accounts.types import MONEY_LIMIT, PRICE_LIMIT, QUANTITY_LIMIT
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

COLUMNS = ("order_id", "external_id", "trade_date", "quantity", "price", "fee")
REQUIRED = COLUMNS[:-1]
LONGEST_ID = 100
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class FillRow:
    """One execution; ``quantity`` and ``price`` are above zero."""

    line: int
    order: UUID
    external_id: str
    trade_date: date
    quantity: Decimal
    price: Decimal
    fee: Decimal


def read_fills(text: str, *, name: str, as_of: date) -> list[FillRow]:
    """The fills of a file, in its order. Raises ImportRefused with every problem found."""
    problems = Problems(name)
    table = read_table(text, problems, most_rows=MOST_ROWS)
    check_header(table.header, problems, accepted=COLUMNS, required=REQUIRED)
    rows: list[FillRow] = []
    first_lines: dict[tuple[UUID, str], int] = {}
    for row in table.rows:
        fill = _fill(row, table.header.cells, problems, as_of)
        if fill is None:
            continue
        first = first_lines.setdefault((fill.order, fill.external_id), fill.line)
        if first != fill.line:
            problems.add(
                f"the fill stands on line {first} already", line=row.line, column="external_id"
            )
        rows.append(fill)
    problems.raise_if_any()
    return rows


def _fill(row: Row, header: Sequence[str], problems: Problems, as_of: date) -> FillRow | None:
    """One row; None where a cell of it cannot be taken, which ``problems`` then says."""
    text = dict(zip(header, row.cells, strict=True))
    before = len(problems.found)
    reader = _Cells(text, row.line, problems)
    order = reader.uuid("order_id")
    external_id = reader.name("external_id")
    trade_date = reader.day("trade_date", as_of)
    quantity = reader.number("quantity", places=8, below=QUANTITY_LIMIT)
    price = reader.number("price", places=6, below=PRICE_LIMIT)
    fee = reader.number("fee", places=4, below=MONEY_LIMIT) if text.get("fee") else Decimal(0)
    for column, value in (("quantity", quantity), ("price", price)):
        if value is not None and value <= 0:
            problems.add("must be above zero", line=row.line, column=column)
    if len(problems.found) > before or problems.full:
        return None
    assert order is not None
    assert external_id is not None
    assert trade_date is not None
    assert quantity is not None
    assert price is not None
    assert fee is not None
    return FillRow(row.line, order, external_id, trade_date, quantity, price, fee)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Reads the cells of one row by name, noting what cannot be taken."""

    text: dict[str, str]
    line: int
    problems: Problems

    def uuid(self, column: str) -> UUID | None:
        try:
            return UUID(self.text[column])
        except ValueError:
            self._refuse(column, f"{cells.shown(self.text[column])} is no order id")
            return None

    def name(self, column: str) -> str | None:
        if not self.text[column]:
            self._refuse(column, "an id is missing")
            return None
        try:
            return cells.name(self.text[column], longest=LONGEST_ID)
        except cells.CellError as error:
            self._refuse(column, str(error))
            return None

    def day(self, column: str, as_of: date) -> date | None:
        try:
            return cells.day(self.text[column], as_of=as_of)
        except cells.CellError as error:
            self._refuse(column, str(error))
            return None

    def number(self, column: str, *, places: int, below: Decimal) -> Decimal | None:
        try:
            return cells.number(self.text[column], places=places, below=below)
        except cells.CellError as error:
            self._refuse(column, str(error))
            return None

    def _refuse(self, column: str, reason: str) -> None:
        self.problems.add(reason, line=self.line, column=column)
