"""What trading cost, beside what was expected of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.paging import page_of
from accounts.selectors import business_date
from proposals import cost_pages


@require_safe
def trading_costs(request: HttpRequest) -> HttpResponse:
    """The months, what they say about the costs that are counted, and each order."""
    user = person(request)
    assert user.firm is not None, "a person has a firm"
    found = cost_pages.measured(user, business_date(user.firm), request.GET.get("month", ""))
    paged = page_of(request, found.chosen)
    context = {**paged, **cost_pages.summary(found), "lines": cost_pages.lines(list(paged["page"]))}
    return render(request, "proposals/trading_costs.html", context)


@require_safe
def trading_costs_csv(request: HttpRequest) -> HttpResponse:
    """All orders of the month that the page with the same address shows, or of all months."""
    user = person(request)
    assert user.firm is not None, "a person has a firm"
    today = business_date(user.firm)
    found = cost_pages.measured(user, today, request.GET.get("month", ""))
    text = cost_pages.csv_text(cost_pages.lines(found.chosen))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    name = f"trading-costs-{found.month or today}"
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
