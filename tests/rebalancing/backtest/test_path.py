"""One portfolio day by day, on two names and prices that are easy to reckon with."""

import numpy as np
import pytest

from rebalancing.backtest.market import market_of
from rebalancing.backtest.path import walk
from rebalancing.backtest.rules import Band, Calendar, Points, never
from rebalancing.policies.policy import Destination
from tests.rebalancing.backtest.markets import market

HALVES = np.array([0.5, 0.5])
# The first name doubles, then nothing, then it halves: 1/2 becomes 2/3, and back.
UP_AND_DOWN = market((10.0, 10.0), (20.0, 10.0), (20.0, 10.0), (10.0, 10.0))
YEARS = 3 / 252


def test_what_is_never_touched_drifts_and_is_measured_with_the_weights_before_each_move():
    found = walk(UP_AND_DOWN, never, 1)

    # Active weights (0, 0), (1/6, -1/6), (1/6, -1/6) before moves of (+1, 0), (0, 0), (-1/2, 0).
    active = [0.0, 0.0, -1 / 12]
    assert found.tracking_error == pytest.approx(np.std(active) * 252**0.5)
    assert found.turnover == found.trades == 0


def test_the_calendar_trades_on_days_that_its_interval_divides():
    daily, every_other = (walk(UP_AND_DOWN, Calendar(HALVES), every) for every in (1, 2))

    # Day 1: 1/6 of one name for the other. Day 2: nothing. Day 3, from 1/2: the first falls to 1/3, 1/6 again.
    assert daily.turnover == pytest.approx((1 / 6 + 1 / 6) / YEARS)
    assert daily.trades == pytest.approx(4 / YEARS)
    assert daily.tracking_error == 0
    # Only on day 2.
    assert every_other.turnover == pytest.approx(1 / 6 / YEARS)
    assert every_other.tracking_error == 0  # the move of day 2 was none


def test_points_trade_everything_as_soon_as_one_name_is_out():
    weights = np.array([0.27, 0.24, 0.25, 0.24])
    targets = np.full(4, 0.25)

    assert Points(targets, 0.021)(1, weights) is None
    np.testing.assert_array_equal(Points(targets, 0.019)(1, weights), targets)


def test_a_band_trades_what_is_out_and_the_offset():
    targets = np.full(4, 0.25)
    weights = np.array([0.40, 0.24, 0.22, 0.14])  # 60 % above, 44 % below

    wanted = Band(targets, 0.5, Destination.EDGE)(1, weights)

    # 0.025 goes from the first to the others, short by 0.01, 0.03 and 0.11.
    assert wanted is not None
    np.testing.assert_allclose(
        wanted, [0.375, 0.24 + 0.025 / 15, 0.22 + 0.025 / 5, 0.14 + 0.025 * 11 / 15]
    )
    assert Band(targets, 0.61, Destination.EDGE)(1, weights) is None


def test_a_price_file_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="4 days"):
        market_of(UP_AND_DOWN.days, UP_AND_DOWN.closes)
