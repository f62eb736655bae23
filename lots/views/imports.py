"""Imports through the browser: transactions, prices and positions, all or nothing per file."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Action, person, require
from accounts.selectors import accounts
from lots import selectors, services
from lots.forms import ConfirmForm, UploadForm
from securities.importers.refusal import ImportRefused


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """The upload forms and the files booked so far; a file of transactions is looked at before it is booked."""
    user = person(request)
    if request.method != "POST":
        return _imports_page(request)
    require(user, Action.IMPORT)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _imports_page(request, refused="The upload", problems=["Choose a file."])
    upload = form.cleaned_data["file"]
    try:
        checked = form.cleaned_data["checked"]
        if form.cleaned_data["what"] == "prices":
            said = services.upload_prices(user=user, file=upload, checked=checked)
        elif form.cleaned_data["what"] == "positions":
            said = services.upload_positions(user=user, file=upload, checked=checked)
        else:
            account = form.cleaned_data["account"]
            seen = services.draft_import(user=user, file=upload, account=account)
            if seen.draft is not None:
                return render(request, "lots/import_preview.html", {"preview": seen})
            said = seen.sentence
    except ImportRefused as refusal:
        return _imports_page(request, refused=upload.name, problems=refusal.problems)
    messages.success(request, said)
    return redirect("imports")


@require_POST
def import_draft(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Book the file that was looked at, or forget it."""
    user = person(request)
    form = ConfirmForm(request.POST)
    if form.is_valid() and form.cleaned_data["discard"]:
        messages.success(request, services.discard_import(user=user, public_id=public_id))
        return redirect("imports")
    sha256 = form.cleaned_data["sha256"] if form.is_valid() else ""
    try:
        said = services.confirm_import(user=user, public_id=public_id, sha256=sha256)
    except services.PreviewOutdated as outdated:
        context = {"preview": outdated.preview, "outdated": outdated}
        return render(request, "lots/import_preview.html", context, status=outdated.status)
    except ImportRefused as refusal:
        return _imports_page(request, refused="The file", problems=refusal.problems)
    messages.success(request, said)
    return redirect("imports")


def _imports_page(
    request: HttpRequest, *, refused: str | None = None, problems: object = ()
) -> HttpResponse:
    user = person(request)
    context = {
        "accounts": accounts(user).order_by("household__name", "pk"),
        "files": selectors.imported_files(user)[:20],
        "refused_file": refused,
        "problems": problems,
    }
    return render(request, "lots/imports.html", context, status=200 if refused is None else 422)
