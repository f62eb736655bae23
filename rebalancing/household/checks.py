"""Every hard rule, checked again on the trades themselves: pure Decimal. The solver proposes, Decimal disposes.

``verify`` knows nothing of how the trades were found. A single violation means there is no proposal.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from proposals.costs import orders_of
from proposals.types import DraftTrade, Side
from rebalancing.errors import RebalancingError
from rebalancing.household.cash_bands import household_band, most_after
from rebalancing.household.restrictions import is_held_for_gain
from rebalancing.types import ZERO, HouseholdState, Position, StateLot


class BrokenRule(RebalancingError):
    """Rounded trades break a hard rule."""

    code = "broken_rule"
    advice = "Nothing was proposed. Lower the policy's smallest trade, or look at the account named here."


def verify(trades: Sequence[DraftTrade], state: HouseholdState) -> list[str]:
    """What is wrong with the trades, in words; empty = nothing.

    The state is the one they were computed from. Looks at: lots held, sellable and named once; whole shares, or the
    fraction an account trades; prices; the smallest trade; blocked purchases; losses beside purchases of the same
    group; what must be sold, is held for its gains, has a largest weight; cash of every account, with costs and what
    is set aside for needs, exactly; the household's cash band.
    """
    return [
        *_sales(trades, state),
        *_purchases(trades, state),
        *_prices(trades, state),
        *_small(trades, state),
        *_both_sides(trades, state),
        *_must_sell(trades, state),
        *_held_gains(trades, state),
        *_weights(trades, state),
        *_cash(trades, state),
    ]


def cash_after(trades: Sequence[DraftTrade], state: HouseholdState) -> dict[int, Decimal]:
    """Dollars of every account after the trades and the whole cost of their orders, exact."""
    cash = {account.id: account.cash for account in state.accounts}
    for trade in trades:
        cost = trade.amount * state.half_spreads[trade.security]
        received = trade.amount if trade.side is Side.SELL else -trade.amount
        cash[trade.account] += received - cost
    for order in orders_of(trades):
        cash[order.account] -= order.beyond_spread(state.costs)
    return cash


def _sales(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    lots = {lot.key: lot for lot in state.lots}
    seen: set[tuple[int, int]] = set()
    for trade in trades:
        if trade.side is not Side.SELL:
            continue
        name = state.symbols[trade.security]
        key = (trade.opening or 0, trade.part or 0)
        lot = lots.get(key)
        if lot is None or (lot.account, lot.security) != (trade.account, trade.security):
            yield f"{name}: lot {key} is not held in account {trade.account}."
            continue
        if key in seen:
            yield f"{name}: lot {key} is sold twice."
        seen.add(key)
        yield from _sale_of(trade, lot, name, state)


def _sale_of(trade: DraftTrade, lot: StateLot, name: str, state: HouseholdState) -> Iterator[str]:
    if trade.quantity <= ZERO or trade.quantity > lot.sellable:
        yield f"{name}: {trade.quantity} shares of a lot are sold, {lot.sellable} may be."
    if not _is_tradable(trade, state) and trade.quantity != lot.quantity:
        yield f"{name}: {trade.quantity} shares are neither whole nor the complete lot."


def _purchases(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    accounts = {account.id for account in state.accounts}
    for trade in trades:
        if trade.side is not Side.BUY:
            continue
        name = state.symbols[trade.security]
        if trade.account not in accounts:
            yield f"{name}: account {trade.account} is not the household's."
            continue
        if trade.quantity <= ZERO or not _is_tradable(trade, state):
            yield f"{name}: {trade.quantity} shares to buy are not whole shares."
        if (
            trade.security not in state.buyable
            or (trade.account, trade.security) in state.barred | state.must_sell
        ):
            yield f"{name}: must not be bought."


def _prices(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    for trade in trades:
        if trade.price != state.prices[trade.security]:
            yield f"{state.symbols[trade.security]}: {trade.price} is not the price of the day."


def _small(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    """Lots of one position are one order: together they reach the smallest trade."""
    orders: dict[tuple[Position, Side], Decimal] = {}
    for trade in trades:
        key = ((trade.account, trade.security), trade.side)
        orders[key] = orders.get(key, ZERO) + trade.amount
    for ((account, security), side), amount in orders.items():
        if side is Side.SELL and (account, security) in state.must_sell:
            continue
        if amount < state.smallest_trade(account):
            yield f"{state.symbols[security]}: a {side} of ${amount} is below the smallest trade."


def _both_sides(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    bought = {trade.security for trade in trades if trade.side is Side.BUY}
    positions = {(trade.account, trade.security) for trade in trades if trade.side is Side.BUY}
    taxable = {account.id for account in state.accounts if account.is_taxable}
    for trade in trades:
        if trade.side is not Side.SELL:
            continue
        name = state.symbols[trade.security]
        if (trade.account, trade.security) in positions:
            yield f"{name}: account {trade.account} sells and buys it."
        if trade.gain < ZERO and trade.account in taxable:
            for other in sorted(bought & state.group_of(trade.security)):
                yield f"{name}: sold at a loss while {state.symbols[other]} is bought."


def _cash(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    after = cash_after(trades, state)
    for account in state.accounts:
        if after[account.id] < ZERO and account.set_aside:
            yield f"Account {account.name} would lack ${-after[account.id]} of ${account.set_aside} that it needs."
        elif after[account.id] < ZERO:
            yield f"Account {account.name} would owe ${-after[account.id]}."
    least, most = household_band(state)[0], most_after(state)
    total = sum(after.values(), ZERO)
    if total < min(least, state.cash):
        yield f"The household would keep ${total} of cash, less than its minimum of ${least}."
    if total > most:
        yield f"The household would keep ${total} of cash, more than its maximum of ${most}."


def _must_sell(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    """Every share that must be sold and may be is sold."""
    sold: dict[tuple[int | None, int | None], Decimal] = {}
    for trade in trades:
        if trade.side is Side.SELL:
            key = (trade.opening, trade.part)
            sold[key] = sold.get(key, ZERO) + trade.quantity
    for lot in state.lots:
        most = state.account_of[lot.account].most_of(lot)
        if (lot.account, lot.security) in state.must_sell and sold.get(lot.key, ZERO) < most:
            told = f"{sold.get(lot.key, ZERO)} of {most} shares"
            yield f"{state.symbols[lot.security]}: must be sold, {told} of lot {lot.key} are."


def _held_gains(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    """Asked of the restrictions themselves, not of what they made of the lots."""
    lots = {lot.key: lot for lot in state.lots}
    for trade in trades:
        lot = lots.get((trade.opening or 0, trade.part or 0))
        if trade.side is Side.SELL and lot is not None and is_held_for_gain(lot, state):
            yield f"{state.symbols[lot.security]}: lot {lot.key} is held for its gain."


def _weights(trades: Sequence[DraftTrade], state: HouseholdState) -> Iterator[str]:
    """No security ends above its largest weight, but for what must stay of it or is less than a smallest trade."""
    after = state.holdings()
    for trade in trades:
        sign = 1 if trade.side is Side.BUY else -1
        dollars = after.get(trade.security, ZERO) + sign * trade.quantity * trade.price
        after[trade.security] = dollars
    for security, most in state.heaviest().items():
        if after.get(security, ZERO) > most:
            yield (
                f"{state.symbols[security]}: ${after[security]:.2f} are more than its largest weight, ${most:.2f}."
            )


def _is_tradable(trade: DraftTrade, state: HouseholdState) -> bool:
    """Whole shares, or a multiple of the fraction that the account trades."""
    account = state.account_of.get(trade.account)
    return account is not None and trade.quantity == account.cut(trade.quantity)
