"""What trading cost, beside what was expected of it."""

from django.http import FileResponse, HttpRequest, HttpResponse
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
    context = {**page_of(request, cost_pages.chosen(found)), **cost_pages.summary(found)}
    return render(request, "proposals/trading_costs.html", context)


@require_safe
def trading_costs_csv(request: HttpRequest) -> FileResponse:
    """All orders of the month that the page with the same address shows, or of all months."""
    user = person(request)
    assert user.firm is not None, "a person has a firm"
    today = business_date(user.firm)
    found = cost_pages.measured(user, today, request.GET.get("month", ""))
    name = f"{found.month:%Y-%m}" if found.month else str(today)
    return FileResponse(
        cost_pages.csv_file(found),
        as_attachment=True,
        filename=f"trading-costs-{name}.csv",
        content_type="text/csv; charset=utf-8",
    )
