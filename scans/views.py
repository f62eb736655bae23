"""Nights: how far a scan is, and how every account ended."""

import csv
from collections.abc import Iterator
from io import StringIO
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.paging import page_of
from accounts.selectors import household
from scans import operations, selectors, services
from scans.types import Ended


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


@require_safe
def operations_page(request: HttpRequest) -> HttpResponse:
    """Alarms, the last nights, and how often every enabled account was really looked at."""
    user = person(request)
    found = operations.operations(user, timezone.now())
    context = {"operations": found, **page_of(request, found.rows)}
    shown = [row.account.id for row in (*context["page"], *found.idle)]
    context["acted"] = operations.last_acted(user, shown)
    return render(request, "scans/operations.html", context)


@require_safe
def coverage_file(request: HttpRequest) -> StreamingHttpResponse:
    """The scan coverage of the last sixty nights as CSV: a line for each account and night."""
    lines = operations.coverage_lines(person(request), timezone.now())
    response = StreamingHttpResponse(_csv(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="scan-coverage.csv"'
    return response


def _csv(lines: Iterator[list[str]]) -> Iterator[str]:
    buffer = StringIO()
    writer = csv.writer(buffer)
    for line in lines:
        writer.writerow(line)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


@require_POST
def look_again(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Look at one household now and show what was decided."""
    user = person(request)
    looked_at = household(user, public_id)
    if services.scan_household_now(user=user, household=looked_at) is Ended.DONE:
        messages.success(request, f"{looked_at.name} was looked at again.")
    else:
        messages.error(
            request,
            f"{looked_at.name} could not be looked at: the log has the reason. It is tried again.",
        )
    return redirect("household-losses", public_id=public_id)
