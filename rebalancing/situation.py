"""Everything a household's rebalance starts from, read at once: for who plans or re-solves outside the night."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from lots import selectors as lot_selectors
from lots.year_tax import TaxPosition
from proposals import budgets
from proposals import selectors as proposal_selectors
from proposals.budgets import Usage
from proposals.types import DraftProposal, Windows
from rebalancing import selectors
from rebalancing.errors import RebalancingError
from rebalancing.household.state import Books, assemble, stale_holdings
from rebalancing.models import ModelAssignment
from rebalancing.risk import RiskModel
from rebalancing.risk_data.risk_models import risk_model
from rebalancing.trades.index import universe
from rebalancing.types import ZERO, Outcome


class NotReady(RebalancingError):
    """Something about the household has to be put right before anything can be computed."""

    code = "not_ready"
    advice = ""

    def __init__(self, outcome: Outcome, message: str) -> None:
        self.outcome = outcome
        super().__init__(message)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Situation:
    """``usage`` is what draws on the year's budget, with the limits of the year where there are any."""

    assigned: ModelAssignment
    books: Books
    drafts: tuple[DraftProposal, ...]
    windows: Windows
    usage: Usage
    risk: RiskModel
    securities: tuple[int, ...]  # of the risk model, in its order

    @property
    def model_name(self) -> str:
        return self.assigned.model.name


def read(household_id: int, as_of: date, *, drafts: Sequence[DraftProposal] = ()) -> Situation:
    """The situation of one household; ``drafts`` are pending proposals of the day that come first.

    Raises NotReady with a sentence that says what is missing, BadReturns where no price history is usable, LedgerError
    for a ledger that cannot be followed.
    """
    assigned = selectors.assignment(household_id)
    if assigned is None:
        raise NotReady(
            Outcome.NO_MODEL, "The household follows no model: give it one, in the set-up file."
        )
    wrong = lot_selectors.unreconciled(household_id, as_of)
    if wrong:
        told = ". ".join(wrong[account] for account in sorted(wrong))
        raise NotReady(Outcome.UNRECONCILED, f"Lots do not add up to the custodian's: {told}.")
    tax, why = lot_selectors.tax_or_reason(household_id, as_of.year)
    if tax is None:
        raise NotReady(Outcome.NO_TAX_PROFILE, why)
    intentions = proposal_selectors.intentions(household_id, as_of=as_of)
    books = selectors.books(assigned, tax=tax, as_of=as_of, intentions=intentions)
    _check(books, assigned.model.name, drafts)
    state = assemble(books, drafts)
    # An original that a substitute stands in for today may be wanted again later.
    every = replace(state, targets={**books.targets, **state.targets})
    return Situation(
        assigned=assigned,
        books=books,
        drafts=tuple(drafts),
        windows=proposal_selectors.windows(household_id, as_of, drafts=drafts),
        usage=usage_of(household_id, as_of, tax=tax, drafts=drafts),
        risk=risk_model(firm_id=assigned.household.firm_id, state=every),
        securities=universe(every),
    )


def _check(books: Books, model: str, drafts: Sequence[DraftProposal]) -> None:
    if not books.targets:
        raise NotReady(Outcome.NO_MODEL, f"The model {model} has no weights.")
    if any(lot.acquired > books.as_of for lot in books.lots):
        raise NotReady(
            Outcome.LEDGER_AHEAD, f"The ledger of this household runs past {books.as_of}."
        )
    stale = stale_holdings(books, drafts)
    if stale:
        names = ", ".join(sorted(books.symbols[security] for security in stale))
        days = books.limits.maximum_price_age_days
        raise NotReady(Outcome.STALE_PRICES, f"No price of the last {days} days: {names}.")
    if assemble(books).value <= ZERO:
        raise NotReady(Outcome.EMPTY, "The household holds nothing of value.")


def usage_of(
    household_id: int, as_of: date, *, tax: TaxPosition, drafts: Sequence[DraftProposal] = ()
) -> Usage:
    """What draws on the year's budget, with ``tax`` as the booked year: limits of a plan may need it."""
    usage = proposal_selectors.budget_usage(household_id, as_of, drafts=drafts, always=True)
    assert usage is not None  # always
    if usage.tax is not None:
        return usage
    return replace(usage, tax=budgets.without(tax, usage.realised), why_no_tax="")
