"""Announced capital-gain distributions from CSV: ``symbol,ex_date,kind,amount`` and perhaps ``source``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from securities.importers import cells
from securities.importers.keyed_rows import a_share, parsed, read_keyed_rows, security_of
from securities.importers.refusal import Problems
from securities.importers.table import Row
from securities.types import DistributionKind

COLUMNS = ("symbol", "ex_date", "kind", "amount", "source")
REQUIRED = COLUMNS[:4]
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
    return read_keyed_rows(
        text,
        problems,
        lambda given, row: _distribution(given, row, securities, problems),
        what="the distribution",
        accepted=COLUMNS,
        required=REQUIRED,
    )


def _distribution(
    given: Mapping[str, str], row: Row, securities: Mapping[str, int], problems: Problems
) -> DistributionRow | None:
    """The row; None with a problem noted for each cell that is wrong."""
    security = security_of(given["symbol"], securities, problems, row)
    kinds = {one.value: one for one in DistributionKind}
    kind = kinds.get(given["kind"])
    if kind is None:
        told = f"{cells.shown(given['kind'])} is none of {', '.join(kinds)}"
        problems.add(told, line=row.line, column="kind")
    ex_date = parsed(lambda: cells.day(given["ex_date"], as_of=None), "ex_date", problems, row)
    amount = parsed(lambda: a_share(given["amount"], "a distribution"), "amount", problems, row)
    source = parsed(
        lambda: cells.name(given.get("source", ""), longest=LONGEST_SOURCE), "source", problems, row
    )
    if security is None or kind is None or ex_date is None or amount is None or source is None:
        return None
    return DistributionRow(security, ex_date, kind, amount, source, row.line)
