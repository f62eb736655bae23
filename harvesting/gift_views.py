"""Lots to give to charity instead of selling them, best first. Nothing is booked and nothing is ordered."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.selectors import business_date, household
from harvesting.gift_forms import GiftForm
from harvesting.gift_pages import csv_text, gift_page
from harvesting.gift_selectors import household_gifts


@require_safe
def gifts(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The household's lots in the order in which to give them; with ``?amount=`` those that make up the sum."""
    shown = household(person(request), public_id)
    form = GiftForm(request.GET)
    is_valid = form.is_valid()
    as_of = business_date(shown.firm)
    amount = form.cleaned_data.get("amount")
    context = {
        "household": shown,
        "as_of": as_of,
        "typed": request.GET.get("amount", ""),
        "amount": amount,
        "problems": form.problems(),
        "gifts": gift_page(household_gifts(shown.pk, as_of), amount),
    }
    return render(request, "harvesting/gifts.html", context, status=200 if is_valid else 422)


@require_safe
def gifts_file(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The page of the same address as CSV."""
    shown = household(person(request), public_id)
    form = GiftForm(request.GET)
    if not form.is_valid():
        problems = "\n".join(form.problems())
        return HttpResponse(problems, status=422, content_type="text/plain; charset=utf-8")
    as_of = business_date(shown.firm)
    page = gift_page(household_gifts(shown.pk, as_of), form.cleaned_data["amount"])
    response = HttpResponse(csv_text(page), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="gifts-{as_of}.csv"'
    return response
