"""Starting and ending the plan of a transition, and keeping its budget from year to year."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import access
from accounts.access import Action
from accounts.errors import Conflict, LotwiseError
from accounts.locks import lock_household
from accounts.models import Firm, Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.models import GainBudget
from proposals.types import Proration
from rebalancing import selectors
from rebalancing.models import TransitionPlan
from rebalancing.transition import selectors as transition_selectors

LIMITS = ("short_limit", "long_limit", "tax_limit")


class BadPlan(LotwiseError):
    """A plan that cannot be followed."""

    code = "bad_plan"


class PlanUnderWay(Conflict):
    """A household has one plan at a time, and what is over cannot be ended again."""

    code = "plan_under_way"


@transaction.atomic
def start_plan(
    *,
    user: User,
    household: UUID,
    short_limit: Decimal | None,
    long_limit: Decimal | None,
    tax_limit: Decimal | None,
    reason: str,
) -> TransitionPlan:
    """Let the nights go towards the model inside the limits, dollars of each calendar year; None = no limit.

    The household's budget of gains of this year is set to the tighter of its own limits and these; nothing else binds
    a night or an approval. ``household`` is its public id. Raises NotAllowed, Http404, BadPlan, PlanUnderWay.
    """
    firm = proposal_services.require_now(user, Action.DECIDE)
    limits = dict(zip(LIMITS, (short_limit, long_limit, tax_limit), strict=True))
    if not reason.strip():
        raise BadPlan("A plan needs a reason: say who asked for it, and why.")
    if all(dollars is None for dollars in limits.values()):
        raise BadPlan("Without any limit the whole transition is one rebalance: set one limit.")
    locked = lock_household(access.visible_or_404(user, Household, household).pk)
    if selectors.assignment(locked.pk) is None:
        raise BadPlan("This household follows no model: there is nowhere to go to.")
    if transition_selectors.plan(locked.pk) is not None:
        raise PlanUnderWay("A plan is under way: end it before another one begins.")
    today = business_date(firm)
    plan = TransitionPlan.objects.create(
        household=locked, **limits, reason=reason.strip(), author=user, started_on=today
    )
    own = proposal_selectors.gain_budget(locked.pk, today.year)
    proposal_services.set_budget(
        user=user,
        household=household,
        year=today.year,
        **{name: _tighter(getattr(own, name, None), limits[name]) for name in LIMITS},
        reason=_because(plan, own),
        proration=Proration.NONE if own is None else Proration(own.proration),
    )
    _audit(firm, user, plan, "transition.started", {"limits": limits, "reason": plan.reason})
    return plan


@transaction.atomic
def end_plan(*, user: User, household: UUID, reason: str) -> TransitionPlan:
    """End the plan under way. The budget of gains of the year stays as it is: who wants another one sets it.

    Raises NotAllowed, Http404, BadPlan, PlanUnderWay where none is under way.
    """
    firm = proposal_services.require_now(user, Action.DECIDE)
    if not reason.strip():
        raise BadPlan("Say why the plan ends.")
    locked = lock_household(access.visible_or_404(user, Household, household).pk)
    plan = transition_selectors.plan(locked.pk)
    if plan is None:
        raise PlanUnderWay("No plan of this household is under way.")
    plan.ended_on = max(business_date(firm), plan.started_on)
    plan.ended_by = user
    plan.end_reason = reason.strip()
    plan.save(update_fields=["ended_on", "ended_by", "end_reason"])
    _audit(firm, user, plan, "transition.ended", {"reason": plan.end_reason})
    return plan


def keep_budget(*, household_id: int, as_of: date) -> GainBudget | None:
    """Give a year that has no budget yet the limits of the plan under way; None where there is nothing to do.

    A night calls it before it proposes, so that a new year begins with the plan's limits. The caller holds the
    household's lock in a transaction.
    """
    plan = transition_selectors.plan(household_id)
    if plan is None or as_of < plan.started_on:
        return None
    return proposal_services.keep_limits(
        household=Household.objects.select_related("firm").get(pk=household_id),
        year=as_of.year,
        short_limit=plan.short_limit,
        long_limit=plan.long_limit,
        tax_limit=plan.tax_limit,
        author=plan.author,
        reason=_because(plan, None),
    )


def _tighter(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _because(plan: TransitionPlan, own: GainBudget | None) -> str:
    before = f" Before: {own.reason}" if own is not None else ""
    return f"Transition plan of {plan.started_on}: {plan.reason}{before}"[:2_000]


def _audit(
    firm: Firm, user: User, plan: TransitionPlan, action: str, facts: dict[str, object]
) -> None:
    record_audit(
        firm=firm,
        actor=user.username,
        action=action,
        subject=f"household {plan.household.public_id}",
        facts={"started_on": plan.started_on, **facts},
    )
