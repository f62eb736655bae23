"""What the finder would have made of three decades: the same for every firm, nobody's data."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from harvesting.backtest import page
from harvesting.backtest.report import CAVEATS
from harvesting.backtest.results import csv_text
from harvesting.backtest.tables import TableName


@require_safe
def harvest(request: HttpRequest) -> HttpResponse:
    """The backtest as it was computed when its results were last shipped."""
    person(request)
    context = {
        "answer": page.ANSWER,
        "caveats": CAVEATS,
        "days": page.DAYS,
        "sections": page.sections(),
    }
    return render(request, "harvesting/backtest.html", context)


@require_safe
def harvest_file(request: HttpRequest, backtest_table: str) -> HttpResponse:
    """Every run of a table as CSV."""
    person(request)
    try:
        table = TableName(backtest_table)
    except ValueError as error:
        raise Http404(f"There is no table {backtest_table}.") from error
    response = HttpResponse(csv_text(table), content_type="text/csv; charset=utf-8")
    name = f"backtest-harvest-{table.value}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
