"""Market values of whole companies or funds from CSV: ``symbol,day,market_value`` in dollars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.types import MONEY_LIMIT
from securities.importers import cells
from securities.importers.keyed_rows import parsed, read_keyed_rows, security_of
from securities.importers.refusal import Problems
from securities.importers.table import Row

COLUMNS = ("symbol", "day", "market_value")
PLACES = 4


@dataclass(frozen=True, slots=True)
class MarketValueRow:
    """What a security (primary key) is worth as a whole on a day, dollars, and the line it stands on."""

    security: int
    day: date
    dollars: Decimal
    line: int

    @property
    def key(self) -> tuple[int, date]:
        return self.security, self.day


def read_market_values(
    text: str, *, name: str, securities: Mapping[str, int], as_of: date
) -> list[MarketValueRow]:
    """The values of a file, each (security, day) once.

    ``securities`` gives the primary key of each known symbol; no day lies after ``as_of``. Raises ImportRefused with
    every problem found.
    """
    problems = Problems(name)
    return read_keyed_rows(
        text,
        problems,
        lambda given, row: _value(given, row, securities, problems, as_of),
        what="the market value of that day",
        accepted=COLUMNS,
        required=COLUMNS,
    )


def _value(
    given: Mapping[str, str],
    row: Row,
    securities: Mapping[str, int],
    problems: Problems,
    as_of: date,
) -> MarketValueRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    security = security_of(given["symbol"], securities, problems, row)
    day = parsed(lambda: cells.day(given["day"], as_of=as_of), "day", problems, row)
    dollars = parsed(lambda: _dollars(given["market_value"]), "market_value", problems, row)
    if security is None or day is None or dollars is None:
        return None
    return MarketValueRow(security, day, dollars, row.line)


def _dollars(text: str) -> Decimal:
    dollars = cells.number(text, places=PLACES, below=MONEY_LIMIT)
    if not dollars:
        raise cells.CellError("a market value must be above zero")
    return dollars
