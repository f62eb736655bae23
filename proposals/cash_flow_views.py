"""The cash that a household is going to need or to get: one entered, settled, or called off (F6)."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import Action, person, require
from accounts.selectors import account, household
from proposals import services
from proposals.errors import BadCashFlow, CashFlowKnown
from proposals.forms import CashFlowForm, EndFlowForm
from proposals.types import CashFlowKind
from proposals.window_views import show_household


@require_POST
def expect_cash_flow(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Record a withdrawal, required distribution, fee or deposit; what was typed stays where it is refused."""
    user = person(request)
    shown = household(user, public_id)
    require(user, Action.DECIDE)
    form = CashFlowForm(request.POST)
    if not form.is_valid():
        return show_household(request, public_id, flow_form=form, status=422)
    said = form.cleaned_data
    try:
        flow = services.expect_cash_flow(
            user=user,
            household_id=shown.pk,
            kind=said["kind"],
            amount=said["amount"],
            due_on=said["due_on"],
            reason=said["reason"],
            account_id=account(user, said["account"]).pk if said["account"] else None,
        )
    except (BadCashFlow, CashFlowKnown) as refusal:
        form.add_error(None, str(refusal))
        return show_household(request, public_id, flow_form=form, status=refusal.status)
    messages.success(request, f"The {said['kind'].told} of {flow.due_on} is on record.")
    return _back(public_id)


@require_POST
def end_cash_flow(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say that a cash flow has happened, or call it off."""
    user = person(request)
    shown = household(user, public_id)
    require(user, Action.DECIDE)
    form = EndFlowForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.problems()))
        return _back(public_id)
    said = form.cleaned_data
    which = {"user": user, "household_id": shown.pk, "flow_id": said["flow"]}
    if said["how"] == EndFlowForm.CALLED_OFF:
        flow = services.call_off_cash_flow(**which, reason=said["reason"])
    else:
        flow = services.settle_cash_flow(**which)
    told = f"The {CashFlowKind(flow.kind).told} of {flow.due_on}"
    messages.success(request, f"{told} is {EndFlowForm.WORDS[said['how']]}.")
    return _back(public_id)


def _back(public_id: UUID) -> HttpResponse:
    return redirect(f"{reverse('household-windows', args=[public_id])}#cash-ahead")
