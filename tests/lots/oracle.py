"""The same law computed slowly and differently: handful by handful, sale by sale. It shares no code with the engine.

The engine makes one pass through time; a purchase serves the losses that wait for it. The oracle takes the entries by
which shares leave in their order (R7) and, at each loss, looks through the whole ledger, its future included, for the
earliest acquired shares that may replace those sold.

Shares are counted in *grains*, so fine that nothing is ever cut: a share before any split is ``GRAINS`` of them, and a
2-for-1 split makes a share half as many. A *handful* is a whole number of grains that have one history. Everything is
found by going through all of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from accounts.types import AccountKind
from lots.types import (
    DatedGroup,
    EntryKind,
    IdenticalGroups,
    LedgerAccount,
    LedgerEntry,
    OlderLotPolicy,
    Policy,
    Relief,
    Scope,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)

GRAINS = 2**16 * 3**8
WINDOW = timedelta(days=30)
ACQUIRED = ("buy", "reinvest", "vest", "opening")  # R19
ARRIVING = (*ACQUIRED, "receive", "gift", "inherit")
LEAVING = ("sell", "transfer", "give")

Sums = dict[tuple[object, ...], list[Fraction]]


def one_order(first: LedgerEntry, second: LedgerEntry) -> bool:
    """Fills of one order: bought in one account under one name."""
    return first.id == second.id or (
        first.block is not None and (first.account, first.block) == (second.account, second.block)
    )


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


@dataclass(eq=False)
class Row:
    """One handful sold."""

    sale: LedgerEntry
    sold: Handful
    start: date
    shares: Fraction
    proceeds: Fraction
    basis: Fraction
    lost: Fraction = Fraction(0)
    permanent: Fraction = Fraction(0)


class Oracle:
    def __init__(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Sequence[LedgerAccount],
        groups: IdenticalGroups,
        policy: Policy,
    ) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.trade_date)
        self.accounts = {account.id: account for account in accounts}
        self.groups = groups
        self.policy = policy
        self.count = 0
        self.handfuls: list[Handful] = []
        self.rows: list[Row] = []
        self.matches: Sums = {}
        self.splits = self._splits()
        for place, entry in enumerate(self.entries):
            if entry.kind in ARRIVING:
                self._arrive(place, entry)
        for place, entry in enumerate(self.entries):
            if entry.kind in LEAVING:
                self._leave(place, entry)

    # Units

    def _splits(self) -> list[tuple[int, str, Fraction]]:
        """Place, security and ratio of every split; booked by several accounts on one day it is one."""
        found, seen = [], set()
        for place, entry in enumerate(self.entries):
            fact = (entry.security, entry.trade_date)
            if entry.kind is EntryKind.SPLIT and fact not in seen:
                seen.add(fact)
                ratio = Fraction(entry.quantity)
                if abs(ratio - Fraction(1, 3)) < Fraction(1, 10**5):
                    ratio = Fraction(1, 3)  # written 0.333333
                found.append((place, str(entry.security), ratio))
        return found

    def per_share(self, security: str | None, place: int) -> Fraction:
        """Grains in one share of the security at a place of the ledger."""
        grains = Fraction(GRAINS)
        for at, split, ratio in self.splits:
            if at <= place and split == security:
                grains /= ratio
        return grains

    def shares(self, handful: Handful, place: int) -> Fraction:
        return handful.grains / self.per_share(handful.entry.security, place)

    # Arriving

    def _arrive(self, place: int, entry: LedgerEntry) -> None:
        acquired = entry.acquired or entry.trade_date
        worth = entry.market_value
        gift_below = worth if worth is not None and worth < entry.amount else None
        self.handfuls.append(
            Handful(
                entry=entry,
                place=place,
                account=entry.account,
                acquired=acquired,
                start=entry.holding_start or acquired,
                grains=whole(Fraction(entry.quantity) * self.per_share(entry.security, place)),
                basis=Fraction(entry.amount) + Fraction(entry.fee),
                loss_basis=None if gift_below is None else Fraction(gift_below),
                loss_start=None if gift_below is None else entry.trade_date,
            )
        )

    # Leaving

    def _leave(self, place: int, entry: LedgerEntry) -> None:
        if entry.relief is Relief.AVERAGE:
            self._average(place, entry)
        leaving = self._chosen(place, entry)
        if entry.kind is EntryKind.TRANSFER:
            for handful in leaving:
                handful.account, handful.arrived = str(entry.to_account), self._next()
            return
        for handful in leaving:
            handful.gone, handful.offered = place, self._next()
        if entry.kind is EntryKind.SELL:
            self._sell(place, entry, leaving)

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _here(self, place: int, entry: LedgerEntry) -> list[Handful]:
        return [
            handful
            for handful in self.handfuls
            if (handful.account, handful.entry.security) == (entry.account, entry.security)
            and handful.gone is None
            and self._arrived_by(handful, place)
        ]

    def _arrived_by(self, handful: Handful, place: int) -> bool:
        """There before the entry at ``place``.

        What a retirement account buys counts for its whole day (U6), and so does a lot taken over without its history.
        """
        bought = handful.entry
        retirement = bought.kind in ACQUIRED and not self.taxable(bought.account)
        if bought.trade_date == self.entries[place].trade_date:
            return retirement or bought.kind is EntryKind.OPENING or handful.place < place
        return handful.place < place

    def _chosen(self, place: int, entry: LedgerEntry) -> list[Handful]:
        here = sorted(self._here(place, entry), key=first_in)
        per_share = self.per_share(entry.security, place)
        if entry.picks:
            leaving = []
            for pick in entry.picks:
                of_lot = [h for h in here if h.entry.id == pick.lot and h not in leaving]
                leaving += self._counted(of_lot, whole(Fraction(pick.quantity) * per_share))
        else:
            relief = entry.relief or Relief.FIFO
            price = Fraction(entry.amount - entry.fee) / Fraction(entry.quantity) / per_share
            if relief is Relief.LIFO:
                here.sort(key=lambda h: (-h.acquired.toordinal(), -h.place, *first_in(h)))
            elif relief is Relief.HIFO:
                here.sort(key=lambda h: -h.basis / h.grains)
            elif relief is Relief.LOWEST_TAX and entry.kind is EntryKind.SELL:
                here.sort(key=lambda h: lowest_tax(h, price, entry.trade_date))
            leaving = self._counted(here, whole(Fraction(entry.quantity) * per_share))
        return sorted(leaving, key=lambda handful: first_in(handful)[:3])

    def _counted(self, handfuls: Iterable[Handful], number: int) -> list[Handful]:
        """The first ``number`` grains."""
        counted = []
        for handful in handfuls:
            if number:
                counted.append(self._part(handful, min(number, handful.grains)))
                number -= counted[-1].grains
        assert number == 0, "the history lets more go than is there"
        return counted

    def _part(self, handful: Handful, grains: int) -> Handful:
        """``grains`` of the handful, which keeps the others."""
        if grains == handful.grains:
            return handful
        part = replace(handful, grains=grains, basis=handful.basis * grains / handful.grains)
        part.offered = self._next()
        if handful.loss_basis is not None:
            part.loss_basis = handful.loss_basis * grains / handful.grains
            handful.loss_basis -= part.loss_basis
        handful.grains -= grains
        handful.basis -= part.basis
        self.handfuls.append(part)
        return part

    def _average(self, place: int, entry: LedgerEntry) -> None:
        here = self._here(place, entry)
        basis, grains = sum(h.basis for h in here), sum(h.grains for h in here)
        for handful in here:
            handful.basis = basis * Fraction(handful.grains, grains)

    # Selling

    def taxable(self, account: str) -> bool:
        return self.accounts[account].kind in (AccountKind.TAXABLE, AccountKind.TRUST)

    def _sell(self, place: int, entry: LedgerEntry, leaving: list[Handful]) -> None:
        net, number = Fraction(entry.amount) - Fraction(entry.fee), sum(h.grains for h in leaving)
        rows = []
        for handful in leaving:
            proceeds = net * handful.grains / number
            basis, start = sold_for(handful, proceeds)
            row = Row(entry, handful, start, self.shares(handful, place), proceeds, basis)
            handful.row = row
            rows.append(row)
        self.rows += rows
        if self.taxable(entry.account):
            for row in rows:
                self._wash(place, row)

    def _wash(self, place: int, row: Row) -> None:
        """Every sold share of a loss takes the next share that may replace it."""
        left, loss = row.shares, (row.basis - row.proceeds) / row.shares
        if loss <= 0:
            return
        for candidate in self._candidates(place, row):
            if not left:
                break
            per_share = self.per_share(candidate.entry.security, place)
            number = min(left, candidate.grains / per_share)
            self._match(row, self._part(candidate, whole(number * per_share)), number, loss)
            left -= number

    def _match(self, row: Row, replacing: Handful, number: Fraction, loss: Fraction) -> None:
        replacing.matched, replacing.arrived = True, self._next()
        amount = number * loss
        permanent = self._is_permanent(row.sale.account, replacing.entry.account)
        row.lost += amount
        if permanent:
            row.permanent += amount
        elif replacing.row is not None:
            replacing.row.basis += amount
        else:
            replacing.basis += amount
            replacing.start = min(replacing.start, self._tacked(replacing, row))
        key = (row.sale.id, row.sold.entry.id, row.start, replacing.entry.id, permanent)
        add(self.matches, key, (number, amount))

    def _is_permanent(self, seller: str, buyer: str) -> bool:
        other = self.accounts[seller].owner_kind != self.accounts[buyer].owner_kind
        return not self.taxable(buyer) or other

    def _candidates(self, place: int, row: Row) -> list[Handful]:
        found = [h for h in self.handfuls if self._may_replace(h, place, row)]
        return sorted(found, key=self._earliest)

    def _earliest(self, handful: Handful) -> tuple[object, ...]:
        """R12 and U6, then execution, openings first on a day; of one purchase those that stayed before those taken."""
        bought = handful.entry
        executed = (bought.trade_date, bought.kind is not EntryKind.OPENING, handful.place)
        return (handful.acquired, self.taxable(bought.account), executed, handful.offered)

    def _may_replace(self, handful: Handful, place: int, row: Row) -> bool:
        bought, sale, sold = handful.entry, row.sale, row.sold
        if bought.kind not in ACQUIRED or abs(handful.acquired - sale.trade_date) > WINDOW:
            return False
        if bought.kind == "opening" and bought.trade_date > sale.trade_date:
            return False
        if handful.matched or one_order(bought, sold.entry):
            return False
        literal = self.policy.sold_replacement is SoldReplacementPolicy.LITERAL_ACQUIRED
        if handful.gone is not None and not (literal and handful.row is not None):
            return False
        newer_only = self.policy.older_lot is OlderLotPolicy.ONLY_NEWER_THAN_SOLD
        if newer_only and handful.acquired < sold.acquired:
            return False
        return self._buyer_counts(sale.account, bought.account) and self._identical(handful, row)

    def _identical(self, handful: Handful, row: Row) -> bool:
        bought, sold = str(handful.entry.security), str(row.sale.security)
        if bought == sold:
            return True
        if self.policy.scope is Scope.BROKER:
            return False
        days = (row.sale.trade_date, handful.acquired)
        return any({bought, sold} <= members(group, day) for group in self.groups for day in days)

    def _buyer_counts(self, selling: str, buying: str) -> bool:
        seller, buyer = self.accounts[selling], self.accounts[buying]
        if self.policy.scope is Scope.BROKER:
            return seller is buyer
        if "corporation" in (seller.owner_kind, buyer.owner_kind):
            same = (seller.owner, seller.owner_kind) == (buyer.owner, buyer.owner_kind)
            return same or seller.owner_kind == "person"
        if self.policy.spouse is SpousePolicy.TAXPAYER_ONLY and seller.owner != buyer.owner:
            return False
        plan = buyer.kind in (AccountKind.K401, AccountKind.HSA)
        return not (plan and self.policy.tax_deferred is TaxDeferredPolicy.IRA_AND_ROTH_ONLY)

    def _tacked(self, replacing: Handful, row: Row) -> date:
        own = replacing.acquired
        summed = own - (row.sale.trade_date - row.start)
        if self.policy.tacking is TackingPolicy.SUM:
            return summed
        if self.policy.tacking is TackingPolicy.DATE:
            return row.start if row.start < own else own
        latest = summed if summed > row.start else row.start
        return latest if latest < own else own

    # What came out

    def matched(self) -> Counter[tuple[object, ...]]:
        """(sale, sold lot, its start, replacement, permanent) with shares and dollars."""
        return counted(self.matches)

    def realized(self) -> Counter[tuple[object, ...]]:
        """(sale, opening entry, start, long) with shares, proceeds, basis, disallowed and permanent."""
        sums: Sums = {}
        for row in self.rows:
            inherited = row.sold.entry.kind is EntryKind.INHERIT
            long = inherited or is_long(row.start, row.sale.trade_date)
            acquired = max(row.start, row.sold.acquired)  # later only in the loss of a gift
            key = (row.sale.id, row.sold.entry.id, row.start, acquired, long)
            figures = (row.shares, row.proceeds, row.basis, row.lost, row.permanent)
            add(sums, key, figures)
        return counted(sums)

    def open_lots(self) -> Counter[tuple[object, ...]]:
        """(opening entry, account, start) with shares of today and basis."""
        sums: Sums = {}
        for handful in self.handfuls:
            if handful.gone is None:
                key = (handful.entry.id, handful.account, handful.acquired, handful.start)
                add(sums, key, (self.shares(handful, len(self.entries)), handful.basis))
        return counted(sums)


def add(sums: Sums, key: tuple[object, ...], figures: Sequence[Fraction]) -> None:
    """Add the figures to those of the key."""
    known = sums.setdefault(key, [Fraction(0)] * len(figures))
    for index, figure in enumerate(figures):
        known[index] += figure


def counted(sums: Sums) -> Counter[tuple[object, ...]]:
    """The sums in a form in which two programs can be compared."""
    return Counter((*key, *figures) for key, figures in sums.items())


def whole(number: Fraction) -> int:
    assert number.denominator == 1, "a grain is never cut"
    return number.numerator


def first_in(handful: Handful) -> tuple[object, ...]:
    """FIFO; of one lot the adjusted part first (U9), in the order in which they came to stand there."""
    return (handful.acquired, handful.place, not handful.matched, handful.arrived)


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
