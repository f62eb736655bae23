"""Declared dividends from CSV: ``symbol,ex_date,pay_date,amount`` and perhaps ``qualified``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.types import PRICE_LIMIT
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

COLUMNS = ("symbol", "ex_date", "pay_date", "amount", "qualified")
REQUIRED = COLUMNS[:4]
AMOUNT_PLACES = 6

_YES_OR_NO = {"": True, "yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class DividendRow:
    """A dividend of a security (primary key), dollars a share, and the line it stands on."""

    security: int
    ex_date: date
    pay_date: date
    amount: Decimal
    qualified: bool
    line: int


def read_dividends(text: str, *, name: str, securities: Mapping[str, int]) -> list[DividendRow]:
    """The dividends of a file, each (security, ex-date) once.

    ``securities`` gives the primary key of each known symbol. Raises ImportRefused with every problem found.
    """
    problems = Problems(name)
    table = read_table(text, problems)
    check_header(table.header, problems, accepted=COLUMNS, required=REQUIRED)
    found: dict[tuple[int, date], DividendRow] = {}
    for row in table.rows:
        read = _dividend(
            dict(zip(table.header.cells, row.cells, strict=True)), row, securities, problems
        )
        if read is None:
            continue
        known = found.setdefault((read.security, read.ex_date), read)
        if known is not read:
            problems.add(f"the dividend stands on line {known.line} already", line=row.line)
    problems.raise_if_any()
    return list(found.values())


def _dividend(
    given: Mapping[str, str], row: Row, securities: Mapping[str, int], problems: Problems
) -> DividendRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    before = len(problems.found)
    security = securities.get(given["symbol"])
    if security is None:
        problems.add(
            f"{cells.shown(given['symbol'])} is no known symbol", line=row.line, column="symbol"
        )
    days = [_day(given[column], column, row, problems) for column in ("ex_date", "pay_date")]
    amount = Decimal(0)
    try:
        amount = cells.number(given["amount"], places=AMOUNT_PLACES, below=PRICE_LIMIT)
        if not amount:
            raise cells.CellError("a dividend must be above zero")
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column="amount")
    qualified = _YES_OR_NO.get(given.get("qualified", ""))
    if qualified is None:
        problems.add(
            f"{cells.shown(given['qualified'])} is neither yes nor no",
            line=row.line,
            column="qualified",
        )
    ex_date, pay_date = days
    if ex_date and pay_date and pay_date < ex_date:
        problems.add(
            f"{pay_date} lies before the ex-date, {ex_date}", line=row.line, column="pay_date"
        )
    if len(problems.found) > before or not (security and ex_date and pay_date):
        return None
    return DividendRow(security, ex_date, pay_date, amount, bool(qualified), row.line)


def _day(text: str, column: str, row: Row, problems: Problems) -> date | None:
    """A day of the past or of the future: what is declared lies ahead."""
    try:
        return cells.day(text, as_of=None)
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column=column)
        return None
