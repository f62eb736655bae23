"""What the pages of the harvest accept."""

from django import forms


class WaiverForm(forms.Form):
    """Stay with a substitute, and why; or take that back."""

    decision = forms.ChoiceField(choices=[("stay", "Stay"), ("decide", "Decide again")])
    reason = forms.CharField(required=False, max_length=500)
