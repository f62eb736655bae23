"""What a view on returns says, in words, and which ones are refused before anything is stored. Pure Decimal."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.canonical import decimal_text
from rebalancing.mandates.rule_words import per_cent

ZERO, ONE = Decimal(0), Decimal(1)
LARGEST_RETURN = Decimal("0.5")  # a year, either way: beyond it a view is a mistype
PLACES = Decimal("0.00000001")
_VOLATILITY = Decimal("0.16")  # of the example by which a price of risk is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A view by its symbols: ``symbol`` returns so much a year above cash, or above ``over``."""

    symbol: str
    over: str | None
    yearly_return: Decimal
    confidence: Decimal
    since: date
    until: date | None

    @property
    def pair(self) -> frozenset[str]:
        """Whom it is about: two views of one pair contradict or repeat each other."""
        return frozenset({self.symbol, self.over} - {None})  # type: ignore[arg-type]

    def is_in_force(self, day: date) -> bool:
        """Whether the day lies in its time."""
        return self.since <= day and (self.until is None or day <= self.until)


def sentence(symbol: str, over: str | None, yearly_return: Decimal) -> str:
    """``AAPL beats MSFT by 2.00 % a year``."""
    if over is None:
        return f"{symbol} returns {per_cent(yearly_return)} a year more than cash"
    return f"{symbol} beats {over} by {per_cent(yearly_return)} a year"


def risk_price(price: Decimal) -> str:
    """``2.5: a market with a volatility of 16 % a year returns 6.40 % more than cash``."""
    returned = per_cent(price * _VOLATILITY * _VOLATILITY)
    return (
        f"{decimal_text(price)}: a market with a volatility of {_as_typed(_VOLATILITY)} a year "
        f"returns {returned} more than cash"
    )


def faults(new: Stated, *, members: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a view on its own: (field, sentence). ``members`` are the symbols of the model."""
    for field, symbol in (("symbol", new.symbol), ("over", new.over)):
        if symbol is not None and symbol not in members:
            yield field, f"{symbol!r} is no name of the model: a view is about names it holds."
    if new.over == new.symbol:
        yield "over", f"{new.symbol} cannot beat itself."
    if abs(new.yearly_return) > LARGEST_RETURN:
        yield (
            "yearly_return",
            f"{_as_typed(new.yearly_return)} a year is beyond {_as_typed(LARGEST_RETURN)}: "
            "no view is taken that large.",
        )
    if new.over is not None and new.yearly_return < ZERO:
        yield (
            "yearly_return",
            "Name the better one first: by how much it is better is not negative.",
        )
    if not ZERO < new.confidence <= ONE:
        yield "confidence", "Confidence is above 0 % and at most 100 %."
    if new.until is not None and new.until < new.since:
        yield "until", f"{new.until} lies before the first day, {new.since}."


def _as_typed(fraction: Decimal) -> str:
    """``50.001 %``: rounded it would be no more than the limit."""
    return f"{decimal_text(fraction * 100)} %"


def contradicted(new: Stated, others: Sequence[Stated]) -> str:
    """Why the view cannot stand beside the others of the model; empty where it can."""
    for other in others:
        if other.pair == new.pair and _overlap(new, other):
            told = sentence(other.symbol, other.over, other.yearly_return)
            return f"There is a view about that already, from {other.since}: {told}. End it first."
    return ""


def first_days(views: Sequence[Stated]) -> list[date]:
    """The days on which other views are in force than the day before, as far as they begin."""
    return sorted({one.since for one in views})


def _overlap(first: Stated, second: Stated) -> bool:
    ends = date.max
    return first.since <= (second.until or ends) and second.since <= (first.until or ends)
