"""Reads a household for its reviews: what is measured, or why it cannot be."""

from datetime import date

from accounts.selectors import firm_of, tax_profile
from lots import selectors as lot_selectors
from lots.year_tax import added_tax
from proposals import selectors as proposal_selectors
from rebalancing import selectors
from rebalancing.household.cash_needs import to_tell_of
from rebalancing.household.state import stale_holdings
from rebalancing.mandates.mandate_checks import MandateCheck
from rebalancing.model_changes import universe_selectors
from rebalancing.model_changes.new_weights_effect import effect
from rebalancing.models import ModelAssignment
from rebalancing.performance.household import measured, told
from rebalancing.policies import drift
from rebalancing.reviews import monthly, quarterly, weekly
from rebalancing.reviews.monthly import LimitUse, MonthlyFacts, NewWeights
from rebalancing.reviews.strategy import quarter_facts
from rebalancing.reviews.types import NewFinding, not_reviewed
from rebalancing.reviews.weekly import WeeklyFacts
from rebalancing.services import risk_or_reason
from rebalancing.types import ZERO, HouseholdState
from securities import selectors as securities


def weekly_findings(*, household_id: int, as_of: date) -> tuple[NewFinding, ...]:
    """The lines of the household's weekly review; one that says why where it cannot be measured."""
    if _is_too_late(household_id, as_of):
        return (_too_late(as_of),)
    found = _state(household_id, as_of)
    if isinstance(found, str):
        return (not_reviewed(found),)
    return _measured(*found)


def monthly_findings(*, household_id: int, as_of: date) -> tuple[NewFinding, ...]:
    """The lines of the weekly review, the household's year, what is open, and what its model's draft would do."""
    if _is_too_late(household_id, as_of):
        return (_too_late(as_of),)
    found = _state(household_id, as_of)
    year = monthly.findings(_year(household_id, as_of))
    if isinstance(found, str):
        return (not_reviewed(found), *year)
    return (*_measured(*found), *year, *_new_weights(*found), *_performance(*found))


def quarterly_findings(*, household_id: int, as_of: date) -> tuple[NewFinding, ...]:
    """The lines of the monthly review, and where the household stands in the long run."""
    if _is_too_late(household_id, as_of):
        return (_too_late(as_of),)
    found = _state(household_id, as_of)
    year = monthly.findings(_year(household_id, as_of))
    if isinstance(found, str):
        facts = quarter_facts(household_id, as_of, None)
        return (not_reviewed(found), *year, *quarterly.findings(facts))
    assigned, state = found
    check = _check(assigned, state)
    facts = quarter_facts(household_id, as_of, state)
    return (
        *_of_check(check, state),
        *year,
        *_new_weights(assigned, state),
        *_performance(assigned, state),
        *quarterly.of_classes(check.portfolio),
        *quarterly.findings(facts),
    )


def _is_too_late(household_id: int, as_of: date) -> bool:
    """Whether the household has traded since: its year and its holdings are those of a later day."""
    return lot_selectors.runs_past(as_of, household_id=household_id)


def _too_late(as_of: date) -> NewFinding:
    return not_reviewed(f"The ledger of this household runs past {as_of}: review a later date.")


def _measured(assigned: ModelAssignment, state: HouseholdState) -> tuple[NewFinding, ...]:
    return _of_check(_check(assigned, state), state)


def _check(assigned: ModelAssignment, state: HouseholdState) -> MandateCheck:
    firm_id = assigned.household.firm_id
    risk, why = risk_or_reason(firm_id, state)
    return MandateCheck(
        rules=selectors.rules(assigned),
        state=state,
        classes=selectors.classes(firm_id),
        risk=risk,
        why_no_risk=why,
    )


def _of_check(check: MandateCheck, state: HouseholdState) -> tuple[NewFinding, ...]:
    facts = WeeklyFacts(drift=drift.of_state(state), portfolio=check.portfolio, rules=check.before)
    return weekly.findings(facts)


def _year(household_id: int, as_of: date) -> MonthlyFacts:
    symbols = securities.symbols(firm_of(household_id))
    usage = proposal_selectors.budget_usage(household_id, as_of, always=True)
    assert usage is not None  # always asked for
    windows = proposal_selectors.windows(household_id, as_of)
    carried = tax_profile(household_id, as_of.year)
    return MonthlyFacts(
        year=as_of.year,
        short_realised=usage.realised.short,
        long_realised=usage.realised.long,
        carried=None
        if carried is None
        else {"short": carried.short_carryover, "long": carried.long_carryover},
        limits=tuple(
            LimitUse(name=limit.value, most=most, used=usage.use(limit, usage.worlds[0]))
            for limit, most in usage.budget.limits.items()
        ),
        unreconciled=tuple(
            told for _, told in sorted(lot_selectors.unreconciled(household_id, as_of).items())
        ),
        no_buys=tuple(sorted(symbols[one] for one in windows.buy_blocked)),
        no_loss_sales=tuple(sorted(symbols[one] for one in windows.sell_blocked)),
        swap_backs=tuple(
            sorted(
                f"{symbols[pair.substitute]} for {symbols[pair.sold]}"
                for pair in proposal_selectors.open_pairs(household_id, as_of)
            )
        ),
    )


def _new_weights(assigned: ModelAssignment, state: HouseholdState) -> tuple[NewFinding, ...]:
    drafted = selectors.draft_of(assigned.model_id, state.as_of)
    if drafted is None:
        return ()
    after = effect(state, drafted)
    position, _ = lot_selectors.tax_or_reason(state.household, state.as_of.year)
    tax = None
    if position is not None:
        tax = added_tax(position, short=after.short_gain, long=after.long_gain)
    found = NewWeights(
        model=assigned.model.name, drafted=after, present=effect(state, state.targets), tax=tax
    )
    return (monthly.of_new_weights(found),)


def _performance(assigned: ModelAssignment, state: HouseholdState) -> tuple[NewFinding, ...]:
    return told(measured(household_id=state.household, assigned=assigned, as_of=state.as_of))


def _state(household_id: int, as_of: date) -> tuple[ModelAssignment, HouseholdState] | str:
    """The household as if all that is approved or ordered had happened, or why it cannot be weighed."""
    assigned = selectors.assignment(household_id)
    if assigned is None:
        return "The household follows no model."
    moved = universe_selectors.moved_on(assigned.model_id, as_of)
    if moved is not None:
        return f"The model's weights are those of {moved}, when a version of them took a step: review a later date."
    wrong = lot_selectors.unreconciled(household_id, as_of)
    if wrong:
        told = ". ".join(wrong[account] for account in sorted(wrong))
        return f"Lots do not add up to the custodian's: {told}."
    books = selectors.books(
        assigned,
        tax=selectors.UNTAXED,
        as_of=as_of,
        intentions=proposal_selectors.intentions(household_id, as_of=as_of),
    )
    stale = stale_holdings(books)
    if stale:
        names = ", ".join(sorted(books.symbols[security] for security in stale))
        return f"No price of the last {books.limits.maximum_price_age_days} days: {names}."
    state = to_tell_of(selectors.state_of(books))
    if state.value <= ZERO:
        return "The household holds neither shares nor cash."
    return assigned, state
