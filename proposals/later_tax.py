"""Tax that today's sale changes later: the new shares have another basis, and are sold some day. Pure Decimal.

A dollar less of basis is a dollar more of gain then: what that costs, valued today. A realised gain lowers it, a
harvested loss raises it.
"""

from decimal import Decimal
from functools import cache

_RATE = Decimal("0.00000001")


def later_rate(
    *, rate: Decimal, taxable_sale_chance: Decimal, discount_rate: Decimal, years: Decimal
) -> Decimal:
    """Today's value of the tax on one more dollar of gain in so many years; to eight places.

    ``rate`` is the rate then; the chance is below 1 where the shares may be given away or inherited. Raises TypeError
    for a float.
    """
    for value in (rate, taxable_sale_chance, discount_rate, years):
        if not isinstance(value, Decimal):
            raise TypeError(f"Rates and years are Decimal, not {type(value).__name__}.")
    return (rate * taxable_sale_chance * discount(discount_rate, years)).quantize(_RATE)


@cache
def discount(rate: Decimal, years: Decimal) -> Decimal:
    """Today's value of a dollar in so many years."""
    return (1 + rate) ** -years
