"""What of a household's lots the optimiser may sell."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from lots.types import LotRow, Term
from rebalancing.state import Underway, lots_after
from rebalancing.types import StateLot

LOT = LotRow(
    1, 0, 7, 1, date(2024, 3, 1), date(2024, 3, 1), quantity=Decimal(10), basis=Decimal(100)
)


def state_lot(row: LotRow) -> StateLot:
    [lot] = lots_after(rows=[row], taxable={7: True}, coming=Underway(), as_of=date(2024, 6, 3))
    return lot


def test_a_gift_worth_less_than_its_basis_is_not_the_optimisers_to_sell() -> None:
    """Between its two bases it has neither gain nor loss: no one gain per dollar describes it (IRC 1015(a))."""
    gift = replace(LOT, loss_basis=Decimal(60), loss_start=date(2024, 3, 1))

    assert (state_lot(LOT).sellable, state_lot(gift).sellable) == (Decimal(10), Decimal(0))


def test_an_inherited_lot_is_long_term_at_once() -> None:
    assert state_lot(LOT).term is Term.SHORT
    assert state_lot(replace(LOT, is_inherited=True)).term is Term.LONG
