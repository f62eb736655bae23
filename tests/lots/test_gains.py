"""Unrealised gains by hand: terms, days, gifts and inheritances."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.reports.gains import PricedLot, Unrealized, price_remarks, unrealized
from lots.rounding import cents
from lots.types import LotRow, Term

D = Decimal
LOT = LotRow(
    opening=1, part=0, account=1, security=1, acquired=date(2026, 3, 10),
    holding_start=date(2026, 2, 11), quantity=D(30), basis=D(1230),
)  # fmt: skip
GIFT = replace(
    LOT, quantity=D(10), basis=D(1000), loss_basis=D(800), holding_start=date(2020, 1, 2),
    loss_start=date(2026, 3, 10),
)  # fmt: skip
TODAY = date(2026, 12, 10)


def priced(lot: LotRow, price: str | None) -> Unrealized:
    (one,) = unrealized([PricedLot(lot, None if price is None else D(price))], TODAY)
    return one


def test_the_tacked_start_decides_when_a_lot_is_long_term():
    one = priced(LOT, "50")

    assert (one.value, one.basis, one.gain) == (D(1500), D(1230), D(270))
    assert (one.term, one.long_from, one.days_to_long) == (Term.SHORT, date(2027, 2, 12), 64)


@pytest.mark.parametrize(
    ("start", "term", "days"),
    [
        (date(2025, 12, 8), Term.LONG, 0),
        (date(2025, 12, 9), Term.LONG, 0),
        (date(2025, 12, 10), Term.SHORT, 1),
    ],
)
def test_a_lot_is_long_term_the_day_after_its_anniversary(start, term, days):
    one = priced(replace(LOT, holding_start=start), "50")

    assert (one.term, one.days_to_long) == (term, days)


def test_an_inherited_lot_is_always_long_term():
    one = priced(replace(LOT, is_inherited=True), "50")

    assert (one.term, one.long_from, one.days_to_long) == (Term.LONG, None, 0)


@pytest.mark.parametrize(
    ("price", "basis", "gain", "term"),
    [
        ("110", 1000, 100, Term.LONG),  # a gain on the donor's basis and holding period
        ("90", 900, 0, Term.LONG),  # in between: neither
        ("70", 800, -100, Term.SHORT),  # a loss on the value at the gift, held since the gift
    ],
)
def test_a_gift_has_two_bases(price, basis, gain, term):
    one = priced(GIFT, price)

    assert (one.basis, one.gain, one.term) == (D(basis), D(gain), term)


def test_without_a_price_there_is_no_value():
    one = priced(LOT, None)

    assert (one.value, one.gain, one.basis) == (None, None, D(1230))


amounts = st.decimals(min_value="0.0001", max_value=10_000, places=4)


@given(st.lists(st.tuples(amounts, amounts, amounts), max_size=20))
def test_lines_add_up_to_the_rounded_totals(held):
    lots = [
        PricedLot(replace(LOT, opening=number, quantity=quantity, basis=basis), price)
        for number, (quantity, basis, price) in enumerate(held)
    ]

    lines = unrealized(lots, TODAY)

    exact = [Fraction(quantity) * Fraction(price) for quantity, _, price in held]
    assert sum((one.value or D(0) for one in lines), D(0)) == cents(sum(exact, Fraction(0)))
    assert all(one.gain == (one.value or D(0)) - one.basis for one in lines)


def test_old_closes_and_lots_without_a_price_are_told():
    """A close of five days ago is recent, one of six is not; what has no price is in no total."""
    held = [
        PricedLot(replace(LOT, opening=1), D(50), date(2026, 12, 5)),
        PricedLot(replace(LOT, opening=2), D(50), date(2026, 12, 4)),
        PricedLot(replace(LOT, opening=3), D(50), date(2022, 12, 28)),
        PricedLot(replace(LOT, opening=4, basis=D(4000)), None),
        PricedLot(replace(LOT, opening=5, basis=D(6000)), None),
    ]

    lines = unrealized(held, TODAY)

    assert lines[2].priced_on == date(2022, 12, 28)
    assert price_remarks(lines, TODAY) == (
        "2 of 5 lots are valued at a close more than 5 days old; the oldest is of 28 December 2022. "
        "2 lots without a price are not in the totals: basis 10,000.00."
    )
    assert price_remarks(lines[:1], TODAY) == ""
