from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lots.rounding import (
    CENT,
    cents,
    plain,
    rounded,
    spread,
    stored_money,
    stored_shares,
    terminating,
)


@pytest.mark.parametrize(
    ("exact", "printed"),
    [
        (Fraction(1, 3), "0.33"),
        (Fraction(2, 3), "0.67"),
        (Fraction(1, 8), "0.13"),  # half up: 0.125
        (Fraction(-1, 8), "-0.13"),  # a loss rounds like the gain of the same size
        (Fraction(5, 1000), "0.01"),
        (Fraction(4999, 1_000_000), "0.00"),
        (Fraction(-1, 1000), "0.00"),
        (Fraction(100), "100.00"),
    ],
)
def test_cents_round_half_up(exact, printed):
    assert str(cents(exact)) == printed


@pytest.mark.parametrize(
    ("exact", "text"),
    [(Fraction(-57), "-57"), (Fraction(1, 8), "0.125"), (Fraction(10**30 + 1, 10**20), None)],
)
def test_a_fraction_that_ends_is_told_without_rounding(exact, text):
    told = terminating(exact)
    assert Fraction(told) == exact
    assert text is None or str(told) == text


def test_a_fraction_without_an_end_is_no_decimal():
    with pytest.raises(ValueError, match="1/3 has no end"):
        terminating(Fraction(1, 3))


def test_long_amounts_keep_every_digit():
    exact = Fraction(10**40 + 1, 1) + Fraction(1, 100)
    assert Fraction(cents(exact)) == exact


def test_stored_rows_have_four_decimals_of_money_and_eight_of_shares():
    assert stored_money(Fraction(1, 3)) == Decimal("0.3333")
    assert stored_shares(Fraction(2, 3)) == Decimal("0.66666667")


def test_floats_and_odd_quanta_are_refused():
    with pytest.raises(TypeError, match="exact"):
        cents(0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="power of ten"):
        rounded(Fraction(1), Decimal("0.05"))


def test_spread_gives_the_missing_cents_to_the_largest_remainders():
    thirds = [Fraction(100, 3)] * 3
    assert spread(Decimal("100.00"), thirds) == [
        Decimal("33.34"),
        Decimal("33.33"),
        Decimal("33.33"),
    ]
    parts = [Fraction(1, 400), Fraction(3, 400), Fraction(99, 100)]
    assert spread(Decimal("1.00"), parts) == [Decimal("0.00"), Decimal("0.01"), Decimal("0.99")]


def test_spread_works_on_losses():
    parts = [Fraction(-1, 3), Fraction(-2, 3)]
    assert spread(Decimal("-1.00"), parts) == [Decimal("-0.33"), Decimal("-0.67")]


def test_spread_refuses_a_total_that_is_not_the_sum():
    with pytest.raises(ValueError, match="not the rounded sum"):
        spread(Decimal("1.02"), [Fraction(1)])
    with pytest.raises(ValueError, match="not a multiple"):
        spread(Decimal("1.005"), [Fraction(1)])


def test_spread_of_nothing_is_nothing():
    assert spread(Decimal("0.00"), []) == []


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.fractions(-1000, 1000, max_denominator=997), min_size=1, max_size=9))
def test_spread_parts_add_up_and_stay_within_a_cent(parts):
    total = cents(sum(parts, Fraction(0)))
    printed = spread(total, parts)
    assert sum(printed) == total
    assert all(abs(Fraction(p) - e) <= Fraction(CENT) for p, e in zip(printed, parts, strict=True))


def test_plain_numbers_have_no_exponent_and_no_idle_zeros():
    assert plain(Fraction(100)) == "100"
    assert plain(Fraction(5, 4)) == "1.25"
    assert plain(Fraction(1, 3)) == "0.33333333"
