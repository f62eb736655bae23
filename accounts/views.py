"""The list of households."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import selectors
from accounts.access import person
from accounts.paging import page_of


@require_safe
def households(request: HttpRequest) -> HttpResponse:
    """All households of the firm, searched by name."""
    rows = selectors.households(person(request))
    search = request.GET.get("q", "").strip()
    if search:
        rows = rows.filter(name__icontains=search)
    context = {**page_of(request, rows), "search": search}
    return render(request, "accounts/households.html", context)
