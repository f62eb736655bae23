"""Tiny markets for the tests of the backtest, and the real one."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from django.conf import settings

from rebalancing.backtest.market import Market, market_of, read_market

PRICES = Path(settings.BASE_DIR) / "config" / "demo" / "data" / "sp500_20_stocks.csv.gz"


def market(*closes: tuple[float, ...], days: list[date] | None = None) -> Market:
    """Closes day by day; the first day only opens the positions."""
    dates = days or [date(2020, 1, 1) + timedelta(days=place) for place in range(len(closes))]
    return market_of(tuple(dates), np.array(closes), first=1)


@cache
def real() -> Market:
    return read_market(PRICES)
