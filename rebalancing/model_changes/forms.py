"""What the forms of a model's change accept: weights as people write them, one row a name."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.model_changes.universe_drafts import MOST_STEPS, ListedChange
from rebalancing.model_changes.view_words import Stated

LONGEST_REASON = 2_000
MOST_ROWS = 500
BLANK_ROWS = 5
_SIGNED_PER_CENT = re.compile(r"(-?\d{1,3}(?:\.\d{1,6})?) ?%?")
_PER_CENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%?")
ADD, DELETE = "add", "delete"


class WeightField(forms.Field):
    """A weight in per cent, ``2.5`` or ``2.5 %``; a fraction with eight decimals, None where it is empty."""

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError for anything but a number above 0 and up to 100."""
        text = str(value or "").strip()
        if not text:
            return None
        match = _PER_CENT.fullmatch(text)
        weight = Decimal(match.group(1)) / 100 if match else Decimal(0)
        if not 0 < weight <= 1:
            raise forms.ValidationError(
                "Give a weight in per cent, above 0 and up to 100, such as 2.5; at most 6 decimals."
            )
        return weight


class _DeskForm(forms.Form):
    """A form whose fields look like those of the desk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            chosen = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if chosen else "form-control"

    def go_to_fault(self) -> None:
        """Have the browser go to the first field that is refused: a form may stand far down its page."""
        for name in self.fields:
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                return


class ChangeForm(_DeskForm):
    """One row: a name that comes in with a weight, or leaves with an exit rule. An empty row is none."""

    action = forms.ChoiceField(
        label="What", choices=[(ADD, "comes in"), (DELETE, "leaves")], required=False
    )
    symbol = forms.CharField(label="Symbol", max_length=20, required=False)
    weight = WeightField(label="Weight, %", required=False)
    exit_rule = forms.ChoiceField(
        label="Its shares",
        choices=[("", "-"), *((rule.value, rule.label) for rule in ExitRule)],
        required=False,
    )
    note = forms.CharField(label="Note", max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuses a row that is neither."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or self.is_empty:
            return cleaned
        comes = cleaned.get("action") == ADD
        if not cleaned.get("symbol"):
            self.add_error("symbol", "Which name?")
        if comes and cleaned.get("weight") is None:
            self.add_error("weight", "A name that comes in needs a weight.")
        if not comes and cleaned.get("weight") is not None:
            self.add_error("weight", "A name that leaves has no weight: leave it empty.")
        if not comes and not cleaned.get("exit_rule"):
            self.add_error("exit_rule", "Say what becomes of its shares.")
        if comes and cleaned.get("exit_rule"):
            self.add_error("exit_rule", "A name that comes in leaves nothing: choose -.")
        return cleaned

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed into it; the two choices alone say nothing."""
        given = self.cleaned_data
        return not (given.get("symbol") or given.get("weight") or given.get("note"))

    def listed(self) -> ListedChange:
        """The row of a valid form."""
        given = self.cleaned_data
        comes = given["action"] == ADD
        return ListedChange(
            symbol=given["symbol"].upper(),
            weight=given["weight"] if comes else None,
            rule=None if comes else ExitRule(given["exit_rule"]),
            note=given["note"],
        )


class PerCentField(forms.Field):
    """A percentage such as ``8``, ``-2.5`` or ``60 %``; a fraction with eight decimals."""

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError for what is no number of per cent."""
        text = str(value or "").strip().replace("−", "-")
        if not text:
            return None
        match = _SIGNED_PER_CENT.fullmatch(text)
        if match is None:
            raise forms.ValidationError("Give per cent, such as 8 or 2.5; at most 6 decimals.")
        return Decimal(match.group(1)) / 100 + 0  # -0 is 0


class ViewForm(_DeskForm):
    """A view on the return of a name of the model, with a reason; the names to choose from are the model's."""

    symbol = forms.ChoiceField(label="Name")
    over = forms.ChoiceField(label="Better than", required=False)
    yearly_return = PerCentField(label="By, % a year")
    confidence = PerCentField(label="Confidence, %")
    since = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )
    until = forms.DateField(
        label="Through, if it ends",
        widget=forms.DateInput(attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
        required=False,
    )
    reason = forms.CharField(label="Why", max_length=LONGEST_REASON)

    def __init__(self, *args: Any, members: Sequence[str], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(one, one) for one in members]
        for name, chosen in (("symbol", names), ("over", [("", "cash"), *names])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = chosen
        self.fields["since"].initial = today.isoformat()

    def stated(self) -> Stated:
        """The view of a valid form."""
        given = self.cleaned_data
        return Stated(
            symbol=given["symbol"],
            over=given["over"] or None,
            yearly_return=given["yearly_return"],
            confidence=given["confidence"],
            since=given["since"],
            until=given["until"],
        )


class WhenForm(_DeskForm):
    """From which day on, over how many trading days."""

    effective_on = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )
    steps = forms.IntegerField(
        label="Trading days to get there", min_value=1, max_value=MOST_STEPS, initial=1
    )


class UniverseForm(WhenForm):
    """The list as a whole."""

    freed = forms.ChoiceField(
        label="What is left over goes to", choices=[(one.value, one.label) for one in Freed]
    )
    reason = forms.CharField(label="Why", max_length=LONGEST_REASON)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["effective_on"].initial = today.isoformat()


def change_rows(
    data: Any = None, *, initial: Any = None, more: int = 0
) -> "BaseFormSet[ChangeForm]":
    """The rows of the list, with ``more`` empty ones beside those that were typed."""
    factory = formset_factory(
        ChangeForm, extra=BLANK_ROWS + more, max_num=MOST_ROWS, absolute_max=MOST_ROWS
    )
    return factory(data, initial=initial, prefix="rows")


class ConstituentsForm(_DeskForm):
    """A file to look at; or the text that was looked at, to be drafted."""

    file = forms.FileField(label="CSV file", max_length=255, required=False)
    text = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    name = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)
    exit_rule = forms.ChoiceField(
        label="Shares of names that leave",
        choices=[(rule.value, rule.label) for rule in ExitRule],
        initial=ExitRule.NO_GAINS.value,
    )
    steps = forms.IntegerField(
        label="Trading days to get there", min_value=1, max_value=MOST_STEPS, initial=1
    )

    def clean(self) -> dict[str, Any]:
        """Refuses a form without a file."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("file") and not cleaned.get("text"):
            self.add_error("file", "Choose a file.")
        return cleaned

    def given(self) -> tuple[str, bytes]:
        """Name and bytes of a valid form's file."""
        upload = self.cleaned_data["file"]
        if upload:
            return upload.name, upload.read()
        return self.cleaned_data["name"] or "constituents.csv", self.cleaned_data["text"].encode()
