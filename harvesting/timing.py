"""Whether a loss had better be taken on a later day: the sum again for each day on which it changes. Pure.

The price is taken to stay. Looked at are the day on which the lot turns long-term, if it lies in this year, and the
day on which a dividend that was received is qualified after all (R33). The year's end is no such day: what this year
cannot use is carried into the next and meets the same income there. How little of the year is left to fall further in
stands in the window's term, and in the floors, which ease towards its end. The day a window closes is told with the
purchase that opened it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from harvesting.economics import QUALIFYING_DAYS, misses_the_61st_day, tax_saved
from harvesting.offers import Offer
from harvesting.types import ZERO, HarvestRules, Surroundings, Terms
from lots.holding_period import first_long_term_day
from lots.types import Term


@dataclass(frozen=True, slots=True)
class Later:
    """A later day and what the sale would be worth on it, dollars."""

    day: date
    net: Decimal


def better_day(
    offer: Offer, terms: Terms, around: Surroundings, rules: HarvestRules, as_of: date
) -> Later | None:
    """The best later day, if it beats today, and leaving the lot alone, by the floor; ``terms`` are today's, alone."""
    later = [
        *_turning_long(offer, terms.net, around, as_of),
        *_qualified(offer, terms.net + terms.dividends, around, as_of),
    ]
    best = max(later, key=lambda one: one.net, default=None)
    if best is None or best.net < max(terms.net, ZERO) + rules.minimum_benefit:
        return None
    return best


def _turning_long(offer: Offer, net: Decimal, around: Surroundings, as_of: date) -> Iterator[Later]:
    lot = offer.sale.lot
    start = lot.loss_start if lot.loss_start is not None else lot.holding_start
    turns = first_long_term_day(start)
    if offer.sale.term is Term.SHORT and as_of < turns <= date(as_of.year, 12, 31):
        now = tax_saved(around.tax, short_loss=offer.allowed, long_loss=ZERO)
        then = tax_saved(around.tax, short_loss=ZERO, long_loss=offer.allowed)
        yield Later(turns, net - now + then)


def _qualified(offer: Offer, net: Decimal, around: Surroundings, as_of: date) -> Iterator[Later]:
    """The 61st day of the dividends that a sale today would make ordinary; the same year only."""
    lot = offer.sale.lot
    missed = [
        max(lot.acquired + timedelta(days=1), one.ex_date - timedelta(days=QUALIFYING_DAYS))
        for one in around.dividends
        if one.security == lot.security and misses_the_61st_day(lot, one.ex_date, sold_on=as_of)
    ]
    if missed:
        day = max(missed) + timedelta(days=QUALIFYING_DAYS)
        if day.year == as_of.year:
            yield Later(day, net)
