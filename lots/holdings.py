"""The lots a household holds while its entries are replayed. Mutable, and private to the engine.

Quantities are in base units, the security's units before its first split (``lots.splits``). A lot is what one entry
opened, as far as one account holds it. It consists of parts: shares matched as replacements stand apart from those
that are not (R15), and a transfer of some of them makes another part in the other account.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from lots.types import LedgerAccount

ZERO = Fraction(0)
BlockKey = tuple[str, str, str, str]  # order or entry, account, name, security


@dataclass(slots=True, eq=False)
class Opening:
    """The entry that brought shares into the household. Its parts share it wherever they are held."""

    entry: str
    order: int  # place in the order of execution
    security: str
    account: LedgerAccount  # the account that acquired, even after a transfer
    acquired: date
    block: str
    block_key: BlockKey  # equal for the fills of one order, never for anything else (R9)
    factor: Fraction  # shares per base share when it was opened
    is_purchase: bool  # an acquisition in the sense of R19
    is_reinvestment: bool = False
    moved_first: bool = False  # a retirement purchase ordered before others of its date (U6)
    parts_made: int = 0
    free: list["Part"] = field(default_factory=list)  # parts that may still become replacements

    def next_number(self) -> int:
        """The next unused part number: (entry, number) is never given twice."""
        number = self.parts_made
        self.parts_made += 1
        return number


@dataclass(slots=True, eq=False)
class SoldPart:
    """One lot part sold by one sale, with what the wash-sale rule has made of it so far.

    ``quantity`` and ``unmatched`` are in the units of the sale date.
    """

    sale: str
    position: int  # the sale's place in the ledger
    trade_date: date
    account: LedgerAccount
    opening: Opening
    number: int
    factor: Fraction  # shares per base share at the sale
    holding_start: date
    quantity: Fraction
    proceeds: Fraction
    basis: Fraction
    carries_loss: bool  # its basis holds the loss of an earlier sale (R21)
    disallowed: Fraction = ZERO
    permanent: Fraction = ZERO
    unmatched: Fraction = ZERO  # shares of a loss that have found no replacement yet
    loss_per_share: Fraction = ZERO


@dataclass(slots=True, eq=False)
class Part:
    """Shares of one lot with one history: equal basis per share, equal holding period, matched or not."""

    lot: "Lot"
    number: int
    holding_start: date
    quantity: Fraction
    basis: Fraction
    matched: bool = False  # these shares have served as a replacement (R14)
    adjusted: bool = False  # and their basis was raised (R13)
    sold_in: SoldPart | None = None  # only under U4 LITERAL_ACQUIRED: the shares are gone

    def take(self, quantity: Fraction) -> Fraction:
        """Remove shares and return the basis they carried."""
        if quantity == self.quantity:
            basis, self.basis = self.basis, ZERO
        else:
            basis = self.basis * quantity / self.quantity
            self.basis -= basis
        self.quantity -= quantity
        return basis

    def split_off(self, quantity: Fraction) -> "Part":
        """Move some of the shares into a new part of the same lot and history."""
        return Part(
            lot=self.lot,
            number=self.lot.opening.next_number(),
            holding_start=self.holding_start,
            basis=self.take(quantity),
            quantity=quantity,
            matched=self.matched,
            adjusted=self.adjusted,
            sold_in=self.sold_in,
        )

    def mark_matched(self) -> None:
        """Move the part to the matched side of its lot, where sales take it first (U9)."""
        if self in self.lot.unmatched:
            self.lot.unmatched.remove(self)
        self.matched = True
        if self.sold_in is None:
            self.lot.matched.append(self)


@dataclass(slots=True, eq=False)
class Lot:
    """What one account holds of one opening."""

    opening: Opening
    account: LedgerAccount
    matched: list[Part] = field(default_factory=list)  # in the order of matching
    unmatched: list[Part] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        """Parts in the order in which sales use them up: matched first (U9)."""
        yield from self.matched
        yield from self.unmatched

    def add(self, part: Part) -> None:
        part.lot = self
        (self.matched if part.matched else self.unmatched).append(part)

    def discard_empty(self) -> bool:
        """Forget parts without shares; True if the lot itself has none left."""
        self.matched = [part for part in self.matched if part.quantity]
        self.unmatched = [part for part in self.unmatched if part.quantity]
        return not self.matched and not self.unmatched


class Position:
    """One account's lots of one security, earliest acquired first (R22)."""

    def __init__(self) -> None:
        self._lots: list[Lot] = []
        self._by_entry: dict[str, Lot] = {}

    def __iter__(self) -> Iterator[Lot]:
        return iter(self._lots)

    def lot(self, entry: str) -> Lot | None:
        """The lot that ``entry`` opened, if any of it is held here."""
        return self._by_entry.get(entry)

    def lot_for(self, opening: Opening, account: LedgerAccount) -> Lot:
        """The lot of ``opening``, made empty at its place in the order if there is none."""
        lot = self._by_entry.get(opening.entry)
        if lot is None:
            lot = Lot(opening, account)
            self._by_entry[opening.entry] = lot
            if not self._lots or _order(self._lots[-1]) < _order(lot):
                self._lots.append(lot)
            else:
                self._lots.insert(bisect_left(self._lots, _order(lot), key=_order), lot)
        return lot

    def discard_if_empty(self, lot: Lot) -> None:
        if lot.discard_empty():
            del self._by_entry[lot.opening.entry]
            del self._lots[bisect_left(self._lots, _order(lot), key=_order)]

    def held(self) -> Fraction:
        """Base units in all lots together."""
        return sum((part.quantity for lot in self._lots for part in lot.parts()), ZERO)


def _order(lot: Lot) -> tuple[date, int]:
    return (lot.opening.acquired, lot.opening.order)
