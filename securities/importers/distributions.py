"""Announced capital-gain distributions from CSV: ``symbol,ex_date,kind,amount`` and perhaps ``source``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.types import PRICE_LIMIT
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table
from securities.types import DistributionKind

COLUMNS = ("symbol", "ex_date", "kind", "amount", "source")
REQUIRED = COLUMNS[:4]
AMOUNT_PLACES = 6
LONGEST_SOURCE = 120


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """A distribution of a security (primary key), dollars a share, and the line it stands on."""

    security: int
    ex_date: date
    kind: DistributionKind
    amount: Decimal
    source: str
    line: int

    @property
    def key(self) -> tuple[int, date, str]:
        return self.security, self.ex_date, self.kind.value


def read_distributions(
    text: str, *, name: str, securities: Mapping[str, int]
) -> list[DistributionRow]:
    """The distributions of a file, each (security, ex-date, kind) once. Days may lie ahead.

    ``securities`` gives the primary key of each known symbol. Raises ImportRefused with every problem found.
    """
    problems = Problems(name)
    table = read_table(text, problems)
    check_header(table.header, problems, accepted=COLUMNS, required=REQUIRED)
    found: dict[tuple[int, date, str], DistributionRow] = {}
    for row in table.rows:
        given = dict(zip(table.header.cells, row.cells, strict=True))
        read = _distribution(given, row, securities, problems)
        if read is None:
            continue
        known = found.setdefault(read.key, read)
        if known is not read:
            problems.add(f"the distribution stands on line {known.line} already", line=row.line)
    problems.raise_if_any()
    return list(found.values())


def _distribution(
    given: Mapping[str, str], row: Row, securities: Mapping[str, int], problems: Problems
) -> DistributionRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    before = len(problems.found)
    security = securities.get(given["symbol"])
    if security is None:
        problems.add(
            f"{cells.shown(given['symbol'])} is no known symbol", line=row.line, column="symbol"
        )
    kinds = {one.value: one for one in DistributionKind}
    kind = kinds.get(given["kind"])
    if kind is None:
        problems.add(
            f"{cells.shown(given['kind'])} is none of {', '.join(kinds)}",
            line=row.line,
            column="kind",
        )
    ex_date, amount, source = date.min, Decimal(0), ""
    try:
        ex_date = cells.day(given["ex_date"], as_of=None)
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column="ex_date")
    try:
        amount = cells.number(given["amount"], places=AMOUNT_PLACES, below=PRICE_LIMIT)
        if not amount:
            raise cells.CellError("a distribution must be above zero")
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column="amount")
    try:
        source = cells.name(given.get("source", ""), longest=LONGEST_SOURCE)
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column="source")
    if len(problems.found) > before or security is None or kind is None:
        return None
    return DistributionRow(security, ex_date, kind, amount, source, row.line)
