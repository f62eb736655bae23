"""Dates on the operations page."""

from collections.abc import Mapping, Sequence
from datetime import date

from django import template

register = template.Library()

_SHOWN = 5


@register.filter
def of(values: Mapping[int, date], key: int) -> date | None:
    """The value of a key; None where there is none."""
    return values.get(key)


@register.filter
def newest_days(days: Sequence[date]) -> str:
    """The newest few of ascending days, and how many more there are."""
    newest = [f"{day:%b} {day.day}" for day in reversed(days[-_SHOWN:])]
    more = f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else ""
    return ", ".join(newest) + more
