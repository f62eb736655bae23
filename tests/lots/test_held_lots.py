"""Basis and term of a held lot on the day of a sale (IRC 1014, 1015(a), 1223(2), 1223(9))."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lots.held_lots import basis_of, term_of
from lots.types import LotRow, Term

# Ten shares, the donor's basis 100 since 2020, worth 60 at the gift of March 2024.
LOT = LotRow(
    1, 0, 1, 1, date(2020, 1, 6), date(2020, 1, 6), quantity=Decimal(10), basis=Decimal(100)
)
GIFT = replace(LOT, loss_basis=Decimal(60), loss_start=date(2024, 3, 4))


@pytest.mark.parametrize(
    ("proceeds", "basis"),
    [
        ("120", "100"),  # a gain of 20 on the donor's basis
        ("100", "100"),
        ("80", "80"),  # in between: neither gain nor loss
        ("60", "60"),
        ("50", "60"),  # a loss of 10 on the value at the gift
    ],
)
def test_a_gift_below_its_basis_has_the_basis_that_the_price_asks_for(
    proceeds: str, basis: str
) -> None:
    assert basis_of(GIFT, Decimal(10), Decimal(proceeds)) == Decimal(basis)


def test_a_part_of_a_lot_carries_its_part_of_the_basis_as_stored() -> None:
    assert basis_of(LOT, Decimal(3), Decimal(1)) == Decimal(30)
    assert basis_of(GIFT, Decimal(3), Decimal(1)) == Decimal(18)
    assert basis_of(replace(LOT, quantity=Decimal(3)), Decimal(1), Decimal(1)) == Decimal("33.3333")


def test_a_gifts_loss_counts_from_the_gift_and_its_gain_from_the_donor() -> None:
    assert term_of(GIFT, date(2024, 6, 3)) is Term.LONG
    assert term_of(GIFT, date(2024, 6, 3), is_loss=True) is Term.SHORT
    assert term_of(GIFT, date(2025, 3, 5), is_loss=True) is Term.LONG


def test_an_inherited_lot_is_long_term_on_any_day() -> None:
    inherited = replace(LOT, holding_start=date(2024, 6, 3), is_inherited=True)

    assert term_of(inherited, date(2024, 6, 4)) is Term.LONG
    assert term_of(replace(inherited, is_inherited=False), date(2024, 6, 4)) is Term.SHORT
