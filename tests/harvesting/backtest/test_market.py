"""Scan dates, cohorts and the volatility of the backtest."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from harvesting.backtest.market import (
    ALL_YEARS,
    ASSUMED_VOLATILITY,
    COHORTS,
    Cohort,
    Frequency,
    Span,
    scan_places,
    trailing_volatility,
)
from tests.harvesting.backtest import oracle
from tests.harvesting.backtest.prices import history

WEEKDAYS = tuple(
    day for day in (date(2021, 12, 1) + timedelta(days=n) for n in range(60)) if day.weekday() < 5
)


def scanned(frequency: Frequency, **options: int) -> list[date]:
    span = Span(0, len(WEEKDAYS) - 1)
    return [WEEKDAYS[place] for place in scan_places(WEEKDAYS, span, frequency, **options)]


def test_the_last_trading_day_of_a_month_is_scanned_and_the_unfinished_one_is_not():
    assert WEEKDAYS[-1] == date(2022, 1, 28)
    assert scanned(Frequency.MONTHLY) == [date(2021, 12, 31)]


def test_a_week_ends_on_the_day_that_is_asked_for():
    assert {day.weekday() for day in scanned(Frequency.WEEKLY)} == {4}
    assert {day.weekday() for day in scanned(Frequency.WEEKLY, weekday=2)} == {2}


def test_scan_dates_are_those_of_the_independent_program():
    days = history().days
    for cohort in (ALL_YEARS, *COHORTS):
        span = history().span(cohort)
        for frequency in Frequency:
            places = range(span.first, span.last + 1)
            assert set(scan_places(days, span, frequency)) == oracle.ends(days, places, frequency)


def test_a_cohort_outside_the_file_is_refused():
    with pytest.raises(ValueError, match="no days of 2030"):
        history().span(Cohort("2030", 2030, 2031))


def test_the_volatility_knows_the_past_only_and_is_assumed_before_there_is_enough():
    moves = np.tile([0.01, -0.01], 200)
    path = 100 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    found = trailing_volatility(path)

    assert set(found[:63]) == {ASSUMED_VOLATILITY}
    assert found[63] == pytest.approx(moves[:63].std(ddof=1) * math.sqrt(252))
    assert found[300] == pytest.approx(moves[48:300].std(ddof=1) * math.sqrt(252))
    path[301:] *= 2
    assert trailing_volatility(path)[:301] == pytest.approx(found[:301])
