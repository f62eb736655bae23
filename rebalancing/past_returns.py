"""What each security has returned since a day in the past: facts behind CONTRARIAN (F21), never a forecast."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from rebalancing.arrays import decimal
from securities.calendar import trading_days, trading_days_before
from securities.frames import adjusted_returns

LONGEST = 252  # trading days that are looked back where no rebalance was executed
_QUANTUM = Decimal("0.00000001")


def since(executed_on: date | None, as_of: date) -> date:
    """The trading day from which returns are told: that of the last rebalance, or a year of trading days ago."""
    if executed_on is None:
        return trading_days_before(as_of, LONGEST)
    return trading_days(executed_on, 1)[0]


def price_returns(
    security_ids: Sequence[int], start: date, as_of: date
) -> Mapping[int, Decimal]:
    """Security -> return of its price from ``start`` to the last trading day up to ``as_of``, splits allowed for.

    A security without both closes, or with another corporate action between them, is left out.
    """
    end = trading_days(as_of, 1)[0]
    if end <= start:
        return {}
    found = adjusted_returns(security_ids, [start, end])[0]
    return {
        security: decimal(one).quantize(_QUANTUM)
        for security, one in zip(security_ids, found, strict=True)
        if np.isfinite(one)
    }
