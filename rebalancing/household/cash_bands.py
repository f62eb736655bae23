"""How much cash each account must keep and may keep, so that the household ends inside its band: pure Decimal.

The policy's band is one of the household, the cash is in accounts, and money cannot move between them. Start state and
rounding must never make the problem infeasible:

- The household has enough: each account keeps the same fraction of its cash, so the floors add up to the household's
  minimum and no account is drained for another.
- It has too little: what is missing is raised in the account with the most to sell, then in the next, so that no
  trade is smaller than it must be. Where there is not enough, as much is raised as there is.
- It has too much: accounts above the household's maximum weight give up the excess, in proportion to theirs. Where
  nothing is worth buying they keep it.
- Otherwise each account may end with its cash and its share, by value, of the room below the maximum.

A ceiling leaves room for whole shares. No floor is below zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from rebalancing.policies.drift import worth_buying
from rebalancing.types import ONE, ZERO, HouseholdState, Position

# Selling "everything" to raise cash is no plan: prices move before the orders fill.
MOST_OF_IT = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class CashBand:
    """Dollars."""

    floor: Decimal
    ceiling: Decimal


def household_band(state: HouseholdState) -> tuple[Decimal, Decimal]:
    """Least and most cash of the household in dollars; a model that leaves more cash raises the most."""
    value = state.value
    left_by_model = ONE - sum(state.targets.values(), ZERO)
    most = max(state.limits.cash_maximum, left_by_model, state.limits.cash_minimum)
    return state.limits.cash_minimum * value, most * value


def most_after(state: HouseholdState) -> Decimal:
    """Most dollars of cash that the household may end with: its band's most, what it has, and what must be sold.

    Where an account is short of its floor, also what the least sale leaves that cures it: a share, or the smallest
    trade, can be more than the whole band of a small household.
    """
    bands = cash_bands(state)
    raised = [
        max(account.cash, bands[account.id].floor + _least_sale(state, account.id))
        if account.cash < bands[account.id].floor
        else account.cash
        for account in state.accounts
    ]
    _, most = household_band(state)
    return max(most, state.cash, sum(raised, ZERO)) + sum(state.forced().values(), ZERO)


def _least_sale(state: HouseholdState, account: int) -> Decimal:
    """Dollars of the largest of the least sales of its positions: the smallest trade in whole shares."""
    step = state.account_of[account].quantum
    smallest, found = state.smallest_trade(account), ZERO
    for lot in state.lots:
        if lot.account == account and lot.sellable > ZERO:
            one = state.prices[lot.security] * step
            found = max(found, max((smallest / one).to_integral_value(ROUND_CEILING), ONE) * one)
    return found


def cash_bands(state: HouseholdState, *, is_loose: bool = False) -> dict[int, CashBand]:
    """The band of every account; with ``is_loose`` what must be sold may stay in cash."""
    low, high = household_band(state)
    floors = _floors(state, low)
    ceilings = _ceilings(state, low, high)
    if is_loose:
        forced = state.forced()
        ceilings = {
            account.id: max(ceilings[account.id], account.cash) + forced[account.id]
            for account in state.accounts
        }
    return {
        account.id: CashBand(
            floors[account.id],
            max(ceilings[account.id], floors[account.id] + _share_price(state)),
        )
        for account in state.accounts
    }


def _floors(state: HouseholdState, low: Decimal) -> dict[int, Decimal]:
    # What is missing for a need is raised in its own account, and is nobody else's cash.
    cash = {account.id: max(account.cash, ZERO) for account in state.accounts}
    total = sum(cash.values(), ZERO)
    if total >= low:
        kept = low / total if total > ZERO else ZERO
        return {account: max(dollars * kept, ZERO) for account, dollars in cash.items()}
    raisable = _raisable(state)
    for one in state.accounts:
        if one.id in raisable:
            raisable[one.id] = max(raisable[one.id] + min(one.cash, ZERO), ZERO)
    missing = min(low - total, sum(raisable.values(), ZERO))
    floors = dict(cash)
    for account in sorted(raisable, key=lambda account: (-raisable[account], account)):
        raised = min(missing, raisable[account])
        floors[account] += raised
        missing -= raised
    return {account: max(dollars, ZERO) for account, dollars in floors.items()}


def _ceilings(state: HouseholdState, low: Decimal, high: Decimal) -> dict[int, Decimal]:
    cash = {account.id: max(account.cash, ZERO) for account in state.accounts}
    total, value = sum(cash.values(), ZERO), state.value
    # What rounding down to whole shares may leave in cash.
    aim = high - min(_share_price(state) * len(state.accounts), (high - low) / 2)
    worth = _account_values(state)
    if total <= high:
        room = max(aim - total, ZERO)
        return {
            account.id: cash[account.id] + room * max(worth[account.id], ZERO) / value
            for account in state.accounts
        }
    over = {
        account.id: max(cash[account.id] - aim * worth[account.id] / value, ZERO)
        for account in state.accounts
    }
    given_up = (total - aim) / sum(over.values(), ZERO) if worth_buying(state) else ZERO
    return {
        account.id: cash[account.id] - given_up * over[account.id] for account in state.accounts
    }


def _raisable(state: HouseholdState) -> dict[int, Decimal]:
    """Dollars per account that sales can raise; positions below the smallest trade left out."""
    positions: dict[Position, Decimal] = {}
    for lot in state.lots:
        position = (lot.account, lot.security)
        dollars = state.account_of[lot.account].most_of(lot) * state.prices[lot.security]
        positions[position] = positions.get(position, ZERO) + dollars
    found: dict[int, Decimal] = {}
    for (account, security), dollars in positions.items():
        if dollars >= state.smallest_trade(account):
            raised = dollars * (ONE - state.half_spreads[security]) * MOST_OF_IT
            found[account] = found.get(account, ZERO) + raised
    return found


def _account_values(state: HouseholdState) -> Mapping[int, Decimal]:
    worth = {account.id: account.cash for account in state.accounts}
    for (account, security), quantity in state.shares().items():
        worth[account] += quantity * state.prices[security]
    return worth


def _share_price(state: HouseholdState) -> Decimal:
    """Dollars of the dearest share that may be bought: what rounding down can leave in cash."""
    return max((state.prices[security] for security in state.buyable), default=ZERO)
