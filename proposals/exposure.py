"""Weights of a household before and after a proposal's trades, and the bars that show them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

CASH = "Cash"


@dataclass(frozen=True, slots=True)
class Exposure:
    """One security's share of the household, as fractions."""

    symbol: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the chart, in units of its view box."""

    symbol: str
    before: Decimal
    after: Decimal
    text_y: int
    before_y: int
    after_y: int
    before_width: str
    after_width: str
    label_x: str


@dataclass(frozen=True, slots=True)
class Bars:
    height: int
    rows: tuple[Bar, ...]


def exposures(
    values: Mapping[str, Decimal], changes: Mapping[str, Decimal]
) -> tuple[Exposure, ...]:
    """Weights from dollars by symbol (cash under CASH) and the dollars each changes by; largest first.

    Cash pays for the rest: what is bought comes out of it. An empty household has no exposures.
    """
    total = sum(values.values(), Decimal(0))
    if total <= 0:
        return ()
    after = dict(values)
    for symbol, change in changes.items():
        after[symbol] = after.get(symbol, Decimal(0)) + change
        after[CASH] = after.get(CASH, Decimal(0)) - change
    rows = [
        Exposure(symbol, values.get(symbol, Decimal(0)) / total, amount / total)
        for symbol, amount in after.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-max(row.before, row.after), row.symbol)))


def bars(rows: Sequence[Exposure], *, width: int = 420, step: int = 26) -> Bars:
    """A paired-bar chart: the longest bar is ``width`` units."""
    longest = max((max(row.before, row.after) for row in rows), default=Decimal(0)) or Decimal(1)
    drawn = []
    for place, row in enumerate(rows):
        top = place * step
        before = max(row.before, Decimal(0)) / longest * width
        after = max(row.after, Decimal(0)) / longest * width
        drawn.append(
            Bar(
                symbol=row.symbol,
                before=row.before,
                after=row.after,
                text_y=top + 15,
                before_y=top + 3,
                after_y=top + 12,
                before_width=f"{before:.1f}",
                after_width=f"{after:.1f}",
                label_x=f"{90 + max(before, after):.1f}",
            )
        )
    return Bars(height=max(len(rows), 1) * step, rows=tuple(drawn))
