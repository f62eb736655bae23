"""The adviser's desk: the inbox, one proposal, the decision on it, orders and fills, a household."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Action, person, require
from accounts.paging import page_of
from proposals import order_pages, pages, selectors, services
from proposals.errors import BadLimit, StaleProposal, WashNotAccepted
from proposals.forms import BudgetForm, DecisionForm, FillsForm, HandlingForm
from proposals.types import ProposalKind, ReasonCode, Status, Verdict


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Proposals of one status, the pending ones first of all."""
    user = person(request)
    status = request.GET.get("status") or Status.PENDING.value
    kind, reason = request.GET.get("kind", ""), request.GET.get("reason", "")
    rows = selectors.inbox(
        user,
        status=Status(status) if status in set(Status) else Status.PENDING,
        kind=ProposalKind(kind) if kind in set(ProposalKind) else None,
        reason=ReasonCode(reason) if reason in set(ReasonCode) else None,
    )
    context = {
        **page_of(request, rows),
        "tiles": selectors.pending_totals(user),
        "statuses": [member.value for member in Status],
        "kinds": [member.value for member in ProposalKind],
        "reasons": [member.value for member in ReasonCode],
        "chosen_status": status,
        "chosen_kind": kind,
        "chosen_reason": reason if reason in set(ReasonCode) else "",
    }
    return render(request, "proposals/inbox.html", context)


@require_safe
def proposal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One proposal with its trades, its reasons and its proof."""
    user = person(request)
    shown = selectors.proposal(user, public_id)
    return render(request, "proposals/proposal.html", pages.proposal_context(user, shown))


@require_POST
def decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Approve or reject exactly the content that was shown."""
    user = person(request)
    shown = selectors.proposal(user, public_id)
    require(user, Action.DECIDE)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        context = {**pages.proposal_context(user, shown), "note": request.POST.get("note", "")}
        messages.error(request, "Choose approve or reject; a note has at most 2,000 characters.")
        return render(request, "proposals/proposal.html", context, status=422)
    verdict, decided = form.cleaned_data.pop("verdict"), form.cleaned_data
    try:
        if verdict == Verdict.APPROVE:
            services.approve(user=user, public_id=public_id, **decided)
        else:
            del decided["accept_wash"]
            services.reject(user=user, public_id=public_id, **decided)
    except StaleProposal as stale:
        shown.refresh_from_db()
        context = {**pages.proposal_context(user, shown), "moved": stale.moved}
        return render(request, "proposals/proposal.html", context, status=stale.status)
    except WashNotAccepted as refusal:
        context = {**pages.proposal_context(user, shown), "note": decided["note"]}
        messages.error(request, str(refusal))
        return render(request, "proposals/proposal.html", context, status=refusal.status)
    done = "Approved: orders wait for export." if verdict == Verdict.APPROVE else "Rejected."
    messages.success(request, f"{shown.household.name}: {done}")
    return redirect("proposal", public_id=public_id)


@require_POST
def withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take an approval back while none of its orders is out."""
    user = person(request)
    services.cancel(user=user, public_id=public_id, note=request.POST.get("note", ""))
    messages.success(request, "The approval is taken back; its orders are cancelled.")
    return redirect("proposal", public_id=public_id)


@require_POST
def close(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End orders that the custodian will not execute; what was filled stays."""
    user = person(request)
    services.close_orders(user=user, public_id=public_id, note=request.POST.get("note", ""))
    messages.success(request, "The remaining orders are closed.")
    return redirect("proposal", public_id=public_id)


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The blotter and the order files."""
    return render(request, "proposals/orders.html", order_pages.orders_context(request))


@require_POST
def handle_order(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say how an approved order is to be traded; what was typed stays where it is refused."""
    user = person(request)
    shown = selectors.order(user, public_id)
    require(user, Action.TRADE)
    form = HandlingForm(request.POST, auto_id=order_pages.form_ids(shown))
    try:
        if not form.is_valid():
            raise BadLimit(" ".join(form.problems()))
        services.handle_order(
            user=user,
            public_id=public_id,
            order_type=form.cleaned_data["type"],
            limit_price=form.cleaned_data["limit_price"],
        )
    except BadLimit as refusal:
        messages.error(request, f"{shown}, {shown.account.name}: {refusal}")
        context = order_pages.orders_context(request, refused={shown.pk: form})
        return render(request, "proposals/orders.html", context, status=refusal.status)
    messages.success(request, f"{shown}, {shown.account.name}: changed.")
    return redirect(f"{reverse('orders')}?{request.GET.urlencode()}")


@require_POST
def export_orders(request: HttpRequest) -> HttpResponse:
    """Put every approved order into one numbered file, once."""
    user = person(request)
    export = services.export_orders(user=user)
    messages.success(request, f"Order file {export.number} is ready: download it below.")
    for proposal in selectors.held_back(user):
        messages.warning(request, proposal.held_sentence)
    return redirect("orders")


@require_safe
def order_file(request: HttpRequest, number: str, part: str) -> HttpResponse:
    """An order file or its lot instructions, exactly as exported."""
    file = selectors.order_file(person(request), int(number), part)
    response = HttpResponse(file.text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return response


@require_POST
def import_fills(request: HttpRequest) -> HttpResponse:
    """Book a custodian's fills, all or nothing."""
    user = person(request)
    require(user, Action.TRADE)
    form = FillsForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose a file of fills.")
        return redirect("orders")
    upload = form.cleaned_data["file"]
    result = services.import_fills(user=user, file=upload.read(), name=upload.name)
    booked = f"{result.new} new fills booked, {result.known} known already"
    linked = f"; a statement had told of {result.linked} of the new ones" if result.linked else ""
    blocks = "".join(f" {block}." for block in result.blocks)
    messages.success(request, f"{booked}{linked}.{blocks}")
    return redirect("orders")


@require_safe
def household(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A household's accounts and lots, its open windows and proposals."""
    user = person(request)
    context = pages.household_context(user, public_id)
    return render(request, "proposals/household.html", context)


@require_POST
def set_budget(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Set how much gain, and tax on it, a household accepts in a year; what was typed stays where it is refused."""
    user = person(request)
    form = BudgetForm(request.POST)
    context = pages.household_context(user, public_id, budget_form=form)
    require(user, Action.DECIDE)
    if not form.is_valid():
        return render(request, "proposals/household.html", context, status=422)
    row = services.set_budget(user=user, household=public_id, **form.cleaned_data)
    messages.success(request, f"The budget of {row.year} is set.")
    return redirect("household", public_id=public_id)
