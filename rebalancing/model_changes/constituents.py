"""Dated constituents of a benchmark from CSV: who is in it, with what weight, from which day on (F19). Pure Decimal.

``symbol,weight,effective_date`` with fractions, ``symbol,weight_percent,effective_date`` with per cent, or
``symbol,market_value,effective_date`` with dollars, of which the weights follow. Weights come to 1 within their own
rounding: half a unit of the file's last decimal for each row, and never more than half a per cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.canonical import decimal_text
from rebalancing.model_changes.universe import shared
from rebalancing.types import ZERO
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

REQUIRED = ("symbol", "effective_date")
# Column -> decimals accepted, and the end of what a number may be.
SIZES = {
    "weight": (12, Decimal(2)),
    "weight_percent": (10, Decimal(200)),
    "market_value": (4, Decimal(10) ** 16),
}
WHOLE = {"weight": Decimal(1), "weight_percent": Decimal(100)}
MOST_CONSTITUENTS = 5_000
LARGEST_ROUNDING = Decimal("0.005")  # of the whole


@dataclass(frozen=True, slots=True)
class Constituents:
    """The members of a benchmark from a day on: security -> its part of the whole, above zero, summing to one."""

    effective_on: date
    parts: Mapping[int, Decimal]

    def weights(self, invested: Decimal) -> dict[int, Decimal]:
        """The weights of a model that has this part of its value in names, exact; what is too small is left out."""
        found = shared(self.parts, invested)
        return {security: weight for security, weight in found.items() if weight > ZERO}


def read_constituents(text: str, *, name: str, securities: Mapping[str, int]) -> Constituents:
    """The whole of a file. ``securities`` gives the primary key of each known symbol.

    Raises ImportRefused with every problem found: a symbol that is unknown or stands twice, a weight that is none, two
    dates, weights that do not come to the whole.
    """
    problems = Problems(name)
    table = read_table(text, problems, most_rows=MOST_CONSTITUENTS)
    check_header(table.header, problems, accepted=(*REQUIRED, *SIZES), required=REQUIRED)
    sizes = [column for column in table.header.cells if column in SIZES]
    if len(sizes) != 1:
        told = "none stands there" if not sizes else f"{' and '.join(sizes)} stand there"
        raise problems.refuse(
            f"one of the columns {', '.join(SIZES)} says how much of each name: {told}",
            line=table.header.line,
        )
    reader = _Reader(securities, sizes[0], problems)
    for row in table.rows:
        reader.take(dict(zip(table.header.cells, row.cells, strict=True)), row)
    problems.raise_if_any()
    return reader.finished()


class _Reader:
    def __init__(self, securities: Mapping[str, int], size: str, problems: Problems) -> None:
        self._securities = securities
        self._size = size
        self._problems = problems
        self._lines: dict[str, int] = {}  # symbol -> where it stood first
        self._day: tuple[date, int] | None = None
        self._sizes: dict[int, Decimal] = {}
        self._decimals = 0  # the most that a number of the file has

    def take(self, given: Mapping[str, str], row: Row) -> None:
        """One row; what is wrong with it is noted."""
        symbol = given["symbol"]
        security = self._securities.get(symbol)
        if security is None:
            self._add(row, "symbol", f"{cells.shown(symbol)} is no known symbol")
        elif self._lines.setdefault(symbol, row.line) != row.line:
            self._add(row, "symbol", f"{symbol} stands on line {self._lines[symbol]} already")
        self._take_day(given["effective_date"], row)
        size = self._number(given[self._size], row)
        if security is not None and size is not None:
            self._sizes[security] = size

    def finished(self) -> Constituents:
        """Raises ImportRefused where the weights do not come to the whole."""
        total, whole = sum(self._sizes.values(), ZERO), WHOLE.get(self._size)
        if whole is not None and abs(total - whole) > self._rounding(whole):
            self._problems.add(
                f"the weights come to {decimal_text(total)}, not to {whole} within their rounding of "
                f"{decimal_text(self._rounding(whole))}",
                column=self._size,
            )
        self._problems.raise_if_any()
        assert self._day is not None  # every row had one
        return Constituents(self._day[0], self._sizes)

    def _rounding(self, whole: Decimal) -> Decimal:
        """By how much the sum may be off."""
        of_rows = len(self._sizes) * Decimal(5).scaleb(-self._decimals - 1)
        return min(of_rows, LARGEST_ROUNDING * whole)

    def _take_day(self, text: str, row: Row) -> None:
        try:
            day = cells.day(text, as_of=None)
        except cells.CellError as error:
            self._add(row, "effective_date", str(error))
            return
        if self._day is None:
            self._day = day, row.line
        elif self._day[0] != day:
            first, line = self._day
            told = f"{day} is not {first}, the date on line {line}: one file has one date"
            self._add(row, "effective_date", told)

    def _number(self, text: str, row: Row) -> Decimal | None:
        places, below = SIZES[self._size]
        try:
            size = cells.number(text, places=places, below=below)
        except cells.CellError as error:
            self._add(row, self._size, str(error))
            return None
        if size <= ZERO:
            told = "a constituent weighs more than 0: leave the row out for a name that leaves"
            self._add(row, self._size, told)
            return None
        self._decimals = max(self._decimals, len(text.partition(".")[2]))
        return size

    def _add(self, row: Row, column: str, reason: str) -> None:
        self._problems.add(reason, line=row.line, column=column)
