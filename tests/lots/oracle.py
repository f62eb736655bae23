"""The same law computed slowly and differently: share by share, sale by sale. It shares no code with the engine.

The engine makes one pass through time over lots; the oracle takes the sales in their order (R7) and, for each share
sold at a loss, looks through the whole history, future included, for the earliest acquired share that may replace it.
Shares are cut into *grains*, equal and indivisible, so that nothing is ever split. One share before any split is 16
grains; a 2-for-1 split makes a share 8 grains, a 1-for-2 split 32. Matching goes by eighths of a share.

Not covered, so not to be asked for: transfers, receipts, identified lots, corporations, shares sold that count as
acquired (U4 literal), more than one split of a security, broker scope.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from accounts.types import AccountKind
from lots.types import (
    LedgerAccount,
    LedgerEntry,
    OlderLotPolicy,
    Policy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)

GRAINS = 16
EIGHTHS = 8


def one_order(first: LedgerEntry, second: LedgerEntry) -> bool:
    """Fills of one order: bought in one account under one name."""
    return first.id == second.id or (
        first.block is not None and (first.account, first.block) == (second.account, second.block)
    )


@dataclass(eq=False)
class Grain:
    bought: LedgerEntry
    place: int  # place of the purchase in the ledger
    start: date
    basis: Fraction
    matched: int = 0  # 0 = never; else the running number of the match
    sold_at: int | None = None  # place of the sale


@dataclass(frozen=True)
class SoldGrain:
    grain: Grain
    start: date
    basis: Fraction
    proceeds: Fraction
    lost: Fraction
    permanent: bool


class Oracle:
    def __init__(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Sequence[LedgerAccount],
        group: frozenset[str],
        policy: Policy,
    ) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.trade_date)
        self.accounts = {account.id: account for account in accounts}
        self.group = group
        self.policy = policy
        self.count = 0
        self.grains: list[Grain] = []
        for place, entry in enumerate(self.entries):
            if entry.kind in ("buy", "reinvest"):
                self._acquire(place, entry)
        self.sold: list[tuple[LedgerEntry, SoldGrain]] = []
        for place, entry in enumerate(self.entries):
            if entry.kind == "sell":
                self._sell(place, entry)

    def per_share(self, security: str, place: int) -> int:
        """Grains in one share of the security at a place of the ledger."""
        for entry in self.entries[: place + 1]:
            if entry.kind == "split" and entry.security == security:
                return int(GRAINS / entry.quantity)
        return GRAINS

    def _acquire(self, place: int, entry: LedgerEntry) -> None:
        number = int(entry.quantity * self.per_share(str(entry.security), place))
        basis = Fraction(entry.amount + entry.fee) / number
        self.grains += [Grain(entry, place, entry.trade_date, basis) for _ in range(number)]

    def taxable(self, account: str) -> bool:
        return self.accounts[account].kind in (AccountKind.TAXABLE, AccountKind.TRUST)

    def _sell(self, place: int, entry: LedgerEntry) -> None:
        number = int(entry.quantity * self.per_share(str(entry.security), place))
        proceeds = Fraction(entry.amount - entry.fee) / number
        here = [
            grain
            for grain in self.grains
            if (grain.bought.account, grain.bought.security) == (entry.account, entry.security)
            and self._bought_by(grain, place)
            and grain.sold_at is None
        ]
        here.sort(key=lambda g: (g.bought.trade_date, g.place, g.matched == 0, g.matched))
        leaving = here[:number]
        assert len(leaving) == number, "the history sells more than it holds"
        for grain in leaving:
            grain.sold_at = place
        left = list(leaving)
        while left:
            # Shares with one history are one lot part: they look for replacements together.
            first = left[0]
            alike = [
                g
                for g in left
                if (g.place, g.start, g.basis) == (first.place, first.start, first.basis)
            ]
            left = [g for g in left if g not in alike]
            self._sell_alike(place, entry, alike, proceeds)

    def _bought_by(self, grain: Grain, place: int) -> bool:
        """Bought before the entry at ``place``; a retirement account's purchase counts for its whole day (U6)."""
        day = self.entries[place].trade_date
        if not self.taxable(grain.bought.account) and grain.bought.trade_date == day:
            return True
        return grain.place < place

    def _sell_alike(
        self, place: int, entry: LedgerEntry, grains: list[Grain], proceeds: Fraction
    ) -> None:
        taken: dict[int, tuple[Fraction, bool]] = {}
        if self.taxable(entry.account) and grains[0].basis > proceeds:
            taken = self._replace(place, entry, grains, grains[0].basis - proceeds)
        for index, grain in enumerate(grains):
            lost, permanent = taken.get(index, (Fraction(0), False))
            sold = SoldGrain(grain, grain.start, grain.basis, proceeds, lost, permanent)
            self.sold.append((entry, sold))

    def _replace(
        self, place: int, entry: LedgerEntry, grains: list[Grain], loss: Fraction
    ) -> dict[int, tuple[Fraction, bool]]:
        """Match eighths of a share: index of the sold grain -> loss disallowed, and whether for ever."""
        own_bundle = self.per_share(str(entry.security), place) // EIGHTHS
        taken: dict[int, tuple[Fraction, bool]] = {}
        candidates = self._candidates(place, entry, grains[0])
        position = 0
        for begin in range(0, len(grains), own_bundle):
            bundle = grains[begin : begin + own_bundle]
            if position >= len(candidates):
                break
            security = str(candidates[position].bought.security)
            size = self.per_share(security, place) // EIGHTHS
            replacing = candidates[position : position + size]
            assert {g.place for g in replacing} == {replacing[0].place}, "a bundle of one purchase"
            assert (len(replacing), len(bundle)) == (size, own_bundle), "whole eighths only"
            position += size
            permanent = not self.taxable(replacing[0].bought.account)
            self.count += 1
            for replacement in replacing:
                replacement.matched = self.count
                if not permanent:
                    replacement.basis += loss * len(bundle) / size
                    replacement.start = self._tacked(replacement, grains[0], entry)
            for index in range(begin, begin + len(bundle)):
                taken[index] = (loss, permanent)
        return taken

    def _candidates(self, place: int, entry: LedgerEntry, sold: Grain) -> list[Grain]:
        found = [grain for grain in self.grains if self._may_replace(grain, place, entry, sold)]
        found.sort(key=lambda g: (g.bought.trade_date, self.taxable(g.bought.account), g.place))
        return found

    def _may_replace(self, grain: Grain, place: int, entry: LedgerEntry, sold: Grain) -> bool:
        buy = grain.bought
        related = buy.security == entry.security or {buy.security, entry.security} <= self.group
        if not related or abs(buy.trade_date - entry.trade_date) > timedelta(days=30):
            return False
        if grain.matched or one_order(buy, sold.bought):
            return False
        if grain.sold_at is not None:  # sold by an earlier sale or this one
            return False
        if (
            self.policy.older_lot is OlderLotPolicy.ONLY_NEWER_THAN_SOLD
            and buy.trade_date < sold.bought.trade_date
        ):
            return False
        seller, buyer = self.accounts[entry.account], self.accounts[buy.account]
        if self.policy.spouse is SpousePolicy.TAXPAYER_ONLY and seller.owner != buyer.owner:
            return False
        ignored = (AccountKind.K401, AccountKind.HSA)
        return not (
            self.policy.tax_deferred is TaxDeferredPolicy.IRA_AND_ROTH_ONLY
            and buyer.kind in ignored
        )

    def _tacked(self, grain: Grain, sold: Grain, entry: LedgerEntry) -> date:
        own = grain.bought.trade_date
        summed = own - (entry.trade_date - sold.start)
        if self.policy.tacking is TackingPolicy.SUM:
            return summed
        if self.policy.tacking is TackingPolicy.DATE:
            return sold.start if sold.start < own else own
        latest = summed if summed > sold.start else sold.start
        return latest if latest < own else own

    def rows(self) -> Counter[tuple[object, ...]]:
        """(sale, opening entry, start) with proceeds, basis, disallowed and permanent of the taxable sales."""
        sums: dict[tuple[str, str, date], list[Fraction]] = {}
        for entry, sold in self.sold:
            if not self.taxable(entry.account):
                continue
            row = sums.setdefault((entry.id, sold.grain.bought.id, sold.start), [Fraction(0)] * 4)
            amounts = (sold.proceeds, sold.basis, sold.lost, sold.lost if sold.permanent else 0)
            for index, amount in enumerate(amounts):
                row[index] += amount
        return Counter((*key, *values) for key, values in sums.items())

    def open_lots(self) -> Counter[tuple[object, ...]]:
        """(opening entry, start, basis) with shares of today."""
        sums: dict[tuple[str, date], list[Fraction]] = {}
        for grain in self.grains:
            if grain.sold_at is None:
                lot = sums.setdefault((grain.bought.id, grain.start), [Fraction(0)] * 2)
                lot[0] += Fraction(1, self.per_share(str(grain.bought.security), len(self.entries)))
                lot[1] += grain.basis
        return Counter((*key, *values) for key, values in sums.items())
