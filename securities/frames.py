"""Columns of numbers for screens and risk models: float64, read-only, never stored."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from django.db.models import FloatField
from django.db.models.functions import Cast
from numpy.typing import NDArray

from securities.models import CorporateAction, Dividend, Price
from securities.types import ActionKind


def adjusted_returns(security_ids: Sequence[int], days: Sequence[date]) -> NDArray[np.float64]:
    """Simple daily returns on the days after the first, shape (len(days) - 1, n), columns in the order given.

    ``days`` are consecutive trading days. A booked split is no move; the return of a day on which another corporate
    action took effect is left out (NaN), like one that lacks the close of its day or of the day before.
    """
    columns = {security: column for column, security in enumerate(security_ids)}
    closes = closing_prices(security_ids, days)
    returns: NDArray[np.float64] = _factors(columns, days) * closes[1:] / closes[:-1] - 1.0
    return returns


def closing_prices(security_ids: Sequence[int], days: Sequence[date]) -> NDArray[np.float64]:
    """Closes as they were on the days, in dollars a share, shape (len(days), n); NaN where there is none. One query."""
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
    return closes


def total_returns(
    security_ids: Sequence[int], days: Sequence[date], closes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What a dollar in a security brought each day after the first, shape (len(days) - 1, n); two queries.

    ``closes`` are those of ``closing_prices``. Splits are no return; a dividend on record counts on its ex-date; a
    rename or merger is worth the shares that come for it, a spin-off these beside the old. NaN where a close lacks.
    """
    columns = {security: column for column, security in enumerate(security_ids)}
    worth = closes[1:].copy()  # of what a share from before the day has become
    window = {"security__in": columns}
    actions = CorporateAction.objects.filter(
        **window, effective_on__gt=days[0], effective_on__lte=days[-1]
    )
    fields = ("security_id", "kind", "effective_on", "ratio", "to_security_id")
    for security, kind, day, ratio, successor in actions.order_by("pk").values_list(*fields):
        row, column = bisect_left(days, day) - 1, columns[security]
        if kind == ActionKind.SPLIT:
            worth[row, column] *= float(ratio)
            continue
        became = float(ratio) * closes[row + 1, columns[successor]]
        worth[row, column] = became + (worth[row, column] if kind == ActionKind.SPIN_OFF else 0.0)
    paid = Dividend.objects.filter(**window, ex_date__gt=days[0], ex_date__lte=days[-1])
    for security, day, amount in paid.values_list("security_id", "ex_date", "amount"):
        worth[bisect_left(days, day) - 1, columns[security]] += float(amount)
    returns: NDArray[np.float64] = worth / closes[:-1] - 1.0
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
