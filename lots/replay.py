"""From a household's entries to its lots, sales and wash sales: the pure tax engine.

``replay`` is a function of its arguments alone: no clock, no settings, no rounding. The same entries give the same
result in whatever order of dates they come, and a rebuild changes nothing.

1. The entries are checked, and put in order of trade date (R6); inside a date they keep the order given, which is the
   order of execution.
2. Splits are read out first as facts of the market (R23): every quantity is then counted in base units, so that a
   split touches no lot, no total basis and no disallowance.
3. On one date the purchases of retirement accounts go first, whatever order they were booked in (U6).
4. A purchase or reinvestment (R25) opens a lot at cost and fee (R22), serves the pending losses and then stands ready
   as a replacement for later ones (``lots.wash_sales``). A receipt opens a lot with carried basis and holding period
   and is never a replacement (R19).
5. A sale takes the identified lots, else first in, first out within its account (R22, U9). Proceeds are net of the fee
   and spread by shares. Each lot part sold is one row, with the term of its tacked holding period (R3, R15). When all
   its shares have left, the losses look for replacements, in the order of original acquisition (R20). Sales in a
   retirement account are kept apart and are never losses (R16).
6. A transfer moves lots between accounts with dates and basis unchanged, matched shares staying matched; it is no
   acquisition (R19). Between a taxable and a retirement account, or a person and a corporation, it is refused.
7. Deposits, withdrawals and fees of their own do not touch lots.

A forward pass is enough although a purchase reaches back to sales 30 days before it: it changes the allowed part of
those sales and its own basis, and its own shares cannot have been sold before they were bought.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from accounts.types import OwnerKind
from lots.entry_checks import PURCHASES, accounts_by_id, check_entries
from lots.errors import Unsupported
from lots.holding_period import term
from lots.holdings import ZERO, BlockKey, Lot, Opening, Part, Position, SoldPart
from lots.relief import Take, choose
from lots.splits import SplitBook, in_base_units, in_shares
from lots.types import (
    EntryKind,
    IdenticalGroups,
    LedgerAccount,
    LedgerEntry,
    NewDisallowance,
    OpenLot,
    Policy,
    RealizedLot,
    ReplayResult,
    WashMatch,
)
from lots.wash_sales import MarketKey, WashBook, merged_groups


def replay(
    transactions: Sequence[LedgerEntry],
    accounts: Sequence[LedgerAccount],
    identical_groups: IdenticalGroups,
    policy: Policy = Policy(),  # noqa: B008 - frozen, and the documented default
) -> ReplayResult:
    """Lots, sales and wash sales of one household.

    ``transactions`` may come in any order of dates; entries of one date stand in the order of execution.
    ``identical_groups`` are the securities that are substantially identical to each other (R24).
    Raises a ``LedgerError`` (BadEntry, Oversold, UnknownLot, Unsupported) for a ledger it cannot follow, TypeError for
    a quantity or an amount that is not a Decimal.
    """
    household = accounts_by_id(accounts)
    entries = sorted(transactions, key=_trade_date)
    check_entries(entries, household)
    return _Replay(entries, household, identical_groups, policy).run()


def simulate(
    transactions: Sequence[LedgerEntry],
    intended: Sequence[LedgerEntry],
    accounts: Sequence[LedgerAccount],
    identical_groups: IdenticalGroups,
    policy: Policy = Policy(),  # noqa: B008 - frozen, and the documented default
) -> ReplayResult:
    """The replay as it would be with ``intended`` entries, which come last on their dates."""
    return replay([*transactions, *intended], accounts, identical_groups, policy)


def new_disallowed(before: ReplayResult, after: ReplayResult) -> tuple[NewDisallowance, ...]:
    """Sales, booked or intended, that lose more in ``after`` than in ``before``: more disallowed, or more for ever.

    Empty exactly when adding the intended entries makes no wash sale. In the order of ``after.realized``.
    """
    known = set(before.matches)
    matches: dict[str, list[WashMatch]] = {}
    for match in after.matches:
        if match not in known:
            matches.setdefault(match.sale, []).append(match)
    lost_before = _lost_by_sale(before)
    first_rows: dict[str, RealizedLot] = {}
    for row in after.realized:
        first_rows.setdefault(row.sale, row)
    found = []
    for sale, (disallowed, permanent) in _lost_by_sale(after).items():
        disallowed_before, permanent_before = lost_before.get(sale, (ZERO, ZERO))
        if disallowed <= disallowed_before and permanent <= permanent_before:
            continue
        row = first_rows[sale]
        found.append(
            NewDisallowance(
                sale=sale,
                trade_date=row.trade_date,
                account=row.account,
                security=row.security,
                amount=disallowed - disallowed_before,
                permanent=permanent - permanent_before,
                matches=tuple(matches.get(sale, ())),
            )
        )
    return tuple(found)


def _lost_by_sale(result: ReplayResult) -> dict[str, tuple[Fraction, Fraction]]:
    lost: dict[str, tuple[Fraction, Fraction]] = {}
    for row in result.realized:
        disallowed, permanent = lost.get(row.sale, (ZERO, ZERO))
        lost[row.sale] = (disallowed + row.disallowed, permanent + row.permanent)
    return lost


class _Replay:
    """One run over one household's entries, which stand in order of date."""

    def __init__(
        self,
        entries: Sequence[LedgerEntry],
        accounts: dict[str, LedgerAccount],
        identical_groups: IdenticalGroups,
        policy: Policy,
    ) -> None:
        self._entries = entries
        self._accounts = accounts
        self._policy = policy
        self._splits = SplitBook(entries)
        self._wash = WashBook(
            group_of=merged_groups(identical_groups), splits=self._splits, policy=policy
        )
        self._positions: dict[tuple[str, str], Position] = {}
        self._realized: list[SoldPart] = []
        self._retirement: list[SoldPart] = []

    def run(self) -> ReplayResult:
        moved_first = self._retirement_purchases_moved()
        for position in self._execution_order():
            entry = self._entries[position]
            if entry.kind in PURCHASES:
                self._buy(entry, position, moved_first=position in moved_first)
            elif entry.kind is EntryKind.SELL:
                self._sell(entry, position)
            elif entry.kind is EntryKind.RECEIVE:
                self._receive(entry, position)
            elif entry.kind is EntryKind.TRANSFER:
                self._transfer(entry, position)
        return ReplayResult(
            realized=tuple(_realized_lot(row) for row in self._realized),
            open_lots=self._open_lots(),
            matches=self._wash.matches(),
            policy=self._policy,
            retirement_disposals=tuple(_realized_lot(row) for row in self._retirement),
        )

    def _is_retirement_purchase(self, entry: LedgerEntry) -> bool:
        return entry.kind in PURCHASES and not self._accounts[entry.account].kind.is_taxable

    def _execution_order(self) -> list[int]:
        """Positions in order of date, purchases of retirement accounts first on each (U6)."""

        def order(position: int) -> tuple[date, bool]:
            entry = self._entries[position]
            return (entry.trade_date, not self._is_retirement_purchase(entry))

        return sorted(range(len(self._entries)), key=order)

    def _retirement_purchases_moved(self) -> set[int]:
        """Retirement purchases that U6 puts before a taxable trade in the same market on their date."""
        traded: set[tuple[date, MarketKey]] = set()
        moved: set[int] = set()
        for position, entry in enumerate(self._entries):
            if entry.security is None:
                continue
            market = self._wash.market(self._accounts[entry.account], entry.security)
            if self._is_retirement_purchase(entry):
                if (entry.trade_date, market) in traded:
                    moved.add(position)
            elif entry.kind in PURCHASES or entry.kind is EntryKind.SELL:
                traded.add((entry.trade_date, market))
        return moved

    def _position(self, account: str, security: str) -> Position:
        found = self._positions.get((account, security))
        if found is None:
            found = self._positions[account, security] = Position()
        return found

    def _buy(self, entry: LedgerEntry, position: int, *, moved_first: bool) -> None:
        opening = self._opening(entry, position)
        opening.is_purchase = True
        opening.is_reinvestment = entry.kind is EntryKind.REINVEST
        opening.moved_first = moved_first
        part = self._open(opening, entry, Fraction(entry.amount) + Fraction(entry.fee))
        opening.free.append(part)
        self._wash.bought(opening)

    def _receive(self, entry: LedgerEntry, position: int) -> None:
        opening = self._opening(entry, position)
        part = self._open(opening, entry, Fraction(entry.amount))
        part.holding_start = entry.holding_start or opening.acquired

    def _opening(self, entry: LedgerEntry, position: int) -> Opening:
        security = _security(entry)
        return Opening(
            entry=entry.id,
            order=position,
            security=security,
            account=self._accounts[entry.account],
            acquired=entry.acquired or entry.trade_date,
            block=entry.block or entry.id,
            block_key=_block_key(entry, security),
            factor=self._splits.factor(security, position),
            is_purchase=False,
        )

    def _open(self, opening: Opening, entry: LedgerEntry, basis: Fraction) -> Part:
        lot = self._position(entry.account, opening.security).lot_for(opening, opening.account)
        part = Part(
            lot=lot,
            number=opening.next_number(),
            holding_start=opening.acquired,
            quantity=in_base_units(Fraction(entry.quantity), opening.factor),
            basis=basis,
        )
        lot.add(part)
        return part

    def _sell(self, entry: LedgerEntry, position: int) -> None:
        security = _security(entry)
        held = self._position(entry.account, security)
        factor = self._splits.factor(security, position)
        net_per_share = (Fraction(entry.amount) - Fraction(entry.fee)) / Fraction(entry.quantity)
        rows = []
        for take in choose(held, entry, factor):
            rows.append(self._sold_part(entry, position, take, factor, net_per_share))
            if not take.part.quantity:
                held.discard_if_empty(take.part.lot)
        if self._accounts[entry.account].kind.is_taxable:
            self._realized.extend(rows)
            self._wash.sold(rows)
        else:
            self._retirement.extend(rows)

    def _sold_part(
        self,
        entry: LedgerEntry,
        position: int,
        take: Take,
        factor: Fraction,
        net_per_share: Fraction,
    ) -> SoldPart:
        """Take the shares out of their part and make the row of the sale."""
        part, opening = take.part, take.part.lot.opening
        quantity = in_shares(take.quantity, factor)
        row = SoldPart(
            sale=entry.id,
            position=position,
            trade_date=entry.trade_date,
            account=self._accounts[entry.account],
            opening=opening,
            number=part.number,
            factor=factor,
            holding_start=part.holding_start,
            quantity=quantity,
            proceeds=net_per_share * quantity,
            basis=part.take(take.quantity),
            carries_loss=part.adjusted,
        )
        if self._wash.keeps_sold_shares() and opening.is_purchase and not part.matched:
            opening.free.append(_gone(part, take.quantity, row))
        return row

    def _transfer(self, entry: LedgerEntry, position: int) -> None:
        security, destination = _security(entry), self._accounts[entry.to_account or ""]
        _check_transfer(entry, self._accounts[entry.account], destination)
        held = self._position(entry.account, security)
        target = self._position(destination.id, security)
        for take in choose(held, entry, self._splits.factor(security, position)):
            source = take.part.lot
            _move(take, target, destination)
            held.discard_if_empty(source)

    def _open_lots(self) -> tuple[OpenLot, ...]:
        lots = [lot for position in self._positions.values() for lot in position]
        lots.sort(key=lambda lot: (lot.opening.acquired, lot.account.id, lot.opening.order))
        end = len(self._entries)
        return tuple(
            _open_lot(lot, part, self._splits.factor(lot.opening.security, end))
            for lot in lots
            for part in lot.parts()
        )


def _trade_date(entry: LedgerEntry) -> date:
    return entry.trade_date


def _security(entry: LedgerEntry) -> str:
    assert entry.security is not None, "checked: entries of shares name their security"
    return entry.security


def _block_key(entry: LedgerEntry, security: str) -> BlockKey:
    """One order of one account is one block (R9): two accounts may give their orders the same name.

    An order's name never equals another entry's id by accident.
    """
    if entry.block:
        return ("order", entry.account, entry.block, security)
    return ("entry", entry.account, entry.id, security)


def _gone(part: Part, quantity: Fraction, row: SoldPart) -> Part:
    """Sold shares that still count as acquired under U4 LITERAL_ACQUIRED; their basis lies in the row."""
    return Part(
        lot=part.lot,
        number=part.number,
        holding_start=part.holding_start,
        quantity=quantity,
        basis=ZERO,
        sold_in=row,
    )


def _check_transfer(entry: LedgerEntry, source: LedgerAccount, target: LedgerAccount) -> None:
    if source.kind.is_taxable != target.kind.is_taxable:
        raise Unsupported(
            f"a transfer in kind between account {source.id} ({source.kind}) and account "
            f"{target.id} ({target.kind}) is a contribution or a distribution, which this version "
            "does not compute; book the sale or receipt it amounts to",
            rule="R19",
            entry=entry.id,
        )
    if OwnerKind.CORPORATION in (source.owner_kind, target.owner_kind) and (
        source.owner != target.owner or source.owner_kind != target.owner_kind
    ):
        raise Unsupported(
            f"account {source.id} and account {target.id} belong to different taxpayers, one of "
            "them a corporation; shares cannot be transferred between them unchanged",
            rule="R19",
            entry=entry.id,
        )


def _move(take: Take, target: Position, destination: LedgerAccount) -> None:
    """Carry the shares over with everything that belongs to them."""
    part, opening = take.part, take.part.lot.opening
    if take.quantity == part.quantity:
        moved = part
        (part.lot.matched if part.matched else part.lot.unmatched).remove(part)
    else:
        moved = part.split_off(take.quantity)
        if not moved.matched and opening.is_purchase:
            opening.free.append(moved)
    target.lot_for(opening, destination).add(moved)


def _realized_lot(row: SoldPart) -> RealizedLot:
    return RealizedLot(
        sale=row.sale,
        trade_date=row.trade_date,
        account=row.account.id,
        security=row.opening.security,
        lot=row.opening.entry,
        part=row.number,
        quantity=row.quantity,
        acquired=row.opening.acquired,
        holding_start=row.holding_start,
        term=term(row.holding_start, row.trade_date),
        proceeds=row.proceeds,
        basis=row.basis,
        disallowed=row.disallowed,
        permanent=row.permanent,
    )


def _open_lot(lot: Lot, part: Part, factor: Fraction) -> OpenLot:
    return OpenLot(
        opening=lot.opening.entry,
        part=part.number,
        account=lot.account.id,
        security=lot.opening.security,
        acquired=lot.opening.acquired,
        holding_start=part.holding_start,
        quantity=in_shares(part.quantity, factor),
        basis=part.basis,
        block=lot.opening.block,
    )
