"""Prices at which the bound by securities is better than at those of the trades found.

The bound is concave in the prices, and what the groups would do by themselves, put together, says
where it rises: more cash wanted than there is makes cash dearer. So steps are taken that way, as far as
would be needed to prove the goal if the bound rose all the way as it does here (Polyak, 1969), and
shorter ones once that does not help.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rebalancing.optimizer.prices import Prices
from rebalancing.optimizer.problem import FloatArray, Problem
from rebalancing.optimizer.security_bounds import Alone, alone_at
from rebalancing.optimizer.tax_schedule import Box, Piece

_STEPS = 25
_IN_VAIN = 4  # steps without use in a row, and they become half as long, from the best prices again
_FLAT = 1e-10  # slopes this small, squared, lead nowhere


def raised(
    problem: Problem,
    start: Alone,
    piece: Piece,
    limits: tuple[FloatArray, FloatArray, Box],
    goal: float,
) -> tuple[float, Alone]:
    """The best bound found on a piece, no further than to a goal, and what the groups do at its prices.

    `limits` are the largest buys (m,), the largest sales (L,) and the gains within reach.
    """
    buy_max, sell_max, gains = limits
    now = best = start
    bound = start.bound(problem, piece, gains)
    length, in_vain = 1.0, 0
    for _ in range(_STEPS):
        reached = now.bound(problem, piece, gains) if now is not best else bound
        if not np.isfinite(reached) or bound >= goal:
            break
        slopes = now.slopes(problem, piece, gains)
        square = _square(problem, slopes)
        if not square > _FLAT**2:
            break
        now = alone_at(
            problem, _moved(problem, now.prices, slopes, length * (goal - reached) / square),
            buy_max, sell_max,
        )  # fmt: skip
        value = now.bound(problem, piece, gains)
        in_vain += 1
        if value > bound:
            bound, best, in_vain = value, now, 0
        elif in_vain >= _IN_VAIN:
            now, length, in_vain = best, length / 2.0, 0
    return bound, best


def _square(problem: Problem, slopes: Prices) -> float:
    """Of their length; exposures are measured by the risk that they carry."""
    risk = 2.0 * problem.risk_aversion
    exposure = float(slopes.exposure @ slopes.exposure) / risk if risk else 0.0
    gains = slopes.short_gain**2 + slopes.long_gain**2
    joint = float(slopes.joint @ slopes.joint)
    return exposure + float(slopes.cash @ slopes.cash) + gains + joint


def _moved(problem: Problem, prices: Prices, slopes: Prices, step: float) -> Prices:
    risk = 2.0 * problem.risk_aversion
    return replace(
        prices,
        exposure=prices.exposure + (step / risk if risk else 0.0) * slopes.exposure,
        cash=prices.cash + step * slopes.cash,
        joint=prices.joint + step * slopes.joint,
        short_gain=prices.short_gain + step * slopes.short_gain,
        long_gain=prices.long_gain + step * slopes.long_gain,
    )
