"""The books of one household while its entries are replayed: positions, sales, and what an entry does to them.

``lots.replay`` calls one method of ``Books`` for each entry, in the order of execution. A *place* is an entry's index
in the ledger in order of date; splits are facts of places (``engine.splits``).

For corporate actions the books offer their pieces singly:

* ``position(account, security)`` and ``positions_of(security)``: the lots of one account, or of every account;
* ``measures.scale(security, place)``: base units in a share; ``whole`` and ``normal`` (``engine.units``) keep ints int;
* ``dispose(...)``: part of a position leaves for money, in an event of any kind, and is tested for wash sales;
* ``take_out(part, quantity)`` and ``put_in(position, opening, part)``: shares leave a lot, shares join one; between the
  two a part may change its security, its quantity (a conversion of units) and its ``rate`` (a new basis);
* ``Opening.next_number()``: a part that an action makes is numbered by the opening that it descends from.
"""

from collections.abc import Mapping, Sequence

from accounts.types import OwnerKind
from lots.engine.holdings import Loss, Opening, Part, Position, Sale
from lots.engine.market_facts import identity_of
from lots.engine.records import Records
from lots.engine.relief import choose
from lots.engine.sell_orders import SellOrders
from lots.engine.splits import Measures
from lots.engine.units import Exact, rate, unit_for, whole
from lots.errors import Unsupported
from lots.types import (
    DisposalEvent,
    EntryKind,
    IdenticalGroups,
    LedgerAccount,
    LedgerEntry,
    Policy,
)
from lots.wash_sales import WashBook

_WITH_RATIO = frozenset(
    {EntryKind.SPLIT, EntryKind.RENAME, EntryKind.MERGE, EntryKind.SPIN_OFF}
)  # their quantity is no number of shares


class Books:
    """One run over one household's entries, which stand in order of date. To be used in the context ``EXACT``."""

    def __init__(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Mapping[str, LedgerAccount],
        groups: IdenticalGroups,
        policy: Policy,
    ) -> None:
        identity = identity_of(groups, entries)
        self.accounts = accounts
        self.dollar = unit_for(
            (entry.amount for entry in entries), (entry.fee for entry in entries)
        )  # money units in a dollar
        least = unit_for(
            (entry.quantity for entry in entries if entry.kind not in _WITH_RATIO),
            (pick.quantity for entry in entries for pick in entry.picks),
        )
        self.measures = Measures(entries, identity.name, least)
        self.records = Records(entries, accounts, self.measures, self.dollar, identity.one)
        self.wash = WashBook(records=self.records, identity=identity, policy=policy)
        self._sell_orders = SellOrders(entries)
        self._ahead: dict[int, Opening] = {}  # bought, and not yet where they stand in their day
        self._positions: dict[tuple[str, str], Position] = {}

    def position(self, account: str, security: str) -> Position:
        found = self._positions.get((account, security))
        if found is None:
            found = Position(self.accounts[account], security)
            self._positions[account, security] = found
        return found

    def positions(self) -> Sequence[Position]:
        """Every position there has been, in the order in which they were opened."""
        return tuple(self._positions.values())

    def positions_of(self, security: str) -> Sequence[Position]:
        """One security's positions in all accounts."""
        return [held for held in self._positions.values() if held.security == security]

    def buy(self, entry: LedgerEntry, place: int) -> None:
        """A purchase (R19, R25): opens a lot at cost and fee (R22), and may wash losses.

        One that has gone ahead of its day only arrives (U6).
        """
        opening = self._ahead.pop(place, None) or self._acquire(entry, place)
        opening.position.add(opening)

    def buy_ahead(self, entry: LedgerEntry, place: int) -> None:
        """A purchase may wash losses before its shares arrive in the account (U6)."""
        self._ahead[place] = self._acquire(entry, place)

    def _acquire(self, entry: LedgerEntry, place: int) -> Opening:
        position, part = self._open(entry, place)
        if entry.holding_start is not None:
            part.holding_start = entry.holding_start.toordinal()
        opening = part.lot.opening
        part.was_acquired = True
        opening.free = part
        self.wash.bought(opening, position)
        return opening

    def receive(self, entry: LedgerEntry, place: int) -> None:
        """A lot that comes with its basis and holding period, and replaces nothing (R19)."""
        position, part = self._open(entry, place)
        position.add(part.lot)
        if entry.holding_start is not None:
            part.holding_start = entry.holding_start.toordinal()
        value = entry.market_value
        if value is not None and value < entry.amount:
            given_on = entry.trade_date.toordinal()
            part.gift = rate(whole(value, self.dollar), part.quantity), given_on

    def _open(self, entry: LedgerEntry, place: int) -> tuple[Position, Part]:
        security = entry.security or ""
        position = self.position(entry.account, security)
        scale = self.measures.scale(security, place)
        acquired = (entry.acquired or entry.trade_date).toordinal()
        opening = Opening(entry, position, acquired, place, scale)
        quantity = whole(entry.quantity, scale)
        basis = whole(entry.amount + entry.fee, self.dollar)
        part = Part(opening, opening.next_number(), acquired, quantity, rate(basis, quantity))
        opening.add(part)
        return position, part

    def sell(self, entry: LedgerEntry, place: int) -> None:
        """Shares leave for money: identified lots, else by relief method (R22)."""
        security = entry.security or ""
        wanted = whole(entry.quantity, self.measures.scale(security, place))
        net = whole(entry.amount - entry.fee, self.dollar)
        position = self.position(entry.account, security)
        self.dispose(entry, place, position, wanted, net, DisposalEvent.SALE)

    def dispose(
        self,
        entry: LedgerEntry,
        place: int,
        position: Position,
        wanted: Exact,
        net: Exact,
        event: DisposalEvent,
    ) -> None:
        """``wanted`` base units leave ``position`` for ``net`` money units, spread by shares.

        Each lot part sold is one row. When all shares have left, those of other fills of its order among them, the
        losses look for replacements (R9b).
        """
        scale = self.measures.scale(position.security, place)
        sale = Sale(entry, position, place, scale, rate(net, wanted), event)
        index = self.records.add_sale(sale)
        price, unit = sale.rate
        rows = self.records.realized if position.is_taxable else self.records.retirement
        keeps_sold_shares, take_out = self.wash.keeps_sold_shares, self.take_out
        losses = []
        for part, quantity in choose(position, entry, wanted, scale, sale):
            basis, start = part.rate, part.holding_start
            if part.gift is not None:
                basis, start = part.basis_sold_at(sale.rate)
            cost, per = basis
            opening = part.lot.opening
            lost = cost * unit - price * per
            if lost > 0 or keeps_sold_shares:
                losses.append(Loss(len(rows), sale, opening, start, quantity, (lost, per * unit)))
            if keeps_sold_shares:
                _keep(part, quantity, len(rows))
            rows.append(
                (index, opening.order, part.number, quantity, cost, per, start, part.adjusted)
            )
            take_out(part, quantity)
        if position.is_taxable and (losses := self._sell_orders.complete(entry, place, losses)):
            self.wash.sold(losses, position)

    def realize(self, sale: Sale, part: Part, quantity: Exact) -> None:
        """Book a gain on the shares of a part without basis; they may stay where they are."""
        rows = self.records.realized if part.lot.position.is_taxable else self.records.retirement
        index = self.records.add_sale(sale)
        rows.append(
            (index, part.lot.opening.order, part.number, quantity, 0, 1, part.holding_start, False)
        )

    def give(self, entry: LedgerEntry, place: int) -> None:
        """Shares leave with their basis; nothing is sold."""
        position = self.position(entry.account, entry.security or "")
        scale = self.measures.scale(position.security, place)
        for part, quantity in choose(position, entry, whole(entry.quantity, scale), scale):
            self.take_out(part, quantity)

    def transfer(self, entry: LedgerEntry, place: int) -> None:
        """Lots move between the household's accounts with dates and basis unchanged; no acquisition (R19)."""
        destination = self.accounts[entry.to_account or ""]
        _check_transfer(entry, self.accounts[entry.account], destination)
        position = self.position(entry.account, entry.security or "")
        target = self.position(destination.id, position.security)
        scale = self.measures.scale(position.security, place)
        for part, quantity in choose(position, entry, whole(entry.quantity, scale), scale):
            opening = part.lot.opening
            if quantity == part.quantity:
                part.lot.remove(part)
                moved = part
            else:
                moved = part.cut(quantity)
                if moved.was_acquired and not moved.matched:
                    opening.add_free(moved)
            self.put_in(target, opening, moved)

    def take_out(self, part: Part, quantity: Exact) -> None:
        """Shares leave their part; an empty part leaves its lot, an empty lot its position."""
        if quantity == part.quantity:
            part.quantity = 0
            part.lot.remove(part)
            opening = part.lot.opening
            if opening.free is part:  # or the two would keep each other alive
                opening.free = part.beside
        else:
            part.quantity -= quantity

    def put_in(self, position: Position, opening: Opening, part: Part) -> None:
        """A part joins the lot of ``opening`` in ``position``, matched shares among the matched (U9)."""
        position.lot_for(opening).add(part)


def _keep(part: Part, quantity: Exact, row: int) -> None:
    """Sold shares still count as acquired under U4 LITERAL_ACQUIRED; their basis lies in the row."""
    if part.was_acquired and not part.matched:
        gone = Part(part.lot, part.number, part.holding_start, quantity, (0, 1))
        gone.is_gone = row
        part.lot.opening.add_free(gone)


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
