"""The queues of the wash-sale rule: purchases that may replace, and losses that wait for replacements.

Both are kept per market (an identical group) and per scope. Accounts that count as buyers for the same sellers share
one queue of candidates, accounts with the same buyers one queue of pending losses; a household without a corporation,
under the default policy, has one of each. So what stands first is what is taken, and nothing is passed over again and
again.

Candidates are linked, not listed: one that is met used up, sold or outside the window is unlinked on the spot. Each is
linked once and unlinked once, so the work per trade does not grow with the ledger. Only purchases of the sold shares'
own order (R9), or older ones where the policy does not count them (U5), are stepped over.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from heapq import merge

from lots.engine.holdings import Loss, Opening
from lots.types import EntryKind


class Candidates:
    """Purchases in the order of R12: earliest acquired first; on one date retirement accounts first (U6)."""

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: Opening | None = None
        self._last: Opening | None = None

    def add(self, opening: Opening, first_day: int) -> bool:
        """Put a purchase in its place; those acquired before ``first_day`` will never be asked for again.

        True if only U6 puts it before another of its date.
        """
        first = self._first
        while first is not None and first.acquired < first_day:
            first = self._unlink(None, first)
        last = self._last
        if last is None:
            self._first = self._last = opening
        elif last.acquired < opening.acquired or rank(last) < rank(opening):
            last.next = self._last = opening
        else:
            return self._insert(opening)
        return False

    def _insert(self, opening: Opening) -> bool:
        """An opening lot, or a purchase of its date, belongs before others that stand here already."""
        before, following = None, self._first
        while following is not None and rank(following) <= rank(opening):
            before, following = following, following.next
        opening.next = following
        if following is None:
            self._last = opening
        if before is None:
            self._first = opening
        else:
            before.next = opening
        return (
            following is not None
            and following.acquired == opening.acquired
            and following.order < opening.order
        )

    def alive(self, first_day: int) -> Iterator[Opening]:
        """Purchases from ``first_day`` on with shares that may still become replacements."""
        before, opening = None, self._first
        while opening is not None:
            if opening.acquired >= first_day and opening.first_free() is not None:
                yield opening
                before, opening = opening, opening.next
            else:
                opening = self._unlink(before, opening)

    def _unlink(self, before: Opening | None, opening: Opening) -> Opening | None:
        following, opening.next = opening.next, None
        if before is None:
            self._first = following
        else:
            before.next = following
        if following is None:
            self._last = before
        return following


class Seat:
    """One account in one market: where its purchases and losses go, and which of others it meets."""

    __slots__ = ("_losses_served", "_sources", "offers", "pending")

    def __init__(
        self,
        offers: Candidates,
        pending: deque[Loss],
        sources: tuple[Candidates, ...],
        losses_served: tuple[deque[Loss], ...],
    ) -> None:
        self.offers = offers
        self.pending = pending
        self._sources = sources
        self._losses_served = losses_served

    def candidates(self, first_day: int) -> Iterator[Opening]:
        """Purchases that count for this account's losses, in the order of R12."""
        if len(self._sources) == 1:
            return self._sources[0].alive(first_day)
        return merge(*(source.alive(first_day) for source in self._sources), key=rank)

    def pending_losses(self, first_day: int) -> Iterable[Loss]:
        """Losses of sales since ``first_day`` that this account's purchases serve, in the order of disposition (R7)."""
        for losses in self._losses_served:
            while losses and (losses[0].sale.day < first_day or not losses[0].unmatched):
                losses.popleft()
        if len(self._losses_served) == 1:
            return self._losses_served[0]
        return merge(*self._losses_served, key=_disposition)


class Queues:
    """All queues of a household, made as its accounts turn up in its markets."""

    def __init__(self, buyers: Mapping[str, frozenset[str]]) -> None:
        """``buyers``: every account -> the accounts whose purchases count for its losses."""
        self._buyers = buyers
        self._sellers = {
            buyer: frozenset(seller for seller in buyers if buyer in buyers[seller])
            for buyer in buyers
        }
        self._candidates: dict[tuple[str, frozenset[str]], Candidates] = {}
        self._pending: dict[tuple[str, frozenset[str]], deque[Loss]] = {}

    def seat(self, account: str, market: str) -> Seat:
        buyers, sellers = self._buyers[account], self._sellers[account]
        return Seat(
            offers=self._offers(market, sellers),
            pending=self._losses(market, buyers),
            sources=tuple(
                self._offers(market, kind)
                for kind in dict.fromkeys(self._sellers.values())
                if account in kind
            ),
            losses_served=tuple(
                self._losses(market, kind)
                for kind in dict.fromkeys(self._buyers.values())
                if account in kind
            ),
        )

    def _offers(self, market: str, sellers: frozenset[str]) -> Candidates:
        return self._candidates.setdefault((market, sellers), Candidates())

    def _losses(self, market: str, buyers: frozenset[str]) -> deque[Loss]:
        return self._pending.setdefault((market, buyers), deque())


def rank(opening: Opening) -> tuple[int, bool, date, bool, int]:
    """Place in the order of R12; on one date retirement accounts come first (U6), then in the order of execution."""
    entry = opening.entry
    executed = (entry.trade_date, entry.kind is not EntryKind.OPENING, opening.order)
    return (opening.acquired, opening.is_taxable, *executed)


def _disposition(loss: Loss) -> int:
    return loss.sale.place
