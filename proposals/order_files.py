"""Order files: rows to CSV text that a spreadsheet shows and never runs.

A text cell that a spreadsheet would take for a formula gets an apostrophe before it; a Decimal is written as a plain
number, so a negative number stays a number.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from accounts.canonical import decimal_text
from lots.csv_text import csv_safe

Cell = str | Decimal | date | datetime


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of the order file; the column names are the names of the fields."""

    batch_id: str
    order_id: str
    block_id: str
    pair_id: str
    account_or_block: str
    side: str
    security_id: str
    symbol: str
    quantity: Decimal
    type: str
    limit: str
    tif: str
    instruction: str
    reason: str
    approved_by: str
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class LotInstructionRow:
    """Shares of one named lot that an order must relieve."""

    order_id: str
    account: str
    lot_id: str
    acquired: date
    quantity: Decimal
    basis: Decimal
    method: str = "specific"


def orders_csv(rows: Sequence[OrderRow]) -> str:
    """The order file: a header and one line per order."""
    return _csv(_columns(OrderRow), (astuple(row) for row in rows))


def lots_csv(rows: Sequence[LotInstructionRow]) -> str:
    """The lot-instruction file: a header and one line per lot of a sell order."""
    return _csv(_columns(LotInstructionRow), (astuple(row) for row in rows))


def cell(value: Cell) -> str:
    """One value as a cell's text. Raises TypeError for a float or anything else without an exact text."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return csv_safe(value)
    raise TypeError(f"{type(value).__name__} has no place in an order file")


def file_name(kind: str, number: int) -> str:
    """``orders-0007.csv``: the number is the batch's, so a file handed out again is known as the same."""
    return f"{kind}-{number:04d}.csv"


def _columns(row: type[OrderRow | LotInstructionRow]) -> list[str]:
    return [field.name for field in fields(row)]


def _csv(header: Sequence[str], rows: Iterable[Iterable[Cell]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell(value) for value in row])
    return out.getvalue()
