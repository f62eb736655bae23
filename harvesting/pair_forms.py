"""What the pages of the harvest accept."""

from collections.abc import Sequence
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from accounts.paging import PER_PAGE

STAY, DECIDE = "stay", "decide"


class WaiverForm(forms.Form):
    """Stay with a substitute, and why; or take that back."""

    decision = forms.ChoiceField(choices=[(STAY, "Stay"), (DECIDE, "Decide again")])
    reason = forms.CharField(required=False, max_length=500)


class _Ticked(forms.Field):
    """The pairs that were ticked: each a harvest's public id and the pair's number, as ``id/number``."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: object) -> list[tuple[UUID, int]]:
        """In their order, each once. Raises ValidationError for none, for too many or for unknown ones."""
        ticked = list(dict.fromkeys(value)) if isinstance(value, Sequence) else []
        if not ticked:
            raise ValidationError("Tick the pairs that you mean.")
        if len(ticked) > PER_PAGE:
            raise ValidationError(f"Tick at most {PER_PAGE} pairs at once.")
        return [_pair(str(one)) for one in ticked]


class WaiversForm(WaiverForm):
    """The same decision, with one reason, about several pairs."""

    pair = _Ticked()

    def clean(self) -> dict[str, object]:
        said = super().clean() or {}
        if said.get("decision") == STAY and not said.get("reason"):
            self.add_error("reason", "Say why they stay, in at most 500 characters.")
        return said

    def problems(self) -> list[str]:
        """What is wrong, in sentences."""
        return [str(text) for texts in self.errors.values() for text in texts]


def _pair(text: str) -> tuple[UUID, int]:
    proposal, _, number = text.partition("/")
    try:
        return UUID(proposal), int(number)
    except ValueError:
        raise ValidationError("Load the page again: a ticked pair is not known.") from None
