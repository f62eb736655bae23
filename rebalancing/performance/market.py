"""A firm's closes and total returns over a year and what its models returned, read once for all its households."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from accounts.one_look import kept_while
from rebalancing.models import ModelVersion, ModelWeight, TargetModel
from rebalancing.performance.model_returns import (
    ModelReturns,
    Move,
    WeightHistory,
    model_returns,
    weight_history,
)
from rebalancing.performance.returns import Period, periods, year_before
from securities import selectors as securities
from securities.calendar import next_business_date, trading_days
from securities.frames import closing_prices, total_returns

Floats = NDArray[np.float64]

_MODELS = 256  # kept a worker, a few kilobytes each: households come in no order of their models


@dataclass(frozen=True, eq=False)
class Market:
    """The trading days of twelve months (T); ``closes`` and ``returns`` (T, n), row 0 of the returns unused."""

    days: tuple[date, ...]
    periods: tuple[Period, ...]
    rows: Mapping[int, int]  # security -> column
    closes: Floats
    returns: Floats


def _stamp(firm_id: int) -> tuple[int, tuple[int, int]]:
    return securities.price_stamp(firm_id), securities.facts_stamp(firm_id)


@kept_while(_stamp)
def market(firm_id: int, as_of: date) -> Market:
    """All securities of the firm from the last trading day a year before ``as_of``. Four queries."""
    days = year_of_days(as_of)
    ids = sorted(securities.symbols(firm_id))
    closes = closing_prices(ids, days)
    returns = np.full(closes.shape, np.nan)
    returns[1:] = total_returns(ids, days, closes)
    return Market(
        days=days,
        periods=periods(days),
        rows={security: column for column, security in enumerate(ids)},
        closes=closes,
        returns=returns,
    )


def year_of_days(as_of: date) -> tuple[date, ...]:
    """The trading days from the last one up to the same day of the year before, to ``as_of``."""
    (first,) = trading_days(year_before(as_of), 1)
    days = trading_days(as_of, 300)
    return days[days.index(first) :]


@kept_while(_stamp, answers=_MODELS)
def returns_of_model(firm_id: int, model_id: int, as_of: date) -> ModelReturns:
    """What one of the firm's models would have returned on the days of ``market``. Three queries and those of
    ``market``, one more with versions."""
    frame = market(firm_id, as_of)
    return model_returns(past_weights(model_id, as_of), frame.days, frame.rows, frame.returns)


def past_weights(model_id: int, as_of: date) -> WeightHistory:
    """The model's weights as published versions and set-up files left them. Three queries, one more with versions.

    Asks the tables themselves: a look may have asked ``selectors.targets`` before its stamp.
    """
    weights = ModelWeight.objects.filter(model=model_id).values_list("security_id", "weight")
    rows = ModelVersion.objects.filter(model=model_id, begun_on__isnull=False)
    versions = rows.order_by("begun_on", "number").prefetch_related("weights")
    changed_on = TargetModel.objects.values_list("weights_since", flat=True).get(pk=model_id)
    return weight_history(
        dict(weights),
        [_move(version) for version in versions],
        changed_on=changed_on,
        today=as_of,
    )


def _move(version: ModelVersion) -> Move:
    weights = list(version.weights.all())
    begun_on, last = version.begun_on, version.last_step_on
    assert begun_on is not None  # asked for
    assert last is not None  # with the first step
    days, one = [begun_on], begun_on
    while len(days) < version.steps_done:
        one = next_business_date(one)
        days.append(min(one, last))
    days[-1] = last  # a missed night is caught up
    return Move(
        before={row.security_id: row.before for row in weights if row.before > 0},
        after={row.security_id: row.after for row in weights if row.after > 0},
        step_days=tuple(days),
        steps=version.steps,
    )
