"""One cell of a file: text to Decimal, date or name by accept-lists. What is not on the list is refused."""

import re
from datetime import date
from decimal import Decimal

# A spreadsheet runs a cell that begins like this; the full-width twins are folded to the same signs.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
EARLIEST = date(1900, 1, 1)
_PLAIN_NUMBER = re.compile(r"([0-9]{1,40})(?:\.([0-9]+))?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_SHOWN = 40


class CellError(ValueError):
    """Why a cell cannot be taken; the caller knows where it stands."""


def shown(text: str) -> str:
    """A cell's text as it appears in a refusal: quoted, escaped and cut."""
    cut = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
    return ascii(cut)


def number(text: str, *, places: int, below: Decimal) -> Decimal:
    """A plain decimal number such as ``12.5``: ASCII digits, no sign, exponent or thousands separator.

    Raises CellError for anything else, for more than ``places`` decimals and from ``below`` upwards.
    """
    match = _PLAIN_NUMBER.fullmatch(text)
    if match is None:
        if re.fullmatch(r"-[0-9.]+", text):
            raise CellError(f"{shown(text)} is negative: numbers are given without a sign")
        raise CellError(f"{shown(text)} is not a plain number such as 1000 or 12.5")
    decimals = match.group(2)
    if decimals is not None and len(decimals) > places:
        raise CellError(
            f"{shown(text)} has {len(decimals)} decimals, at most {places} are accepted"
        )
    value = Decimal(text)
    if value >= below:
        raise CellError(f"{shown(text)} is too large: it must be below {below:,f}")
    return value


def day(text: str, *, as_of: date | None) -> date:
    """A date such as ``2024-01-31``, from 1900 to ``as_of``. Raises CellError for anything else.

    None leaves the end open: a settlement day may lie ahead.
    """
    if not _ISO_DATE.fullmatch(text):
        raise CellError(f"{shown(text)} is not a date such as 2024-01-31")
    try:
        value = date.fromisoformat(text)
    except ValueError as error:
        raise CellError(f"{shown(text)} is not a day of the calendar") from error
    if value < EARLIEST:
        raise CellError(f"{text} is before {EARLIEST}")
    if as_of is not None and value > as_of:
        raise CellError(f"{text} is in the future: today is {as_of}")
    return value


def name(text: str, *, longest: int) -> str:
    """An id or symbol. Raises CellError where it is too long, or begins like a spreadsheet formula."""
    if text.startswith(FORMULA_STARTS):
        raise CellError(f"{shown(text)} begins like a spreadsheet formula")
    if not text.isprintable():
        raise CellError(f"{shown(text)} holds a character that cannot be printed")
    if len(text) > longest:
        raise CellError(f"{shown(text)} has {len(text)} characters, at most {longest} are accepted")
    return text
