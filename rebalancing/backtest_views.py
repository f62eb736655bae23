"""What ways to rebalance would have cost in three decades: the same for every firm, nobody's data."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from rebalancing.backtest import page
from rebalancing.backtest.report import CAVEATS, QUESTION, SIGNS
from rebalancing.backtest.results import csv_text
from rebalancing.backtest.tables import TableName


@require_safe
def rebalance(request: HttpRequest) -> HttpResponse:
    """The backtest as it was computed when its results were last shipped."""
    person(request)
    context = {
        "caveats": CAVEATS,
        "days": page.DAYS,
        "sections": page.sections(),
        "question": QUESTION,
        "signs": SIGNS,
        "verdict": page.verdict(),
    }
    return render(request, "rebalancing/backtest.html", context)


@require_safe
def rebalance_file(request: HttpRequest, rebalance_table: str) -> HttpResponse:
    """Every run of a table as CSV."""
    person(request)
    try:
        table = TableName(rebalance_table)
    except ValueError as error:
        raise Http404(f"There is no table {rebalance_table}.") from error
    response = HttpResponse(csv_text(table), content_type="text/csv; charset=utf-8")
    name = f"backtest-rebalance-{table.value}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
