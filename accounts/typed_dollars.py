"""Numbers as Americans type them into a form: ``25,000``, ``$1,250.50``."""

import re
from typing import Any

from django import forms

from accounts.types import MONEY_LIMIT

# Commas only where thousands have them: "1,5" is refused, not read as fifteen.
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_CENTS = 2  # decimal places


def ungrouped(text: str) -> str:
    """``text`` without the commas between its thousands; unchanged where they stand anywhere else."""
    bare = text.strip()
    return bare.replace(",", "") if _GROUPED.fullmatch(bare) else bare


class DollarsField(forms.DecimalField):
    """Dollars and cents from zero up, with or without a dollar sign and commas; may be left empty."""

    default_error_messages = {
        "invalid": "Enter dollars as a number, such as 25,000 or 1250.50.",
        "min_value": "Enter dollars from 0 up, such as 25,000.",
    }

    def __init__(self, label: str, **kwargs: Any) -> None:
        options = {
            "required": False,
            "min_value": 0,
            "max_value": MONEY_LIMIT - 1,
            "decimal_places": _CENTS,
            **kwargs,
        }
        said = {
            "max_value": f"Enter dollars below {options['max_value'] + 1:,.0f}, such as 25,000."
        }
        if options["decimal_places"] == _CENTS:
            said["max_decimal_places"] = "Enter dollars and cents, such as 1250.50."
        super().__init__(label=label, error_messages=said, **options)

    def to_python(self, value: Any) -> Any:
        """The exact sum as a Decimal; None for nothing typed. Raises ValidationError."""
        if isinstance(value, str):
            value = ungrouped(value.strip().removeprefix("$")) or value.strip()
        return super().to_python(value)
