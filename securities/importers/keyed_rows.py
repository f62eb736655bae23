"""CSV files of facts whose rows have a key: each is read by itself, and none may stand twice."""

from collections.abc import Callable, Collection, Hashable, Mapping
from decimal import Decimal
from typing import Protocol, TypeVar

from accounts.types import PRICE_LIMIT
from securities.importers import cells
from securities.importers.refusal import Problems
from securities.importers.table import Row, check_header, read_table

AMOUNT_PLACES = 6  # of dollars a share


class KeyedRow(Protocol):
    """What a row says, by what it is about, and the line it stands on."""

    @property
    def key(self) -> Hashable: ...

    @property
    def line(self) -> int: ...


R = TypeVar("R", bound=KeyedRow)
T = TypeVar("T")


def read_keyed_rows(
    text: str,
    problems: Problems,
    read: Callable[[Mapping[str, str], Row], R | None],
    *,
    what: str,
    accepted: Collection[str],
    required: Collection[str],
) -> list[R]:
    """Every row as ``read`` understands its cells by column; None where it has noted in ``problems`` what is wrong.

    ``what`` a row is, for a second one with a key: "the dividend". Raises ImportRefused with every problem found.
    """
    table = read_table(text, problems)
    check_header(table.header, problems, accepted=accepted, required=required)
    found: dict[Hashable, R] = {}
    for row in table.rows:
        one = read(dict(zip(table.header.cells, row.cells, strict=True)), row)
        if one is None:
            continue
        known = found.setdefault(one.key, one)
        if known is not one:
            problems.add(f"{what} stands on line {known.line} already", line=row.line)
    problems.raise_if_any()
    return list(found.values())


def parsed(parse: Callable[[], T], column: str, problems: Problems, row: Row) -> T | None:
    """What the cell of a column says; None with the problem noted where it cannot be read."""
    try:
        return parse()
    except cells.CellError as error:
        problems.add(str(error), line=row.line, column=column)
        return None


def security_of(
    symbol: str, securities: Mapping[str, int], problems: Problems, row: Row
) -> int | None:
    """The primary key of a known symbol; None with the problem noted."""
    security = securities.get(symbol)
    if security is None:
        problems.add(f"{cells.shown(symbol)} is no known symbol", line=row.line, column="symbol")
    return security


def a_share(text: str, what: str) -> Decimal:
    """Dollars a share, above zero. Raises CellError."""
    amount = cells.number(text, places=AMOUNT_PLACES, below=PRICE_LIMIT)
    if not amount:
        raise cells.CellError(f"{what} must be above zero")
    return amount
