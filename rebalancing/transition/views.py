"""The transition planner of a household: what each budget comes to, and the plan that the nights follow."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Action, person, require
from accounts.selectors import business_date, household
from rebalancing.transition import pages as transition_pages
from rebalancing.transition import services as transition_services
from rebalancing.transition.forms import LIMITS, EndForm, LimitsForm, PlanForm


@require_safe
def planner(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Scenarios, and the years of the plan under way or of the limits in the address."""
    shown = household(person(request), public_id)
    asked = LimitsForm(request.GET) if request.GET else None
    limits = asked.budget(business_date(shown.firm).year) if asked and asked.is_valid() else None
    context = transition_pages.context(shown, asked=limits)
    if asked is None or limits is not None:
        return render(request, "rebalancing/transition.html", context)
    typed = {name: request.GET.get(name, "") for name in LIMITS}
    context |= {"problems": asked.problems, "form": PlanForm(initial=typed)}
    return render(request, "rebalancing/transition.html", context, status=422)


@require_POST
def start(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Start a plan; what was typed stays where it is refused."""
    user = person(request)
    shown = household(user, public_id)
    require(user, Action.DECIDE)
    form = PlanForm(request.POST)
    if not form.is_valid():
        context = transition_pages.context(shown, form=form)
        return render(request, "rebalancing/transition.html", context, status=422)
    transition_services.start_plan(user=user, household=public_id, **form.cleaned_data)
    messages.success(request, "The plan is under way: the next night makes its first step.")
    return redirect("household-transition", public_id=public_id)


@require_POST
def end(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End the plan under way."""
    user = person(request)
    household(user, public_id)
    require(user, Action.DECIDE)
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why the plan ends, in at most 2,000 characters.")
    else:
        transition_services.end_plan(user=user, household=public_id, **form.cleaned_data)
        messages.success(
            request,
            "The plan has ended. This year's budget of gains stays as it is: change it on the household's page.",
        )
    return redirect("household-transition", public_id=public_id)
