"""The published method of the harvest backtest in plain floats, written apart from the product, to be compared with it.

A stock is held as one of several *twins*: tickers with the same price path. Nothing here knows of the finder, of books
or of Decimal. The points at which a description in words leaves a choice are marked (1) to (6); each was settled by the
published figures and is told in docs/backtest.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

SHORT_RATE, LONG_RATE = 0.35, 0.15


@dataclass
class Lot:
    shares: float
    basis: float  # dollars a share
    bought: date


@dataclass
class Outcome:
    harvests: int = 0
    blocked: int = 0
    before: float = 0.0  # value at the end
    after: float = 0.0  # the same after selling everything


def period(day: date, frequency: str) -> object:
    """What changes when a period ends."""
    if frequency == "annual":
        return day.year
    if frequency == "quarterly":
        return day.year, (day.month - 1) // 3
    if frequency == "monthly":
        return day.year, day.month
    if frequency == "weekly":
        return day.isocalendar()[:2]
    return day


def scan_places(days: Sequence[date], first: int, last: int, frequency: str) -> list[int]:
    """Places of the days scanned: the last of each period, without the period in which the cohort ends (1)."""
    if frequency == "daily":
        return list(range(first, last + 1))
    return [
        place
        for place in range(first, last)
        if period(days[place], frequency) != period(days[place + 1], frequency)
    ]


def run(
    days: Sequence[date],
    paths: Sequence[Sequence[float]],
    *,
    first: int,
    last: int,
    frequency: str,
    threshold: float,
    twins: int,
    wash_rule: bool = True,
    short_rate: float = SHORT_RATE,
    long_rate: float = LONG_RATE,
) -> Outcome:
    """One cohort: 1/20 of a dollar in every stock at the first close, then scan after scan."""
    outcome = Outcome()
    for path in paths:
        _one_stock(
            outcome, days, path, scan_places(days, first, last, frequency), first, last, threshold,
            twins, wash_rule, short_rate, long_rate, 1 / len(paths),
        )  # fmt: skip
    return outcome


def _one_stock(
    outcome: Outcome,
    days: Sequence[date],
    path: Sequence[float],
    scans: Sequence[int],
    first: int,
    last: int,
    threshold: float,
    twins: int,
    wash_rule: bool,
    short_rate: float,
    long_rate: float,
    money: float,
) -> None:
    held: dict[int, list[Lot]] = {0: [Lot(money / path[first], path[first], days[first])]}
    sold: dict[int, date] = {}

    def rate(lot: Lot, day: date) -> float:
        return short_rate if (day - lot.bought).days <= 365 else long_rate

    for place in scans:
        day, price = days[place], path[place]
        for ticker in sorted(held):
            lots = held[ticker]
            losing = [lot for lot in lots if price < lot.basis * (1 - threshold)]
            if not losing:
                continue
            kept = [lot for lot in lots if not any(lot is one for one in losing)]
            if wash_rule:
                if any((day - lot.bought).days <= 30 for lot in kept):
                    outcome.blocked += 1
                    continue
                free = [
                    other
                    for other in range(twins)
                    if other != ticker and (other not in sold or (day - sold[other]).days > 30)
                ]
                if not free:
                    outcome.blocked += 1
                    continue
                into = free[0]
            else:
                into = ticker
            credit = sum((lot.basis - price) * lot.shares * rate(lot, day) for lot in losing)
            shares = sum(lot.shares for lot in losing) + credit / price
            held[ticker] = kept
            held.setdefault(into, []).append(Lot(shares, price, day))
            sold[ticker] = day
            outcome.harvests += 1
            if not held[ticker]:
                del held[ticker]
    day, price = days[last], path[last]
    for lots in held.values():
        for lot in lots:
            outcome.before += lot.shares * price
            outcome.after += lot.shares * (price - (price - lot.basis) * rate(lot, day))
