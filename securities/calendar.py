"""Business dates: the days the New York Stock Exchange trades, and the hour a day's night begins.

The exchange's calendar is loaded on first use, because that takes a second or two. It knows the days from 1990 to
about a year ahead. Outside that range every weekday counts as a trading day: a holiday there is then taken for a
business date, whose scan works with the prices of the day before.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MARKET_ZONE = ZoneInfo("America/New_York")
NIGHT_BEGINS = time(18)  # in the market's zone; closing prices are in by then
_FIRST_DAY = "1990-01-01"
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


class _Sessions(NamedTuple):
    first: date
    last: date
    days: frozenset[date]


@lru_cache(maxsize=1)
def _sessions() -> _Sessions:
    import exchange_calendars  # slow: it brings pandas

    days = [
        day.date() for day in exchange_calendars.get_calendar("XNYS", start=_FIRST_DAY).sessions
    ]
    return _Sessions(days[0], days[-1], frozenset(days))


def is_business_date(day: date) -> bool:
    """Whether the exchange trades on the day (outside the calendar's range: whether it is a weekday)."""
    known = _sessions()
    if known.first <= day <= known.last:
        return day in known.days
    return day.weekday() < _SATURDAY


def next_business_date(day: date) -> date:
    """The first business date after the day."""
    day += _ONE_DAY
    while not is_business_date(day):
        day += _ONE_DAY
    return day


def previous_business_date(day: date) -> date:
    """The last business date before the day."""
    day -= _ONE_DAY
    while not is_business_date(day):
        day -= _ONE_DAY
    return day


@lru_cache(maxsize=64)
def trading_days(day: date, count: int) -> tuple[date, ...]:
    """The last ``count`` trading days up to and including the day, the oldest first."""
    found: list[date] = []
    one = day if is_business_date(day) else previous_business_date(day)
    while len(found) < count:
        found.append(one)
        one = previous_business_date(one)
    return tuple(reversed(found))


def trading_days_before(day: date, count: int) -> date:
    """The trading day so many trading days before the day; of a day without trading, before the last one with it.

    With ``count`` 0 the day itself, or the last trading day before it.
    """
    return trading_days(day, count + 1)[0]


def business_date(instant: datetime) -> date:
    """The latest business date whose night has begun at the instant, which must carry a zone (else ValueError)."""
    if instant.tzinfo is None:
        raise ValueError("business_date needs an instant with a time zone")
    local = instant.astimezone(MARKET_ZONE)
    if local.time() >= NIGHT_BEGINS and is_business_date(local.date()):
        return local.date()
    return previous_business_date(local.date())
