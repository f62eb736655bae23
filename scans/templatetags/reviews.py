"""Figures of a review, by their unit."""

from decimal import Decimal

from django import template

from accounts.templatetags.figures import dollars, percent, shares
from rebalancing.reviews.types import Unit

register = template.Library()


@register.filter
def measured(value: Decimal | None, unit: str) -> str:
    """A fraction as per cent, dollars as dollars, a count or days as they are; an em dash for none."""
    if unit == Unit.DOLLARS:
        return dollars(value)
    return percent(value) if unit == Unit.FRACTION else shares(value)
