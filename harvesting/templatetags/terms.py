"""The sum behind a loss as rows, each with its sign."""

from collections.abc import Mapping
from decimal import Decimal

from django import template

from harvesting.explanation import TERMS

register = template.Library()


@register.filter
def term_rows(told: Mapping[str, str]) -> list[dict[str, object]]:
    """Terms in the order of the sum; what is taken off is negative, and what is nothing is left out."""
    rows: list[dict[str, object]] = []
    for name, words in TERMS.items():
        dollars = Decimal(told.get(name, "0"))
        if name == "saved":
            rows.append({"words": words, "dollars": dollars})
        elif dollars:
            rows.append({"words": words, "dollars": -dollars})
    return rows
