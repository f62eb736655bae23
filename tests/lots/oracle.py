"""The same law computed slowly and differently: handful by handful, sale by sale. It shares no code with the engine.

The engine makes one pass through time; a purchase serves the losses that wait for it. The oracle takes the entries by
which shares leave in their order (R7) and, at each loss, looks through the whole ledger, its future included, for the
earliest acquired shares that may replace those sold.

Shares are counted in *grains*, so fine that nothing is ever cut: a share before any split is ``GRAINS`` of them, and a
2-for-1 split makes a share half as many. A *handful* is a whole number of grains that have one history. Everything is
found by going through all of them. A renamed security is one security under its first symbol from the beginning.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from accounts.types import AccountKind
from lots.types import (
    DatedGroup,
    EntryKind,
    IdenticalGroups,
    LedgerAccount,
    LedgerEntry,
    Membership,
    OlderLotPolicy,
    Policy,
    Scope,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)
from tests.lots.handfuls import (
    ACQUIRED,
    WINDOW,
    Handful,
    Row,
    Sums,
    add,
    counted,
    first_in,
    is_long,
    members,
    one_order,
    one_sale,
    ratio_of,
    sold_for,
    whole,
)
from tests.lots.oracle_books import Books


class Oracle(Books):
    def __init__(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Sequence[LedgerAccount],
        groups: IdenticalGroups,
        policy: Policy,
    ) -> None:
        super().__init__(entries, accounts)
        self.groups = groups
        self.policy = policy
        self.rows: list[Row] = []
        self.matches: Sums = {}
        self.in_part: list[tuple[int, Row]] = []  # sold by orders that are not through
        happening = {
            EntryKind.SELL: self._leave,
            EntryKind.TRANSFER: self._leave,
            EntryKind.GIVE: self._leave,
            EntryKind.SPLIT: self._pay_in_lieu,
            EntryKind.MERGE: self._merge,
            EntryKind.SPIN_OFF: self._spin_off,
            EntryKind.CASH_MERGER: self._sell_all,
            EntryKind.WORTHLESS: self._sell_all,
            EntryKind.RETURN_OF_CAPITAL: self._return_capital,
        }
        for place, entry in enumerate(self.entries):
            if entry.kind in happening:
                happening[entry.kind](place, entry)

    # Leaving

    def _leave(self, place: int, entry: LedgerEntry) -> None:
        here = self._here(place, entry.account, self.name(entry.security))
        number = whole(Fraction(entry.quantity) * self.per_share(self.name(entry.security), place))
        if entry.kind is EntryKind.SELL:
            self._sell(place, entry, here, number, Fraction(entry.amount) - Fraction(entry.fee))
            return
        for handful in self._chosen(place, entry, here, number, None):
            if entry.to_account is None:
                handful.gone, handful.offered = place, self._next()
            else:
                handful.account, handful.arrived = entry.to_account, self._next()

    # Selling

    def _sell(
        self, place: int, entry: LedgerEntry, here: list[Handful], number: int, net: Fraction
    ) -> None:
        """``number`` grains out of ``here`` leave for ``net`` dollars."""
        rows = []
        for handful in self._chosen(place, entry, here, number, net):
            handful.gone, handful.offered = place, self._next()
            proceeds = net * handful.grains / number
            basis, start = sold_for(handful, proceeds)
            shares = self.shares(handful, place)
            handful.row = Row(entry, handful.security, handful, start, shares, proceeds, basis)
            rows.append(handful.row)
        self.rows += rows
        if self.taxable(entry.account):
            self.in_part += [(place, row) for row in rows]
            if not any(one_sale(entry, other) for other in self.entries[place + 1 :]):
                self._wash_order(entry)

    def _wash_order(self, last: LedgerEntry) -> None:
        """All fills of the order have left (R9b); their losses count by original acquisition (R20)."""
        through = [(at, row) for at, row in self.in_part if one_sale(row.sale, last)]
        self.in_part = [one for one in self.in_part if one not in through]
        for place, row in sorted(through, key=lambda one: first_in(one[1].sold)[:2]):
            self._wash(place, row)

    # Corporate actions

    def _pay_in_lieu(
        self, place: int, entry: LedgerEntry, received: list[Handful] | None = None
    ) -> None:
        """The fraction of the account's shares is sold for the amount."""
        if not entry.amount:
            return
        security = self.name(entry.to_security or entry.security)
        here = self._here(place, entry.account, security) if received is None else received
        share = self.per_share(security, place)
        fraction = whole(Fraction(sum(h.grains for h in here)) % share)
        self._sell(place, entry, here, fraction, Fraction(entry.amount))

    def _merge(self, place: int, entry: LedgerEntry) -> None:
        old, new = self.name(entry.security), self.name(entry.to_security)
        received = self._held_before(place, old)
        for handful in received:
            handful.grains = self._becoming(place, entry, handful)
        self._receive(place, entry, received, new)

    def _spin_off(self, place: int, entry: LedgerEntry) -> None:
        moved, received = Fraction(entry.basis_fraction or 0), []
        for handful in self._held_before(place, self.name(entry.security)):
            child = replace(handful, basis=handful.basis * moved, was_spun_off=True)
            child.grains = self._becoming(place, entry, handful)
            handful.basis -= child.basis
            if handful.loss_basis is not None:
                child.loss_basis = handful.loss_basis * moved
                handful.loss_basis -= child.loss_basis
            self.handfuls.append(child)
            received.append(child)
        self._receive(place, entry, received, self.name(entry.to_security))

    def _held_before(self, place: int, security: str) -> list[Handful]:
        """In every account, without what retirement accounts buy on the day after the event."""
        return [
            handful
            for account in self.accounts
            for handful in self._here(place, account, security)
            if handful.place < place
        ]

    def _becoming(self, place: int, entry: LedgerEntry, handful: Handful) -> int:
        per_share = self.per_share(self.name(entry.to_security), place)
        return whole(self.shares(handful, place) * ratio_of(entry) * per_share)

    def _receive(
        self, place: int, entry: LedgerEntry, received: list[Handful], security: str
    ) -> None:
        for handful in received:
            handful.security = security
        mine = [handful for handful in received if handful.account == entry.account]
        self._pay_in_lieu(place, entry, mine)
        for handful in sorted(received, key=first_in):
            handful.arrived = self._next()

    def _sell_all(self, place: int, entry: LedgerEntry) -> None:
        here = self._here(place, entry.account, self.name(entry.security))
        self._sell(place, entry, here, sum(h.grains for h in here), Fraction(entry.amount))

    def _return_capital(self, place: int, entry: LedgerEntry) -> None:
        """What exceeds the basis of a handful is a gain, of no shares."""
        here = self._here(place, entry.account, self.name(entry.security))
        grains = sum(h.grains for h in here)
        for handful in here:
            paid = Fraction(entry.amount) * handful.grains / grains
            if paid > handful.basis:
                excess = paid - handful.basis
                nothing = Fraction(0)
                row = Row(entry, handful.security, handful, handful.start, nothing, excess, nothing)
                self.rows.append(row)
            handful.basis = max(Fraction(0), handful.basis - paid)
            if handful.loss_basis is not None:
                handful.loss_basis = max(Fraction(0), handful.loss_basis - paid)

    # Washing

    def _wash(self, place: int, row: Row) -> None:
        """Every sold share of a loss takes the next share that may replace it."""
        left, loss = row.shares, (row.basis - row.proceeds) / row.shares
        if loss <= 0:
            return
        for candidate in self._candidates(place, row):
            if not left:
                break
            per_share = self.answering(candidate, row, place)
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
        if bought.kind not in ACQUIRED or handful.was_spun_off:
            return False
        if abs(handful.acquired - sale.trade_date) > WINDOW:
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
        """By what was bought, whatever it has become since."""
        bought, sold = self.name(handful.entry.security), row.security
        if bought == sold:
            return True
        if self.policy.scope is Scope.BROKER:
            return False
        days = (row.sale.trade_date, handful.acquired)
        return any(
            {bought, sold} <= {self.name(member) for member in members(group, day)}
            for group in (*self.groups, *self._merged())
            for day in days
        )

    def _merged(self) -> list[DatedGroup]:
        """What was merged and what it became are identical from the day on."""
        return [
            DatedGroup(
                tuple(
                    Membership(self.name(security), since=merger.trade_date)
                    for security in (merger.security, merger.to_security)
                )
            )
            for _, merger in self.mergers
        ]

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
