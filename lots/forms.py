"""What the import pages accept; the content of a file is checked by its importer."""

from dataclasses import replace
from typing import Any

from django import forms

from lots.policy_points import POINTS
from lots.types import Policy


class UploadForm(forms.Form):
    """A file; the account where it names none; whether odd prices, or another statement of a day, were looked at."""

    what = forms.ChoiceField(
        choices=[
            ("transactions", "Transactions"),
            ("prices", "Prices"),
            ("positions", "Positions"),
        ]
    )
    file = forms.FileField(max_length=255)
    account = forms.UUIDField(required=False)
    checked = forms.BooleanField(required=False)


class ConfirmForm(forms.Form):
    """The hash of the bytes that were looked at; or that they shall be forgotten."""

    sha256 = forms.CharField(max_length=64, required=False)
    discard = forms.BooleanField(required=False)


class PolicyForm(forms.Form):
    """An answer to every unsettled point, why, and the hash of the effect that was shown."""

    reason = forms.CharField(max_length=2_000)
    shown = forms.CharField(max_length=64, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for point in POINTS:
            choices = [(value.value, text) for value, text in point.answers]
            self.fields[point.field] = forms.ChoiceField(choices=choices)

    def policy(self) -> Policy:
        """The answers of a valid form as the engine takes them."""
        answers: dict[str, Any] = {
            point.field: type(point.default)(self.cleaned_data[point.field]) for point in POINTS
        }
        return replace(Policy(), **answers)
