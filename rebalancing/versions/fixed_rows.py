"""Rows of a rebalance that an adviser has fixed, and the household as if they had been traded: pure Decimal.

A row names a lot to sell from, or an account and a security to buy in: exactly so many shares, at most so many, or
(exactly none) not at all. Whatever else is traded is found around them and never undoes them: what is bought is not
sold again, and a loss that is sold has no purchase beside it (T39, T45).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from lots.rounding import plain
from lots.types import Term
from lots.year_tax import with_added
from proposals.types import DraftTrade, Side
from rebalancing.errors import RebalancingError
from rebalancing.household.state import Underway, restricted, share_of_basis
from rebalancing.trades.whole_shares import Shares
from rebalancing.types import NOUNS, ZERO, HouseholdState, Kept, Position, StateLot

LotKey = tuple[int, int]


class BadRows(RebalancingError):
    """Rows that cannot be traded as they were fixed; one sentence each."""

    code = "bad_rows"
    advice = "Change the rows named here."

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRow:
    """``quantity`` shares exactly, or at most so many with ``is_cap``. A sale names its lot by opening and part."""

    account: int
    security: int
    side: Side
    quantity: Decimal
    opening: int | None = None
    part: int | None = None
    is_cap: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.quantity, Decimal):
            raise TypeError(f"Shares are Decimal, not {type(self.quantity).__name__}.")

    @property
    def lot(self) -> LotKey:
        return self.opening or 0, self.part or 0

    @property
    def position(self) -> Position:
        return self.account, self.security

    @property
    def trades(self) -> bool:
        """Whether shares are traded for it, whatever the others do."""
        return not self.is_cap and self.quantity.is_finite() and self.quantity > ZERO


def shares_of(rows: Sequence[FixedRow]) -> Shares:
    """What the exact rows trade."""
    exact = [row for row in rows if row.trades]
    return Shares(
        buys={row.position: row.quantity for row in exact if row.side is Side.BUY},
        sells={row.lot: row.quantity for row in exact if row.side is Side.SELL},
    )


def problems_of(rows: Sequence[FixedRow], state: HouseholdState) -> list[str]:
    """What is wrong with the rows, in words; empty = they can be traded, each account's cash apart."""
    lots = {lot.key: lot for lot in state.lots}
    found: list[str] = []
    seen: set[tuple[Side, Position, LotKey]] = set()
    for row in rows:
        key = (row.side, row.position, row.lot)
        name = _name(row, state)
        if key in seen:
            found.append(f"{name} is fixed twice.")
        seen.add(key)
        if not row.quantity.is_finite() or row.quantity < ZERO:
            found.append(f"{name}: {row.quantity} is no number of shares.")
        elif row.side is Side.SELL:
            found += _sale(row, lots.get(row.lot), state, name)
        else:
            found += _purchase(row, state, name)
    return [*found, *_both_sides(rows, lots, state)]


def around(
    state: HouseholdState, rows: Sequence[FixedRow], trades: Sequence[DraftTrade]
) -> HouseholdState:
    """The household with ``trades`` (the exact rows) executed, in which nothing can undo them.

    Rows are free of problems. Caps of purchases are left to the optimiser's problem.
    """
    sold = {row.lot: row for row in rows if row.side is Side.SELL}
    bought = {row.position for row in rows if row.side is Side.BUY and row.trades}
    done = Underway()
    done.add(trades, state.half_spreads, state.costs)
    incoming = dict(state.incoming)
    for position, quantity in done.bought.items():
        incoming[position] = incoming.get(position, ZERO) + quantity
    left = replace(
        state.keeping(_left(state.lots, sold, bought), Kept.FIXED),
        accounts=tuple(
            replace(account, cash=account.cash + done.cash.get(account.id, ZERO))
            for account in state.accounts
        ),
        incoming=incoming,
        tax=with_added(
            state.tax, short=gain(trades, state, Term.SHORT), long=gain(trades, state, Term.LONG)
        ),
    )
    at_loss = [
        lot.security
        for lot in state.lots
        if _trades(sold.get(lot.key)) and state.may_turn_loss(lot)
    ]
    return restricted(left, no_buys=at_loss, no_loss_sales=[security for _, security in bought])


def buy_caps(rows: Sequence[FixedRow]) -> dict[Position, Decimal]:
    """Shares that may still be bought in a position beside the exact rows; positions that are not named are free."""
    found = {row.position: ZERO for row in rows if row.side is Side.SELL and row.trades}
    for row in rows:
        if row.side is Side.BUY:
            found[row.position] = row.quantity if row.is_cap else ZERO
    return found


def _trades(row: FixedRow | None) -> bool:
    return row is not None and row.trades


def _name(row: FixedRow, state: HouseholdState) -> str:
    symbol = state.symbols.get(row.security, f"security {row.security}")
    return f"The {NOUNS[row.side]} of {symbol} in {_account(row, state)}"


def _account(row: FixedRow, state: HouseholdState) -> str:
    names = {account.id: account.name for account in state.accounts}
    return names.get(row.account, f"account {row.account}")


def _is_tradable(row: FixedRow, state: HouseholdState) -> bool:
    """Whether the account trades so many shares: whole ones, or the fraction it trades in."""
    return state.account_of[row.account].cut(row.quantity) == row.quantity


def _sale(row: FixedRow, lot: StateLot | None, state: HouseholdState, name: str) -> Iterator[str]:
    if lot is None or (lot.account, lot.security) != row.position:
        yield f"{name}: its lot is not held any more, or other proposals sell all of it."
        return
    if row.is_cap or row.quantity == ZERO:
        return
    if row.quantity > lot.sellable:
        held = plain_shares(lot.quantity)
        why = (
            f"the lot has {held} that nobody else sells"
            if lot.sellable == lot.quantity
            else f"a window or a restriction leaves {plain_shares(lot.sellable)} of its {held} to sell"
        )
        yield f"{name}: {plain_shares(row.quantity)} shares are too many, {why}."
    elif not _is_tradable(row, state) and row.quantity != lot.quantity:
        yield f"{name}: {plain_shares(row.quantity)} shares are neither whole nor the complete lot."


def _purchase(row: FixedRow, state: HouseholdState, name: str) -> Iterator[str]:
    if row.account not in state.account_of:
        yield f"{name}: the account is not the household's."
        return
    if row.opening is not None or row.part is not None:
        yield f"{name}: a purchase names no lot."
    if row.is_cap or row.quantity == ZERO:
        return
    if row.security not in state.buyable or row.position in state.barred | state.must_sell:
        yield f"{name}: it must not be bought now, or has no target."
    if not _is_tradable(row, state):
        yield f"{name}: {plain_shares(row.quantity)} shares are not whole."


def _both_sides(
    rows: Sequence[FixedRow], lots: Mapping[LotKey, StateLot], state: HouseholdState
) -> Iterator[str]:
    bought = {row.position: row for row in rows if row.side is Side.BUY and row.trades}
    securities = {security for _, security in bought}
    for row in rows:
        if row.side is not Side.SELL or not row.trades:
            continue
        if row.position in bought:
            yield f"{_name(row, state)}: the account would buy it too. Trade the difference only."
        lot = lots.get(row.lot)
        if lot is None or not state.may_turn_loss(lot):
            continue
        for other in sorted(securities & state.group_of(row.security)):
            yield (
                f"{_name(row, state)} is at a loss, or nearly, while {state.symbols[other]} is "
                "bought: the loss would be washed."
            )


def _left(
    lots: Sequence[StateLot], sold: Mapping[LotKey, FixedRow], bought: set[Position]
) -> Iterator[StateLot]:
    for lot in lots:
        row = sold.get(lot.key)
        if row is not None and row.is_cap:
            lot = replace(lot, sellable=min(lot.sellable, row.quantity))
        elif row is not None:
            quantity = lot.quantity - row.quantity
            if quantity <= ZERO:
                continue
            basis = share_of_basis(basis=lot.basis, shares=quantity, of=lot.quantity)
            lot = replace(lot, quantity=quantity, basis=basis, sellable=ZERO)
        if (lot.account, lot.security) in bought:
            lot = replace(lot, sellable=ZERO)
        yield lot


def gain(trades: Sequence[DraftTrade], state: HouseholdState, term: Term) -> Decimal:
    """Dollars of gain (losses negative) that taxable sales of one term realise."""
    taxable = {account.id for account in state.accounts if account.is_taxable}
    gains = (
        trade.gain
        for trade in trades
        if trade.side is Side.SELL and trade.account in taxable and trade.term == term
    )
    return sum(gains, ZERO)


def plain_shares(shares: Decimal) -> str:
    """A number of shares for people."""
    return f"{Decimal(plain(Fraction(shares))):,f}"
