"""The substitutes: the matrix, one mapping to review or end, and suggestions for a security."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Action, person, require
from accounts.paging import page_of
from accounts.selectors import business_date, households
from harvesting import mappings, substitute_rows
from harvesting.forms import MappingForm, ReviewForm
from securities.selectors import security_ids

_REVIEW_DAYS = 365


@require_http_methods(["GET", "HEAD", "POST"])
def substitutes(request: HttpRequest) -> HttpResponse:
    """Every mapping in force with its figures, and the form for another one."""
    user = person(request)
    if request.method != "POST":
        return _matrix_page(request)
    require(user, Action.DECIDE)
    form = MappingForm(request.POST)
    if not form.is_valid():
        return _matrix_page(request, problems=_first_errors(form))
    given = form.cleaned_data
    ids = security_ids(user.firm_id or 0)
    try:
        done = mappings.map_substitute(
            user=user,
            security_id=_named(ids, given["security"]),
            substitute_id=_named(ids, given["substitute"]),
            rank=given["rank"],
            reason=given["reason"],
            household=given["household"],
            since=given["since"],
            valid_until=given["valid_until"],
        )
    except mappings.SubstituteRefused as refusal:
        return _matrix_page(request, problems=refusal.problems)
    row = done.mapping
    said = f"{row.substitute} stands in for {row.security}, rank {row.rank}."
    messages.success(request, " ".join((said, *done.warnings)))
    return redirect(f"{reverse('substitutes')}?{urlencode({'q': row.security.symbol})}")


@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, mapping: int) -> HttpResponse:
    """One mapping with its figures: confirm it, or end it."""
    user = person(request)
    if request.method != "POST":
        return _mapping_page(request, mapping)
    require(user, Action.DECIDE)
    shown = substitute_rows.mapping(user, mapping)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _mapping_page(request, mapping, problems=_first_errors(form))
    reason = form.cleaned_data["reason"]
    try:
        if form.cleaned_data["what"] == "end":
            mappings.end_mapping(user=user, mapping_id=mapping, reason=reason)
            said = f"The mapping {mappings.told(shown)} has ended."
        else:
            done = mappings.review_mapping(
                user=user,
                mapping_id=mapping,
                reason=reason,
                valid_until=form.cleaned_data["valid_until"],
            )
            said = " ".join((f"The mapping {mappings.told(shown)} is reviewed.", *done.warnings))
    except mappings.SubstituteRefused as refusal:
        return _mapping_page(request, mapping, problems=refusal.problems)
    messages.success(request, said)
    return redirect(f"{reverse('substitutes')}?{urlencode({'q': shown.security.symbol})}")


@require_safe
def suggestions(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Who could stand in for one security, with the figures; nothing is mapped by looking."""
    page = substitute_rows.suggestion_page(person(request), public_id)
    return render(request, "harvesting/suggestions.html", {"page": page})


def _named(ids: Mapping[str, int], symbol: str) -> int:
    """The security of a symbol, typed in capitals or not; 0, which is nobody's, where there is none."""
    return ids.get(symbol) or ids.get(symbol.upper(), 0)


def _matrix_page(
    request: HttpRequest, *, problems: Mapping[str, str] | None = None
) -> HttpResponse:
    user = person(request)
    assert user.firm is not None, "person refuses users without a firm"
    search = request.GET.get("q", "").strip()
    paged = page_of(request, substitute_rows.mappings(user, search))
    rows = list(paged["page"])
    context = {
        **paged,
        "rows": substitute_rows.matrix(user, rows),
        "search": search,
        "ended": substitute_rows.ended_mappings(user, search) if search else (),
        "households": households(user),
        "symbols": sorted(security_ids(user.firm.pk)),
        "suggest_for": substitute_rows.public_id_of(user, search) if search else None,
        "typed": request.POST if request.method == "POST" else _offered(request, search),
        "problems": problems or {},
    }
    status = 422 if problems else 200
    return render(request, "harvesting/substitutes.html", context, status=status)


def _mapping_page(
    request: HttpRequest, mapping_id: int, *, problems: Mapping[str, str] | None = None
) -> HttpResponse:
    user = person(request)
    assert user.firm is not None, "person refuses users without a firm"
    row = substitute_rows.mapping(user, mapping_id)
    (shown,) = substitute_rows.matrix(user, [row])
    due = business_date(user.firm) + timedelta(days=_REVIEW_DAYS)
    typed = request.POST if request.method == "POST" else {"valid_until": due.isoformat()}
    context = {"row": shown, "typed": typed, "problems": problems or {}}
    status = 422 if problems else 200
    return render(request, "harvesting/mapping.html", context, status=status)


def _offered(request: HttpRequest, search: str) -> dict[str, str]:
    """What the form of a new mapping begins with: what a link named, and a review in a year."""
    user = person(request)
    assert user.firm is not None, "person refuses users without a firm"
    due = business_date(user.firm) + timedelta(days=_REVIEW_DAYS)
    return {
        "security": search,
        "substitute": request.GET.get("substitute", ""),
        "rank": request.GET.get("rank", ""),
        "valid_until": due.isoformat(),
    }


def _first_errors(form: MappingForm | ReviewForm) -> dict[str, str]:
    return {field: str(errors[0]) for field, errors in form.errors.items()}
