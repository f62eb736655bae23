"""Exact decimals as whole numbers, which is what the engine counts in.

A replay picks two units from its own entries: the smallest share and the smallest dollar that any of them shows (a
thousandth of a share, a cent). Counted in these, quantities and amounts are ``int``. What is not whole after all, a
third of a share after a split, stays a ``Fraction``: ints and Fractions mix, so nothing is ever rounded and only the
exotic is slow.

A price is a *rate*: money units per unit of shares, as a pair of ints (numerator, denominator). All shares of one
purchase carry the same rate, however they are cut.
"""

from collections.abc import Iterable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from math import gcd

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)  # never cuts a digit off
Exact = int | Fraction
Rate = tuple[int, int]

_ZERO = Decimal(0)
_LONG = 128
_SHORT = 1 << 60


def unit_for(*columns: Iterable[Decimal]) -> int:
    """10**k, with k the most decimals among the numbers: times this, every one of them is whole.

    A sum has as many decimals as the longest of its terms. To be called, like ``whole``, in the context ``EXACT``.
    """
    places = 0
    for column in columns:
        exponent = sum(column, _ZERO).as_tuple().exponent
        assert isinstance(exponent, int), "checked: entries hold finite numbers"
        places = max(places, -exponent)
    return int(10**places)


def whole(number: Decimal, unit: int) -> Exact:
    """``number`` counted in units: an int, or the exact Fraction if it is none."""
    counted = number * unit
    count = int(counted)
    return count if count == counted else Fraction(counted)


def rate(total: Exact, quantity: Exact) -> Rate:
    """``total`` spread over ``quantity``, not in lowest terms if both are ints."""
    if type(total) is int and type(quantity) is int:
        return total, quantity
    exact = Fraction(total) / quantity
    return exact.numerator, exact.denominator


def added(first: Rate, second: Rate) -> Rate:
    """The sum of two rates.

    Chains of wash sales add up many of them, and a greatest common divisor of long numbers is dear: the sum is brought
    to lowest terms only where its denominator has grown past another ``_LONG`` bits.
    """
    (a, b), (c, d) = first, second
    if b == d:
        return a + c, b
    numerator, denominator = a * d + c * b, b * d
    if denominator < _SHORT:
        return numerator, denominator
    bits = denominator.bit_length()
    if bits // _LONG > max(b.bit_length(), d.bit_length()) // _LONG:
        common = gcd(numerator, denominator)
        return numerator // common, denominator // common
    return numerator, denominator


def normal(number: Exact) -> Exact:
    """An int if the number is whole."""
    return number.numerator if number.denominator == 1 else number


def ratio(numerator: Exact, denominator: Exact) -> Fraction:
    """Their quotient as a Fraction in lowest terms."""
    return Fraction(numerator, denominator)


def is_below(first: Rate, second: Rate) -> bool:
    return first[0] * second[1] < second[0] * first[1]
