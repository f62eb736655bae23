"""Reads what the quarterly review tells of a household beside its year and its measurements."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import F, Max, Q, Sum

from accounts.canonical import decimal_text
from accounts.models import Household
from accounts.selectors import accounts_of
from lots import selectors as lot_selectors
from lots.errors import LedgerError
from proposals import selectors as proposal_selectors
from proposals.budgets import Limit, Usage
from proposals.models import Decision, Proposal, Restriction
from proposals.types import ProposalKind, Verdict
from rebalancing import selectors
from rebalancing.errors import RebalancingError
from rebalancing.models import ModelAssignment, RebalanceLook, TransitionPlan
from rebalancing.reviews.quarterly import (
    BudgetLeft,
    Ending,
    Executed,
    Looks,
    OwnWord,
    PlanProgress,
    Quarter,
    QuarterFacts,
    quarter_of,
)
from rebalancing.transition import selectors as transition_selectors
from rebalancing.transition.schedule import legacy_of
from rebalancing.types import HouseholdState

_NO_BANDS = "bands"


def quarter_facts(household_id: int, as_of: date, state: HouseholdState | None) -> QuarterFacts:
    """``state`` is the household as it is weighed; None where it cannot be."""
    quarter = quarter_of(as_of)
    household = Household.objects.get(pk=household_id)
    assigned = selectors.assignment(household_id)
    accounts = accounts_of(household_id)
    policy = selectors.limits(household, assigned.model_id if assigned else None)
    usage = proposal_selectors.budget_usage(household_id, as_of)
    plan = transition_selectors.plan(household_id)
    return QuarterFacts(
        quarter=quarter,
        value=None if state is None else state.value,
        plan=None if plan is None or state is None else _progress(plan, as_of, state),
        budget=() if usage is None else _left(usage, usage.budget.whole_limits),
        policy=own_words(household, assigned),
        restrictions=endings(quarter, household=household_id),
        needs=proposal_selectors.cash_flows(
            household_id, as_of, days=policy.cash_need_days, until=quarter.next_last
        ),
        cash=lot_selectors.cash(household_id),
        taxable=frozenset(account.pk for account in accounts if account.is_taxable),
        account_names={account.pk: account.name for account in accounts},
        looks=_looks(household_id, quarter),
    )


def endings(
    quarter: Quarter, *, household: int | None = None, firm: int | None = None
) -> tuple[Ending, ...]:
    """Restrictions of a household, or those that a firm has for everybody, that end in this quarter or the next."""
    rows = Restriction.objects.filter(until__range=(quarter.first, quarter.next_last))
    rows = (
        rows.filter(household=household) if firm is None else rows.filter(firm=firm, household=None)
    )
    return tuple(
        Ending(what=f"{row.security.symbol} {row.rule}", until=row.until)
        for row in rows.select_related("security").order_by("until", "pk")
        if row.until is not None
    )


def own_words(household: Household, assigned: ModelAssignment | None) -> tuple[OwnWord, ...]:
    """Keys of the policy that the household answers otherwise than its model and firm would."""
    model_id = assigned.model_id if assigned else None
    rows = selectors.policy_rows(household.firm_id, household.pk, model_id)
    others = [row for row in rows if row.household_id is None]
    if len(others) == len(rows):
        return ()
    own, without = selectors.resolved(rows), selectors.resolved(others)
    found = [
        OwnWord(key=key, own=_told(getattr(own, key)), else_=_told(getattr(without, key)))
        for key in selectors.DEFAULTS
        if getattr(own, key) != getattr(without, key)
    ]
    if own.bands != without.bands and any(row.bands.all() for row in rows if row.household_id):
        found.append(
            OwnWord(
                key=_NO_BANDS, own="of its own", else_=f"those of {len(without.bands)} securities"
            )
        )
    return tuple(found)


def _told(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def _left(usage: Usage, limits: Mapping[Limit, Decimal]) -> tuple[BudgetLeft, ...]:
    return tuple(
        BudgetLeft(name=limit.value, whole=whole, used=usage.use(limit, usage.worlds[0]))
        for limit, whole in limits.items()
    )


def _progress(plan: TransitionPlan, as_of: date, state: HouseholdState) -> PlanProgress:
    limits = transition_selectors.limits_of(plan, as_of.year)
    years, ending, why_not = None, "", ""
    used: Sequence[BudgetLeft] = ()
    position, why = lot_selectors.tax_or_reason(plan.household_id, as_of.year)
    if position is None:
        why_not = why
    else:
        usage = transition_selectors.usage_under(plan, as_of, tax=position)
        used = _left(usage, limits.limits)
        try:
            schedule = transition_selectors.planner(plan.household_id, as_of).schedule(limits)
        except (RebalancingError, LedgerError) as error:
            why_not = str(error)
        else:
            years, ending, why_not = schedule.years, schedule.ending.value, schedule.why
    return PlanProgress(
        started_on=plan.started_on,
        legacy_then=_legacy_then(plan),
        legacy_now=legacy_of(state),
        used=used,
        years=years,
        ending=ending,
        why_not=why_not,
    )


def _legacy_then(plan: TransitionPlan) -> Decimal | None:
    """What the plan's first proposed step began with; None where none has been proposed."""
    steps = Proposal.objects.filter(
        household=plan.household_id,
        kind=ProposalKind.REBALANCE,
        explanation__transition__since=plan.started_on.isoformat(),
    )
    first = steps.order_by("as_of", "pk").values_list("explanation", flat=True).first()
    return None if first is None else Decimal(first["transition"]["legacy_before"])


def _looks(household_id: int, quarter: Quarter) -> Looks:
    days = (quarter.first, quarter.day)
    proposals = Proposal.objects.filter(household=household_id, kind=ProposalKind.REBALANCE)
    proposed = proposals.filter(as_of__range=days)
    decided = Decision.objects.filter(proposal__in=proposed)
    verdicts = list(decided.values_list("verdict", flat=True))
    return Looks(
        looks=RebalanceLook.objects.filter(household=household_id, day__range=days).count(),
        # One that a person edited is a new version of it, and no new rebalance.
        proposed=proposed.order_by().values("as_of").distinct().count(),
        approved=verdicts.count(Verdict.APPROVE),
        refused=verdicts.count(Verdict.REJECT),
        executed=_executed(household_id, quarter),
    )


def _executed(household_id: int, quarter: Quarter) -> tuple[Executed, ...]:
    """Rebalances with a fill in the quarter, by their last one, with what was traded in it.

    What they were to cost, as proposed, is that of the whole rebalance.
    """
    days = (quarter.first, quarter.day)
    in_quarter = Q(orders__fills__trade_date__range=days)
    rows = (
        Proposal.objects.filter(household=household_id, kind=ProposalKind.REBALANCE)
        .annotate(
            filled_on=Max("orders__fills__trade_date", filter=in_quarter),
            traded=Sum(F("orders__fills__quantity") * F("orders__fills__price"), filter=in_quarter),
            all_traded=Sum(F("orders__fills__quantity") * F("orders__fills__price")),
        )
        .filter(filled_on__isnull=False)
        .order_by("filled_on", "pk")
    )
    return tuple(
        Executed(
            day=row.filled_on,
            traded=row.traded,
            is_part=row.traded != row.all_traded,
            cost=row.cost,
            tax=row.added_this_year,
            risk_before=row.risk_before,
            risk_after=row.risk_after,
        )
        for row in rows
    )
