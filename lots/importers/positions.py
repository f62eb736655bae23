"""A custodian's positions from CSV; ``docs/import-formats.md`` describes the columns."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from accounts.types import QUANTITY_LIMIT
from lots.booking_rules import LONGEST_ID, QUANTITY_PLACES
from lots.importers.directory import Directory
from lots.position_check import Statement
from securities.importers import cells
from securities.importers.cells import CellError, shown
from securities.importers.file_text import decoded
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

NAMING = ("symbol", "cusip", "isin")
COLUMNS = ("account", *NAMING, "quantity", "as_of")
REQUIRED = ("account", "quantity", "as_of")
_MOST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """A statement and the line on which its first row stands. Positions of no shares are left out."""

    statement: Statement
    line: int


@dataclass(slots=True)
class _Growing:
    """A statement whose rows are being read: security -> shares and line."""

    line: int
    rows: dict[int, tuple[Decimal, int]] = field(default_factory=dict)


def read_positions(
    data: bytes, problems: Problems, directory: Directory, as_of: date
) -> list[ReadStatement]:
    """The statements of a file, one for each account and day, by account and day.

    Raises ImportRefused with every problem found, each with line, column, reason and what the row says.
    """
    table = read_table(decoded(name=problems.file, data=data), problems)
    check_header(table.header, problems, accepted=COLUMNS, required=REQUIRED)
    if not set(table.header.cells).intersection(NAMING):
        raise problems.refuse(
            f"no column names the securities: one of {', '.join(NAMING)}", line=table.header.line
        )
    growing: defaultdict[tuple[int, date], _Growing] = defaultdict(lambda: _Growing(0))
    reader = _Reader(table.header.cells, problems, directory, as_of)
    for row in table.rows:
        reader.take(row, growing)
        if problems.full:
            break
    problems.raise_if_any()
    return [
        ReadStatement(
            Statement(account, day, {one: shares for one, (shares, _) in found.rows.items() if shares}),
            found.line,
        )
        for (account, day), found in sorted(growing.items())
    ]  # fmt: skip


class _Reader:
    """Reads one row after the other and notes what is wrong with it."""

    def __init__(
        self, columns: Sequence[str], problems: Problems, directory: Directory, as_of: date
    ) -> None:
        self._columns = columns
        self._problems = problems
        self._accounts = directory.accounts
        self._names: Mapping[str, Mapping[str, int]] = {
            "symbol": directory.symbols, "cusip": directory.cusips, "isin": directory.isins,
        }  # fmt: skip
        self._as_of = as_of

    def take(self, row: Row, growing: defaultdict[tuple[int, date], _Growing]) -> None:
        """Add the row to its statement."""
        cell = dict(zip(self._columns, row.cells, strict=True))
        found: dict[str, int | date | Decimal] = {}
        readers: dict[str, Callable[[str], int | date | Decimal]] = {
            "account": self._account,
            "quantity": _quantity,
            "as_of": self._day,
        }
        for column, read in readers.items():
            try:
                found[column] = read(cell[column])
            except CellError as error:
                self._bad(row, column, str(error))
        account, shares, day = (found.get(column) for column in ("account", "quantity", "as_of"))
        security = self._security(row, cell, is_nothing=shares == 0)
        if (
            not isinstance(account, int)
            or not isinstance(shares, Decimal)
            or not isinstance(day, date)
        ):
            return  # fmt: skip
        statement = growing[account, day]
        statement.line = statement.line or row.line
        if security is None:
            return
        known = statement.rows.setdefault(security, (shares, row.line))
        if known[1] != row.line:
            self._bad(
                row, "", f"the account's position of {day} in this security stands on line {known[1]} "
                "already: add the two up",
            )  # fmt: skip

    def _security(self, row: Row, cell: Mapping[str, str], *, is_nothing: bool) -> int | None:
        """The one security that the row names; None where it is bad, or says that nothing is held."""
        named: dict[str, int] = {}
        is_good = True
        for column in NAMING:
            text = cell.get(column, "")
            if not text:
                continue
            security = self._names[column].get(text)
            if security is None:
                is_good = False
                self._bad(row, column, f"{shown(text)} is no known {column}")
            else:
                named[column] = security
        if len(set(named.values())) > 1:
            self._bad(row, "", f"{' and '.join(named)} name different securities")
        elif named:
            return next(iter(named.values()))
        elif is_good and not is_nothing:
            self._bad(row, "", "the row names no security")
        return None

    def _account(self, text: str) -> int:
        account = self._accounts.get(text)
        if account is None:
            cells.name(text, longest=LONGEST_ID)
            raise CellError(f"{shown(text)} is no account of the firm")
        return account

    def _day(self, text: str) -> date:
        return cells.day(text, as_of=self._as_of)

    def _bad(self, row: Row, column: str, reason: str) -> None:
        text = ",".join(row.cells)
        cut = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
        self._problems.add(f"{reason} (the row: {cut!a})", line=row.line, column=column)


def _quantity(text: str) -> Decimal:
    return cells.number(text, places=QUANTITY_PLACES, below=QUANTITY_LIMIT)
