"""What each security has returned since a day in the past: facts behind CONTRARIAN (F21), never a forecast."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from rebalancing.trades.border import decimal
from securities.calendar import trading_days, trading_days_before
from securities.frames import adjusted_returns

# Trading days that are looked back where no rebalance was executed: the first span that all prices reach over.
SPANS = (252, 126, 63, 21)
_QUANTUM = Decimal("0.00000001")


def since_a_rebalance(
    security_ids: Sequence[int], executed_on: date | None, as_of: date
) -> tuple[date, Mapping[int, Decimal]]:
    """The trading day from which returns are told, and each security's return since.

    It is that of the last executed rebalance, else a year of trading days ago, or less where prices do not reach back.
    """
    if executed_on is not None:
        start = trading_days(executed_on, 1)[0]
        return start, price_returns(security_ids, start, as_of)
    for span in SPANS:
        start = trading_days_before(as_of, span)
        found = price_returns(security_ids, start, as_of)
        if len(found) == len(security_ids):
            break
    return start, found


def price_returns(security_ids: Sequence[int], start: date, as_of: date) -> Mapping[int, Decimal]:
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
