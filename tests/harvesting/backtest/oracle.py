"""The study's method in plain floats, written apart from the product, to be compared with it.

A stock is held as one of several *twins*: tickers with the same price path. Nothing here knows of the finder, of books
or of Decimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from harvesting.backtest.market import Cohort, History

_ROUNDING = 1e-12


@dataclass
class Lot:
    """Shares bought together; ``basis`` is dollars a share."""

    shares: float
    basis: float
    bought: date


@dataclass(frozen=True)
class Method:
    """What differs between the runs."""

    frequency: str
    twins: int
    threshold: float = 0.0
    wash_rule: bool = True
    short_rate: float = 0.35
    long_rate: float = 0.15
    contribution: float = 0.0  # of the money at the start, every month


@dataclass
class Lived:
    """A cohort's end; values in units of the money at the start."""

    harvests: int = 0
    blocked: int = 0
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True)
class Alpha:
    """Fractions a year over the same money never harvested."""

    before: float
    after: float
    harvests: int
    blocked: int


def alpha(history: History, cohort: Cohort, method: Method) -> Alpha:
    """One cohort with and without harvests."""
    places = [
        place
        for place, day in enumerate(history.days)
        if cohort.first_year <= day.year <= cohort.last_year
    ]
    lived, held = Lived(), Lived()
    for path in history.floats:
        _one_stock(lived, history.days, path, places, method, 1 / len(history.floats))
        _one_stock(held, history.days, path, places, method, 1 / len(history.floats), harvest=False)
    years = (history.days[places[-1]] - history.days[places[0]]).days / 365.25
    return Alpha(
        (lived.before / held.before) ** (1 / years) - 1,
        (lived.after / held.after) ** (1 / years) - 1,
        lived.harvests,
        lived.blocked,
    )


def ends(days: Sequence[date], places: Sequence[int], frequency: str) -> set[int]:
    """Places of the days scanned: the last of each period, but for the period in which the cohort ends."""
    if frequency == "daily":
        return set(places)
    return {
        place
        for place in places[:-1]
        if _period(days[place], frequency) != _period(days[place + 1], frequency)
    }


def _period(day: date, frequency: str) -> tuple[int, ...]:
    if frequency == "weekly":
        return day.isocalendar()[:2]
    months = {"annual": 12, "quarterly": 3, "monthly": 1}[frequency]
    return (day.year, (day.month - 1) // months)


def _one_stock(
    lived: Lived,
    days: Sequence[date],
    path: Sequence[float],
    places: Sequence[int],
    method: Method,
    money: float,
    *,
    harvest: bool = True,
) -> None:
    first, last = places[0], places[-1]
    held = {0: [Lot(money / path[first], path[first], days[first])]}
    sold: dict[int, date] = {}
    scans = ends(days, places, method.frequency) if harvest else set()
    paydays = ends(days, places, "monthly") if method.contribution else set()
    for place in places:
        if place in scans:
            for ticker in sorted(held):
                _look(lived, held, sold, ticker, days[place], path[place], method)
        if place in paydays:
            new = Lot(method.contribution * money / path[place], path[place], days[place])
            held.setdefault(0, []).append(new)
    for lot in (lot for lots in held.values() for lot in lots):
        lived.before += lot.shares * path[last]
        gain = lot.shares * (path[last] - lot.basis)
        lived.after += lot.shares * path[last] - gain * _rate(lot, days[last], method)


def _look(
    lived: Lived,
    held: dict[int, list[Lot]],
    sold: dict[int, date],
    ticker: int,
    day: date,
    price: float,
    method: Method,
) -> None:
    losing = [lot for lot in held[ticker] if _is_below(price, lot, method)]
    kept = [lot for lot in held[ticker] if not _is_below(price, lot, method)]
    if not losing:
        return
    into = ticker
    if method.wash_rule:
        free = [
            one
            for one in range(method.twins)
            if one != ticker and (one not in sold or (day - sold[one]).days > 30)
        ]
        if not free or any((day - lot.bought).days <= 30 for lot in kept):
            lived.blocked += 1
            return
        into = free[0]
    credit = sum((lot.basis - price) * lot.shares * _rate(lot, day, method) for lot in losing)
    shares = sum(lot.shares for lot in losing) + credit / price
    held[ticker] = kept
    held.setdefault(into, []).append(Lot(shares, price, day))
    sold[ticker] = day
    lived.harvests += 1


def _is_below(price: float, lot: Lot, method: Method) -> bool:
    """Below, not at: in floats 2.2 less a tenth is more than 1.98, at which a stock closed in 2012."""
    return price < lot.basis * (1 - method.threshold) * (1 - _ROUNDING)


def _rate(lot: Lot, day: date, method: Method) -> float:
    return method.short_rate if (day - lot.bought).days <= 365 else method.long_rate
