"""When a household is looked at: the policy's cadence on the exchange's calendar, a missed date caught up once (F1).

Pure: dates in, dates out. The exchange's calendar is a table of dates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rebalancing.policies import occasions
from rebalancing.policies.occasions import Occasion
from rebalancing.policies.policy import Cadence
from securities.calendar import is_business_date, next_business_date, previous_business_date

_QUARTER = 3  # months


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Where a household stands between two looks. ``next_on`` is None where none is to come.

    ``occasions`` are those since the last look; one that ``opens`` makes a look due that the calendar does not.
    """

    due: bool
    next_on: date | None = None
    cooling_until: date | None = None  # the first day on which drift may be traded again
    occasions: tuple[Occasion, ...] = ()

    @property
    def is_cooling(self) -> bool:
        return self.cooling_until is not None


ALWAYS = Schedule(due=True)


def schedule(
    *,
    cadence: Cadence,
    as_of: date,
    last_look: date | None,
    undecided: bool = False,
    executed_on: date | None = None,
    cool_down_days: int = 0,
    known: Sequence[Occasion] = (),
    seen: Sequence[Occasion] = (),
) -> Schedule:
    """Whether a look is due on ``as_of``.

    ``last_look`` is the newest look before ``as_of`` that counted, None = never: the household is looked at once.
    ``undecided``: what that look proposed still waits for a decision, so it is renewed with tonight's prices.
    ``executed_on`` is the day of the last fill of a rebalance. ``known`` are the occasions since the last look,
    ``seen`` those that it kept: a new one makes a look due, but for a cadence of none, which knows no looks.
    """
    reached = last_date(cadence, as_of)
    by_date = reached is not None and (last_look is None or last_look < reached)
    since = occasions.met(known, seen, undecided=undecided)
    if by_date or reached is None:
        since = tuple(replace(one, opens=False) for one in since)
    due = by_date or (reached is not None and (undecided or any(one.opens for one in since)))
    warm = None if executed_on is None else executed_on + timedelta(days=cool_down_days)
    return Schedule(
        due=due,
        next_on=next_date(cadence, as_of),
        cooling_until=warm if warm is not None and as_of < warm else None,
        occasions=since,
    )


def last_date(cadence: Cadence, as_of: date) -> date | None:
    """The cadence's newest date up to ``as_of``: the last business day of a period. None for no cadence."""
    if cadence is Cadence.NONE:
        return None
    if cadence is Cadence.DAILY:
        return as_of if is_business_date(as_of) else previous_business_date(as_of)
    start = _STARTS[cadence](as_of)
    this = previous_business_date(_after(cadence, start))
    return this if this <= as_of else previous_business_date(start)


def next_date(cadence: Cadence, as_of: date) -> date | None:
    """The cadence's first date after ``as_of``."""
    if cadence is Cadence.NONE:
        return None
    if cadence is Cadence.DAILY:
        return next_business_date(as_of)
    start = _STARTS[cadence](as_of)
    this = previous_business_date(_after(cadence, start))
    if this > as_of:
        return this
    return previous_business_date(_after(cadence, _after(cadence, start)))


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> date:
    return day.replace(day=1)


def _quarter(day: date) -> date:
    return date(day.year, day.month - (day.month - 1) % _QUARTER, 1)


def _year(day: date) -> date:
    return date(day.year, 1, 1)


# The first day of the period a day lies in.
_STARTS: dict[Cadence, Callable[[date], date]] = {
    Cadence.WEEKLY: _week,
    Cadence.MONTHLY: _month,
    Cadence.QUARTERLY: _quarter,
    Cadence.ANNUAL: _year,
}
# More days than the period has, and fewer than two of them.
_BEYOND = {
    Cadence.WEEKLY: timedelta(days=7),
    Cadence.MONTHLY: timedelta(days=31),
    Cadence.QUARTERLY: timedelta(days=92),
    Cadence.ANNUAL: timedelta(days=366),
}


def _after(cadence: Cadence, start: date) -> date:
    """The first day of the period after the one that begins on ``start``."""
    return _STARTS[cadence](start + _BEYOND[cadence])
