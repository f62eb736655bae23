"""What the import pages accept; the content of a file is checked by its importer."""

from django import forms


class UploadForm(forms.Form):
    """A file of transactions or prices; the account where the file names none; whether odd prices were looked at."""

    what = forms.ChoiceField(choices=[("transactions", "Transactions"), ("prices", "Prices")])
    file = forms.FileField(max_length=255)
    account = forms.UUIDField(required=False)
    checked = forms.BooleanField(required=False)


class ConfirmForm(forms.Form):
    """The hash of the bytes that were looked at; or that they shall be forgotten."""

    sha256 = forms.CharField(max_length=64, required=False)
    discard = forms.BooleanField(required=False)
