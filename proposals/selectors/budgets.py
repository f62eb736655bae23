"""Reads for a household's yearly budget of gains: its limits, and what draws on them."""

from collections.abc import Mapping, Sequence
from datetime import date

from accounts.models import Household
from accounts.one_look import read_once
from accounts.selectors import accounts_of
from accounts.types import OwnerKind
from lots import selectors as lot_selectors
from lots.types import LotRow
from lots.year_tax import TaxPosition
from proposals import budgets
from proposals.budgets import Budget, Gains, Usage
from proposals.compliance import LotKey, feasible
from proposals.models import GainBudget, Proposal
from proposals.selectors.intentions import COMMITTED, draft_trades, intentions
from proposals.types import DraftProposal, Intention, ProposalKind, Proration


def gain_budget(household_id: int, year: int) -> GainBudget | None:
    """The row of the year with its author; one query."""
    rows = GainBudget.objects.filter(household=household_id, year=year)
    return rows.select_related("author").first()


def budget_usage(
    household_id: int,
    as_of: date,
    *,
    drafts: Sequence[DraftProposal] = (),
    without: int | None = None,
    always: bool = False,
) -> Usage | None:
    """The budget of the year of ``as_of`` and what draws on it, for who is about to propose or to show something.

    ``drafts`` are tonight's proposals that come first, ``without`` a proposal (primary key) that is looked at itself.
    None where the household has no budget, after one query; ``always`` asks for a usage without limits then.
    """
    row = gain_budget(household_id, as_of.year)
    if row is None and not always:
        return None
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(household_id)}
    possible = feasible(intentions(household_id, without=without, as_of=as_of), lots)
    return _usage(household_id, row, as_of, possible, lots, drafts)


def usage_given(
    household_id: int,
    as_of: date,
    *,
    on_the_way: Sequence[Intention],
    lots: Mapping[LotKey, LotRow],
) -> Usage | None:
    """``budget_usage`` of open trades that are given, cut to the shares that are there."""
    row = gain_budget(household_id, as_of.year)
    if row is None:
        return None
    return _usage(household_id, row, as_of, on_the_way, lots, ())


def _usage(
    household_id: int,
    row: GainBudget | None,
    as_of: date,
    on_the_way: Sequence[Intention],
    lots: Mapping[LotKey, LotRow],
    drafts: Sequence[DraftProposal],
) -> Usage:
    accounts = accounts_on_the_return(household_id)
    booked = lot_selectors.realized(household_id, as_of.year)
    realised = Gains(booked.short, booked.long)
    position, why = _position(household_id, as_of.year, row)
    by_proposal: dict[tuple[int, ProposalKind], list[Intention]] = {}  # a draft has no number
    for one in on_the_way:
        by_proposal.setdefault((one.proposal, one.kind), []).append(one)
    open_gains = [
        (
            trades[0].status in COMMITTED,
            budgets.gains_of(trades, lots, accounts=accounts, as_of=as_of),
        )
        for trades in by_proposal.values()
    ]
    tonight = [
        budgets.gains_of(draft.trades, lots, accounts=accounts, as_of=as_of) for draft in drafts
    ]
    return Usage(
        budget=_budget(row, as_of),
        accounts=accounts,
        realised=realised,
        committed=tuple(gains for is_committed, gains in open_gains if is_committed),
        pending=(*(gains for is_committed, gains in open_gains if not is_committed), *tonight),
        tax=None if position is None else budgets.without(position, realised),
        why_no_tax=why,
    )


def _budget(row: GainBudget | None, as_of: date) -> Budget:
    """The limits as they may be used on the day: the one place where a budget is prorated."""
    if row is None:
        return Budget(year=as_of.year)
    whole = Budget(
        year=row.year,
        short_limit=row.short_limit,
        long_limit=row.long_limit,
        tax_limit=row.tax_limit,
        proration=Proration(row.proration),
    )
    return whole.usable_on(as_of)


def _position(
    household_id: int, year: int, row: GainBudget | None
) -> tuple[TaxPosition | None, str]:
    """The tax position of the year; None with a sentence where there is none. Not asked where no limit needs it."""
    if row is not None and row.tax_limit is None:
        return None, ""
    return lot_selectors.tax_or_reason(household_id, year)


@read_once
def accounts_on_the_return(household_id: int) -> frozenset[int]:
    """Taxable accounts whose sales the household's persons report; a corporation reports its own."""
    return frozenset(
        account.pk
        for account in accounts_of(household_id)
        if account.is_taxable and account.owner.kind != OwnerKind.CORPORATION
    )


def budget_rows(household: Household, today: date) -> Sequence[budgets.BudgetRow]:
    """What the household's card shows."""
    usage = budget_usage(household.pk, today, always=True)
    assert usage is not None
    return budgets.rows(usage)


def budget_of_proposal(proposal: Proposal, today: date) -> Sequence[budgets.BudgetRow]:
    """Each limit before and after a proposal; empty for a household without a budget."""
    usage = budget_usage(proposal.household_id, today, without=proposal.pk)
    if usage is None:
        return ()
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(proposal.household_id)}
    gains = budgets.gains_of(draft_trades(proposal), lots, accounts=usage.accounts, as_of=today)
    return [row for row in budgets.rows(usage, gains) if row.most is not None]
