"""Swap-backs: where each substitute stands, with its sum, and the decision to stay."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Action, may, person, require
from accounts.paging import page_of
from accounts.selectors import household
from harvesting import pair_bulk, pair_pages, pair_selectors, pair_services
from harvesting.pair_forms import DECIDE, WaiverForm, WaiversForm
from proposals.models import HarvestedPair


@require_safe
def swap_backs(request: HttpRequest) -> HttpResponse:
    """The firm's pairs of one tab; the due ones first of all."""
    return _firm_page(request)


@require_safe
def household_pairs(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Every pair of one household, ended ones too."""
    return _household_page(request, public_id)


def _firm_page(request: HttpRequest, refused: WaiversForm | None = None) -> HttpResponse:
    user = person(request)
    counts = pair_selectors.counts(user)
    tab = request.GET.get("tab", "due")
    tab = tab if tab in counts else "due"
    context = {
        **_table(request, pair_selectors.pair_rows(user, tab=tab), refused),
        "here": reverse("swap-backs"),
        "sent_from": urlencode({"tab": tab}),
        "tabs": list(counts.items()),
        "chosen": tab,
        "next_due": pair_selectors.next_due(user),
    }
    return render(request, "harvesting/swap_backs.html", context, status=422 if refused else 200)


def _household_page(
    request: HttpRequest, public_id: UUID, refused: WaiversForm | None = None
) -> HttpResponse:
    user = person(request)
    shown = household(user, public_id)
    context = {
        **_table(request, pair_selectors.pair_rows(user, household_id=public_id), refused),
        "here": reverse("household-swap-backs", args=[public_id]),
        "sent_from": urlencode({"household": str(public_id)}),
        "household": shown,
    }
    status = 422 if refused else 200
    return render(request, "harvesting/household_pairs.html", context, status=status)


def _table(
    request: HttpRequest, rows: QuerySet[HarvestedPair], refused: WaiversForm | None
) -> dict[str, Any]:
    """A page of the pairs; of a form that was ``refused``, what was ticked and typed."""
    page = page_of(request, rows)
    return {
        **page,
        "lines": pair_pages.lines(page["page"]),
        "can_decide": may(person(request), Action.DECIDE),
        "ticked": refused["pair"].data if refused else [],
        "typed": (refused["reason"].data or "") if refused else "",
    }


@require_POST
def waiver(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """Let a pair stay with its substitute, with a reason, or take that back."""
    user = person(request)
    pair = pair_selectors.pair(user, public_id, number)
    require(user, Action.DECIDE)
    form = WaiverForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why the substitute stays, in at most 500 characters.")
    elif form.cleaned_data["decision"] == DECIDE:
        pair_services.unwaive(user=user, pair=pair)
        messages.success(request, "The waiver is taken back: the next night decides again.")
    else:
        pair_services.waive(user=user, pair=pair, reason=form.cleaned_data["reason"])
        stays = "The cash" if pair.substitute is None else pair.holding
        messages.success(
            request,
            f"{stays} stays. A pending swap-back that holds it can no longer be approved: "
            "the next scan makes one without it.",
        )
    return redirect("household-swap-backs", public_id=pair.proposal.household.public_id)


@require_POST
def waivers(request: HttpRequest) -> HttpResponse:
    """The same for several pairs, with one reason: a page says what became of each.

    A form that is wrong is shown again where it was sent from, with what was ticked and typed.
    """
    user = person(request)
    require(user, Action.DECIDE)
    form = WaiversForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.problems()))
        return _sent_from(request, form)
    said = form.cleaned_data
    found = pair_selectors.pairs(user, said["pair"])
    if said["decision"] == DECIDE:
        answers = pair_bulk.unwaive_each(user=user, pairs=found)
    else:
        answers = pair_bulk.waive_each(user=user, pairs=found, reason=said["reason"])
    context = {
        "answers": answers,
        "done": sum(one.is_done for one in answers),
        "unknown": len(said["pair"]) - len(found),
        "stays": said["decision"] != DECIDE,
    }
    return render(request, "harvesting/pair_answers.html", context)


def _sent_from(request: HttpRequest, refused: WaiversForm) -> HttpResponse:
    """The page that sent the form again: it named itself, its tab and its page in the address that it sent to."""
    named = request.GET.get("household")
    if named is None:
        return _firm_page(request, refused)
    try:
        public_id = UUID(named)
    except ValueError:
        raise Http404 from None
    return _household_page(request, public_id, refused)
