"""The lots a household holds while its entries are replayed. Mutable, and private to the engine.

Quantities are counted in base units (``engine.splits``), dollars in the replay's smallest unit (``engine.units``), both
int wherever they are whole. A *lot* is what one entry opened, as far as one position holds it; a *position* is one
account's lots of one security. A lot consists of *parts*: shares matched as replacements stand apart from those that
are not (R15), and a transfer of some of them makes another part in the other account.

Dates are day numbers (``date.toordinal``). A part knows its quantity and the rate of its basis, dollars per base unit.
Taking shares out of a part, or cutting it in two, changes no rate; only a wash sale, averaging or a corporate action
does. Nothing here walks over what is gone: a position forgets its empty lots at the front as they empty, and those in
between by the dozen.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lots.engine.units import Exact, Rate, is_below
from lots.types import DisposalEvent, EntryKind, LedgerAccount, LedgerEntry

if TYPE_CHECKING:
    from lots.engine.queues import Seat
    from lots.engine.ranking import Ranking

_MANY = 32


class Lot:
    """What one position holds of one opening."""

    __slots__ = ("matched", "parts", "position")

    def __init__(self, position: "Position") -> None:
        self.position = position
        self.parts: list[Part] = []  # in the order in which sales use them up: matched first (U9)
        self.matched = 0  # how many of them are matched

    @property
    def opening(self) -> "Opening":
        raise NotImplementedError

    def add(self, part: "Part") -> None:
        """Put a part in its place: matched ones in the order of matching, then the others."""
        part.lot = self
        if part.matched:
            self.parts.insert(self.matched, part)
            self.matched += 1
        else:
            self.parts.append(part)
        if self.position.ranking is not None:
            self.position.ranking.changed.append(part)

    def remove(self, part: "Part") -> None:
        """Take a part out; the position forgets a lot that has none left."""
        parts = self.parts
        if parts[0] is part:
            del parts[0]
        else:
            parts.remove(part)
        if part.matched:
            self.matched -= 1
        if not parts:
            self.position.forget(self)


class Opening(Lot):
    """The entry that brought shares into the household, and the lot of it where they came in.

    Its parts share it wherever they are held.
    """

    __slots__ = (
        "_last_free", "account", "acquired", "entry", "free", "is_taxable", "next", "order",
        "parts_made", "scale",
    )  # fmt: skip

    def __init__(
        self,
        entry: LedgerEntry,
        position: "Position",
        acquired: int,
        order: int,
        scale: Exact,
    ) -> None:
        super().__init__(position)
        self.entry = entry
        self.account = position.account  # the account that acquired, even after a transfer
        self.is_taxable = position.is_taxable
        self.acquired = acquired
        self.order = order  # the entry's place in the ledger
        self.scale: Exact = scale  # base units in a share when it was opened
        self.parts_made = 0
        self.free: Part | None = None  # first of the parts that may still become replacements
        self._last_free: Part | None = None  # last of several
        self.next: Opening | None = None  # the next candidate (``lots.wash_sales``)

    @property
    def opening(self) -> "Opening":
        return self

    @property
    def is_inherited(self) -> bool:
        """Long-term whatever its dates (IRC 1223(9))."""
        return self.entry.kind is EntryKind.INHERIT

    def next_number(self) -> int:
        """The next unused part number: (entry, number) is never given twice."""
        number = self.parts_made
        self.parts_made = number + 1
        return number

    def first_free(self) -> "Part | None":
        """The first part that may still become a replacement; those that no longer may are forgotten."""
        part = self.free
        while part is not None and (part.matched or not part.quantity):
            part = part.beside
        self.free = part
        return part

    def add_free(self, part: "Part") -> None:
        """Another part that may become a replacement, after those there are."""
        last = self.first_free()
        if last is None:
            self.free = self._last_free = part
            return
        last = self._last_free or last
        last.beside = self._last_free = part


class MovedLot(Lot):
    """A lot in another position than where its shares came in."""

    __slots__ = ("_opening",)

    def __init__(self, opening: Opening, position: "Position") -> None:
        super().__init__(position)
        self._opening = opening

    @property
    def opening(self) -> Opening:
        return self._opening


class Part:
    """Shares of one lot with one history: equal basis per share, equal holding period, matched or not."""

    __slots__ = (
        "adjusted", "beside", "gift", "holding_start", "is_gone", "lot", "matched", "number",
        "quantity", "rate", "was_acquired",
    )  # fmt: skip

    def __init__(
        self, lot: "Lot", number: int, holding_start: int, quantity: Exact, rate: Rate
    ) -> None:
        self.lot = lot
        self.number = number
        self.holding_start = holding_start
        self.quantity = quantity
        self.rate = rate
        self.was_acquired = False  # in the sense of R19: a spun-off part of a purchase was not
        self.matched = False  # these shares have served as a replacement (R14)
        self.adjusted = False  # and their basis was raised (R13)
        self.gift: tuple[Rate, int] | None = None  # what losses count from (IRC 1015(a)), if less
        self.is_gone: int | None = (
            None  # under U4 LITERAL_ACQUIRED: the row in which they were sold
        )
        self.beside: Part | None = None  # another part of the opening that may become a replacement

    def basis_sold_at(self, price: Rate) -> tuple[Rate, int]:
        """Rate and start of the holding period that count if the shares are sold at ``price``.

        A gift worth less than the donor's basis has two: a gain counts from the donor's basis and start, a loss from
        the value and the day of the gift, and between the two there is neither (IRC 1015(a); Reg. 1.1015-1(a)).
        """
        if self.gift is not None and is_below(price, self.rate):
            value, given_on = self.gift
            return (value, given_on) if is_below(price, value) else (price, self.holding_start)
        return self.rate, self.holding_start

    def cut(self, quantity: Exact) -> "Part":
        """Some of the shares as a part of their own, of the same lot and history, in no place yet."""
        self.quantity -= quantity
        lot = self.lot
        piece = Part(lot, lot.opening.next_number(), self.holding_start, quantity, self.rate)
        piece.was_acquired = self.was_acquired
        piece.matched, piece.adjusted = self.matched, self.adjusted
        piece.gift, piece.is_gone = self.gift, self.is_gone
        return piece

    def match(self, quantity: Exact) -> "Part":
        """Mark shares as replacements, where sales take them first (U9); they are cut off if they are not all."""
        lot = self.lot
        if quantity != self.quantity:
            piece = self.cut(quantity)
        else:
            piece = self
            if self.is_gone is None:
                lot.parts.remove(self)
        piece.matched = True
        if self.is_gone is None:
            lot.parts.insert(lot.matched, piece)
            lot.matched += 1
            if lot.position.ranking is not None:  # the loss is about to raise its basis
                lot.position.ranking.changed.append(piece)
        return piece


class Position:
    """One account's lots of one security, earliest acquired first (R22)."""

    __slots__ = (
        "_by_entry", "_first", "_gone", "_lots", "account", "is_taxable", "ranking", "seat", "security",
    )  # fmt: skip

    def __init__(self, account: LedgerAccount, security: str) -> None:
        self.account = account
        self.security = security
        self.is_taxable = account.kind.is_taxable
        self.seat: Seat | None = None  # its place among the queues of the wash-sale rule
        self.ranking: Ranking | None = None  # made by the first sale that compares basis
        self._lots: list[Lot] = []
        self._first = 0  # where the lots begin that are not empty
        self._gone = 0  # empty lots behind the first
        self._by_entry: dict[str, Lot] | None = None  # made when somebody asks for a lot by name

    def lots(self) -> Iterator[Lot]:
        """Lots that hold something, earliest acquired first. Nothing may leave on the way."""
        index = self._first
        lots = self._lots
        while index < len(lots):
            lot = lots[index]
            index += 1
            if lot.parts:
                yield lot

    def parts(self) -> Iterator[Part]:
        """Parts in the order in which sales use them up first in, first out."""
        lots = self._lots
        for index in range(self._first, len(lots)):
            yield from lots[index].parts

    def parts_latest_first(self) -> Iterator[Part]:
        """Parts by lots the other way round; inside a lot the order is the same (U9)."""
        for index in range(len(self._lots) - 1, self._first - 1, -1):
            yield from self._lots[index].parts

    def lot(self, entry: str) -> Lot | None:
        """The lot that ``entry`` opened, if any of it is held here."""
        if self._by_entry is None:
            self._by_entry = {lot.opening.entry.id: lot for lot in self.lots()}
        return self._by_entry.get(entry)

    def add(self, lot: Lot) -> Lot:
        """Put a lot, which is to get a part at once, at its place in the order."""
        lots, opening = self._lots, lot.opening
        last = lots[-1].opening if lots else opening
        if last.acquired <= opening.acquired and last.order <= opening.order:
            lots.append(lot)
        else:
            lots.insert(bisect_left(lots, _order(lot), self._first, key=_order), lot)
        if self._by_entry is not None:
            self._by_entry[opening.entry.id] = lot
        if self.ranking is not None:
            self.ranking.changed += lot.parts  # of a purchase that went ahead (U6)
        return lot

    def lot_for(self, opening: Opening) -> Lot:
        """The lot of ``opening`` that is here already, else a new one. Give it a part at once."""
        return self.lot(opening.entry.id) or self.add(MovedLot(opening, self))

    def forget(self, lot: Lot) -> None:
        """Drop a lot that has become empty. Over many sales this takes no more than a step or two for each."""
        if self._by_entry is not None:
            del self._by_entry[lot.opening.entry.id]
        lots, first = self._lots, self._first
        self._gone += 1
        if lots[first] is lot:
            while first < len(lots) and not lots[first].parts:
                first += 1
                self._gone -= 1
            if first > _MANY and first * 2 > len(lots):
                del lots[:first]
                first = 0
            self._first = first
        elif lots[-1] is lot:
            while not lots[-1].parts:
                lots.pop()
                self._gone -= 1
        elif self._gone > _MANY and self._gone * 2 > len(lots) - first:
            self._lots = list(self.lots())
            self._first = self._gone = 0

    def held(self) -> Exact:
        """Base units in all lots together."""
        return sum(part.quantity for part in self.parts())


class Sale:
    """Shares of one position that leave for money, in one event of one entry."""

    __slots__ = ("account", "day", "entry", "event", "place", "rate", "scale", "security")

    def __init__(
        self,
        entry: LedgerEntry,
        position: Position,
        place: int,
        scale: int,
        rate: Rate,
        event: DisposalEvent,
    ) -> None:
        self.entry = entry
        self.account = position.account
        self.security = position.security
        self.place = place  # in the ledger
        self.day = entry.trade_date.toordinal()
        self.scale = scale  # base units in a share at the sale
        self.rate = rate  # proceeds, dollars per base unit
        self.event = event


class Loss:
    """The loss of one lot part sold, as far as it is matched with replacements. Counted in its own base units."""

    __slots__ = ("holding_start", "opening", "rate", "row", "sale", "unmatched")

    def __init__(
        self,
        row: int,
        sale: Sale,
        opening: Opening,
        holding_start: int,
        unmatched: Exact,
        rate: Rate,
    ) -> None:
        self.row = row  # its place among the rows realised
        self.sale = sale
        self.opening = opening
        self.holding_start = holding_start
        self.unmatched = unmatched  # shares that have found no replacement yet
        self.rate = rate  # dollars per base unit, above zero


def _order(lot: Lot) -> tuple[int, int]:
    return (lot.opening.acquired, lot.opening.order)
