"""Cells of report tables as HTML: one call a row, because a year can have thousands."""

from datetime import date
from decimal import Decimal

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.templatetags.figures import dollars, shares
from lots.reports.tables import Cell

register = template.Library()

_CLASSES = {"text": "", "day": "day", "money": "number", "shares": "number", "count": "number"}


@register.simple_tag
def report_cells(cells: list[tuple[str, Cell, bool]]) -> SafeString:
    """The ``<td>`` of one row; every text is escaped."""
    return format_html_join(
        "",
        '<td class="{}">{}</td>',
        ((css_classes(kind, is_extra), _shown(kind, cell)) for kind, cell, is_extra in cells),
    )


@register.simple_tag
def report_head(title: str, kind: str, is_extra: bool) -> SafeString:  # noqa: FBT001 - from templates
    """The ``<th>`` of one column."""
    return format_html('<th scope="col" class="{}">{}</th>', css_classes(kind, is_extra), title)


def css_classes(kind: str, is_extra: bool) -> str:  # noqa: FBT001
    """How a cell of the kind is set; ``extra`` columns stay off paper."""
    return " ".join(name for name in (_CLASSES[kind], "extra" if is_extra else "") if name)


def _shown(kind: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if kind == "money" and isinstance(cell, Decimal):
        return dollars(cell)
    if kind == "shares" and isinstance(cell, Decimal):
        return shares(cell)
    if isinstance(cell, date):
        return f"{cell.day} {cell:%b %Y}"
    return str(cell)
