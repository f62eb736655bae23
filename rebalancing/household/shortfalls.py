"""What of the cash that is needed cannot be made ready, and what keeps it back (F6): pure Decimal.

Two cases, and they end differently:

- The accounts that have to pay are worth less than the need (``refuse_beyond_means``). No trades meet it, and to sell
  all they hold is nothing that anybody has asked for: the household is left alone and the figures are told.
- They are worth enough, but a part of it is not for sale today. Then what can be raised is, and the proposal begins
  with what is missing and why (``Shortfall``).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rebalancing.errors import RebalancingError
from rebalancing.household.cash_bands import household_band
from rebalancing.household.restrictions import why_kept
from rebalancing.types import CENT, ZERO, HouseholdState, Position, StateAccount

MOST_OF_VALUE = Decimal("0.99")  # a household that is paid out whole has no weights left
SHELTERED = "A retirement account pays only a need that names it"


class NeedBeyondMeans(RebalancingError):
    """The accounts that have to pay are worth less than what is needed of them."""

    code = "need_beyond_means"
    advice = (
        "Nothing is proposed and nothing is sold. Correct the amount, name the account that shall pay, "
        "or call the need off."
    )


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Dollars of all needs together; ``causes`` say what keeps the rest from being raised, the dearest first."""

    needed: Decimal
    ready: Decimal
    causes: tuple[str, ...]

    @property
    def missing(self) -> Decimal:
        return self.needed - self.ready

    @property
    def sentence(self) -> str:
        why = "; ".join(self.causes) or "sales cannot bring more"
        return (
            f"Only ${self.ready:,.2f} of the ${self.needed:,.2f} needed can be made ready; "
            f"${self.missing:,.2f} is missing: {why}."
        )


def told(state: HouseholdState) -> tuple[str, ...]:
    """Each need in a sentence, behind what of them is missing."""
    if not state.needs:
        return ()
    names = {account.id: account.name for account in state.accounts}
    short = shortfall(state)
    how = "Set aside" if short is None else "Needed"
    sentences = [f"{how}: {flow.told(names)}." for flow in state.needs]
    return tuple(sentences if short is None else [short.sentence, *sentences])


def taken_out(state: HouseholdState) -> tuple[str, ...]:
    """What the weights of a household are parts of where cash is needed, and whether its needs are beyond its means."""
    if not state.needs:
        return ()
    names = {account.id: account.name for account in state.accounts}
    out = sum((account.set_aside for account in state.accounts), state.unplaced_need)
    flows = ", ".join(flow.told(names) for flow in state.needs)
    beyond = beyond_means(state)
    if beyond is not None:
        return str(
            beyond
        ), f"Weights are parts of the ${state.value:,.2f} that are there; nothing is set aside."
    if state.more_leaves_than_stays:
        there = f"Weights are parts of the ${state.value + out:,.2f} that are there"
        return (f"{there}, of which ${out:,.2f} is taken out: {flows}.",)
    return (
        f"Weights are parts of the ${state.value:,.2f} that stay once ${out:,.2f} is taken out: {flows}.",
    )


def not_ready(state: HouseholdState) -> tuple[str, ...]:
    """What a household that is not traded leaves of its needs: what is missing, and what no sale has raised."""
    short = shortfall(state)
    found = [] if short is None else [short.sentence]
    owed = [account for account in state.accounts if account.set_aside and account.cash < ZERO]
    if owed:
        sums = ", ".join(f"${-account.cash:,.2f} in {account.name}" for account in owed)
        found.append(f"Not raised for what is needed: {sums}.")
    return tuple(found)


def shortfall(state: HouseholdState) -> Shortfall | None:
    """What is missing where no account sets aside more than it can raise (``cash_needs.within_reach``); None: nothing.

    ``state`` is the one that is solved: windows, restrictions and budgets have taken what they keep out of sale.
    """
    needed = sum((flow.amount for flow in state.needs), ZERO)
    ready = sum((account.set_aside for account in state.accounts), state.unplaced_need)
    if needed - ready < CENT:
        return None
    return Shortfall(needed, ready, tuple(_causes(state, needed, needed - ready)))


def below_minimum(state: HouseholdState, cash_after: Mapping[int, Decimal]) -> tuple[str, ...]:
    """What the cash is short of the policy's minimum once the trades are done, and why; empty where it is not.

    ``cash_after`` are dollars by account.
    """
    least, cash = household_band(state)[0], sum(cash_after.values(), ZERO)
    if least - cash < CENT:
        return ()
    told = f"Cash comes to ${cash:,.2f}, ${least - cash:,.2f} less than the policy's minimum of ${least:,.2f}"
    kept = sorted(_not_for_sale(state, state.account_of), key=lambda one: -one[0])
    why = "; ".join(words.format(f"${dollars:,.2f}") for dollars, words in kept if dollars >= CENT)
    return (f"{told}: {why}." if why else f"{told}: no more can be raised.",)


def refuse_beyond_means(state: HouseholdState) -> None:
    """Raises NeedBeyondMeans, with all figures, where the accounts that have to pay are worth less than the needs."""
    beyond = beyond_means(state)
    if beyond is not None:
        raise beyond


def beyond_means(state: HouseholdState) -> NeedBeyondMeans | None:
    """The refusal of needs that are more than the accounts which have to pay are worth; None: they are not."""
    names = {account.id: account.name for account in state.accounts}
    worth = _worth(state)
    left = dict(worth)
    for flow in state.needs:
        if flow.account is not None:
            left[flow.account] -= flow.amount
    for account in state.accounts:
        if left[account.id] < ZERO and any(flow.account == account.id for flow in state.needs):
            needs = [flow.told(names) for flow in state.needs if flow.account == account.id]
            return NeedBeyondMeans(
                _beyond(needs, worth[account.id] - left[account.id], [account], worth)
                + " Cash does not move between accounts."
            )
    shared = [flow for flow in state.needs if flow.account is None]
    payers = [account for account in state.accounts if account.is_taxable]
    able = sum((max(left[account.id], ZERO) for account in payers), ZERO)
    amount = sum((flow.amount for flow in shared), ZERO)
    if amount <= able:
        return None
    told_of = _beyond([flow.told(names) for flow in shared], amount, payers, left)
    sheltered = [account for account in state.accounts if not account.is_taxable]
    if sheltered:
        held = sum((worth[account.id] for account in sheltered), ZERO)
        names_of = ", ".join(account.name for account in sheltered)
        told_of += f" {SHELTERED}: ${held:,.2f} in {names_of}."
    return NeedBeyondMeans(told_of)


def _beyond(
    needs: list[str], amount: Decimal, payers: list[StateAccount], worth: dict[int, Decimal]
) -> str:
    able = sum((max(worth[account.id], ZERO) for account in payers), ZERO)
    whose = ", ".join(account.name for account in payers)
    pay = (
        f"what may pay for it ({whose}) is worth ${able:,.2f}"
        if payers
        else "no account of the household may pay for it"
    )
    return f"More cash is needed than can be raised: {', '.join(needs)}; {pay}, and ${amount - able:,.2f} is missing."


def _worth(state: HouseholdState) -> dict[int, Decimal]:
    """Dollars of every account before anything is taken out."""
    worth = {account.id: account.cash + account.set_aside for account in state.accounts}
    for (account, security), quantity in state.shares().items():
        worth[account] += quantity * state.prices[security]
    return worth


def _causes(state: HouseholdState, needed: Decimal, missing: Decimal) -> Iterator[str]:
    """Clauses; what no other cause explains is what sales cost and whole shares leave."""
    payers = {flow.account for flow in state.needs if flow.account is not None}
    is_shared = any(flow.account is None for flow in state.needs)
    if is_shared:
        payers |= {account.id for account in state.accounts if account.is_taxable}
    found = [
        *_not_for_sale(state, payers),
        (_coming(state, payers), "shares worth {} are only being bought"),
        (_small(state, payers), "positions worth {} are below the smallest trade"),
        (_last_part(state, needed), "{} stays, because a household is not paid out whole"),
    ]
    found = [(dollars, words) for dollars, words in found if dollars >= CENT]
    known = sum((dollars for dollars, _ in found), ZERO)
    if missing - known >= CENT:
        found.append((missing - known, "{} is what the sales cost and what rounding leaves"))
    for dollars, words in sorted(found, key=lambda one: -one[0]):
        yield words.format(f"${dollars:,.2f}")
    sheltered = [one.name for one in state.accounts if not one.is_taxable and one.id not in payers]
    if is_shared and sheltered:
        yield f"{SHELTERED[:1].lower()}{SHELTERED[1:]} ({', '.join(sheltered)})"


def _not_for_sale(state: HouseholdState, payers: Collection[int]) -> Iterator[tuple[Decimal, str]]:
    kept: dict[str, Decimal] = {}
    for lot in state.lots:
        dollars = (lot.quantity - lot.sellable) * state.prices[lot.security]
        if lot.account in payers and dollars:
            why = why_kept(lot, state)
            kept[why] = kept.get(why, ZERO) + dollars
    for why, dollars in sorted(kept.items()):
        told = why.replace("{", "{{").replace("}", "}}")  # a reason is anybody's text
        yield dollars, f"shares worth {{}} are not for sale ({told})"


def _coming(state: HouseholdState, payers: Collection[int]) -> Decimal:
    return sum(
        (
            quantity * state.prices[security]
            for (account, security), quantity in state.incoming.items()
            if account in payers
        ),
        ZERO,
    )


def _small(state: HouseholdState, payers: Collection[int]) -> Decimal:
    """Dollars for sale in positions that are smaller than any order."""
    found: dict[Position, Decimal] = {}
    for lot in state.lots:
        if lot.account in payers:
            dollars = state.account_of[lot.account].most_of(lot) * state.prices[lot.security]
            position = (lot.account, lot.security)
            found[position] = found.get(position, ZERO) + dollars
    return sum(
        (dollars for (one, _), dollars in found.items() if dollars < state.smallest_trade(one)),
        ZERO,
    )


def _last_part(state: HouseholdState, needed: Decimal) -> Decimal:
    """Dollars of the needs above what a household pays out at most."""
    aside = sum((account.set_aside for account in state.accounts), state.unplaced_need)
    return max(needed - (state.value + aside) * MOST_OF_VALUE, ZERO)
