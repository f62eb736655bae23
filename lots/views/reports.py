"""The tax reports of a household: pages, printable forms, files, and the mark that a year was given out."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Action, person, require
from accounts.errors import Conflict
from accounts.selectors import business_date
from accounts.selectors import household as household_of
from lots.reports.contents import form_8949_report, gains_report
from lots.reports.files import csv_text
from lots.reports.tables import Report
from lots.reports.txf import txf_text
from lots.selectors import reports as stored
from lots.selectors import year_reports
from lots.selectors.tax_desk import NoSuchReturn, TaxDesk, tax_desk
from lots.services import reporting

_YEARS = range(1913, 3000)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REPORTS: dict[str, tuple[str, Callable[[TaxDesk], Report]]] = {
    "form-8949": (
        "Form 8949 and Schedule D",
        lambda desk: form_8949_report(year_reports.year_report(desk)),
    ),
    "gains": ("Realised gains", lambda desk: gains_report(year_reports.year_report(desk))),
    "unrealized": ("Unrealised gains", year_reports.held),
    "reconciliation": ("Household and broker", year_reports.reconciliation),
    "carryforward": ("Carryforward", year_reports.carried),
    "readings": ("Other readings of the law", year_reports.other_readings),
}


def _xlsx(report: Report) -> bytes:
    from lots.reports.workbooks import (
        xlsx_bytes,  # brings numpy: half a second that no other page needs
    )

    return xlsx_bytes(report)


def _csv(report: Report) -> bytes:
    return csv_text(report).encode()


_FILES: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "xlsx": (_XLSX, _xlsx),
}


@require_safe
def taxes(request: HttpRequest, public_id: UUID, year: int | None = None) -> HttpResponse:
    """A household's tax year: state, totals, other readings of the law, and the way to every report."""
    user = person(request)
    household = household_of(user, public_id)
    chosen = _checked(business_date(household.firm).year if year is None else year)
    context: dict[str, object] = {
        "household": household,
        "year": chosen,
        "years": sorted({chosen, *stored.tax_years(household.pk)}, reverse=True),
        "reports": [(slug, title) for slug, (title, _) in _REPORTS.items()],
    }
    try:
        desk = tax_desk(household, chosen, request.GET.get("return", ""))
    except NoSuchReturn as nothing:
        if request.GET.get("return"):
            raise Http404(str(nothing)) from nothing
        return render(request, "lots/taxes.html", {**context, "nothing": str(nothing)})
    return render(request, "lots/taxes.html", {**context, **_year_context(desk)})


def _year_context(desk: TaxDesk) -> dict[str, object]:
    shown = year_reports.year_report(desk)
    reported = stored.reported_years(desk.household.pk, desk.year)
    return {
        "desk": desk,
        "heading": shown.heading,
        "schedule": shown.schedule,
        "form": shown.form,
        "reported": reported,
        "changed": bool(reported) and reporting.differs_from_reported(desk, reported[0]),
        "readings": year_reports.other_readings(desk),
    }


@require_safe
def tax_report(request: HttpRequest, public_id: UUID, year: int, report: str) -> HttpResponse:
    """One report as a page that prints."""
    desk = _desk(request, public_id, year)
    title, make = _report(report)
    context = {
        "desk": desk,
        "household": desk.household,
        "year": year,
        "title": title,
        "report": make(desk),
        "heading": year_reports.heading(desk),
    }
    return render(request, "lots/tax_report.html", context)


@require_safe
def tax_file(
    request: HttpRequest, public_id: UUID, year: int, report: str, extension: str
) -> HttpResponse:
    """One report as a file."""
    desk = _desk(request, public_id, year)
    content_type, content = _file(desk, report, extension)
    response = HttpResponse(content, content_type=content_type)
    name = f"{report}-{year}-{desk.filing.key}.{extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file(desk: TaxDesk, report: str, extension: str) -> tuple[str, bytes]:
    """Content type and bytes. Raises Http404 for a file that there is not."""
    _, make = _report(report)
    if (report, extension) == ("form-8949", "txf"):
        form = year_reports.year_report(desk).form
        text = txf_text(form, program="Lotwise (draft)", exported_on=desk.as_of)
        return "text/plain; charset=us-ascii", text.encode("ascii")
    if extension not in _FILES:
        raise Http404(f"There is no file {extension} of {report}.")
    content_type, write = _FILES[extension]
    return content_type, write(make(desk))


@require_POST
def mark_reported(request: HttpRequest, public_id: UUID, year: int) -> HttpResponse:
    """Keep the year's figures as they are given out now."""
    user = person(request)
    household = household_of(user, public_id)
    require(user, Action.DECIDE)
    try:
        reporting.mark_reported(user=user, household=household, year=_checked(year))
    except NoSuchReturn as nothing:
        raise Http404(str(nothing)) from nothing
    except Conflict as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The figures of {year} are kept as reported.")
    return redirect("tax-year", public_id=public_id, year=year)


def _desk(request: HttpRequest, public_id: UUID, year: int) -> TaxDesk:
    household = household_of(person(request), public_id)
    try:
        return tax_desk(household, _checked(year), request.GET.get("return", ""))
    except NoSuchReturn as nothing:
        raise Http404(str(nothing)) from nothing


def _checked(year: int) -> int:
    """Raises Http404 for a number that is no tax year."""
    if year not in _YEARS:
        raise Http404(f"{year} is no tax year.")
    return year


def _report(slug: str) -> tuple[str, Callable[[TaxDesk], Report]]:
    if slug not in _REPORTS:
        raise Http404(f"There is no report {slug}.")
    return _REPORTS[slug]
