from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from securities.calendar import (
    business_date,
    is_business_date,
    next_business_date,
    previous_business_date,
    trading_days,
    trading_days_before,
)

NEW_YORK = ZoneInfo("America/New_York")


def test_weekends_and_exchange_holidays_are_no_business_dates():
    assert not is_business_date(date(2022, 12, 24))  # a Saturday
    assert not is_business_date(date(2022, 12, 26))  # Christmas Day observed
    assert not is_business_date(date(2022, 4, 15))  # Good Friday, an ordinary working day elsewhere
    assert is_business_date(date(2022, 10, 10))  # Columbus Day: banks close, the exchange trades


def test_next_and_previous_step_over_a_long_weekend():
    assert next_business_date(date(2022, 12, 23)) == date(2022, 12, 27)
    assert previous_business_date(date(2022, 12, 27)) == date(2022, 12, 23)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2022, 12, 28, 17, 59, tzinfo=NEW_YORK), date(2022, 12, 27)),
        (datetime(2022, 12, 28, 18, 0, tzinfo=NEW_YORK), date(2022, 12, 28)),
        # 23:30 in New York is the next day in UTC: still the night of the 28th
        (datetime(2022, 12, 29, 4, 30, tzinfo=UTC), date(2022, 12, 28)),
        (datetime(2022, 12, 25, 20, 0, tzinfo=NEW_YORK), date(2022, 12, 23)),
        # the clock changes at 02:00 on 2022-03-13, a Sunday
        (datetime(2022, 3, 14, 21, 59, tzinfo=UTC), date(2022, 3, 11)),
        (datetime(2022, 3, 14, 22, 0, tzinfo=UTC), date(2022, 3, 14)),
    ],
)
def test_a_night_begins_at_six_in_new_york_on_a_trading_day(instant, expected):
    assert business_date(instant) == expected


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        business_date(datetime(2022, 12, 28, 18, 0))  # noqa: DTZ001  # the point of the test


def test_outside_the_calendars_range_weekdays_count():
    assert not is_business_date(date(1985, 1, 5))  # a Saturday
    assert is_business_date(date(1985, 1, 1))  # a holiday the calendar does not reach
    assert is_business_date(date(2150, 1, 1))  # a Thursday


def test_trading_days_are_counted_over_weekends_and_holidays():
    """Monday 26 December 2022 was a holiday, Saturday and Sunday before it are none either."""
    assert trading_days(date(2022, 12, 28), 4) == (
        date(2022, 12, 22),
        date(2022, 12, 23),
        date(2022, 12, 27),
        date(2022, 12, 28),
    )
    assert trading_days_before(date(2022, 12, 28), 5) == date(2022, 12, 20)


def test_no_trading_day_before_is_the_day_itself_or_the_last_one_with_trading():
    assert trading_days_before(date(2022, 12, 28), 0) == date(2022, 12, 28)
    assert trading_days_before(date(2022, 12, 26), 0) == date(2022, 12, 23)
    assert trading_days_before(date(2022, 12, 26), 1) == date(2022, 12, 22)
