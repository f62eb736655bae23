"""Counting decimals in whole numbers loses nothing."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from lots.engine.units import EXACT, added, normal, rate, ratio, unit_for, whole


@pytest.mark.parametrize(
    ("columns", "unit"),
    [
        ((), 1),
        ((["1", "25"],), 1),
        ((["1.5", "2.25", "3"],), 100),
        ((["0.5", "0.5"],), 10),  # their sum is whole, they are not
        ((["1"], ["0.001"]), 1000),
        ((["1E+3"],), 1),
        ((["12345678901234567890123456789.00000001"],), 10**8),
    ],
)
def test_the_unit_makes_every_number_whole(columns, unit):
    with localcontext(EXACT):
        assert unit_for(*(map(Decimal, column) for column in columns)) == unit


def test_a_number_that_is_not_whole_stays_exact():
    with localcontext(EXACT):
        assert whole(Decimal("1.25"), 100) == 125
        assert isinstance(whole(Decimal("1.25"), 100), int)
        assert whole(Decimal("1.255"), 100) == Fraction(251, 2)
        digits = "98765432109876543210987654321.123456789"
        assert whole(Decimal(digits), 10**9) == 98765432109876543210987654321123456789


def test_rates_are_ints_whatever_they_are_made_of():
    assert rate(500, 100) == (500, 100)
    assert rate(Fraction(1, 3), 2) == (1, 6)
    assert rate(2, Fraction(1, 3)) == (6, 1)


def test_rates_add_up_exactly_however_long_they_grow():
    total, expected = (0, 1), Fraction(0)
    for number in range(2, 400):
        total = added(total, (1, number))
        expected += Fraction(1, number)
    assert ratio(*total) == expected
    assert total[1].bit_length() < 1200  # brought to lowest terms on the way: 399! has 2,900 bits


def test_what_is_whole_becomes_an_int():
    assert isinstance(normal(Fraction(4, 2)), int)
    assert normal(Fraction(1, 2)) == Fraction(1, 2)
