"""The firm's reading of the unsettled points of the law: what is in force, who decided it, what another changes."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import Action, person, require
from lots import selectors, services
from lots.forms import PolicyForm
from lots.policy_points import POINTS, decided, differing
from lots.types import Policy
from securities import selectors as securities


@require_http_methods(["GET", "HEAD", "POST"])
def tax_policy(request: HttpRequest) -> HttpResponse:
    """The switches; a change is shown with its effect before it is decided."""
    user = person(request)
    if request.method != "POST":
        return _page(request)
    require(user, Action.DECIDE)
    form = PolicyForm(request.POST)
    if not form.is_valid():
        problem = "Choose an answer to every point, and say why in at most 2,000 characters."
        return _page(request, problem=problem, status=422)
    wanted, reason, shown = form.policy(), form.cleaned_data["reason"], form.cleaned_data["shown"]
    if not shown:
        effect = services.preview_policy(user=user, policy=wanted)
        return _page(request, wanted=wanted, reason=reason, effect=effect)
    try:
        services.set_policy(user=user, policy=wanted, reason=reason, shown_sha256=shown)
    except services.EffectOutdated as outdated:
        return _page(
            request, wanted=wanted, reason=reason, effect=outdated.changes,
            problem=str(outdated), status=outdated.status,
        )  # fmt: skip
    messages.success(request, "Decided: the tax lots of every household follow the new reading.")
    return redirect("tax-policy")


def _page(
    request: HttpRequest,
    *,
    wanted: Policy | None = None,
    reason: str = "",
    effect: selectors.NamedChanges | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    user = person(request)
    assert user.firm_id is not None, "person refuses users without a firm"
    in_force = selectors.policy(user.firm_id)
    chosen = wanted or in_force
    context: dict[str, Any] = {
        "in_force": decided(in_force),
        "choices": [(point, getattr(chosen, point.field)) for point in POINTS],
        "history": [
            (decision.row, differing(decision.before, decision.after))
            for decision in selectors.policy_decisions(user)
        ],
        "members": securities.identical_members(user),
        "overrides": securities.pair_overrides(user),
        "differences": differing(in_force, chosen),
        "reason": reason,
        "effect": effect,
        "problem": problem,
    }
    return render(request, "lots/tax_policy.html", context, status=status)
