"""Imports through the browser: transactions and prices, all or nothing per file."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Action, person, require
from accounts.selectors import accounts
from lots import selectors, services
from lots.forms import UploadForm
from securities.importers.refusal import ImportRefused


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """The upload forms and the files booked so far; a refused file comes back with every problem."""
    user = person(request)
    refused: dict[str, object] = {}
    if request.method == "POST":
        require(user, Action.IMPORT)
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                messages.success(request, services.upload(user=user, **form.cleaned_data))
                return redirect("imports")
            except ImportRefused as refusal:
                refused = {"refused_file": upload.name, "problems": refusal.problems}
        else:
            refused = {"refused_file": "The upload", "problems": ["Choose a file."]}
    context = {
        "accounts": accounts(user).order_by("household__name", "pk"),
        "files": selectors.imported_files(user)[:20],
        **refused,
    }
    return render(request, "lots/imports.html", context, status=422 if refused else 200)
