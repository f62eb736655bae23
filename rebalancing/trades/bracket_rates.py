"""Trades at the rates that they lead to: the optimiser follows straight lines, brackets bend.

It is given what the next dollar of gain costs where the year stands. Trades that lead into dearer brackets cost more
than it thought, so it is asked again at the rates where they end; in between lies the best, at rates at which the
dollar that is realised last costs as much as was reckoned. The tax is convex in gains, so a bisection comes near it.
What is taken is the best by the exact tax, whatever rates it was found with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from lots.year_tax import TaxPosition, rates_at

ROUNDS = 4  # of solving again
NOTICEABLE = Decimal("0.00001")  # of the household's value: tax that was not reckoned with


@dataclass(frozen=True, slots=True)
class Rates:
    """What a dollar more of gain costs, by term: fractions."""

    short: Decimal
    long: Decimal

    def towards(self, other: "Rates", part: Decimal) -> "Rates":
        """A part of the way to other rates."""
        return Rates(
            self.short + part * (other.short - self.short),
            self.long + part * (other.long - self.long),
        )


class Priced(Protocol):
    """Trades and what they come to."""

    @property
    def short_gain(self) -> Decimal: ...
    @property
    def long_gain(self) -> Decimal: ...
    @property
    def unreckoned(self) -> Decimal:
        """Dollars that the exact tax is above the one the trades were found by."""
        ...

    @property
    def objective(self) -> Decimal:
        """Dollars, by the exact tax."""
        ...


Found = TypeVar("Found", bound=Priced)


def best_by_brackets(
    first: Found, tax: TaxPosition, value: Decimal, again: Callable[[Rates], Found]
) -> Found:
    """The best by the exact tax of ``first``, found at the rates of ``tax``, and what ``again`` finds at dearer ones.

    ``value`` is the household's in dollars: less than ``NOTICEABLE`` of it is not worth asking again.
    """
    if tax.brackets is None or first.unreckoned <= value * NOTICEABLE:
        return first
    best, here, there = first, Rates(tax.short_rate, tax.long_rate), _where_it_ends(first, tax)
    low, high, part = Decimal(0), Decimal(1), Decimal(1)
    for _ in range(ROUNDS):
        rates = here.towards(there, part)
        found = again(rates)
        if found.objective < best.objective:
            best = found
        ends = _where_it_ends(found, tax)
        if ends == rates:
            break
        if ends.short + ends.long > rates.short + rates.long:
            low = part
        else:
            high = part
        if low == high:
            break
        part = (low + high) / 2
    return best


def _where_it_ends(found: Priced, tax: TaxPosition) -> Rates:
    return Rates(*rates_at(tax, short=found.short_gain, long=found.long_gain))
