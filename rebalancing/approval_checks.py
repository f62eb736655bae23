"""What an approval of a rebalance asks of this room: the terms of today, and the mandates at today's prices (T46)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from lots import selectors as lot_selectors
from proposals import rechecks
from proposals import selectors as proposal_selectors
from proposals.budgets import capped, excesses, gains_of
from proposals.models import Proposal
from proposals.staleness import PriceAge
from proposals.types import Moved, ProposalKind
from rebalancing import selectors, terms_in_force
from rebalancing.household.checks import cash_after
from rebalancing.household.state import assemble, stale_holdings
from rebalancing.mandates.rule_words import rule_sentence
from rebalancing.models import ModelAssignment
from rebalancing.services import mandate_check
from rebalancing.telling.moved_terms import Names, half_spreads, weights
from rebalancing.trades import measures
from rebalancing.types import ZERO, HouseholdState
from rebalancing.versions.edits import before
from securities import selectors as securities


def add_rechecks() -> None:
    """Called once, when the room is set up."""
    rechecks.add(ProposalKind.REBALANCE, terms_in_force.moved_since, is_lasting=True)
    rechecks.add(ProposalKind.REBALANCE, moved_spreads, is_lasting=True)
    rechecks.add(ProposalKind.REBALANCE, moved_targets)
    rechecks.add(ProposalKind.REBALANCE, broken_mandates)
    rechecks.add(ProposalKind.REBALANCE, gains_for_a_factor)
    rechecks.add_price_age(ProposalKind.REBALANCE, price_age)


def price_age(proposal: Proposal) -> PriceAge | None:
    """How old a price the policy of the proposal permitted; None where the proposal kept no policy."""
    days = json.loads(proposal.inputs).get("policy", {}).get("maximum_price_age_days")
    return None if days is None else PriceAge(days)


@dataclass(frozen=True, slots=True)
class _Done:
    """The household once the trades are done, in dollars."""

    after: dict[int, Decimal]
    cash_after: dict[int, Decimal]


def moved_spreads(proposal: Proposal, today: date) -> tuple[Moved, ...]:
    """Half spreads of what is traded that are not those the trades were weighed with, whoever says them now (F9).

    They are dated facts: one may be stated for a day before the proposal, or begin after it. Nothing where the
    proposal kept none.
    """
    traded = {trade.security for trade in proposal_selectors.draft_trades(proposal)}
    then = {
        row["id"]: Decimal(row["half_spread"])
        for row in json.loads(proposal.inputs).get("securities", ())
        if row["id"] in traded
    }
    firm_id = proposal.household.firm_id
    facts = securities.trading_facts(firm_id, today)
    now = {one: facts[one].half_spread for one in then if one in facts}
    if now == then:
        return ()
    names = Names(securities.symbols(firm_id), accounts={}, universe=frozenset(then))
    return half_spreads(then, now, names)


def moved_targets(proposal: Proposal, today: date) -> Iterator[Moved]:
    """Weights of the model, restrictions counted, that are not those the trades aim at any more.

    Asked of a proposal that kept these weights and not yet its terms, which know the model itself.
    """
    inputs = json.loads(proposal.inputs)
    kept = inputs.get("model")
    if kept is None or "terms" in inputs:
        return
    assigned = selectors.assignment(proposal.household_id)
    if assigned is None:
        yield Moved("model", "followed", "the household follows none")
        return
    state = _state_today(assigned, proposal, today)
    if state is None:
        return
    then = {int(security): Decimal(weight) for security, weight in kept.items()}
    now = state.whole_targets
    for security in sorted(then.keys() | now.keys()):
        was, is_now = then.get(security, ZERO), now.get(security, ZERO)
        if was != is_now:
            change = weights(f"target of {state.symbols[security]}", was, is_now)
            yield Moved(change.what, change.old, change.new)


def broken_mandates(proposal: Proposal, today: date) -> Iterator[Moved]:
    """Hard rules that the trades would break, or break further, by the mandates and prices of today.

    A mandate may have been given, and prices may have moved, since the night.
    """
    assigned = selectors.assignment(proposal.household_id)
    if assigned is None or not any(rule.is_hard for rule in selectors.rules(assigned)):
        return
    state = _state_today(assigned, proposal, today)
    trades = proposal_selectors.draft_trades(proposal)
    if state is None or any(one.security not in state.prices for one in trades):
        return
    priced = [replace(one, price=state.prices[one.security]) for one in trades]
    check = mandate_check(assigned, state)
    done = _Done(measures.holdings_after(priced, state), cash_after(priced, state))
    for now in check.worsened_by(done):
        yield Moved(f"mandate {now.rule.id}", "kept", rule_sentence(now, state.symbols))


def gains_for_a_factor(proposal: Proposal, today: date) -> Iterator[Moved]:
    """The net gain at today's prices, above what a rebalance for the factor reason alone may realise (F17)."""
    most = proposal.explanation.get("factor_gain_limit")
    if most is None:
        return
    firm_id = proposal.household.firm_id
    quotes = securities.latest_prices(firm_id, today)
    trades = [
        replace(one, price=quotes[one.security].price) if one.security in quotes else one
        for one in proposal_selectors.draft_trades(proposal)
    ]
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(proposal.household_id)}
    accounts = proposal_selectors.accounts_on_the_return(proposal.household_id)
    usage = capped(None, Decimal(most), accounts=accounts, year=today.year)
    assert usage is not None  # there is a limit
    gains = gains_of(trades, lots, accounts=accounts, as_of=today)
    for excess in excesses(usage, gains):
        after = f"${excess.after or ZERO:,.2f} with these trades"
        yield Moved(excess.limit.named, excess.allowed, after)


def _state_today(
    assigned: ModelAssignment, proposal: Proposal, today: date
) -> HouseholdState | None:
    """The household without the proposal; None where a price is missing or old: that is then what is in the way."""
    coming = proposal_selectors.intentions(proposal.household_id, without=proposal.pk, as_of=today)
    books = selectors.books(assigned, tax=selectors.UNTAXED, as_of=today, intentions=coming)
    # By the same word as the prices of what is traded: else a stricter policy would leave the mandates unasked.
    days = rechecks.price_age(proposal).days
    books = replace(books, limits=replace(books.limits, maximum_price_age_days=days))
    drafts = before(proposal)
    if stale_holdings(books, drafts):
        return None
    state = assemble(books, drafts)
    return state if state.value > ZERO else None
