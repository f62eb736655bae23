"""What the desk's forms accept."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from accounts.models import choices
from accounts.typed_dollars import DollarsField
from accounts.types import PRICE_LIMIT
from proposals.types import CashFlowKind, OrderType, Proration, RestrictionKind, Verdict


class DecisionForm(forms.Form):
    """A verdict on exactly the content whose hash comes along."""

    verdict = forms.ChoiceField(choices=[(verdict.value, verdict.value) for verdict in Verdict])
    note = forms.CharField(required=False, max_length=2000)
    content_sha256 = forms.RegexField(r"^[0-9a-f]{64}$")
    # Ticked: the dollars of deferred loss that are accepted, as the page stated them.
    accept_wash = forms.DecimalField(required=False, min_value=0, max_digits=20, decimal_places=4)


class BudgetForm(forms.Form):
    """The limits of a year in dollars, empty = no limit, how they open over it, and why."""

    year = forms.IntegerField(label="Year", min_value=1990, max_value=2099)
    short_limit = DollarsField("Net short-term gain, $")
    long_limit = DollarsField("Net long-term gain, $")
    tax_limit = DollarsField("Tax that sales here add, $")
    proration = forms.TypedChoiceField(
        label="May be used", choices=choices(Proration), coerce=Proration
    )
    reason = forms.CharField(label="Why", max_length=2_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "budget-%s", **kwargs})

    @property
    def figures(self) -> list[forms.BoundField]:
        """The fields of one line each."""
        return [self[name] for name in ("year", "short_limit", "long_limit", "tax_limit")]


class HandlingForm(forms.Form):
    """How one order is to be traded; only a limit order has a price. The rules of the price are the service's."""

    type = forms.TypedChoiceField(
        label="Type",
        choices=choices(OrderType),
        coerce=OrderType,
        widget=forms.Select({"class": "form-select form-select-sm"}),
    )
    limit_price = DollarsField(
        "Limit, $ a share",
        max_value=PRICE_LIMIT - 1,
        decimal_places=4,
        widget=forms.TextInput(
            {"class": "form-control form-control-sm", "inputmode": "decimal", "size": 10}
        ),
    )

    def problems(self) -> list[str]:
        """What is wrong, in sentences."""
        return [
            f"{self.fields[name].label}: {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
        ]


class FillsForm(forms.Form):
    """A file of fills; its content is checked by the importer."""

    file = forms.FileField()


class RestrictionForm(forms.Form):
    """What is restricted. Without an account it is the whole household, without days from today and for good."""

    security = forms.CharField(max_length=20)
    kind = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in RestrictionKind])
    account = forms.UUIDField(required=False)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    limit = forms.DecimalField(required=False, min_value=0, max_value=1, decimal_places=8)
    reason = forms.CharField(max_length=2000)

    def problems(self) -> list[str]:
        """What is wrong, in sentences."""
        return [
            f"{self.fields[name].label or name.capitalize()}: {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
        ]


class LiftForm(forms.Form):
    """The restriction that is over, and why."""

    restriction = forms.IntegerField(min_value=1)
    reason = forms.CharField(max_length=2000)


class CashFlowForm(forms.Form):
    """Cash that leaves or comes in; without an account it is the household's. The rules are the service's."""

    kind = forms.TypedChoiceField(
        label="What",
        choices=[(kind.value, kind.told.capitalize()) for kind in CashFlowKind],
        coerce=CashFlowKind,
    )
    account = forms.UUIDField(label="Account", required=False)
    amount = DollarsField("Amount, $", required=True)
    due_on = forms.DateField(label="Due on")
    reason = forms.CharField(label="What for", max_length=2_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "flow-%s", **kwargs})

    def problems(self) -> list[str]:
        """What is wrong, in sentences."""
        return _sentences(self)


class EndFlowForm(forms.Form):
    """The cash flow that has happened, or is called off and why."""

    CALLED_OFF = "called_off"
    WORDS: ClassVar = {"settled": "settled", CALLED_OFF: "called off"}

    flow = forms.IntegerField(label="Cash flow", min_value=1)
    how = forms.ChoiceField(label="How", choices=list(WORDS.items()))
    reason = forms.CharField(label="Why", required=False, max_length=2_000)

    def clean(self) -> dict[str, Any]:
        """Nothing is called off without a reason."""
        said: dict[str, Any] = self.cleaned_data
        if said.get("how") == self.CALLED_OFF and not said.get("reason", "."):
            self.add_error(None, "Say in a sentence why it is called off.")
        return said

    def problems(self) -> list[str]:
        """What is wrong, in sentences."""
        return _sentences(self)


def _sentences(form: forms.Form) -> list[str]:
    """Each field's errors after its label, those of the whole form as they are."""
    return [
        str(error) if name == NON_FIELD_ERRORS else f"{form.fields[name].label}: {error}"
        for name, errors in form.errors.items()
        for error in errors
    ]
