"""What happens if these lots are sold today: every relief method side by side. Nothing is booked or ordered."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.selectors import business_date, household
from lots.errors import LedgerError
from lots.selectors import what_if as selectors
from lots.types import LotPick
from lots.what_if_form import WhatIfForm


@require_safe
def what_if(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The form; with an account and a security its lots; with shares the answer. A refusal keeps what was typed."""
    shown = household(person(request), public_id)
    form = WhatIfForm(request.GET or None)
    accounts, symbols = selectors.sellable(shown.pk)
    context: dict[str, object] = {
        "household": shown,
        "form": form,
        "accounts": accounts,
        "symbols": symbols,
        "typed": request.GET,
    }
    if form.is_bound and not form.is_valid():
        context["problems"] = form.problems()
    elif form.is_bound:
        asked, today = form.cleaned_data, business_date(shown.firm)
        try:
            context["position"] = position = selectors.chosen(
                shown,
                account=asked["account"],
                symbol=asked["security"],
                price=asked["price"],
                today=today,
            )
            context["lots"] = [
                {"lot": lot, "typed": request.GET.get(lot.field, "")} for lot in position.lots
            ]
            if asked["shares"] is not None:
                picks = [
                    LotPick(str(pick.opening), pick.shares, pick.part) for pick in asked["picks"]
                ]
                context["answer"] = selectors.answer(
                    shown, position, shares=asked["shares"], picks=picks, today=today
                )
        except LedgerError as refusal:
            context["problems"] = [str(refusal)]
    return render(
        request, "lots/what_if.html", context, status=422 if "problems" in context else 200
    )
