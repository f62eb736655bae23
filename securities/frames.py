"""Columns of numbers for screens and risk models: float64, read-only, never stored."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from django.db.models import FloatField
from django.db.models.functions import Cast
from numpy.typing import NDArray

from securities.models import CorporateAction, Price
from securities.types import ActionKind


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


def adjusted_returns(security_ids: Sequence[int], days: Sequence[date]) -> NDArray[np.float64]:
    """Simple daily returns on the days after the first, shape (len(days) - 1, n), columns in the order given.

    ``days`` are consecutive trading days. A booked split is no move; the return of a day on which another corporate
    action took effect is left out (NaN), like one that lacks the close of its day or of the day before.
    """
    columns = {security: column for column, security in enumerate(security_ids)}
    places = {day: place for place, day in enumerate(days)}
    closes = np.full((len(days), len(columns)), np.nan)
    rows = Price.objects.filter(security__in=columns, day__gte=days[0], day__lte=days[-1])
    figures = rows.annotate(figure=Cast("close", FloatField())).values_list(
        "security_id", "day", "figure"
    )
    for security, day, close in figures.iterator(chunk_size=20_000):
        place = places.get(day)
        if place is not None:
            closes[place, columns[security]] = close
    returns: NDArray[np.float64] = _factors(columns, days) * closes[1:] / closes[:-1] - 1.0
    return returns


def _factors(columns: Mapping[int, int], days: Sequence[date]) -> NDArray[np.float64]:
    """What one old share has become by each day after the first; NaN where prices cannot tell."""
    factors = np.ones((len(days) - 1, len(columns)))
    actions = CorporateAction.objects.filter(
        security__in=columns, effective_on__gt=days[0], effective_on__lte=days[-1]
    )
    for security, kind, effective_on, ratio in actions.values_list(
        "security_id", "kind", "effective_on", "ratio"
    ):
        place = (
            bisect_left(days, effective_on) - 1
        )  # the first close at or after it is in new shares
        factors[place, columns[security]] *= float(ratio) if kind == ActionKind.SPLIT else np.nan
    return factors
