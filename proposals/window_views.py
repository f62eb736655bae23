"""The windows of a firm and of a household, and the restrictions on a household."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Action, may, person
from accounts.paging import page_of
from accounts.selectors import account, accounts, business_date, household
from proposals import selectors, services, window_pages
from proposals.forms import CashFlowForm, LiftForm, RestrictionForm
from proposals.types import RestrictionKind
from proposals.window_pages import WindowLine
from proposals.window_timeline import timeline
from securities.selectors import security_ids


@require_safe
def firm_windows(request: HttpRequest) -> HttpResponse:
    """Every household with a window open, page by page."""
    context = _firm_page(request)
    return render(request, "proposals/firm_windows.html", context)


@require_safe
def firm_windows_csv(request: HttpRequest) -> HttpResponse:
    """The rows that the page with the same address shows."""
    page = _firm_page(request)
    return _csv(page["lines"], f"windows-{page['as_of']}")


def _firm_page(request: HttpRequest) -> dict[str, Any]:
    user = person(request)
    assert user.firm is not None, "a person has a firm"
    as_of = business_date(user.firm)
    way, wanted = window_pages.way_of(request.GET), window_pages.filter_of(request.GET)
    paged = page_of(request, selectors.window_households(user, as_of, wanted))
    shown = list(paged["page"])
    return {
        **paged,
        "lines": window_pages.lines(shown, as_of, way, wanted),
        "way": way,
        "wanted": wanted,
        "kept": window_pages.without_way(request.GET),
        "as_of": as_of,
    }


@require_safe
def household_windows(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One household: its table, its timeline, and the tax engine's word on each position."""
    return show_household(request, public_id)


def show_household(
    request: HttpRequest,
    public_id: UUID,
    *,
    flow_form: CashFlowForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a household, perhaps with a form of cash ahead that was refused."""
    user = person(request)
    shown = household(user, public_id)
    as_of = business_date(shown.firm)
    way = window_pages.way_of(request.GET)
    found = selectors.household_windows(shown, as_of)
    context = {
        "household": shown,
        "found": found,
        "lines": window_pages.lines_of(shown, found.rows, way),
        "timeline": timeline(found.rows, as_of),
        "way": way,
        "as_of": as_of,
        "accounts": accounts(user).filter(household=shown),
        "may_restrict": may(user, Action.DECIDE),
        "flows": selectors.open_cash_flows(shown),
        "flow_form": flow_form or CashFlowForm(),
    }
    return render(request, "proposals/household_windows.html", context, status=status)


@require_safe
def household_windows_csv(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The table of the page with the same address."""
    shown = household(person(request), public_id)
    as_of = business_date(shown.firm)
    rows = selectors.window_rows_of(shown.firm_id, [shown.pk], as_of)[shown.pk]
    way = window_pages.way_of(request.GET)
    return _csv(window_pages.lines_of(shown, rows, way), f"windows-{as_of}")


@require_POST
def restrict(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Forbid purchases or sales of a security in the household, or in one of its accounts."""
    user = person(request)
    shown = household(user, public_id)
    form = RestrictionForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.problems()))
        return redirect("household-windows", public_id=public_id)
    said = form.cleaned_data
    security = security_ids(shown.firm_id).get(said["security"])
    if security is None:
        messages.error(request, f"{said['security']} is no security of the firm: use its symbol.")
        return redirect("household-windows", public_id=public_id)
    services.restrict(
        user=user,
        security_id=security,
        kind=RestrictionKind(said["kind"]),
        reason=said["reason"],
        since=said["since"],
        until=said["until"],
        limit=said["limit"],
        household_id=shown.pk,
        account_id=account(user, said["account"]).pk if said["account"] else None,
    )
    messages.success(request, f"{said['security']} is restricted.")
    return redirect("household-windows", public_id=public_id)


@require_POST
def lift_restriction(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End a restriction today."""
    user = person(request)
    household(user, public_id)
    form = LiftForm(request.POST)
    if form.is_valid():
        services.lift_restriction(
            user=user,
            restriction_id=form.cleaned_data["restriction"],
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, "The restriction is lifted.")
    else:
        messages.error(request, "Say in a sentence why the restriction is lifted.")
    return redirect("household-windows", public_id=public_id)


def _csv(lines: Iterable[WindowLine], name: str) -> HttpResponse:
    response = HttpResponse(window_pages.csv_text(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
