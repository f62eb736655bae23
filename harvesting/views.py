"""What the last scan decided about a household's loss lots."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.selectors import household
from harvesting import selectors


@require_safe
def losses(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Every loss lot with its verdict and the figures behind it."""
    user = person(request)
    context = {
        "household": household(user, public_id),
        "findings": selectors.findings(user, public_id),
    }
    return render(request, "harvesting/losses.html", context)
