"""The market of the backtest: daily closes of a CSV file, one column a stock, and the years a cohort lives through."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from securities.studies.prices import read_closes

TRADING_DAYS = 252
ANNUAL = TRADING_DAYS**0.5
SHORTEST_HISTORY = 63  # daily moves; with fewer the volatility is assumed
ASSUMED_VOLATILITY = 0.3


class Frequency(StrEnum):
    """How often the household is looked at."""

    ANNUAL = "annual"
    QUARTERLY = "quarterly"
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Money that arrives on the first trading day of a year and stays to the last one of another."""

    name: str
    first_year: int
    last_year: int


ALL_YEARS = Cohort("1990-2022", 1990, 2022)
COHORTS = (
    Cohort("1990-97", 1990, 1997),
    Cohort("1998-2005", 1998, 2005),
    Cohort("2006-13", 2006, 2013),
    Cohort("2014-22", 2014, 2022),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Places of a cohort's first and last trading day, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class History:
    """Closes in dollars by stock and trading day, as text gave them and as floats."""

    days: tuple[date, ...]
    stocks: tuple[str, ...]
    closes: tuple[tuple[Decimal, ...], ...]  # by stock
    floats: tuple[tuple[float, ...], ...]
    volatilities: tuple[
        tuple[float, ...], ...
    ]  # annual, of the last 252 daily moves known on the day

    def span(self, cohort: Cohort) -> Span:
        """Raises ValueError where the file has no day of the cohort."""
        first = bisect_left(self.days, date(cohort.first_year, 1, 1))
        last = bisect_right(self.days, date(cohort.last_year, 12, 31)) - 1
        if first >= last:
            raise ValueError(f"The price file has no days of {cohort.name}.")
        return Span(first, last)

    def years(self, span: Span) -> float:
        """Years of 365.25 days between the first and the last close."""
        return (self.days[span.last] - self.days[span.first]).days / 365.25


def read_history(path: Path) -> History:
    """The closes of a price file. Raises OSError and ValueError."""
    read = read_closes(path)
    closes = tuple(tuple(map(Decimal, texts)) for texts in read.texts)
    floats = tuple(tuple(map(float, texts)) for texts in read.texts)
    return History(
        days=read.days,
        stocks=read.stocks,
        closes=closes,
        floats=floats,
        volatilities=tuple(tuple(trailing_volatility(np.array(path)).tolist()) for path in floats),
    )


def trailing_volatility(path: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Annual standard deviation of the last 252 daily log returns up to each day; assumed with fewer than 63."""
    moves = np.log(path[1:] / path[:-1])
    found = np.full(len(path), ASSUMED_VOLATILITY)
    for known in range(SHORTEST_HISTORY, min(TRADING_DAYS, len(moves) + 1)):
        found[known] = moves[:known].std(ddof=1) * ANNUAL
    if len(moves) >= TRADING_DAYS:
        years = np.lib.stride_tricks.sliding_window_view(moves, TRADING_DAYS)
        found[TRADING_DAYS:] = years.std(axis=1, ddof=1) * ANNUAL
    return found


def scan_places(
    days: Sequence[date], span: Span, frequency: Frequency, *, weekday: int = 6
) -> range | tuple[int, ...]:
    """Places of the days on which the household is looked at.

    The last trading day of every period; the period in which the cohort ends is never finished. ``weekday`` is the day
    that ends a week; 6 = Sunday.
    """
    if frequency is Frequency.DAILY:
        return range(span.first, span.last + 1)
    return tuple(
        place
        for place in range(span.first, span.last)
        if _period(days[place], frequency, weekday) != _period(days[place + 1], frequency, weekday)
    )


def _period(day: date, frequency: Frequency, weekday: int) -> int:
    """A number that changes when a period ends."""
    if frequency is Frequency.WEEKLY:
        return (day.toordinal() + 5 - weekday) // 7
    months = {Frequency.ANNUAL: 12, Frequency.QUARTERLY: 3, Frequency.MONTHLY: 1}[frequency]
    return (day.year * 12 + day.month - 1) // months
