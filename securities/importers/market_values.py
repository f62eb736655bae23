"""Market values of whole companies or funds from CSV: ``symbol,day,market_value`` in dollars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.types import MONEY_LIMIT
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

COLUMNS = ("symbol", "day", "market_value")
PLACES = 4


@dataclass(frozen=True, slots=True)
class MarketValueRow:
    """What a security (primary key) is worth as a whole on a day, dollars, and the line it stands on."""

    security: int
    day: date
    dollars: Decimal
    line: int


def read_market_values(
    text: str, *, name: str, securities: Mapping[str, int], as_of: date
) -> list[MarketValueRow]:
    """The values of a file, each (security, day) once.

    ``securities`` gives the primary key of each known symbol; no day lies after ``as_of``. Raises ImportRefused with
    every problem found.
    """
    problems = Problems(name)
    table = read_table(text, problems)
    check_header(table.header, problems, accepted=COLUMNS, required=COLUMNS)
    found: dict[tuple[int, date], MarketValueRow] = {}
    for row in table.rows:
        given = dict(zip(table.header.cells, row.cells, strict=True))
        read = _value(given, row, securities, problems, as_of)
        if read is None:
            continue
        known = found.setdefault((read.security, read.day), read)
        if known is not read:
            problems.add(
                f"the market value of that day stands on line {known.line} already", line=row.line
            )
    problems.raise_if_any()
    return list(found.values())


def _value(
    given: Mapping[str, str],
    row: Row,
    securities: Mapping[str, int],
    problems: Problems,
    as_of: date,
) -> MarketValueRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    security = securities.get(given["symbol"])
    if security is None:
        told = f"{cells.shown(given['symbol'])} is no known symbol"
        problems.add(told, line=row.line, column="symbol")
    day = dollars = None
    try:
        day = cells.day(given["day"], as_of=as_of)
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column="day")
    try:
        dollars = cells.number(given["market_value"], places=PLACES, below=MONEY_LIMIT)
        if not dollars:
            raise cells.CellError("a market value must be above zero")
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column="market_value")
    if security is None or day is None or not dollars:
        return None
    return MarketValueRow(security, day, dollars, row.line)
