"""What an approval of a rebalance asks of this room: the mandates of today, at today's prices (F23)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from proposals import rechecks
from proposals import selectors as proposal_selectors
from proposals.models import Proposal
from proposals.types import Moved, ProposalKind
from rebalancing import arrays, mandates, selectors
from rebalancing.checks import cash_after
from rebalancing.rule_words import rule_sentence
from rebalancing.services import mandate_check
from rebalancing.state import assemble, stale_holdings
from rebalancing.types import ZERO
from rebalancing.versions import before


def add_rechecks() -> None:
    """Called once, when the room is set up."""
    rechecks.add(ProposalKind.REBALANCE, broken_mandates)


@dataclass(frozen=True, slots=True)
class _Done:
    """The household once the trades are done, in dollars."""

    after: dict[int, Decimal]
    cash_after: dict[int, Decimal]


def broken_mandates(proposal: Proposal, today: date) -> Iterator[Moved]:
    """Hard rules that the trades would break, or break further, by the mandates and prices of today.

    A mandate may have been given, and prices may have moved, since the night. Where a price is missing or old, that is
    what stands in the way of the approval.
    """
    assigned = selectors.assignment(proposal.household_id)
    if assigned is None or not any(rule.is_hard for rule in selectors.rules(assigned)):
        return
    coming = proposal_selectors.intentions(proposal.household_id, without=proposal.pk, as_of=today)
    books = selectors.books(assigned, tax=selectors.UNTAXED, as_of=today, intentions=coming)
    drafts = before(proposal)
    trades = proposal_selectors.draft_trades(proposal)
    if stale_holdings(books, drafts) or any(one.security not in books.prices for one in trades):
        return
    state = assemble(books, drafts)
    if state.value <= ZERO:
        return
    priced = [replace(one, price=state.prices[one.security]) for one in trades]
    check = mandate_check(assigned, state)
    done = _Done(arrays.holdings_after(priced, state), cash_after(priced, state))
    for now in mandates.worsened(check.before, check.after(done)):
        yield Moved(f"mandate {now.rule.id}", "kept", rule_sentence(now, state.symbols))
