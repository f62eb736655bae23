"""Time-weighted returns, day by day, broken at every flow from outside (F15). Pure floats.

A day's return is what the portfolio was worth at its close, with what left during the day and without what was
delivered, over what it was worth at the close before, with what was paid in:

    (V[t] + withdrawn - delivered at the close) / (V[t-1] + paid in) - 1

So a deposit counts from the start of its day, a withdrawal until its end, and shares that are delivered or given away
without money come and go at the close of their day. Deposits and withdrawals of one day are netted; days are chained.
Where nothing is held there is no return: such a day counts neither here nor in what the portfolio is compared with.

A day on which something held has no price is not valued. Where no flow needs it, the return goes from the last valued
day to the next. A deposit needs the close before it, a withdrawal and a delivery that of their day: where that lacks,
the chain is broken, and nothing before is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_CENT = 0.005  # dollars: less is nothing


@dataclass(frozen=True, eq=False)
class Path:
    """Growth of a dollar over the days of a portfolio.

    ``growth`` (T,): the factor since the last valued day, 1 where nothing was held, NaN on a day that is not valued.
    ``invested`` (T,): something was held over the day. ``start``: the first row from whose close all is measured;
    ``broken``: the two valued rows before and after the last break of the chain, None where there was none.
    """

    growth: Floats
    invested: Bools
    start: int
    broken: tuple[int, int] | None

    def over(self, first: int, last: int) -> float | None:
        """The return from the close of row ``first`` to that of ``last``; None where that is not measured."""
        if first < self.start or not (self.is_valued(first) and self.is_valued(last)):
            return None
        steps = self.growth[first + 1 : last + 1]
        return float(np.prod(steps[np.isfinite(steps)])) - 1.0

    def is_valued(self, row: int) -> bool:
        return bool(np.isfinite(self.growth[row]))

    def index(self, first: int) -> Floats:
        """(T - first,) what a dollar at the close of row ``first`` has become; NaN on days that are not valued."""
        steps = self.growth[first:].copy()
        steps[0] = 1.0
        grown = np.cumprod(np.where(np.isfinite(steps), steps, 1.0))
        return np.where(np.isfinite(steps), grown, np.nan)


def path(values: Floats, deposits: Floats, delivered: Floats) -> Path:
    """Each of (T,), dollars. ``values`` at the close, NaN where not known; ``deposits`` less withdrawals of the day;
    ``delivered`` without money, at the close's price, given away negative, NaN where there is none."""
    count = len(values)
    growth, invested = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
    rows = np.flatnonzero(np.isfinite(values))
    if not len(rows):
        return Path(growth, invested, count, None)
    before, after = rows[:-1], rows[1:]
    paid, kind = deposits[after], delivered[after]
    gap = after - before > 1
    first = before + 1  # a deposit on the first day that is not valued still meets a close that is
    base = values[before] + np.maximum(np.where(gap, deposits[first], paid), 0.0)
    end = values[after] + np.maximum(-paid, 0.0) - kind
    opened = (base <= _CENT) & (kind > _CENT)  # with what was delivered on the day itself
    base, end = np.where(opened, base + kind, base), np.where(opened, end + kind, end)
    empty = (np.abs(base) <= _CENT) & (np.abs(end) <= _CENT)
    flows = np.cumsum((np.abs(deposits) > _CENT) | ~(np.abs(delivered) <= _CENT))
    unmet = (deposits[first] < -_CENT) | ~(np.abs(delivered[first]) <= _CENT)
    breaks = gap & (unmet | (flows[after - 1] > flows[first]) | (paid > _CENT))
    breaks |= ~np.isfinite(end) | (~empty & ((base <= _CENT) | (end < -_CENT)))
    counts = ~empty & ~breaks
    growth[rows[0]] = 1.0
    growth[after] = np.where(counts, end / np.where(counts, base, 1.0), 1.0)
    invested[after] = counts
    for place in np.flatnonzero(gap):
        invested[before[place] + 1 : after[place]] = counts[place]
    broken = np.flatnonzero(breaks)
    if not len(broken):
        return Path(growth, invested, int(rows[0]), None)
    last = broken[-1]
    return Path(growth, invested, int(after[last]), (int(before[last]), int(after[last])))


@dataclass(frozen=True, slots=True)
class Period:
    """From the close of row ``first`` to that of the last row."""

    key: str
    first: int


def periods(days: Sequence[date]) -> tuple[Period, ...]:
    """The month, the quarter and the year so far, and twelve months, up to the last of the trading days."""
    end = days[-1]
    quarter = date(end.year, 3 * ((end.month - 1) // 3) + 1, 1)
    starts = (
        ("month", date(end.year, end.month, 1)),
        ("quarter to date", quarter),
        ("year to date", date(end.year, 1, 1)),
        ("12 months", year_before(end) + timedelta(days=1)),
    )
    return tuple(Period(key, _last_before(days, day)) for key, day in starts)


def year_before(day: date) -> date:
    """The same day of the year before; of 29 February the 28th."""
    return day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)


def _last_before(days: Sequence[date], day: date) -> int:
    """The row of the last day before ``day``; the first row where there is none."""
    return max(sum(one < day for one in days) - 1, 0)
