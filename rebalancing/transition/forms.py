"""What the planner's forms accept."""

from typing import Any

from django import forms

from accounts.typed_dollars import DollarsField
from proposals.budgets import Budget

LIMITS = ("short_limit", "long_limit", "tax_limit")


class LimitsForm(forms.Form):
    """Limits of every year in dollars; empty = no limit, and one there is."""

    short_limit = DollarsField("Net short-term gain a year, $")
    long_limit = DollarsField("Net long-term gain a year, $")
    tax_limit = DollarsField("Tax a year, $")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "plan-%s", **kwargs})

    def clean(self) -> dict[str, Any]:
        """Refuses a form without any limit."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and all(cleaned.get(name) is None for name in LIMITS):
            raise forms.ValidationError("Set one limit at least.")
        return cleaned

    @property
    def problems(self) -> list[str]:
        """What is wrong with each field, what was typed into it, and what to type instead."""
        found = [
            f"{field.label}, “{field.value()}”: {error}" for field in self for error in field.errors
        ]
        return [*found, *map(str, self.non_field_errors())]

    @property
    def figures(self) -> list[forms.BoundField]:
        """The fields of one line each."""
        return [self[name] for name in LIMITS]

    def budget(self, year: int) -> Budget:
        """The limits as those of a year; of a valid form."""
        given = self.cleaned_data
        return Budget(
            year=year,
            short_limit=given["short_limit"],
            long_limit=given["long_limit"],
            tax_limit=given["tax_limit"],
        )


class PlanForm(LimitsForm):
    """A plan to start."""

    reason = forms.CharField(label="Why", max_length=2_000)


class EndForm(forms.Form):
    """Why a plan ends."""

    reason = forms.CharField(label="Why", max_length=2_000)
