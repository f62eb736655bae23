"""What the substitutes pages accept; whether it makes sense is checked by the service."""

from django import forms

from harvesting.mappings import LONGEST_REASON


class MappingForm(forms.Form):
    """A substitute for a security, by symbol; for the firm where no household is chosen."""

    security = forms.CharField(max_length=20)
    substitute = forms.CharField(max_length=20)
    rank = forms.IntegerField()
    household = forms.UUIDField(required=False)
    reason = forms.CharField(max_length=LONGEST_REASON)
    since = forms.DateField(required=False)
    valid_until = forms.DateField(required=False)


class ReviewForm(forms.Form):
    """A word on a mapping in force: it stays, or it ends."""

    what = forms.ChoiceField(choices=[("review", "Review"), ("end", "End")])
    reason = forms.CharField(max_length=LONGEST_REASON)
    valid_until = forms.DateField(required=False)
