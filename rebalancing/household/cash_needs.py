"""Cash that is going to leave, made ready in time (F6): pure Decimal.

A need that is due within the policy's days counts as taken out already: its dollars are set aside, so that targets,
bands and the optimiser look at what stays. An account that has too little must raise the rest. What an account cannot
raise is not set aside and is told as missing; accounts that are worth less than what is needed of them raise nothing,
and nothing is set aside (``rebalancing.household.shortfalls``).

A need of the household is raised where it costs least among its taxable accounts: what leaves a retirement account is
income to its owner, which no figure here knows, so such an account pays only a need that names it. Candidates are each
taxable account that can pay alone, and all of them together, each giving cash first (``candidates``); the one whose
best trades have the least objective is taken. That is the best of these, not of every way to split the sum.

Deposits count when they are booked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from proposals.types import CashFlow
from rebalancing.household.shortfalls import MOST_OF_VALUE, beyond_means
from rebalancing.types import CENT, ZERO, HouseholdState, StateAccount

MOST_CANDIDATES = 4


def with_needs(state: HouseholdState, flows: Sequence[CashFlow]) -> HouseholdState:
    """The state with the cash of needs set aside in their accounts; the household's own wait for ``placed``.

    Nothing is set aside for needs beyond its means: what would stay is a remnant that no weight can be a part of.
    """
    needs = [flow for flow in flows if flow.kind.is_need and flow.amount > ZERO]
    if not needs:
        return state
    asked = replace(state, needs=tuple(needs))
    if beyond_means(asked) is not None:
        return replace(asked, is_beyond_means=True)
    room = max(state.value * MOST_OF_VALUE, ZERO)
    wanted: dict[int, Decimal] = {}
    unplaced = ZERO
    for flow in needs:
        amount = min(flow.amount, room)
        room -= amount
        if flow.account is None:
            unplaced += amount
        else:
            wanted[flow.account] = wanted.get(flow.account, ZERO) + amount
    return replace(_set_aside(asked, wanted), unplaced_need=state.unplaced_need + unplaced)


def within_reach(state: HouseholdState) -> HouseholdState:
    """The state in which no more is set aside than accounts have and can raise; what is missing is told (``told``)."""
    if not state.needs:
        return state
    able = raisable(state)
    accounts = []
    for account in state.accounts:
        there = account.cash + account.set_aside
        kept = min(account.set_aside, max(there + able[account.id], ZERO))
        accounts.append(replace(account, cash=there - kept, set_aside=kept))
    most = sum((max(one.cash + able[one.id], ZERO) for one in accounts if one.is_taxable), ZERO)
    return replace(state, accounts=tuple(accounts), unplaced_need=min(state.unplaced_need, most))


def to_tell_of(state: HouseholdState) -> HouseholdState:
    """The state whose weights are told: as it is where more cash has to be raised than stays behind.

    Parts of so small a rest would say that a name is many times the household.
    """
    if not state.more_leaves_than_stays:
        return state
    accounts = (
        replace(one, cash=one.cash + one.set_aside, set_aside=ZERO) for one in state.accounts
    )
    return replace(state, accounts=tuple(accounts), unplaced_need=ZERO)


def candidates(state: HouseholdState) -> Iterator[HouseholdState]:
    """Ways to place the household's need in its taxable accounts; none where there is no such need."""
    need = state.unplaced_need
    if need <= ZERO:
        return
    able = raisable(state)
    payers = [account for account in state.accounts if account.is_taxable]
    free = {account.id: max(account.cash, ZERO) for account in payers}
    most = {account.id: max(account.cash + able[account.id], ZERO) for account in payers}
    order = sorted(payers, key=lambda account: (-most[account.id], account.id))
    yield _placed(state, _together(need, order, free, most))
    for account in order[:MOST_CANDIDATES]:
        if most[account.id] >= need and len(payers) > 1:
            yield _placed(state, {account.id: need})


def raisable(state: HouseholdState) -> dict[int, Decimal]:
    """Dollars that sales can bring each account, the whole cost of their orders paid; small positions left out."""
    found = {account.id: ZERO for account in state.accounts}
    cuts = {account.id: account for account in state.accounts}
    shares: dict[tuple[int, int], Decimal] = {}
    for lot in state.lots:
        position = (lot.account, lot.security)
        shares[position] = shares.get(position, ZERO) + cuts[lot.account].most_of(lot)
    for (account, security), quantity in shares.items():
        amount = (quantity * state.prices[security]).quantize(CENT)
        if amount < state.smallest_trade(account) or not quantity:
            continue
        cost = state.costs.beyond_spread(
            account=account, security=security, shares=quantity, amount=amount
        )
        found[account] += max(amount * (1 - state.half_spreads[security]) - cost - CENT, ZERO)
    return found


def _together(
    need: Decimal,
    order: Iterable[StateAccount],
    free: Mapping[int, Decimal],
    most: Mapping[int, Decimal],
) -> dict[int, Decimal]:
    """Cash first, from every account in turn; then what sales bring, from the one that can raise most."""
    found: dict[int, Decimal] = {}
    for limit in (free, most):
        for account in order:
            more = min(need, limit[account.id] - found.get(account.id, ZERO))
            if more > ZERO:
                found[account.id] = found.get(account.id, ZERO) + more
                need -= more
    return found


def _placed(state: HouseholdState, wanted: Mapping[int, Decimal]) -> HouseholdState:
    return replace(_set_aside(state, wanted), unplaced_need=ZERO)


def _set_aside(state: HouseholdState, wanted: Mapping[int, Decimal]) -> HouseholdState:
    return replace(
        state,
        accounts=tuple(
            replace(
                account,
                cash=account.cash - wanted.get(account.id, ZERO),
                set_aside=account.set_aside + wanted.get(account.id, ZERO),
            )
            for account in state.accounts
        ),
    )
