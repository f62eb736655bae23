"""Text that goes into a CSV which somebody opens in a spreadsheet."""

from securities.importers.cells import FORMULA_STARTS

_QUOTES = ("'", '"')


def csv_safe(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet would run it as a formula (or swallow its quote).

    For text cells only: a negative amount is a number and stays one.
    """
    first = text.lstrip(" ")
    return f"'{text}" if first.startswith((*FORMULA_STARTS, *_QUOTES)) else text
