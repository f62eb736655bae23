"""The one place where exact amounts become printed or stored ones.

Rounding is half up, away from zero, so that a loss rounds like the gain of the same size. Where rounded parts have to
add up to a rounded total, the difference goes to the parts with the largest remainders.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

CENT = Decimal("0.01")
STORED_MONEY = Decimal("0.0001")
STORED_SHARES = Decimal("0.00000001")
_MOST_PLACES = 100


def rounded(value: Fraction, quantum: Decimal) -> Decimal:
    """``value`` to the nearest multiple of ``quantum`` (a power of ten), half away from zero.

    Raises TypeError for a float and ValueError for a quantum that is no power of ten.
    """
    units = _exact(value) / _unit(quantum)
    magnitude = (2 * abs(units.numerator) + units.denominator) // (2 * units.denominator)
    return _of_units(magnitude if units >= 0 else -magnitude, quantum)


def cents(value: Fraction) -> Decimal:
    """Dollars as printed on a form: to the cent."""
    return rounded(value, CENT)


def stored_money(value: Fraction) -> Decimal:
    """Dollars as stored: to 0.0001."""
    return rounded(value, STORED_MONEY)


def stored_shares(value: Fraction) -> Decimal:
    """Shares as stored: to 0.00000001."""
    return rounded(value, STORED_SHARES)


def spread(total: Decimal, parts: Sequence[Fraction], quantum: Decimal = CENT) -> list[Decimal]:
    """Round ``parts`` to ``quantum`` so that they add up to ``total`` exactly (largest remainder).

    ``total`` is the rounded sum of the parts. Each part ends less than one quantum, or exactly one where the total
    leaves no choice, from its exact value; of equal remainders the earlier part is raised first.
    Raises ValueError if ``total`` is not a multiple of the quantum or too far away from the sum of the parts.
    """
    unit = _unit(quantum)
    target = _exact(total) / unit
    if target.denominator != 1:
        raise ValueError(f"The total {total} is not a multiple of {quantum}.")
    exact = [_exact(part) / unit for part in parts]
    floors = [part.numerator // part.denominator for part in exact]
    missing = target.numerator - sum(floors)
    if not 0 <= missing <= len(floors):
        raise ValueError(f"The total {total} is not the rounded sum of its parts.")
    by_remainder = sorted(range(len(exact)), key=lambda i: floors[i] - exact[i])
    for index in by_remainder[:missing]:
        floors[index] += 1
    return [_of_units(units, quantum) for units in floors]


def terminating(value: Fraction) -> Decimal:
    """A fraction of tenths, hundredths and so on as the Decimal it is. Raises ValueError for any other."""
    places = 0
    while 10**places % value.denominator:
        places += 1
        if places > _MOST_PLACES:
            raise ValueError(f"{value} has no end as a decimal.")
    return _of_units(int(value * 10**places), Decimal(1).scaleb(-places))


def plain(value: Fraction) -> str:
    """A quantity for people: up to eight decimals, no trailing zeros, no exponent."""
    return f"{stored_shares(value).normalize():f}"


def _exact(value: Fraction | Decimal) -> Fraction:
    if not isinstance(value, Fraction | Decimal | int):
        raise TypeError(f"Money and shares are exact, not {type(value).__name__}: {value!r}")
    return Fraction(value)


def _unit(quantum: Decimal) -> Fraction:
    if quantum.normalize().as_tuple().digits != (1,) or quantum <= 0:
        raise ValueError(f"A quantum is a power of ten such as 0.01, not {quantum}.")
    return Fraction(quantum)


def _of_units(units: int, quantum: Decimal) -> Decimal:
    """``units * quantum`` without a decimal context, which would cut long numbers at 28 digits."""
    exponent = quantum.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    sign = 1 if units < 0 else 0
    return Decimal((sign, tuple(int(digit) for digit in str(abs(units))), exponent))
