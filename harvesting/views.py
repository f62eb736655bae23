"""What the last scan decided about loss lots: of a household, and of the whole firm."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.paging import page_of
from accounts.selectors import household
from harvesting import explanation, selectors
from harvesting.selectors import Tab


@require_safe
def losses(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Every loss lot of a household with its verdict and the sum behind it."""
    user = person(request)
    rows = selectors.findings(user, public_id)
    context = _tabs(request, rows, selectors.findings(user, public_id, _tab(request)))
    context["household"] = household(user, public_id)
    return render(request, "harvesting/losses.html", context)


@require_safe
def firm_losses(request: HttpRequest) -> HttpResponse:
    """The same of all households, the largest net first."""
    user = person(request)
    rows = selectors.firm_findings(user)
    context = _tabs(request, rows, selectors.firm_findings(user, _tab(request)))
    return render(request, "harvesting/firm_losses.html", context)


def _tabs(request: HttpRequest, every: QuerySet[Any], shown: QuerySet[Any]) -> dict[str, Any]:
    return {
        **page_of(request, shown),
        "tabs": selectors.tab_counts(every),
        "chosen": _tab(request),
        "scanned": every.first(),
        "terms": explanation.TERMS,
    }


def _tab(request: HttpRequest) -> Tab:
    wanted = request.GET.get("tab", "")
    return Tab(wanted) if wanted in set(Tab) else Tab.TAKE
