"""Changing a pending rebalance: solved again around fixed rows, or to another point of tax and tracking error."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import Action, person, require
from proposals import pages
from proposals import selectors as proposal_selectors
from rebalancing.versions import edits as versions
from rebalancing.versions import forms as edit_forms
from rebalancing.versions import frontier_services

_MOST = 2_000  # characters of a note


@require_POST
def resolve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Make a new version; what was typed stays where it is refused."""
    user = person(request)
    shown = proposal_selectors.proposal(user, public_id)
    require(user, Action.DECIDE)
    typed = {name: str(value) for name, value in request.POST.items()}
    trades = list(shown.trades.select_related("account", "security"))
    rows, wrong = edit_forms.rows(edit_forms.lines(trades, typed))
    told = " ".join(wrong)
    if not wrong:
        try:
            new = versions.resolve(
                user=user,
                public_id=public_id,
                content_sha256=typed.get("content_sha256", ""),
                fixed=rows,
                note=typed.get("note", "")[:_MOST],
            )
        except versions.NotResolved as refusal:
            told = str(refusal)
    if told:
        messages.error(request, told)
        context = pages.proposal_context(user, shown, typed=typed)
        return render(request, "proposals/proposal.html", context, status=422)
    if new.pk == shown.pk:
        messages.info(request, "Solved again: nothing changes.")
    else:
        messages.success(
            request, "This is the new version. The one before it has given way; decide on this one."
        )
    return redirect("proposal", public_id=new.public_id)


@require_POST
def points(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Look for the points beside a proposal; its page shows them then."""
    user = person(request)
    try:
        frontier_services.find_points(user=user, public_id=public_id)
    except versions.NotResolved as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('proposal', kwargs={'public_id': public_id})}#frontier")


@require_POST
def pick(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Make the trades of a point the new version."""
    user = person(request)
    shown = proposal_selectors.proposal(user, public_id)
    require(user, Action.DECIDE)
    chosen = request.POST.get("point", "")
    if not (chosen.isdecimal() and len(chosen) < 3):
        messages.error(request, "Choose a point first.")
        return redirect("proposal", public_id=public_id)
    try:
        new = frontier_services.pick(
            user=user,
            public_id=public_id,
            content_sha256=request.POST.get("content_sha256", ""),
            point=int(chosen),
        )
    except versions.NotResolved as refusal:
        messages.error(request, str(refusal))
        context = pages.proposal_context(user, shown)
        return render(request, "proposals/proposal.html", context, status=422)
    messages.success(
        request,
        "This is the new version with the trades of that point. The one before it has given way; decide on this one.",
    )
    return redirect("proposal", public_id=new.public_id)
