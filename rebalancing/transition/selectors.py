"""Reads for transitions: the plan of a household, what each budget comes to, and when the plan will be done."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from accounts.models import Household
from accounts.one_look import one_look
from accounts.selectors import business_date
from lots.errors import LedgerError
from lots.year_tax import TaxPosition
from proposals.budgets import Budget, Usage
from proposals.types import DraftProposal
from rebalancing import situation
from rebalancing.errors import RebalancingError
from rebalancing.models import TransitionPlan
from rebalancing.transition.schedule import SHARES, Planner, Schedule, Transition, with_limits
from rebalancing.transition.tracking_first import TrackingFirst

_DIGITS = 18  # of a primary key


def plan(household_id: int) -> TransitionPlan | None:
    """The household's plan that is under way, with its author."""
    rows = TransitionPlan.objects.filter(household=household_id, ended_on=None)
    return rows.select_related("author").first()


def ended_plans(household_id: int) -> Sequence[TransitionPlan]:
    """Its plans that are over, newest first."""
    rows = TransitionPlan.objects.filter(household=household_id, ended_on__isnull=False)
    return list(rows.select_related("author", "ended_by"))


def limits_of(plan: TransitionPlan, year: int) -> Budget:
    """A plan's limits as those of one year."""
    return Budget(
        year=year,
        short_limit=plan.short_limit,
        long_limit=plan.long_limit,
        tax_limit=plan.tax_limit,
    )


def usage_under(
    plan: TransitionPlan,
    as_of: date,
    *,
    tax: TaxPosition,
    drafts: Sequence[DraftProposal] = (),
) -> Usage:
    """What draws on the year's budget, against the tighter of its own limits and the plan's."""
    usage = situation.usage_of(plan.household_id, as_of, tax=tax, drafts=drafts)
    return with_limits(usage, limits_of(plan, as_of.year))


def planner(household_id: int, as_of: date) -> Planner:
    """Raises RebalancingError or LedgerError with a sentence that says what is missing."""
    with one_look():
        found = situation.read(household_id, as_of)
    solve = TrackingFirst(found.risk, found.securities)
    return Planner(found.books, found.windows, found.usage, solve)


@dataclass(frozen=True, slots=True)
class PlannerPage:
    """What the planner shows; without ``analysis`` it says ``why_not``."""

    today: date
    plan: TransitionPlan | None
    ended: Sequence[TransitionPlan]
    analysis: Transition | None
    schedule: Schedule | None  # of the plan, else of the limits asked for
    why_not: str = ""


def page(household: Household, *, asked: Budget | None = None) -> PlannerPage:
    """The scenarios of a household today, and the years of its plan, or of limits that somebody asks about."""
    today = business_date(household.firm)
    under_way = plan(household.pk)
    limits = limits_of(under_way, today.year) if under_way else asked
    analysis, schedule, why_not = None, None, ""
    try:
        answers = planner(household.pk, today)
        analysis = answers.analysis(SHARES)
        schedule = answers.schedule(limits) if limits else None
    except (RebalancingError, LedgerError) as error:
        why_not = str(error)
    return PlannerPage(
        today=today,
        plan=under_way,
        ended=ended_plans(household.pk),
        analysis=analysis,
        schedule=schedule,
        why_not=why_not,
    )


def named_household(name_or_id: str) -> Household | None:
    """A household by id, public id or exact name; None where there is none, or several bear the name."""
    key = Q(name=name_or_id)
    if name_or_id.isdecimal() and len(name_or_id) <= _DIGITS:
        key |= Q(pk=int(name_or_id))
    with suppress(ValueError):
        key |= Q(public_id=UUID(name_or_id))
    found = list(Household.objects.filter(key).select_related("firm")[:2])
    return found[0] if len(found) == 1 else None


def share_of(analysis: Transition, share: Decimal) -> Budget | None:
    """The limits of a column; None for the unlimited one, or for no such column."""
    return next((one.budget for one in analysis.columns if one.share == share), None)
