"""What the desk's forms accept."""

from django import forms

from proposals.types import Verdict


class DecisionForm(forms.Form):
    """A verdict on exactly the content whose hash comes along."""

    verdict = forms.ChoiceField(choices=[(verdict.value, verdict.value) for verdict in Verdict])
    note = forms.CharField(required=False, max_length=2000)
    content_sha256 = forms.RegexField(r"^[0-9a-f]{64}$")
    # Ticked: the dollars of deferred loss that are accepted, as the page stated them.
    accept_wash = forms.DecimalField(required=False, min_value=0, max_digits=20, decimal_places=4)


class FillsForm(forms.Form):
    """A file of fills; its content is checked by the importer."""

    file = forms.FileField()
