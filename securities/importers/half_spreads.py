"""Half spreads from a day on, from CSV: ``symbol`` or ``asset_class``, ``since``, ``half_spread`` as a fraction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from securities.importers import cells
from securities.importers.keyed_rows import parsed, read_keyed_rows
from securities.importers.refusal import Problems
from securities.importers.table import Row
from securities.types import AssetClass

COLUMNS = ("symbol", "asset_class", "since", "half_spread")
REQUIRED = COLUMNS[2:]
PLACES = 8


@dataclass(frozen=True, slots=True)
class HalfSpreadRow:
    """Half a spread, a fraction of the price, of a security (primary key) or an asset class, and its line."""

    security: int | None
    asset_class: str  # empty where it is one security's
    since: date
    fraction: Decimal
    line: int

    @property
    def key(self) -> tuple[int | None, str, date]:
        return self.security, self.asset_class, self.since


def read_half_spreads(
    text: str, *, name: str, securities: Mapping[str, int]
) -> list[HalfSpreadRow]:
    """The half spreads of a file, each (security or asset class, day) once. Days may lie ahead.

    ``securities`` gives the primary key of each known symbol. Raises ImportRefused with every problem found.
    """
    problems = Problems(name)
    return read_keyed_rows(
        text,
        problems,
        lambda given, row: _half_spread(given, row, securities, problems),
        what="the half spread from that day",
        accepted=COLUMNS,
        required=REQUIRED,
    )


def _half_spread(
    given: Mapping[str, str], row: Row, securities: Mapping[str, int], problems: Problems
) -> HalfSpreadRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    before = len(problems.found)
    symbol, asset_class = given.get("symbol", ""), given.get("asset_class", "")
    security = securities.get(symbol)
    if bool(symbol) == bool(asset_class):
        problems.add("name a symbol or an asset class, one of them", line=row.line, column="symbol")
    elif symbol and security is None:
        problems.add(f"{cells.shown(symbol)} is no known symbol", line=row.line, column="symbol")
    elif asset_class and asset_class not in {one.value for one in AssetClass}:
        problems.add(
            f"{cells.shown(asset_class)} is none of {', '.join(AssetClass)}",
            line=row.line,
            column="asset_class",
        )
    since = parsed(lambda: cells.day(given["since"], as_of=None), "since", problems, row)
    fraction = parsed(
        lambda: cells.number(given["half_spread"], places=PLACES, below=Decimal(1)),
        "half_spread",
        problems,
        row,
    )
    if len(problems.found) > before or since is None or fraction is None:
        return None
    return HalfSpreadRow(security, asset_class, since, fraction, row.line)
