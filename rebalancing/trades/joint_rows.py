"""Rules on several securities together as rows of the optimiser's problem: over the border to float64."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from rebalancing.optimizer.joint_limits import JointLimits
from rebalancing.types import ONE, ZERO, HouseholdState, JointBounds


def joint_limits(
    state: HouseholdState, securities: Sequence[int], value: Decimal
) -> JointLimits | None:
    """A row each of ``state.joint``, the securities in this order; None where there are none.

    Both limits are tighter besides their margins by the least that can be traded, so that rounding keeps them, but not
    so far that a household inside would have to trade; and a ceiling above zero by what trading costs the whole. Limits
    that leave no room between them are met in the middle.
    """
    if not state.joint:
        return None
    dearest = 2 * max(state.half_spreads.values(), default=ZERO)
    limits = [_inside(one, state, value, dearest) for one in state.joint]
    return JointLimits(
        weights=np.array(
            [
                [float(one.weights.get(security, ZERO)) for security in securities]
                for one in state.joint
            ]
        ),
        cash=np.array([float(one.cash) for one in state.joint]),
        low=np.array([low for low, _ in limits]),
        high=np.array([high for _, high in limits]),
        shared=np.array(_shared(state.joint), dtype=np.int64),
    )


def _shared(joint: Sequence[JointBounds]) -> list[int]:
    """The first row of the same rule; what only may belong is another matter."""
    first: dict[tuple[str, bool], int] = {}
    return [first.setdefault((one.rule, one.is_of_doubt), at) for at, one in enumerate(joint)]


def _inside(
    one: JointBounds, state: HouseholdState, value: Decimal, dearest: Decimal
) -> tuple[float, float]:
    least = least_step(one, state) / value
    held = {security: dollars / value for security, dollars in state.holdings().items()}
    now = one.value(held, state.cash / value)
    low = None if one.low is None else one.low + _room(now - one.low, least) + one.low_margin
    high = None
    if one.high is not None:
        most = one.high - max(one.high, ZERO) * dearest
        high = most - _room(most - now, least) - one.high_margin
    if low is not None and high is not None and low > high:
        assert one.low is not None  # both are there
        assert one.high is not None
        low = high = (one.low + one.high) / 2
    return (
        -np.inf if low is None else float(low),
        np.inf if high is None else float(high),
    )


def _room(now: Decimal, least: Decimal) -> Decimal:
    """How far to stay away from a limit that the household is ``now`` inside of by so much; below zero: outside."""
    return least if now < ZERO else min(now, least)


def least_step(one: JointBounds, state: HouseholdState) -> Decimal:
    """The most that the least trade of anything counts, in dollars: a share, or the part of one that accounts trade."""
    coarsest = max((account.quantum for account in state.accounts), default=ONE)
    return one_share(one, state) * coarsest


def one_share(one: JointBounds, state: HouseholdState) -> Decimal:
    """The most that a share of anything counts, in dollars: any trade changes cash too."""
    prices = state.prices
    counted = [abs(each) * prices.get(security, ZERO) for security, each in one.weights.items()]
    cash = abs(one.cash) * max(prices.values(), default=ZERO)
    return max([*counted, cash], default=ZERO)
