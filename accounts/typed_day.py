"""Days as people type them behind a command's option: one way to write them, one way to refuse them."""

import re
from datetime import date

from django.core.management.base import CommandError
from django.utils import timezone

_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}")  # Python reads weeks and days without hyphens too


def typed_day(
    text: str | date | None, *, option: str = "--as-of", may_be_ahead: bool = False
) -> date | None:
    """The day that ``text`` names; None where nothing was typed.

    Raises CommandError for what is no day, and for one after today (New York) unless it ``may_be_ahead``.
    """
    if text is None:
        return None
    day = text if isinstance(text, date) else _read(text, option)
    today = timezone.localdate()
    if day > today and not may_be_ahead:
        raise CommandError(f"{option} {day} is still to come: today is {today}.")
    return day


def _read(text: str, option: str) -> date:
    try:
        if _WRITTEN.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CommandError(f"{option} {text!r} is no date: write it like 2022-12-28.")
