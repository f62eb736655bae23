"""Nights: how far a scan is, and how every account ended."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.paging import page_of
from scans import selectors, services


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """All nights of the firm, the latest first."""
    return render(request, "scans/runs.html", page_of(request, selectors.runs(person(request))))


@require_safe
def run(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One night; the page asks for its progress part every two seconds while it runs."""
    user = person(request)
    context = {
        "run": selectors.run(user, public_id),
        "progress": selectors.progress(user, public_id),
    }
    if getattr(request, "htmx", False):
        return render(request, "scans/run.html#progress", context)
    context.update(page_of(request, selectors.account_outcomes(user, public_id)))
    return render(request, "scans/run.html", context)


@require_POST
def reopen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Try the households again that were given up."""
    user = person(request)
    count = services.reopen_failed(user=user, run=selectors.run(user, public_id))
    messages.success(request, f"{count} household{'' if count == 1 else 's'} will be tried again.")
    return redirect("scan", public_id=public_id)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Open a night and wake the workers."""
    opened = services.start_run_now(user=person(request))
    return redirect("scan", public_id=opened.public_id)
