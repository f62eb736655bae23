"""Figures as people read them: grouped thousands, a real minus sign, units in words; an em dash for none."""

import re
from datetime import date
from decimal import Decimal

from django import template

register = template.Library()


def _grouped(value: Decimal, places: int) -> str:
    return f"{value:,.{places}f}".replace("-", "−")


@register.filter
def dollars(value: Decimal | int | str | None) -> str:
    """``-1234.5`` -> ``−$1,234.50``; an em dash for None."""
    if value in (None, ""):
        return "—"
    amount = Decimal(value)
    sign = "−" if round(amount, 2) < 0 else ""
    return f"{sign}${abs(amount):,.2f}"


@register.filter
def price(value: Decimal | None) -> str:
    """Dollars a share, with as many places as it has, two at least; an em dash for None."""
    if value is None:
        return "—"
    places = max(2, -int(value.normalize().as_tuple().exponent))
    return f"${value:,.{places}f}"


@register.filter
def whole_dollars(value: Decimal | int | None) -> str:
    """Dollars without cents, for grids."""
    if value in (None, ""):
        return "—"
    amount = round(Decimal(value), 0)
    return f"{'−' if amount < 0 else ''}${abs(amount):,.0f}"


@register.filter
def percent(value: Decimal | str | None, places: int = 2) -> str:
    """A fraction as per cent: ``0.0312`` -> ``3.12 %``."""
    return "—" if value in (None, "") else f"{_grouped(Decimal(value) * 100, places)} %"


@register.filter
def points(value: Decimal | None) -> str:
    """A difference of fractions in percentage points: ``-0.0585`` -> ``−5.85``."""
    return "—" if value in (None, "") else _grouped(Decimal(str(value)) * 100, 2)


@register.filter
def shares(value: Decimal | str | None) -> str:
    """Shares without trailing zeros, thousands grouped."""
    if value in (None, ""):
        return "—"
    text = f"{Decimal(value):,.8f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


@register.filter
def basis_points(value: Decimal | None) -> str:
    """A number of basis points with two places."""
    return "—" if value in (None, "") else f"{_grouped(Decimal(value), 2)} bp"


@register.filter
def words(code: str) -> str:
    """A code as words: ``recent_purchase`` -> ``Recent purchase``; two joined by ``+`` with *and*."""
    return str(code).replace("_", " ").replace("+", " and ").capitalize()


_DAY = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
_MINUS = re.compile(r"(?<![\w.,)%-])-(?=\$?\d)")


@register.filter
def told(sentence: str) -> str:
    """A sentence of ours as people read it: ``2022-12-28`` is ``28 December 2022``, and ``-2.5 %`` has a real minus.

    For sentences that are made here and kept as plain text; what a person wrote is shown as it is.
    """
    return _MINUS.sub("−", _DAY.sub(_day, str(sentence)))


def _day(found: re.Match[str]) -> str:
    try:
        day = date(*map(int, found.groups()))
    except ValueError:
        return found.group()
    return f"{day.day} {day:%B %Y}"
