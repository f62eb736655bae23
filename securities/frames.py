"""Columns of numbers for screens and risk models: float64, read-only, never stored."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from securities.models import Price


def daily_returns(
    security_ids: Sequence[int], as_of: date, observations: int = 504
) -> NDArray[np.float64]:
    """Simple daily returns, shape (T, n), T <= ``observations``, oldest first, columns in the order given.

    Rows are the trading days up to ``as_of`` on which any of the securities has a price; a cell is NaN where the
    security lacks the close of that day or of the one before.
    """
    columns = {security: column for column, security in enumerate(security_ids)}
    # Years of more days than were ever traded: bounds the read by the index on (security, day).
    first = as_of - timedelta(days=observations * 2 + 30)
    rows = list(
        Price.objects.filter(security__in=columns, day__gt=first, day__lte=as_of).values_list(
            "security_id", "day", "close"
        )
    )
    days = {day: place for place, day in enumerate(sorted({day for _, day, _ in rows}))}
    closes = np.full((len(days), len(security_ids)), np.nan)
    for security, day, close in rows:
        closes[days[day], columns[security]] = float(close)
    closes = closes[-(observations + 1) :]
    if len(closes) < 2:
        return np.empty((0, len(security_ids)))
    returns: NDArray[np.float64] = closes[1:] / closes[:-1] - 1.0
    return returns
