"""What the page of lots to give accepts."""

from decimal import Decimal

from django import forms

_WHAT = "Type the dollars to give, above 0 and with at most two decimals, such as 25000."


class GiftForm(forms.Form):
    """A sum to give in dollars; without one only the lots are listed."""

    amount = forms.DecimalField(
        required=False,
        min_value=Decimal("0.01"),
        max_digits=14,
        decimal_places=2,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_digits", "max_decimal_places", "max_whole_digits"), _WHAT
        ),
    )

    def problems(self) -> list[str]:
        """Every error as a sentence."""
        return [str(error) for errors in self.errors.values() for error in errors]
