"""A household's drift from its model."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.selectors import household
from rebalancing import drift_panels, selectors


@require_safe
def drift(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Weights, targets and bands, security by security."""
    shown = household(person(request), public_id)
    context = {
        "household": shown,
        **selectors.drift_page(shown),
        "panels": drift_panels.of(shown),
    }
    return render(request, "rebalancing/drift.html", context)
