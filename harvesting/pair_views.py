"""Swap-backs: where each substitute stands, with its sum, and the decision to stay."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Action, may, person, require
from accounts.paging import page_of
from accounts.selectors import household
from harvesting import pair_bulk, pair_pages, pair_selectors, pair_services
from harvesting.pair_forms import DECIDE, WaiverForm, WaiversForm


@require_safe
def swap_backs(request: HttpRequest) -> HttpResponse:
    """The firm's pairs of one tab; the due ones first of all."""
    user = person(request)
    counts = pair_selectors.counts(user)
    tab = request.GET.get("tab", "due")
    tab = tab if tab in counts else "due"
    page = page_of(request, pair_selectors.pair_rows(user, tab=tab))
    context = {
        **page,
        "lines": pair_pages.lines(page["page"]),
        "tabs": list(counts.items()),
        "chosen": tab,
        "next_due": pair_selectors.next_due(user),
        "can_decide": may(user, Action.DECIDE),
    }
    return render(request, "harvesting/swap_backs.html", context)


@require_safe
def household_pairs(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Every pair of one household, ended ones too."""
    user = person(request)
    shown = household(user, public_id)
    page = page_of(request, pair_selectors.pair_rows(user, household_id=public_id))
    context = {
        **page,
        "lines": pair_pages.lines(page["page"]),
        "household": shown,
        "can_decide": may(user, Action.DECIDE),
    }
    return render(request, "harvesting/household_pairs.html", context)


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
    """The same for several pairs, with one reason: a page says what became of each."""
    user = person(request)
    require(user, Action.DECIDE)
    form = WaiversForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.problems()))
        tab = request.POST.get("tab", "due")
        return redirect(f"{reverse('swap-backs')}?{urlencode({'tab': tab})}")
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
