"""Amounts as the rebalance tells them: dollars, shares, points and per cents, and exact figures as strings."""

from decimal import Decimal

from accounts.canonical import decimal_text
from rebalancing.types import CENT, ZERO

POINT = Decimal("0.1")
PER_CENT = Decimal(100)
WEIGHT = Decimal("0.00000001")


def dollars(amount: Decimal) -> str:
    """``$1,234.50``."""
    sign = "-" if amount < ZERO else ""
    return f"{sign}${abs(amount).quantize(CENT):,}"


def grouped(shares: Decimal) -> str:
    """``1250.5`` -> ``1,250.5``."""
    return f"{Decimal(decimal_text(shares)):,f}"


def points(drift: Decimal) -> str:
    """A drift in percentage points with its sign."""
    return f"{(drift * PER_CENT).quantize(POINT):+} points"


def per_cent(fraction: Decimal) -> str:
    return f"{(fraction * PER_CENT).quantize(POINT)} %"


def cents(amount: Decimal) -> str:
    return str(amount.quantize(CENT))


def or_none(value: Decimal | None, quantum: Decimal) -> str | None:
    return None if value is None else str(value.quantize(quantum))


def weight(fraction: Decimal) -> str:
    return decimal_text(fraction.quantize(WEIGHT))
