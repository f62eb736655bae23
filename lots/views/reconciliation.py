"""Where the lots and the custodian say different things."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.selectors import business_date
from lots import selectors


@require_safe
def breaks(request: HttpRequest) -> HttpResponse:
    """Every difference of the firm, the oldest first, and how many accounts have no statement."""
    user = person(request)
    assert user.firm is not None, "person refuses users without a firm"
    today = business_date(user.firm)
    context = {"found": selectors.position_breaks(user, today), "today": today}
    return render(request, "lots/reconciliation.html", context)
