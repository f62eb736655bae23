"""Declared dividends from CSV: ``symbol,ex_date,pay_date,amount`` and perhaps ``qualified``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from securities.importers import cells
from securities.importers.keyed_rows import a_share, parsed, read_keyed_rows, security_of
from securities.importers.refusal import Problems
from securities.importers.table import Row

COLUMNS = ("symbol", "ex_date", "pay_date", "amount", "qualified")
REQUIRED = COLUMNS[:4]

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

    @property
    def key(self) -> tuple[int, date]:
        return self.security, self.ex_date


def read_dividends(text: str, *, name: str, securities: Mapping[str, int]) -> list[DividendRow]:
    """The dividends of a file, each (security, ex-date) once.

    ``securities`` gives the primary key of each known symbol. Raises ImportRefused with every problem found.
    """
    problems = Problems(name)
    return read_keyed_rows(
        text,
        problems,
        lambda given, row: _dividend(given, row, securities, problems),
        what="the dividend",
        accepted=COLUMNS,
        required=REQUIRED,
    )


def _dividend(
    given: Mapping[str, str], row: Row, securities: Mapping[str, int], problems: Problems
) -> DividendRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    before = len(problems.found)
    security = security_of(given["symbol"], securities, problems, row)
    # What is declared lies ahead: days of the future too.
    ex_date = parsed(lambda: cells.day(given["ex_date"], as_of=None), "ex_date", problems, row)
    pay_date = parsed(lambda: cells.day(given["pay_date"], as_of=None), "pay_date", problems, row)
    amount = parsed(lambda: a_share(given["amount"], "a dividend"), "amount", problems, row)
    qualified = _YES_OR_NO.get(given.get("qualified", ""))
    if qualified is None:
        told = f"{cells.shown(given['qualified'])} is neither yes nor no"
        problems.add(told, line=row.line, column="qualified")
    if ex_date and pay_date and pay_date < ex_date:
        told = f"{pay_date} lies before the ex-date, {ex_date}"
        problems.add(told, line=row.line, column="pay_date")
    if len(problems.found) > before or not (security and ex_date and pay_date and amount):
        return None
    return DividendRow(security, ex_date, pay_date, amount, bool(qualified), row.line)
