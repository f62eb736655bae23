"""Rules on several securities together as rows of the optimiser's problem: over the border to float64."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from rebalancing.optimizer.joint_limits import JointLimits
from rebalancing.types import ZERO, HouseholdState, JointBounds


def joint_limits(
    state: HouseholdState, securities: Sequence[int], value: Decimal
) -> JointLimits | None:
    """A row each of ``state.joint``, the securities in this order; None where there are none.

    Both limits are a share tighter besides their margins, so that whole shares keep them, and a ceiling above zero by
    what trading costs the whole. Limits that leave no room between them are met in the middle.
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
    )


def _inside(
    one: JointBounds, state: HouseholdState, value: Decimal, dearest: Decimal
) -> tuple[float, float]:
    share = one_share(one, state) / value
    low = None if one.low is None else one.low + share + one.low_margin
    high = None
    if one.high is not None:
        high = one.high - max(one.high, ZERO) * dearest - share - one.high_margin
    if low is not None and high is not None and low > high:
        assert one.low is not None  # both are there
        assert one.high is not None
        low = high = (one.low + one.high) / 2
    return (
        -np.inf if low is None else float(low),
        np.inf if high is None else float(high),
    )


def one_share(one: JointBounds, state: HouseholdState) -> Decimal:
    """The most that a share of anything counts, in dollars: any trade changes cash too."""
    prices = state.prices
    counted = [abs(each) * prices.get(security, ZERO) for security, each in one.weights.items()]
    cash = abs(one.cash) * max(prices.values(), default=ZERO)
    return max([*counted, cash], default=ZERO)
