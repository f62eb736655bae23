"""What the oracle counts: handfuls of grains that have one history, and the rows of those that were sold."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from lots.types import DatedGroup, EntryKind, LedgerEntry

GRAINS = 2**16 * 3**8
WINDOW = timedelta(days=30)
ACQUIRED = ("buy", "reinvest", "vest", "opening")  # R19
ARRIVING = (*ACQUIRED, "receive", "gift", "inherit")

Sums = dict[tuple[object, ...], list[Fraction]]


def one_order(first: LedgerEntry, second: LedgerEntry) -> bool:
    """Fills of one order: bought in one account under one name."""
    return first.id == second.id or (
        first.block is not None and (first.account, first.block) == (second.account, second.block)
    )


def one_sale(first: LedgerEntry, second: LedgerEntry) -> bool:
    """The same entry, or fills of one sell order on one day."""

    def order(entry: LedgerEntry) -> tuple[object, ...]:
        return entry.trade_date, entry.account, entry.security, entry.block

    both_sell = first.kind is second.kind is EntryKind.SELL
    return first is second or (both_sell and bool(first.block) and order(first) == order(second))


def is_long(start: date, sold: date) -> bool:
    """The year is counted from the day after ``start`` and has to be over (R3)."""
    first = start + timedelta(days=1)
    try:
        return sold >= first.replace(year=first.year + 1)
    except ValueError:  # 29 February
        return sold >= date(first.year + 1, 3, 1)


@dataclass(eq=False)
class Handful:
    """``grains`` alike; ``basis`` is that of all of them."""

    entry: LedgerEntry
    place: int  # of the entry that brought them, in the ledger
    account: str  # that holds them now
    security: str  # that they are now
    acquired: date
    start: date
    grains: int
    basis: Fraction
    matched: bool = False
    arrived: int = 0  # running number of the match or transfer that put them where they stand
    offered: int = 0  # running number of the transfer or sale that took them from the others
    gone: int | None = None  # place of the entry by which they left
    row: "Row | None" = None  # their sale
    loss_basis: Fraction | None = None
    loss_start: date | None = None
    was_spun_off: bool = False  # and so was never acquired


@dataclass(eq=False)
class Row:
    """One handful sold."""

    sale: LedgerEntry
    security: str
    sold: Handful
    start: date
    shares: Fraction
    proceeds: Fraction
    basis: Fraction
    lost: Fraction = Fraction(0)
    permanent: Fraction = Fraction(0)


def add(sums: Sums, key: tuple[object, ...], figures: Sequence[Fraction]) -> None:
    """Add the figures to those of the key."""
    known = sums.setdefault(key, [Fraction(0)] * len(figures))
    for index, figure in enumerate(figures):
        known[index] += figure


def counted(sums: Sums) -> Counter[tuple[object, ...]]:
    """The sums in a form in which two programs can be compared."""
    return Counter((*key, *figures) for key, figures in sums.items())


def ratio_of(entry: LedgerEntry) -> Fraction:
    """New shares per old; a third is written 0.333333."""
    ratio = Fraction(entry.quantity)
    return Fraction(1, 3) if abs(ratio - Fraction(1, 3)) < Fraction(1, 10**5) else ratio


def whole(number: Fraction) -> int:
    assert number.denominator == 1, "a grain is never cut"
    return number.numerator


def first_in(handful: Handful) -> tuple[object, ...]:
    """FIFO; of one lot the adjusted part first (U9), in the order in which they came to stand there."""
    return (handful.acquired, handful.place, not handful.matched, handful.arrived)


def average(here: Sequence[Handful]) -> None:
    """Every grain gets the same part of the basis (R22b)."""
    basis, grains = sum(h.basis for h in here), sum(h.grains for h in here)
    for handful in here:
        handful.basis = basis * Fraction(handful.grains, grains)


def sold_for(handful: Handful, proceeds: Fraction) -> tuple[Fraction, date]:
    """Basis and start that count. The loss of a gift is counted from what it was worth; between the two is none."""
    if handful.loss_basis is None or proceeds >= handful.basis:
        return handful.basis, handful.start
    if proceeds >= handful.loss_basis:
        return proceeds, handful.start
    return handful.loss_basis, handful.loss_start or handful.start


def lowest_tax(handful: Handful, price: Fraction, day: date) -> tuple[object, ...]:
    """Short losses, long losses, long gains, short gains; losses largest first, gains smallest first."""
    basis, start = sold_for(handful, price * handful.grains)
    gain = price - basis / handful.grains
    long = handful.entry.kind is EntryKind.INHERIT or is_long(start, day)
    return (gain >= 0, long if gain < 0 else not long, gain)


def members(group: Iterable[str] | DatedGroup, day: date) -> set[str]:
    """Who belongs to the group on the day."""
    if not isinstance(group, DatedGroup):
        return set(group)
    return {
        member.security
        for member in group.members
        if (member.since is None or member.since <= day)
        and (member.until is None or day <= member.until)
    }
