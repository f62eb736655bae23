"""What a sale of a held lot would be measured on, where dates and basis alone do not say it. Pure.

A gift that was worth less than the donor's basis has two: a gain is measured on the donor's, a loss on the value at the
gift, and a price in between makes neither, so that the basis is the proceeds (IRC 1015(a), Reg. 1.1015-1(a)). A loss
counts its holding period from the gift, a gain from the donor's start (IRC 1223(2)). An inherited lot is long-term on
any day (IRC 1223(9)).
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from lots.holding_period import term
from lots.rounding import stored_money
from lots.types import LotRow, Term


def basis_of(lot: LotRow, quantity: Decimal, proceeds: Decimal) -> Decimal:
    """Dollars of basis of ``quantity`` shares of the lot (all of it or a part), sold for ``proceeds``."""
    basis = _share(lot.basis, lot, quantity)
    if lot.loss_basis is None or proceeds >= basis:
        return basis
    return max(_share(lot.loss_basis, lot, quantity), proceeds)


def term_of(lot: LotRow, on: date, *, is_loss: bool = False) -> Term:
    """Short or long for a sale on that day; one before the holding period began counts as of its first day."""
    if lot.is_inherited:
        return Term.LONG
    start = lot.loss_start if is_loss and lot.loss_start is not None else lot.holding_start
    return term(start, max(on, start))


def _share(dollars: Decimal, lot: LotRow, quantity: Decimal) -> Decimal:
    if quantity == lot.quantity:
        return dollars
    return stored_money(Fraction(dollars) * Fraction(quantity) / Fraction(lot.quantity))
