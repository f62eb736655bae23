"""Examine one household for a rebalance, and store what was found."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from lots import selectors as lot_selectors
from lots.errors import LedgerError
from lots.year_tax import TaxPosition
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.budgets import Usage
from proposals.models import Proposal
from proposals.types import (
    DraftProposal,
    ProposalKind,
)
from rebalancing import selectors, terms_in_force
from rebalancing.errors import Infeasible, RebalancingError
from rebalancing.household.shortfalls import not_ready
from rebalancing.household.state import stale_holdings
from rebalancing.mandates.exposures import risk_figures
from rebalancing.mandates.mandate_checks import MandateCheck
from rebalancing.mandates.rules import Trigger
from rebalancing.models import ModelAssignment, RebalanceLook
from rebalancing.policies import decision, drift, looks, occasions
from rebalancing.policies.decision import Scope
from rebalancing.risk import RiskModel
from rebalancing.risk_data.risk_models import risk_model
from rebalancing.search import Search, look_of
from rebalancing.telling import explanation
from rebalancing.telling.at_rest import untraded
from rebalancing.transition import schedule as transition
from rebalancing.transition import selectors as transition_selectors
from rebalancing.transition import services as transition_services
from rebalancing.types import (
    CENT,
    ZERO,
    HouseholdState,
    Outcome,
    RebalanceResult,
)
from rebalancing.versions import replaced
from rebalancing.versions.ways import PlanStep, Way

REFUSED = "bad_draft"  # found, and refused by the hard rules when it was to be stored
FRACTION = Decimal("0.00000001")


def examine(
    *,
    household_id: int,
    as_of: date,
    drafts: Sequence[DraftProposal] = (),
    way: Way | None = None,
) -> RebalanceResult:
    """What to trade in one household, or why nothing; reads only.

    ``drafts`` are tonight's proposals that come first (the harvest): they count as executed. A pending rebalance of an
    earlier night is ignored. The optimiser's refusals become the result's reason; nothing is raised for them.
    Whoever asks for a ``way`` has decided to trade: neither the bands nor what it is worth stand in that way.
    """

    def nothing(reason: str, detail: str) -> RebalanceResult:
        return RebalanceResult(household_id, as_of, None, reason, detail)

    assigned = selectors.assignment(household_id)
    if assigned is None:
        return nothing(Outcome.NO_MODEL, "The household follows no model.")
    # The household is rebalanced as a whole: shares that may not be there would weigh on all accounts.
    wrong = lot_selectors.unreconciled(household_id, as_of)
    if wrong:
        told = ". ".join(wrong[account] for account in sorted(wrong))
        return nothing(Outcome.UNRECONCILED, f"Lots do not add up to the custodian's: {told}.")
    tax, why = lot_selectors.tax_or_reason(household_id, as_of.year)
    if tax is None:
        return nothing(Outcome.NO_TAX_PROFILE, why)
    intentions = proposal_selectors.intentions(household_id, as_of=as_of)
    if any(one.kind is ProposalKind.REBALANCE for one in intentions):
        return nothing(Outcome.BUSY, "An approved rebalance is still on its way.")
    books = selectors.books(assigned, tax=tax, as_of=as_of, intentions=intentions)
    if not books.targets:
        return nothing(Outcome.NO_MODEL, f"The model {assigned.model.name} has no weights.")
    if any(lot.acquired > as_of for lot in books.lots):
        return nothing(Outcome.LEDGER_AHEAD, f"The ledger of this household runs past {as_of}.")
    if not books.lots and sum(books.cash.values(), ZERO) <= ZERO:
        return nothing(Outcome.EMPTY, "The household holds neither shares nor cash.")
    stale = stale_holdings(books, drafts)
    if stale:
        names = ", ".join(sorted(books.symbols[security] for security in stale))
        days = books.limits.maximum_price_age_days
        return nothing(Outcome.STALE_PRICES, f"No price of the last {days} days: {names}.")
    state = selectors.state_of(books, drafts)
    if state.value <= ZERO:
        return nothing(Outcome.EMPTY, "The household's cash is overdrawn by all it holds.")
    measured = drift.of_state(state)
    schedule = selectors.schedule(
        assigned,
        books.limits,
        as_of,
        concerned=books.targets.keys() | {lot.security for lot in books.lots},
    )
    # What must be done waits for no look, and whatever pays for it may be traded.
    check = mandate_check(assigned, state)
    contradiction = check.contradiction()
    if contradiction and way is None:
        told = f"What binds the household contradicts itself: {contradiction} Change one of them."
        return replace(
            nothing(Outcome.BREAKS_MANDATE, told), looked=look_of(measured, counted=False)
        )
    must_act = state.must_act or bool(check.breaches)
    touched = Scope.EVERYTHING if must_act else decision.scope(measured, books.limits, schedule)
    search = partial(
        Search,
        firm_id=assigned.household.firm_id,
        state=check.bounded(state),
        measured=measured,
        check=check,
        lots=books.lots,
        intentions=books.intentions,
        drafts=drafts,
        terms=partial(terms_in_force.of_books, assigned, books, check.rules),
    )
    if way is None and not schedule.is_cooling:
        step = _step_of_plan(search, state, tax=tax, drafts=drafts)
        if step is not None:
            return replace(step, occasions=schedule.occasions)
    if touched is Scope.NOTHING and way is None:
        reason = decision.why_nothing(schedule)
        told = " ".join(
            [*not_ready(state), explanation.left_alone(measured, state.symbols, schedule)]
        )
        error, said = _at_rest(assigned.household.firm_id, state)
        looked = look_of(measured, counted=reason is Outcome.INSIDE_BANDS)
        looked = replace(looked, risk_before=error)
        return _told(replace(nothing(reason, f"{told} {said}"), looked=looked), schedule)
    everything = touched is Scope.NOTHING or (way is not None and way.is_whole)
    try:
        found = search(
            touched=Scope.EVERYTHING if everything else touched,
            usage=_usage(state, tax=tax, drafts=drafts, way=way),
            factor_gain_limit=factor_gain_limit(state, check, measured, schedule),
            is_for_mandate=way is None and not is_opened_otherwise(state, measured, schedule),
            way=way,
        ).run()
    except (RebalancingError, LedgerError) as error:
        why = f"{error} {check.told()}" if isinstance(error, Infeasible) else str(error)
        return replace(nothing(error.code, why.strip()), looked=look_of(measured, counted=False))
    seen = found.looked
    if seen is None or (schedule.due and not schedule.is_cooling):
        return found if way is not None else _told(found, schedule)
    # Cash alone was looked at: the policy's own look is still to come.
    return replace(found, looked=replace(seen, counted=False))


def _told(result: RebalanceResult, schedule: looks.Schedule) -> RebalanceResult:
    """The result with what opened the look, where that was not its date, and with the occasions that it has seen."""
    why = occasions.sentence(schedule.occasions) if not schedule.is_cooling else ""
    draft = result.draft
    if why and draft is not None:
        draft = replace(
            draft,
            reasons=occasions.with_codes(draft.reasons, schedule.occasions),
            explanation={**draft.explanation, "opened_by": why},
        )
    return replace(
        result,
        draft=draft,
        detail=f"{result.detail} {why}".strip(),
        occasions=schedule.occasions,
    )


def _at_rest(firm_id: int, state: HouseholdState) -> tuple[Decimal | None, str]:
    """The tracking error of a household that is left alone, and what is known of the rule of thumb. Solves nothing."""
    risk, why = risk_or_reason(firm_id, state)
    if risk is None:
        return None, f"Its tracking error is not known: {why}"
    error = risk_figures(state, risk).tracking_error
    return error, untraded(value=state.value, tracking_error=error, limits=state.limits)


def factor_gain_limit(
    state: HouseholdState, check: MandateCheck, measured: drift.Drift, schedule: looks.Schedule
) -> Decimal | None:
    """What a rebalance may realise that nothing but a factor opens (F17): no band, no date, no other rule.

    None: something else opens it too, or the policy has no limit.
    """
    if is_opened_otherwise(state, measured, schedule) or check.triggers() != (Trigger.FACTOR,):
        return None
    return state.limits.factor_gain_limit


def is_opened_otherwise(
    state: HouseholdState, measured: drift.Drift, schedule: looks.Schedule
) -> bool:
    """Whether a band, a date, or what must be done opens a look, whatever mandates say."""
    return state.must_act or decision.scope(measured, state.limits, schedule) is not Scope.NOTHING


def _usage(
    state: HouseholdState,
    *,
    tax: TaxPosition,
    drafts: Sequence[DraftProposal],
    way: Way | None,
) -> Usage | None:
    """What draws on the year's budget, None without one.

    A plan's own limits hold where somebody changes its step, and on a year's first night, before the year has them.
    """
    usage = proposal_selectors.budget_usage(state.household, state.as_of, drafts=drafts)
    if usage is not None and way is None:
        return usage
    plan = transition_selectors.plan(state.household)
    if plan is None or state.as_of < plan.started_on:
        return usage
    return transition_selectors.usage_under(plan, state.as_of, tax=tax, drafts=drafts)


def _step_of_plan(
    search: "partial[Search]",
    state: HouseholdState,
    *,
    tax: TaxPosition,
    drafts: Sequence[DraftProposal],
) -> RebalanceResult | None:
    """The night's step of a transition plan; None where none is under way or it would sell nothing of the legacy."""
    plan = transition_selectors.plan(state.household) if transition.has_legacy(state) else None
    if plan is None or state.as_of < plan.started_on:
        return None
    usage = transition_selectors.usage_under(plan, state.as_of, tax=tax, drafts=drafts)
    way = PlanStep(plan.started_on)
    with suppress(RebalancingError, LedgerError):  # the ordinary look then says what is wrong
        found = search(touched=Scope.EVERYTHING, usage=usage, way=way).run()
        if found.draft is not None and transition.sells_legacy(found.draft.trades, state):
            return found
    return None


def store(
    *, result: RebalanceResult, pending: Collection[ProposalKind] | None = None
) -> Proposal | None:
    """Put the draft before the adviser and keep the look; an older pending proposal is superseded either way.

    One that an adviser edited is named where it gives way (``versions.replaced``). The caller holds the household's
    lock inside a transaction.
    """
    edit, draft = replaced.pending_edit(result.household), result.draft
    if edit is not None and draft is not None:
        draft = replaced.with_notice(draft, edit)
    elif edit is not None:
        result = replace(result, detail=f"{result.detail} {replaced.told_without(edit)}".strip())
    _keep(result)
    transition_services.keep_budget(household_id=result.household, as_of=result.as_of)
    new = proposal_services.put_forward(
        draft=draft,
        household_id=result.household,
        kind=ProposalKind.REBALANCE,
        as_of=result.as_of,
        pending=pending,
    )
    if edit is not None and (new is None or new.pk != edit.pk):
        replaced.record(edit, new, as_of=result.as_of)
    return new


def _keep(result: RebalanceResult) -> None:
    """Write what the night measured (F3); the same night again writes over it."""
    looked = result.looked
    if looked is None:
        return
    refused = result.draft is None and result.reason == Outcome.PROPOSED  # by the hard rules
    worth = looked.worth
    sums: dict[str, Decimal | None] = dict.fromkeys(
        ("avoided", "avoided_per_year", "trading_cost", "commission", "impact", "tax", "later_tax")
    )
    if worth is not None:
        sums = {
            "avoided": worth.avoided.quantize(CENT),
            "avoided_per_year": worth.per_year.quantize(CENT),
            "trading_cost": worth.trading_cost,
            "commission": worth.trading.commission,
            "impact": worth.trading.impact,
            "tax": worth.tax.quantize(CENT),
            "later_tax": worth.later_tax.quantize(CENT),
        }
    RebalanceLook.objects.update_or_create(
        household_id=result.household,
        day=result.as_of,
        defaults={
            "reason": REFUSED if refused else result.reason,
            "detail": result.detail,
            "counted": looked.counted and not refused,
            "occasions": occasions.as_record(result.occasions),
            "out_of_band": looked.out_of_band,
            "largest_id": looked.largest,
            "largest_drift": looked.largest_drift.quantize(FRACTION),
            "cash_weight": looked.cash_weight.quantize(FRACTION),
            "risk_before": looked.risk_before,
            "risk_after": looked.risk_after,
            **sums,
        },
    )


def mandate_check(assigned: ModelAssignment, state: HouseholdState) -> MandateCheck:
    """The household against every rule that binds it; the risk model is asked only where a rule needs it."""
    rules = selectors.rules(assigned)
    firm_id = assigned.household.firm_id
    risk, why = None, ""
    if any(rule.kind.needs_risk for rule in rules):
        risk, why = risk_or_reason(firm_id, state)
    classes = selectors.classes(firm_id) if rules else {}
    return MandateCheck(rules=rules, state=state, classes=classes, risk=risk, why_no_risk=why)


def risk_or_reason(firm_id: int, state: HouseholdState) -> tuple[RiskModel | None, str]:
    """The risk model of the household's universe, or why there is none."""
    try:
        return risk_model(firm_id=firm_id, state=state), ""
    except RebalancingError as error:
        return None, str(error)
