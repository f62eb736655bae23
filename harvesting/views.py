"""What the last scan decided about a household's loss lots, and what the finder would have made of three decades."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.selectors import household
from harvesting import selectors
from harvesting.backtest import page
from harvesting.backtest.report import CAVEATS
from harvesting.backtest.results import csv_text
from harvesting.backtest.tables import TableName


@require_safe
def losses(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Every loss lot with its verdict and the figures behind it."""
    user = person(request)
    context = {
        "household": household(user, public_id),
        "findings": selectors.findings(user, public_id),
    }
    return render(request, "harvesting/losses.html", context)


@require_safe
def backtest_harvest(request: HttpRequest) -> HttpResponse:
    """The backtest as it was computed for this version: nobody's data, the same for every firm."""
    context = {
        "answer": page.ANSWER,
        "caveats": CAVEATS,
        "days": page.DAYS,
        "sections": page.sections(),
    }
    return render(request, "harvesting/backtest.html", context)


@require_safe
def backtest_harvest_file(request: HttpRequest, backtest_table: str) -> HttpResponse:
    """Every run of a table as CSV."""
    try:
        table = TableName(backtest_table)
    except ValueError as error:
        raise Http404(f"There is no table {backtest_table}.") from error
    response = HttpResponse(csv_text(table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="backtest-harvest-{table.value}.csv"'
    return response
