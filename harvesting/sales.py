"""A sale of some or all shares of a lot at today's price, and the verdict on it. Pure Decimal."""

from dataclasses import replace
from decimal import Decimal

from harvesting.economics import floors_on
from harvesting.types import ZERO, Book, Finding, Outcome, Sale, Terms, dollars_traded
from lots.held_lots import basis_of, term_of
from lots.types import LotRow
from proposals.types import DraftTrade, Side


def sale_of(lot: LotRow, quantity: Decimal, book: Book) -> Sale:
    """The sale of the shares at the book's price; a part carries its part of the basis.

    A gift's loss is measured on its value at the gift, if that was less than the donor's basis.
    """
    price = book.prices[lot.security].price
    amount = dollars_traded(quantity, price)
    basis = basis_of(lot, quantity, amount)
    return Sale(
        lot=lot,
        quantity=quantity,
        price=price,
        amount=amount,
        basis=basis,
        term=term_of(lot, book.as_of, is_loss=amount < basis),
    )


def resized(sale: Sale, quantity: Decimal) -> Sale:
    """The same sale of other shares of the lot."""
    amount = dollars_traded(quantity, sale.price)
    return replace(
        sale, quantity=quantity, amount=amount, basis=basis_of(sale.lot, quantity, amount)
    )


def selling_leg(sale: Sale, *, pair: int, reason: str) -> DraftTrade:
    """The order that sells the named lot."""
    return DraftTrade(
        account=sale.lot.account,
        security=sale.lot.security,
        side=Side.SELL,
        quantity=sale.quantity,
        price=sale.price,
        reason=reason,
        opening=sale.lot.opening,
        part=sale.lot.part,
        basis=sale.basis,
        term=sale.term,
        pair=pair,
    )


def below_floor(sale: Sale, book: Book) -> str:
    """What the loss falls short of, in words; empty = it passes."""
    dollars, fraction = floors_on(book.as_of, book.rules)
    if sale.loss < dollars or sale.loss <= ZERO:
        return f"A loss of ${sale.loss:,.2f} is under the floor of ${dollars:,.2f}."
    if sale.loss < fraction * sale.basis:
        part = percent(sale.loss / sale.basis)
        return (
            f"A loss of ${sale.loss:,.2f} is {part} of the basis, under the floor of "
            f"{percent(fraction)}."
        )
    return ""


def finding_of(sale: Sale, outcome: Outcome, why: str, *, terms: Terms | None = None) -> Finding:
    """The verdict on a sale."""
    return Finding(
        account=sale.lot.account,
        security=sale.lot.security,
        opening=sale.lot.opening,
        part=sale.lot.part,
        outcome=outcome,
        detail=why,
        quantity=sale.quantity,
        loss=max(sale.loss, ZERO),
        terms=terms,
        amount=sale.amount,
    )


def unpriced(lot: LotRow, outcome: Outcome, why: str) -> Finding:
    """The verdict on a lot whose loss is not known."""
    return Finding(
        account=lot.account,
        security=lot.security,
        opening=lot.opening,
        part=lot.part,
        outcome=outcome,
        detail=why,
        quantity=lot.quantity,
        loss=ZERO,
    )


def is_whole(quantity: Decimal) -> bool:
    """Whether there is no part of a share."""
    return quantity == quantity.to_integral_value()


def plain_shares(quantity: Decimal) -> str:
    """Shares for people."""
    return f"{quantity.normalize():f}"


def percent(fraction: Decimal) -> str:
    """A fraction for people."""
    return f"{fraction * 100:.1f} %"
