"""Closing prices from CSV: long (``date,symbol,close``) or wide (``date`` and a column for each symbol)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.types import PRICE_LIMIT
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, Table, check_header, read_table

LONG_COLUMNS = ("date", "symbol", "close")
PRICE_PLACES = 6
MOST_PRICES = 1_000_000

_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A closing price of a security (primary key) and the line it stands on."""

    security: int
    day: date
    close: Decimal
    line: int


def read_prices(
    text: str, *, name: str, securities: Mapping[str, int], as_of: date
) -> list[PriceRow]:
    """The prices of a file, each (security, day) once.

    ``securities`` gives the primary key of each known symbol. Raises ImportRefused with every problem found.
    """
    problems = Problems(name)
    table = read_table(text, problems)
    if set(table.header.cells) & {"symbol", "close"}:
        check_header(table.header, problems, accepted=LONG_COLUMNS, required=LONG_COLUMNS)
        reader = _Reader(problems, securities, as_of)
        _read_long(table, reader)
    else:
        _check_wide_header(table.header, problems, securities)
        reader = _Reader(problems, securities, as_of)
        _read_wide(table, reader)
    problems.raise_if_any()
    if not reader.rows:
        raise problems.refuse("the file holds no price")
    return list(reader.rows.values())


def _check_wide_header(header: Row, problems: Problems, securities: Mapping[str, int]) -> None:
    if header.cells[0] != "date":
        raise problems.refuse(
            f"the first column is {cells.shown(header.cells[0])}; accepted are a long file "
            f"({','.join(LONG_COLUMNS)}) and a wide one (date, then one column a symbol)",
            line=header.line,
        )
    for place, symbol in enumerate(header.cells[1:], start=1):
        if symbol not in securities:
            problems.add(
                f"{cells.shown(symbol)} is no known symbol", line=header.line, column=symbol[:40]
            )
        elif symbol in header.cells[:place]:
            problems.add("the column stands twice", line=header.line, column=symbol)
    if len(header.cells) == 1:
        problems.add("there is no column of prices", line=header.line)
    problems.raise_if_any()


class _Reader:
    """Turns cells into prices and notes what is wrong with them."""

    def __init__(self, problems: Problems, securities: Mapping[str, int], as_of: date) -> None:
        self.problems = problems
        self.rows: dict[tuple[int, date], PriceRow] = {}
        self._securities = securities
        self._as_of = as_of
        self._days: dict[str, date] = {}

    def day(self, text: str, line: int) -> date | None:
        known = self._days.get(text)
        if known is None:
            try:
                known = cells.day(text, as_of=self._as_of)
            except cells.CellError as error:
                self.problems.add(str(error), line=line, column="date")
                return None
            if known.weekday() > _FRIDAY:
                self.problems.add(
                    f"{known} is a {known:%A}: no market closes on it", line=line, column="date"
                )
                return None
            self._days[text] = known
        return known

    def security(self, symbol: str, line: int) -> int | None:
        known = self._securities.get(symbol)
        if known is None:
            self.problems.add(
                f"{cells.shown(symbol)} is no known symbol", line=line, column="symbol"
            )
        return known

    def close(self, text: str, line: int, column: str) -> Decimal | None:
        try:
            close = cells.number(text, places=PRICE_PLACES, below=PRICE_LIMIT)
        except cells.CellError as error:
            self.problems.add(str(error), line=line, column=column)
            return None
        if not close:
            self.problems.add("a price must be above zero", line=line, column=column)
            return None
        return close

    def take(self, row: PriceRow, column: str) -> None:
        known = self.rows.setdefault((row.security, row.day), row)
        if known.close != row.close:
            self.problems.add(
                f"{row.close} contradicts {known.close} on line {known.line} for {row.day}",
                line=row.line,
                column=column,
            )
        if len(self.rows) > MOST_PRICES:
            raise self.problems.refuse(
                f"more than {MOST_PRICES:,} prices: split the file by date", line=row.line
            )


def _read_long(table: Table, reader: _Reader) -> None:
    day_at, symbol_at, close_at = (table.header.cells.index(name) for name in LONG_COLUMNS)
    for row in table.rows:
        day = reader.day(row.cells[day_at], row.line)
        security = reader.security(row.cells[symbol_at], row.line)
        close = reader.close(row.cells[close_at], row.line, "close")
        if day is not None and security is not None and close is not None:
            reader.take(PriceRow(security, day, close, row.line), "close")
        if reader.problems.full:
            return


def _read_wide(table: Table, reader: _Reader) -> None:
    symbols = table.header.cells[1:]
    for row in table.rows:
        day = reader.day(row.cells[0], row.line)
        for symbol, text in zip(symbols, row.cells[1:], strict=True):
            if not text:
                continue  # no price that day
            close = reader.close(text, row.line, symbol)
            security = reader.security(symbol, row.line)
            if day is not None and security is not None and close is not None:
                reader.take(PriceRow(security, day, close, row.line), symbol)
        if reader.problems.full:
            return
