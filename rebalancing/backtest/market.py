"""The market of the backtest: closes and simple returns as arrays, and an equal-weight target."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from rebalancing.optimizer.problem import FloatArray
from securities.studies.prices import read_closes

TRADING_DAYS = 252
FIRST = 504  # day of the first measured return; what is before feeds the covariance only


@dataclass(frozen=True, eq=False)
class Market:
    """Closes (T, n) in dollars; ``returns[day]`` is the move from the day before, row 0 is zero."""

    days: tuple[date, ...]
    closes: FloatArray
    returns: FloatArray  # (T, n)
    targets: FloatArray  # (n,) fractions, equal
    first: int = FIRST

    @property
    def years(self) -> float:
        """Measured years of 252 trading days."""
        return (len(self.days) - self.first) / TRADING_DAYS

    def window(self, day: int) -> FloatArray:
        """(up to 504, n) the returns that were known before the day began."""
        return self.returns[max(1, day - FIRST) : day]


def market_of(days: tuple[date, ...], closes: FloatArray, *, first: int = FIRST) -> Market:
    """A market from its closes (T, n). Raises ValueError where it is not longer than what only feeds the covariance."""
    if len(days) <= first:
        raise ValueError(f"The price file has {len(days)} days; the study needs more than {first}.")
    returns = np.zeros_like(closes)
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    count = closes.shape[1]
    return Market(days, closes, returns, np.full(count, 1.0 / count), first)


def read_market(path: Path) -> Market:
    """The market of a price file. Raises OSError and ValueError."""
    read = read_closes(path)
    return market_of(read.days, np.array(read.texts, dtype=np.float64).T)
