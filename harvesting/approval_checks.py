"""What an approval asks of this room: whether the model has let a name go since the night (F18), how old prices may be.

Proposals keep the rules they were made under in their inputs.
"""

import json
from collections.abc import Collection, Iterator
from datetime import date

from harvesting import selectors
from proposals import departures, rechecks
from proposals import selectors as proposal_selectors
from proposals.models import Proposal
from proposals.staleness import PriceAge
from proposals.types import DraftTrade, Moved, ProposalKind, Side
from securities import selectors as securities

_KINDS = (ProposalKind.HARVEST, ProposalKind.SWAP_BACK, ProposalKind.GAIN_HARVEST)
_HELD_BY = (ProposalKind.HARVEST, ProposalKind.GAIN_HARVEST)  # a swap-back sells what stands in


def add_rechecks() -> None:
    """Called once, when the room is set up."""
    for kind in _KINDS:
        rechecks.add(kind, left_names)
        rechecks.add_price_age(kind, price_age)


def price_age(proposal: Proposal) -> PriceAge | None:
    """How old a price the harvest policy of the proposal permitted; None where the proposal kept no rules."""
    inputs = json.loads(proposal.inputs or "{}")
    kept = inputs.get("book", inputs)  # a harvest keeps the whole book, the others the rules alone
    days = kept.get("rules", {}).get("maximum_price_age_days")
    return None if days is None else PriceAge(days, of_trading=True)


def left_names(proposal: Proposal, today: date) -> Iterator[Moved]:
    """Names that the proposal buys although they left the model, or sells although their exit rule holds them.

    What the household's own list of substitutes names may be bought all the same.
    """
    left = departures.of_household(proposal.household_id, today)
    if not left:
        return
    trades = proposal_selectors.draft_trades(proposal)
    symbols = securities.symbols(proposal.household.firm_id)
    for security in sorted(_bought(proposal, trades, today) & left.keys()):
        told = f"{left[security].told(symbols[security])}: it is not to be bought"
        yield Moved(f"{symbols[security]} in the model", "not left", told)
    if proposal.kind not in _HELD_BY:
        return
    restricted = proposal_selectors.restrictions(proposal.household_id, today)
    held = {
        one.security
        for one in trades
        if one.side is Side.SELL
        and one.security in left
        and left[one.security].holds(account=one.account, security=one.security, by=restricted)
    }
    for security in sorted(held):
        told = f"{left[security].told(symbols[security])}, and its exit rule holds it"
        yield Moved(f"{symbols[security]} in the model", "not left", told)


def _bought(proposal: Proposal, trades: Collection[DraftTrade], today: date) -> set[int]:
    """What is bought, without what the household's own list names for something that its pair sells."""
    bought = [one for one in trades if one.side is Side.BUY]
    if proposal.kind != ProposalKind.HARVEST:
        return {one.security for one in bought}
    sold = [one for one in trades if one.side is Side.SELL]
    own = selectors.own_substitutes(proposal.household_id, today, {one.security for one in sold})
    return {
        one.security
        for one in bought
        if not any(
            (other.security, one.security) in own for other in sold if other.pair == one.pair
        )
    }
