"""One portfolio, day by day: it drifts, a rule looks at it, and what happened is measured (product method L3)."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rebalancing.backtest.market import TRADING_DAYS, Market
from rebalancing.optimizer.problem import FloatArray

TRADE = 1e-5  # a smaller change of a weight is none


class Rule(Protocol):
    """What to hold from today's close on; None = nothing is traded."""

    def __call__(self, day: int, weights: FloatArray) -> FloatArray | None: ...


class Ledger(Protocol):
    """Follows the trades in dollars."""

    def begin_day(self, day: int) -> None:
        """Before anything is traded."""
        ...

    def trade(self, day: int, before: FloatArray, after: FloatArray) -> None:
        """From these weights to those, at the close."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """Yearly figures of a path."""

    tracking_error: float  # population standard deviation of the active return x sqrt(252)
    turnover: float  # one-way: half the absolute changes of weights
    trades: float  # changes of a weight of more than 1e-5


def walk(market: Market, rule: Rule, every: int, ledger: Ledger | None = None) -> Measured:
    """From the target on the day before the first to the end; the rule acts on days divisible by ``every``.

    The active return of a day is that of the weights before its move; no cost is charged to the weights.
    """
    target = market.targets
    weights = target.copy()
    active, turnover, trades = [], 0.0, 0
    for day in range(market.first, len(market.days)):
        moves = market.returns[day]
        active.append(float(moves @ (weights - target)))
        weights = weights * (1.0 + moves)
        weights = weights / weights.sum()
        if ledger is not None:
            ledger.begin_day(day)
        if day % every:
            continue
        wanted = rule(day, weights)
        if wanted is None:
            continue
        changes = np.abs(wanted - weights)
        turnover += float(changes.sum()) / 2.0
        trades += int((changes > TRADE).sum())
        if ledger is not None:
            ledger.trade(day, weights, wanted)
        weights = wanted
    return Measured(
        tracking_error=float(np.std(active)) * TRADING_DAYS**0.5,
        turnover=turnover / market.years,
        trades=trades / market.years,
    )
