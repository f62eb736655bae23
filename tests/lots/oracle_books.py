"""The oracle's books: who holds which handfuls at a place of the ledger, and which of them leave."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from accounts.types import AccountKind
from lots.types import EntryKind, LedgerAccount, LedgerEntry, Relief
from tests.lots.handfuls import (
    ARRIVING,
    GRAINS,
    Handful,
    Row,
    average,
    first_in,
    lowest_tax,
    ratio_of,
    whole,
)


class Books:
    """Everything that ever arrives is here from the beginning; a *place* is an entry's index in order of date."""

    def __init__(self, entries: Sequence[LedgerEntry], accounts: Sequence[LedgerAccount]) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.trade_date)
        self.accounts = {account.id: account for account in accounts}
        self.count = 0
        self.handfuls: list[Handful] = []
        self.symbols = {
            str(e.to_security): str(e.security) for e in entries if e.kind is EntryKind.RENAME
        }
        self.splits = self._splits()
        self.mergers = [(p, e) for p, e in enumerate(self.entries) if e.kind is EntryKind.MERGE]
        for place, entry in enumerate(self.entries):
            if entry.kind in ARRIVING:
                self._arrive(place, entry)

    def taxable(self, account: str) -> bool:
        return self.accounts[account].kind in (AccountKind.TAXABLE, AccountKind.TRUST)

    # Units

    def name(self, security: str | None) -> str:
        return self.symbols.get(str(security), str(security))

    def _splits(self) -> list[tuple[int, str, Fraction]]:
        """Place, security and ratio of every split; booked by several accounts on one day it is one."""
        found, seen = [], set()
        for place, entry in enumerate(self.entries):
            fact = (entry.security, entry.trade_date)
            if entry.kind is EntryKind.SPLIT and fact not in seen:
                seen.add(fact)
                found.append((place, self.name(entry.security), ratio_of(entry)))
        return found

    def per_share(self, security: str, place: int) -> Fraction:
        """Grains in one share of the security at a place of the ledger."""
        grains = Fraction(GRAINS)
        for at, split, ratio in self.splits:
            if at <= place and split == security:
                grains /= ratio
        return grains

    def shares(self, handful: Handful, place: int) -> Fraction:
        return handful.grains / self.per_share(handful.security, place)

    def answering(self, handful: Handful, row: Row, place: int) -> Fraction:
        """Grains of the handful that answer to one sold share: share for share, but after a merger what it became."""
        for at, merger in self.mergers:
            pair = (self.name(merger.security), self.name(merger.to_security))
            if pair == (row.security, handful.security) and place < at < handful.place:
                old_shares = self.per_share(row.security, place) / self.per_share(row.security, at)
                return old_shares * ratio_of(merger) * self.per_share(handful.security, at)
        return self.per_share(handful.security, place)

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
                security=self.name(entry.security),
                acquired=acquired,
                start=entry.holding_start or acquired,
                grains=whole(
                    Fraction(entry.quantity) * self.per_share(self.name(entry.security), place)
                ),
                basis=Fraction(entry.amount) + Fraction(entry.fee),
                loss_basis=None if gift_below is None else Fraction(gift_below),
                loss_start=None if gift_below is None else entry.trade_date,
            )
        )

    # Choosing

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _here(self, place: int, account: str, security: str) -> list[Handful]:
        """What an account holds of a security, first in first."""
        here = [
            handful
            for handful in self.handfuls
            if (handful.account, handful.security) == (account, security)
            and handful.gone is None
            and self._arrived_by(handful, place)
        ]
        return sorted(here, key=first_in)

    def _arrived_by(self, handful: Handful, place: int) -> bool:
        """There before the entry at ``place``.

        A lot taken over without its history counts for its whole day.
        """
        bought = handful.entry
        if bought.trade_date == self.entries[place].trade_date:
            return bought.kind is EntryKind.OPENING or handful.place < place
        return handful.place < place

    def _chosen(
        self, place: int, entry: LedgerEntry, here: list[Handful], number: int, net: Fraction | None
    ) -> list[Handful]:
        """``number`` grains out of ``here``; for ``net`` dollars, if they are sold."""
        if entry.relief is Relief.AVERAGE:
            average(here)
        if entry.picks:
            leaving = []
            for pick in entry.picks:
                of_lot = [h for h in here if h.entry.id == pick.lot and h not in leaving]
                per_share = self.per_share(self.name(entry.security), place)
                leaving += self._counted(of_lot, whole(Fraction(pick.quantity) * per_share))
        else:
            if entry.relief is Relief.LIFO:
                here.sort(key=lambda h: (-h.acquired.toordinal(), -h.place, *first_in(h)))
            elif entry.relief is Relief.HIFO:
                here.sort(key=lambda h: -h.basis / h.grains)
            elif entry.relief is Relief.LOWEST_TAX and net is not None:
                price = net / number
                here.sort(key=lambda h: lowest_tax(h, price, entry.trade_date))
            leaving = self._counted(here, number)
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
