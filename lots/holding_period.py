"""Holding periods: when a lot becomes long-term (R3, R4) and what a wash sale adds to one (R15, U3)."""

from calendar import monthrange
from datetime import date, timedelta
from typing import TypeVar

from lots.types import TackingPolicy, Term

_DAY = timedelta(days=1)
_Day = TypeVar("_Day", date, int)


def first_long_term_day(start: date) -> date:
    """First sale date that is long-term for a holding period starting on ``start`` (R3).

    The day after the same calendar day one year later. A start on the last day of a month gives the first day of the
    month that follows the same month one year later, so 29 February never decides anything.
    """
    year, month, day = start.year + 1, start.month, start.day
    if day == monthrange(start.year, month)[1]:
        return date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, day) + _DAY


def term(start: date, sold_on: date) -> Term:
    """Short or long for shares whose (tacked) holding period starts on ``start`` (R3, R4)."""
    if sold_on < start:
        raise ValueError(f"Sold on {sold_on}, before the holding period began on {start}.")
    return Term.LONG if sold_on >= first_long_term_day(start) else Term.SHORT


def tacked_start(
    *, own: _Day, sold_start: _Day, sold_on: _Day, method: TackingPolicy = TackingPolicy.UNION
) -> _Day:
    """Start of the holding period of replacement shares bought on ``own`` (R15).

    ``sold_start`` is the (tacked) start of the shares sold at a loss on ``sold_on``. SUM adds the days held, DATE takes
    over the date, UNION (the default, U3) takes the later of both and never one before the sold shares' start.
    All are dates, or all are day numbers (``date.toordinal``).
    """
    by_sum = own - (sold_on - sold_start)
    if method is TackingPolicy.SUM:
        return by_sum
    if method is TackingPolicy.DATE:
        return min(own, sold_start)
    return min(own, max(by_sum, sold_start))
