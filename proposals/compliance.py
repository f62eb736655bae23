"""Whether intended trades make a wash sale: asked of the tax engine itself, before and after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from accounts.types import OwnerKind
from lots.replay import new_disallowed, replay, simulate
from lots.rounding import cents, stored_shares
from lots.types import (
    EntryKind,
    Ledger,
    LedgerEntry,
    LotPick,
    LotRow,
    NewDisallowance,
    Treatment,
)
from proposals.budgets import Usage
from proposals.costs import TradingCosts
from proposals.types import (
    ComingPurchase,
    DraftTrade,
    Intention,
    NewWash,
    Replacement,
    Side,
    Windows,
)
from proposals.windows import Groups
from securities.types import Quote

Trade = DraftTrade | Intention
AnyTrade = TypeVar("AnyTrade", bound=Trade)
LotKey = tuple[int, int]  # (opening, part)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything fresh that a household's trades are checked against. Ids are primary keys.

    ``ledger`` ends with the trades that other open proposals will make and with what will be bought by itself;
    ``windows`` counts them too, ``cash`` the former.
    """

    as_of: date
    ledger: Ledger
    lots: Mapping[LotKey, LotRow]
    windows: Windows
    quotes: Mapping[int, Quote]
    costs: TradingCosts
    cash: Mapping[int, Decimal]
    groups: Groups
    symbols: Mapping[int, str]
    accounts: Mapping[int, str]  # the household's accounts by name
    taxable: frozenset[int]
    budget: Usage | None = None  # what draws on the year's budget of gains; None = there is none
    # What other open proposals will still trade of lots that are there; ``cash`` has it, ``lots`` do not.
    on_the_way: tuple[Intention, ...] = ()
    # Account -> how its lots differ from what its custodian holds (T53): nothing may be traded there.
    unreconciled: Mapping[int, str] = field(default_factory=dict)
    delisted: Mapping[int, date] = field(default_factory=dict)  # since when it no longer trades

    @property
    def on_the_return(self) -> frozenset[int]:
        """Taxable accounts whose sales the household's persons report; a corporation reports its own."""
        return frozenset(
            int(one.id)
            for one in self.ledger.accounts
            if one.kind.is_taxable and one.owner_kind is not OwnerKind.CORPORATION
        )

    def symbol(self, security: int) -> str:
        return self.symbols.get(security, f"security {security}")

    def account(self, account: int) -> str:
        return self.accounts.get(account, f"account {account}")

    def sells_at_loss(self, trade: Trade) -> bool:
        """Whether a sale is a loss, or may be one by the time it is filled; retirement accounts have none (R16)."""
        if isinstance(trade, Intention):
            return trade.at_loss
        return trade.account in self.taxable and trade.may_turn_loss


def entries_of(
    trades: Sequence[Trade], trade_date: date, *, prefix: str = "intended"
) -> tuple[LedgerEntry, ...]:
    """The ledger entries that the trades would become: one per account, security and side, sales first.

    A sale of several lots is one sale, as its order will be: its own shares never replace each other (R9). A purchase
    is one block. Ids are ``prefix:1`` and so on, which no booked entry has.
    """
    together: dict[tuple[int, int, Side], list[Trade]] = {}
    for trade in sorted(trades, key=lambda trade: trade.side is Side.BUY):
        together.setdefault((trade.account, trade.security, trade.side), []).append(trade)
    return tuple(
        _entry(f"{prefix}:{number}", group, trade_date)
        for number, group in enumerate(together.values(), start=1)
    )


def _entry(entry_id: str, trades: Sequence[Trade], trade_date: date) -> LedgerEntry:
    first = trades[0]
    return LedgerEntry(
        id=entry_id,
        trade_date=trade_date,
        account=str(first.account),
        kind=EntryKind.SELL if first.side is Side.SELL else EntryKind.BUY,
        security=str(first.security),
        quantity=sum((trade.quantity for trade in trades), Decimal(0)),
        amount=sum((trade.quantity * trade.price for trade in trades), Decimal(0)),
        picks=tuple(
            LotPick(lot=str(trade.opening), quantity=trade.quantity, part=trade.part)
            for trade in trades
            if trade.opening is not None
        ),
    )


def with_entries(ledger: Ledger, entries: Iterable[LedgerEntry]) -> Ledger:
    """The ledger as it will be once the entries have happened."""
    return replace(ledger, entries=(*ledger.entries, *entries))


def coming_entries(coming: Iterable[ComingPurchase]) -> tuple[LedgerEntry, ...]:
    """What will be bought by itself, as the ledger will tell it; what can still be switched off is left out (F31)."""
    return tuple(
        LedgerEntry(
            id=f"coming:{number}",
            trade_date=one.day,
            account=str(one.account),
            kind=EntryKind.REINVEST if one.is_reinvestment else EntryKind.BUY,
            security=str(one.security),
            quantity=one.shares,
            amount=one.shares * one.price,
        )
        for number, one in enumerate(coming, start=1)
        if one.counts and one.shares > 0
    )


def washed_by(ledger: Ledger, intended: Sequence[LedgerEntry]) -> tuple[NewWash, ...]:
    """Losses, booked or intended, that the intended entries would disallow; empty = they make no wash sale.

    Raises a LedgerError where the trades cannot be made at all.
    """
    before = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    after = simulate(ledger.entries, intended, ledger.accounts, ledger.groups, ledger.policy)
    found = new_disallowed(before, after)
    if not found:
        return ()
    entries = {entry.id: entry for entry in (*ledger.entries, *intended)}
    return tuple(_new_wash(row, entries) for row in found)


def _new_wash(row: NewDisallowance, entries: Mapping[str, LedgerEntry]) -> NewWash:
    return NewWash(
        sale=row.sale,
        trade_date=row.trade_date,
        account=int(row.account),
        security=int(row.security),
        amount=cents(row.amount),
        permanent=cents(row.permanent),
        into=tuple(
            Replacement(
                entry=match.replacement,
                bought_on=bought.acquired or bought.trade_date,
                account=int(match.replacement_account),
                security=int(bought.security or row.security),
                shares=stored_shares(match.shares),
                amount=cents(match.amount),
                is_permanent=match.treatment is Treatment.PERMANENT,
            )
            for match in row.matches
            for bought in [entries[match.replacement]]
        ),
    )


def feasible(trades: Iterable[AnyTrade], lots: Mapping[LotKey, LotRow]) -> tuple[AnyTrade, ...]:
    """The trades cut to the shares that are still there, each sale on the lot parts that it will relieve.

    A part that a wash sale has cut meanwhile gives first, the other parts of its lot give the rest, as in the ledger.
    An approved sale whose lot has left must not make every other answer about the household impossible. The basis that
    a draft states stays that of the whole trade.
    """
    left = {key: lot.quantity for key, lot in lots.items()}
    kept: list[AnyTrade] = []
    for trade in trades:
        if trade.side is Side.BUY:
            kept.append(trade)
            continue
        wanted = trade.quantity
        for key in _parts_in_turn(trade, lots):
            quantity = min(wanted, left[key])
            if quantity > 0:
                left[key] -= quantity
                wanted -= quantity
                kept.append(replace(trade, part=key[1], quantity=quantity))
    return tuple(kept)


def _parts_in_turn(sale: Trade, lots: Mapping[LotKey, LotRow]) -> list[LotKey]:
    """The parts of the lot in the sale's account: the one it names, then the others in their order."""
    held = [key for key, lot in lots.items() if key[0] == sale.opening]
    mine = [key for key in held if lots[key].account == sale.account]
    return sorted(mine, key=lambda key: (key[1] != sale.part, key[1]))
