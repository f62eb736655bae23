"""Decimal columns with the project's exact units, and the bounded CHECK every one of them must carry.

PostgreSQL's ``numeric`` takes NaN and sorts it above every number, so ``q >= 0`` alone lets it in: the
upper bound keeps it out.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import CheckConstraint, Q

from accounts.types import MONEY_LIMIT, QUANTITY_LIMIT

if TYPE_CHECKING:  # the class takes its types only in the stubs
    _DecimalField = models.DecimalField[Any, Any]
else:
    _DecimalField = models.DecimalField


class QuantityField(_DecimalField):
    """Shares, exact to 1e-8."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 20, "decimal_places": 8, **kwargs})


class MoneyField(_DecimalField):
    """US dollars, exact to 1e-4."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 18, "decimal_places": 4, **kwargs})


class PriceField(_DecimalField):
    """US dollars per share, exact to 1e-6."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 18, "decimal_places": 6, **kwargs})


class FractionField(_DecimalField):
    """A rate, weight or fraction (0.238 is 23.8 %), exact to 1e-8."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 14, "decimal_places": 8, **kwargs})


def bounded(
    name: str, field: str, *, lower: Decimal | int, upper: Decimal | int, above: bool = False
) -> CheckConstraint:
    """CHECK (lower <= field < upper), or lower < field with ``above``; NULL passes, NaN and infinity do not."""
    low = Q(**{f"{field}__{'gt' if above else 'gte'}": lower})
    return CheckConstraint(condition=low & Q(**{f"{field}__lt": upper}), name=name)


def positive_quantity(name: str, field: str = "quantity") -> CheckConstraint:
    """CHECK (0 < field < 1e12)."""
    return bounded(name, field, lower=0, upper=QUANTITY_LIMIT, above=True)


def any_quantity(name: str, field: str = "quantity") -> CheckConstraint:
    """CHECK (0 <= field < 1e12)."""
    return bounded(name, field, lower=0, upper=QUANTITY_LIMIT)


def positive_money(name: str, field: str) -> CheckConstraint:
    """CHECK (0 <= field < 1e14)."""
    return bounded(name, field, lower=0, upper=MONEY_LIMIT)


def signed_money(name: str, field: str) -> CheckConstraint:
    """CHECK (-1e14 <= field < 1e14)."""
    return bounded(name, field, lower=-MONEY_LIMIT, upper=MONEY_LIMIT)
