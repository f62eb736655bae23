"""Lots to give to charity instead of selling them: which, in which order, and what giving avoids. Pure Decimal.

Whoever gives a lot realises nothing: the gain is never taxed, and the recipient, being exempt, is not taxed on it
either. A lot that a sale on the day of the gift would make long-term (R3, R4) is deducted at its value; of any other
the deduction is what it cost, because it loses the gain that would have been short-term (IRC 170(e)(1)(A)). A lot below
its basis is better sold: the loss counts, and the cash is deducted all the same.

What giving avoids is ``gain x long-term rate``, the household's own for one more dollar; per dollar given that is the
more the larger the gain is as a part of the value, which is the order here. All lots of a gift together are priced by
the year's own tax instead (``lots.year_tax.added_tax``), because a gain may meet losses or reach another bracket.

Whole shares only: custodians deliver no fractions. Not computed: the deduction itself, its limits by adjusted gross
income and by kind of recipient (IRC 170(b), 170(e)(1)(B)), and the trading cost that a sale would have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil

from harvesting.economics import to_the_cent
from harvesting.sales import plain_shares, resized, sale_of
from harvesting.types import ZERO, Book, LotKey, Sale, dollars_traded, refuse_float
from lots.holding_period import first_long_term_day
from lots.types import LotRow, Term
from lots.year_tax import TaxPosition, added_tax

_HALF_A_CENT = Fraction(1, 200)


class NotToGive(StrEnum):
    """Why a lot, or a part of it, is no gift; the text is read by people."""

    NOT_TAXED = "not in a taxable account of the household's"
    DELISTED = "no longer traded"
    NO_PRICE = "no price"
    STALE_PRICE = "stale price"
    PRICE_JUMP = "doubtful price"
    UNRECONCILED = "not reconciled"
    RESTRICTED = "restricted"
    LOSS = "below its basis"
    NO_GAIN = "no gain"
    SHORT_TERM = "held one year or less"
    RESERVED = "reserved"
    TOO_SMALL = "less than one share"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftSurroundings:
    """Everything around the lots. Texts are sentences for people; ids are primary keys."""

    tax: TaxPosition | None  # the year with everything that is on its way; None = nothing is priced
    not_taxed: Mapping[int, str] = field(default_factory=dict)  # account -> why its gains are none
    unreconciled: Mapping[int, str] = field(default_factory=dict)  # account -> what differs
    restricted: Mapping[tuple[int, int], str] = field(default_factory=dict)  # account, security
    reserved: Mapping[LotKey, Decimal] = field(default_factory=dict)
    doubtful: Mapping[int, str] = field(default_factory=dict)  # security -> what its price did


@dataclass(frozen=True, slots=True)
class Gift:
    """Whole shares of one long-term lot at a gain, at today's price; dollars.

    ``tax`` is the gain at the household's rate on one more long-term dollar; None without a tax profile.
    """

    sale: Sale
    tax: Decimal | None

    @property
    def gain(self) -> Decimal:
        return self.sale.amount - self.sale.basis

    @property
    def gain_of_value(self) -> Fraction:
        """The gain as a part of the value, exact: 0 to 1, above 1 only for a basis below zero."""
        return Fraction(self.gain) / Fraction(self.sale.amount)


@dataclass(frozen=True, slots=True)
class Kept:
    """Shares of a lot that are no gift, and why in one sentence. ``amount`` and ``basis`` are dollars of them.

    ``amount`` is None without a price.
    """

    lot: LotRow
    quantity: Decimal
    amount: Decimal | None
    basis: Decimal
    why: NotToGive
    detail: str


@dataclass(frozen=True, slots=True)
class GiftList:
    """Every lot of a household once: those to give, the best first, and the rest; a lot in part reserved is in both."""

    gifts: tuple[Gift, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class ChosenGifts:
    """The lots that make up a sum, in their order, the last one cut to whole shares; dollars."""

    asked: Decimal
    gifts: tuple[Gift, ...]
    tax: Decimal | None  # what selling them all today would add to the year's tax; None = unknown

    @property
    def amount(self) -> Decimal:
        return sum((gift.sale.amount for gift in self.gifts), ZERO)

    @property
    def gain(self) -> Decimal:
        return sum((gift.gain for gift in self.gifts), ZERO)

    @property
    def missing(self) -> Decimal:
        """What the household's lots fall short of the sum by."""
        return max(self.asked - self.amount, ZERO)


def gift_list(book: Book, around: GiftSurroundings) -> GiftList:
    """Every lot of the book: what to give of it, or why not."""
    gifts: list[Gift] = []
    kept: list[Kept] = []
    for lot in book.lots:
        refused = _unpriced(lot, book, around) or _priced(
            sale_of(lot, lot.quantity, book), book, around
        )
        if refused is not None:
            kept.append(refused)
            continue
        reserved = min(around.reserved.get((lot.opening, lot.part), ZERO), lot.quantity)
        if reserved > ZERO:
            kept.append(_reserved(sale_of(lot, reserved, book), book))
        shares = (lot.quantity - reserved).to_integral_value(ROUND_FLOOR)
        if shares >= 1:
            gifts.append(_gift(sale_of(lot, shares, book), around.tax))
        elif reserved < lot.quantity:
            kept.append(_too_small(sale_of(lot, lot.quantity - reserved, book)))
    return GiftList(tuple(sorted(gifts, key=_order)), tuple(kept))


def chosen(gifts: Sequence[Gift], amount: Decimal, tax: TaxPosition | None) -> ChosenGifts:
    """The first of ``gifts`` whose value together reaches ``amount`` dollars, in the fewest whole shares of the last.

    All of them where they do not reach it. Raises TypeError for a float, ValueError for an amount that is not above 0.
    """
    refuse_float(amount=amount)
    if not amount > ZERO:
        raise ValueError(f"{amount} is no sum to give: it is above 0.")
    taken: list[Gift] = []
    left = amount
    for gift in gifts:
        if left <= ZERO:
            break
        shares = min(gift.sale.quantity, _shares_worth(left, gift.sale.price))
        one = _gift(resized(gift.sale, shares), tax)
        taken.append(one)
        left -= one.sale.amount
    return ChosenGifts(amount, tuple(taken), tax_avoided(taken, tax))


def tax_avoided(gifts: Iterable[Gift], tax: TaxPosition | None) -> Decimal | None:
    """Dollars, to the cent, that selling all of these on one day would add to the year's tax; None without a year.

    Carried losses that the gain would use up count at what they are worth (R31).
    """
    if tax is None:
        return None
    gain = sum((gift.gain for gift in gifts), ZERO)
    return to_the_cent(added_tax(tax, short=ZERO, long=gain))


def _order(gift: Gift) -> tuple[Fraction, date, int, int]:
    """The largest gain a dollar given first, of equal ones the lot held longest."""
    lot = gift.sale.lot
    return (-gift.gain_of_value, lot.acquired, lot.opening, lot.part)


def _gift(sale: Sale, tax: TaxPosition | None) -> Gift:
    gain = sale.amount - sale.basis
    return Gift(sale, None if tax is None else to_the_cent(gain * tax.long_rate))


def _shares_worth(dollars: Decimal, price: Decimal) -> Decimal:
    """The fewest whole shares that come to so many dollars, to the cent."""
    fewest = Decimal(max(ceil((Fraction(dollars) - _HALF_A_CENT) / Fraction(price)), 1))
    return fewest if dollars_traded(fewest, price) >= dollars else fewest + 1


def _unpriced(lot: LotRow, book: Book, around: GiftSurroundings) -> Kept | None:
    """What is decided before there is a value to go by."""
    symbol, quote = book.symbol(lot.security), book.prices.get(lot.security)
    found: tuple[NotToGive, str] | None = None
    if lot.account in around.not_taxed:
        found = NotToGive.NOT_TAXED, around.not_taxed[lot.account]
    elif lot.security in book.delisted:
        since = book.delisted[lot.security]
        found = NotToGive.DELISTED, f"{symbol} has not traded since {since}."
    elif quote is None:
        found = NotToGive.NO_PRICE, f"There is no price of {symbol}: import one."
    elif not book.is_fresh(lot.security):
        why = f"The last price of {symbol} is of {quote.day}: import newer ones."
        found = NotToGive.STALE_PRICE, why
    elif lot.security in around.doubtful:
        why = f"Nothing is decided on a doubtful price: {around.doubtful[lot.security]}."
        found = NotToGive.PRICE_JUMP, why
    if found is None:
        return None
    amount = None if quote is None else dollars_traded(lot.quantity, quote.price)
    return Kept(lot, lot.quantity, amount, lot.basis, *found)


def _priced(sale: Sale, book: Book, around: GiftSurroundings) -> Kept | None:
    """Why nothing of a lot with a price is given. A loss comes first: it says what to do instead."""
    lot = sale.lot
    if lot.account in around.unreconciled:
        return _kept(sale, NotToGive.UNRECONCILED, around.unreconciled[lot.account])
    if (lot.account, lot.security) in around.restricted:
        return _kept(sale, NotToGive.RESTRICTED, around.restricted[lot.account, lot.security])
    if sale.loss > ZERO:
        why = f"A loss of ${to_the_cent(sale.loss):,.2f} is lost with the gift: sell it and give the cash."
        return _kept(sale, NotToGive.LOSS, why)
    if sale.loss == ZERO:
        return _kept(sale, NotToGive.NO_GAIN, "No gain is avoided: giving cash does the same.")
    if sale.term is Term.SHORT:
        return _kept(sale, NotToGive.SHORT_TERM, _held_too_short(sale))
    return None


def _held_too_short(sale: Sale) -> str:
    day = first_long_term_day(sale.lot.holding_start)
    return (
        f"Held one year or less until {day}: before that day the deduction is limited to its basis, "
        f"${to_the_cent(sale.basis):,.2f} (IRC 170(e)(1)(A))."
    )


def _reserved(sale: Sale, book: Book) -> Kept:
    lot = sale.lot
    why = (
        f"An approved proposal sells {plain_shares(sale.quantity)} of {plain_shares(lot.quantity)} "
        f"{book.symbol(lot.security)}."
    )
    return _kept(sale, NotToGive.RESERVED, why)


def _too_small(sale: Sale) -> Kept:
    return _kept(
        sale, NotToGive.TOO_SMALL, "Less than one whole share is free: no fraction is delivered."
    )


def _kept(sale: Sale, why: NotToGive, detail: str) -> Kept:
    return Kept(sale.lot, sale.quantity, sale.amount, sale.basis, why, detail)
