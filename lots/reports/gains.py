"""Unrealised gains of lots that are held, and the days until they are long-term (R3). Pure.

A gift worth less than the donor's basis has two: a gain is measured on the donor's basis, a loss on the value at the
gift with a holding period of its own, and in between there is neither (IRC 1015(a)). Inherited lots are long-term
whatever their dates. Dollars of several lots are spread so that they add up to their rounded totals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from lots.holding_period import first_long_term_day
from lots.rounding import cents, spread
from lots.types import LotRow, Term

ZERO = Decimal(0)
STALE_DAYS = 5  # a close older than this is no price of today


@dataclass(frozen=True, slots=True)
class PricedLot:
    lot: LotRow
    price: Decimal | None  # dollars a share; None = the security has no price
    priced_on: date | None = None  # the day of that close


@dataclass(frozen=True, slots=True)
class Unrealized:
    """One lot at its price. Without a price there is no value and no gain."""

    lot: LotRow
    price: Decimal | None
    value: Decimal | None  # cents
    basis: Decimal  # cents; what the gain is measured on
    gain: Decimal | None  # value - basis
    term: Term  # if it were sold today
    long_from: date | None  # first day of a long-term sale; None = always (inherited)
    days_to_long: int  # 0 = long-term today
    priced_on: date | None = None  # the day of the close that it is valued at


@dataclass(frozen=True, slots=True)
class _Measured:
    value: Fraction
    basis: Fraction
    start: date


def unrealized(lots: Sequence[PricedLot], as_of: date) -> tuple[Unrealized, ...]:
    """The lots at their prices, in the order given, as if sold on ``as_of``."""
    priced = [held for held in lots if held.price is not None]
    measured = [_measured(held) for held in priced]
    values = _tied([one.value for one in measured])
    gains = _tied([one.value - one.basis for one in measured])
    shown = {
        (held.lot.opening, held.lot.part, held.lot.security): (value, gain, one.start)
        for held, value, gain, one in zip(priced, values, gains, measured, strict=True)
    }
    return tuple(
        _line(held, as_of, shown.get((held.lot.opening, held.lot.part, held.lot.security)))
        for held in lots
    )


def _line(held: PricedLot, as_of: date, shown: tuple[Decimal, Decimal, date] | None) -> Unrealized:
    lot = held.lot
    value, gain, start = shown or (None, None, lot.holding_start)
    long_from = None if lot.is_inherited else first_long_term_day(start)
    days = 0 if long_from is None else max((long_from - as_of).days, 0)
    return Unrealized(
        lot=lot,
        price=held.price,
        value=value,
        basis=cents(Fraction(lot.basis)) if value is None or gain is None else value - gain,
        gain=gain,
        term=Term.SHORT if days else Term.LONG,
        long_from=long_from,
        days_to_long=days,
        priced_on=held.priced_on,
    )


def _measured(held: PricedLot) -> _Measured:
    """What the lot's gain is measured on at its price, and from when it is held for that."""
    assert held.price is not None, "only lots with a price are measured"
    lot, value = held.lot, Fraction(held.lot.quantity) * Fraction(held.price)
    basis = Fraction(lot.basis)
    if lot.loss_basis is None or value >= basis:
        return _Measured(value, basis, lot.holding_start)
    loss_basis = Fraction(lot.loss_basis)
    if value >= loss_basis:
        return _Measured(value, value, lot.holding_start)
    return _Measured(value, loss_basis, lot.loss_start or lot.holding_start)


def _tied(parts: Sequence[Fraction]) -> list[Decimal]:
    return spread(cents(sum(parts, Fraction(0))), parts)


def price_remarks(lots: Sequence[Unrealized], as_of: date) -> str:
    """What the values rest on where that is not a recent close of every lot; empty where it is."""
    said = []
    days = [one.priced_on for one in lots if one.priced_on is not None]
    stale = [day for day in days if (as_of - day).days > STALE_DAYS]
    if stale:
        oldest = min(stale)
        said.append(
            f"{len(stale)} of {_lots(len(lots))} {_are(stale)} valued at a close more than {STALE_DAYS} "
            f"days old; the oldest is of {oldest.day} {oldest:%B %Y}."
        )
    unpriced = [one for one in lots if one.value is None]
    if unpriced:
        basis = sum((one.basis for one in unpriced), ZERO)
        said.append(
            f"{_lots(len(unpriced))} without a price {_are(unpriced)} not in the totals: basis "
            f"{basis:,}."
        )
    return " ".join(said)


def _lots(count: int) -> str:
    return "1 lot" if count == 1 else f"{count} lots"


def _are(found: Sequence[object]) -> str:
    return "is" if len(found) == 1 else "are"
