"""The queues of the wash-sale rule: purchases that may replace, and losses that wait for replacements.

Both are kept per market (an identical group) and per scope. Accounts that count as buyers for the same sellers share
one queue of candidates, accounts with the same buyers one queue of pending losses; a household without a corporation,
under the default policy, has one of each. So what stands first is what is taken, and nothing is passed over again and
again.

What stands in a queue is linked, not listed: what is met used up, sold or outside the window is unlinked on the spot.
Each is linked once and unlinked once, so the work per trade does not grow with the ledger. Neighbours of one order
stand in one *run*, which is stepped over as a whole: fills of the sold shares' own order are no replacements (R9).
Where the policy does not count older lots (U5), a run is also of one day, and runs of days before are stepped over.

A walk over a queue unlinks. It has to end before the next walk over the same queue begins.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from heapq import merge
from itertools import count
from typing import Generic, TypeVar

from lots.engine.holdings import Loss, Opening
from lots.types import EntryKind

_Order = tuple[str, str, str | None]  # block, account, security
_Key = tuple[_Order | None, int]  # and the day, where days matter


class Waiting:
    """A pending loss in its queue."""

    __slots__ = ("loss", "next", "number")

    def __init__(self, loss: Loss, number: int) -> None:
        self.loss = loss
        self.number = number  # among all pending losses, in the order of disposition
        self.next: Waiting | None = None


_Item = TypeVar("_Item", Opening, Waiting)


class _Run(Generic[_Item]):
    """Neighbours in a queue that have one key."""

    __slots__ = ("first", "key", "last", "next")

    def __init__(self, key: _Key, first: _Item, last: _Item) -> None:
        self.key = key
        self.first: _Item | None = first
        self.last: _Item = last
        self.next: _Run[_Item] | None = None

    def unlink(self, before: _Item | None, item: _Item) -> _Item | None:
        """What stood behind it."""
        following, item.next = item.next, None
        if before is None:
            self.first = following
        else:
            before.next = following
            if following is None:
                self.last = before
        return following


class _Queue(Generic[_Item]):
    """Runs, linked. Empty ones are unlinked, and neighbours that have come to stand together are joined."""

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: _Run[_Item] | None = None
        self._last: _Run[_Item] | None = None

    def _is_open(self, item: _Item, first_day: int) -> bool:
        """Whether the item may still be matched, in a window that begins on that day."""
        raise NotImplementedError

    def _append(self, item: _Item, key: _Key) -> None:
        last = self._last
        if last is None:
            self._first = self._last = _Run(key, item, item)
        elif last.key == key:
            last.last.next = last.last = item
        else:
            last.next = self._last = _Run(key, item, item)

    def _forget(self, first_day: int) -> None:
        """Drop what stands in front and will never be asked for again."""
        run = self._first
        while run is not None:
            item = run.first
            while item is not None and not self._is_open(item, first_day):
                item = run.unlink(None, item)
            if item is not None:
                return
            run = self._drop(None, run)

    def _walk(self, first_day: int, order: _Order | None, since: int = 0) -> Iterator[_Item]:
        """What is open since ``first_day``, without runs of ``order`` and of days before ``since``."""
        before, run = None, self._first
        while run is not None:
            if (order is None or run.key[0] != order) and run.key[1] >= since:
                yield from self._walk_run(run, first_day)
            if run.first is None:
                run = self._drop(before, run)
            elif before is not None and before.key == run.key:
                run = self._join(before, run)
            else:
                before, run = run, run.next

    def _walk_run(self, run: _Run[_Item], first_day: int) -> Iterator[_Item]:
        before, item = None, run.first
        while item is not None:
            if self._is_open(item, first_day):
                yield item
                before, item = item, item.next
            else:
                item = run.unlink(before, item)

    def _drop(self, before: _Run[_Item] | None, run: _Run[_Item]) -> _Run[_Item] | None:
        """What stood behind the run, which is unlinked."""
        following, run.next = run.next, None
        if before is None:
            self._first = following
        else:
            before.next = following
        if following is None:
            self._last = before
        return following

    def _join(self, before: _Run[_Item], run: _Run[_Item]) -> _Run[_Item] | None:
        before.last.next, before.last = run.first, run.last
        return self._drop(before, run)


class Candidates(_Queue[Opening]):
    """Purchases in the order of R12: earliest acquired first; on one date retirement accounts first (U6)."""

    __slots__ = ("_by_day",)

    def __init__(self, *, by_day: bool) -> None:
        """``by_day``: older lots will have to be stepped over (U5)."""
        super().__init__()
        self._by_day = by_day

    def _is_open(self, item: Opening, first_day: int) -> bool:
        return item.acquired >= first_day and item.first_free() is not None

    def add(self, opening: Opening, first_day: int) -> bool:
        """Put a purchase in its place; those acquired before ``first_day`` will never be asked for again.

        True if only U6 puts it before another of its date.
        """
        self._forget(first_day)
        key = order_of(opening), opening.acquired if self._by_day else 0
        last = self._last
        if last is None or last.last.acquired < opening.acquired or rank(last.last) < rank(opening):
            self._append(opening, key)
            return False
        return self._insert(opening, key)

    def _insert(self, opening: Opening, key: _Key) -> bool:
        """An opening lot, or a purchase of its date, belongs before others that stand here already."""
        place = rank(opening)
        run_before, run = None, self._first
        while run is not None and rank(run.last) <= place:
            run_before, run = run, run.next
        assert run is not None, "the last purchase stands behind this one"
        before, following = None, run.first
        while following is not None and rank(following) <= place:
            before, following = following, following.next
        assert following is not None, "the last of the run stands behind this one"
        if run.key == key:
            opening.next = following
            if before is None:
                run.first = opening
            else:
                before.next = opening
        else:
            if before is not None:
                run_before, run = run, _split(run, before, following)
            self._put_between(run_before, _Run(key, opening, opening), run)
        return following.acquired == opening.acquired and following.order < opening.order

    def _put_between(
        self, before: _Run[Opening] | None, run: _Run[Opening], following: _Run[Opening]
    ) -> None:
        run.next = following
        if before is None:
            self._first = run
        else:
            before.next = run
        if self._last is before:
            self._last = following

    def walk(self, first_day: int, sold: Opening) -> Iterator[Opening]:
        """Purchases from ``first_day`` on with shares that may still become replacements of shares of ``sold``."""
        return self._walk(first_day, order_of(sold), sold.acquired if self._by_day else 0)


def _split(run: _Run[Opening], before: Opening, following: Opening) -> _Run[Opening]:
    """The run ends with ``before``; what follows is a run of its own behind it."""
    rest = _Run(run.key, following, run.last)
    rest.next, run.next = run.next, rest
    run.last, before.next = before, None
    return rest


class Pending(_Queue[Waiting]):
    """Losses in the order of disposition (R7)."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterator[int]) -> None:
        """``numbers`` are shared with the other queues of the household."""
        super().__init__()
        self._numbers = numbers

    def _is_open(self, item: Waiting, first_day: int) -> bool:
        return bool(item.loss.unmatched) and item.loss.sale.day >= first_day

    def add(self, loss: Loss) -> None:
        self._append(Waiting(loss, next(self._numbers)), (order_of(loss.opening), 0))

    def walk(self, first_day: int, bought: Opening) -> Iterator[Waiting]:
        """Losses of sales since ``first_day`` that lack replacements, other than of the order of ``bought``."""
        return self._walk(first_day, order_of(bought))


class Seat:
    """One account in one market: where its purchases and losses go, and which of others it meets."""

    __slots__ = ("_losses_served", "_sources", "offers", "pending")

    def __init__(
        self,
        offers: Candidates,
        pending: Pending,
        sources: tuple[Candidates, ...],
        losses_served: tuple[Pending, ...],
    ) -> None:
        self.offers = offers
        self.pending = pending
        self._sources = sources
        self._losses_served = losses_served

    def candidates(self, first_day: int, sold: Opening) -> Iterator[Opening]:
        """Purchases that count for this account's loss of shares of ``sold``, in the order of R12."""
        if len(self._sources) == 1:
            return self._sources[0].walk(first_day, sold)
        return merge(*(source.walk(first_day, sold) for source in self._sources), key=rank)

    def pending_losses(self, first_day: int, bought: Opening) -> Iterator[Loss]:
        """Losses of sales since ``first_day`` that ``bought`` may serve, in the order of disposition (R7)."""
        walks = [losses.walk(first_day, bought) for losses in self._losses_served]
        waiting = walks[0] if len(walks) == 1 else merge(*walks, key=_disposition)
        return (one.loss for one in waiting)


class Queues:
    """All queues of a household, made as its accounts turn up in its markets."""

    def __init__(self, buyers: Mapping[str, frozenset[str]], *, only_newer: bool) -> None:
        """``buyers``: every account -> the accounts whose purchases count for its losses; ``only_newer``: see U5."""
        self._only_newer = only_newer
        self._buyers = buyers
        self._sellers = {
            buyer: frozenset(seller for seller in buyers if buyer in buyers[seller])
            for buyer in buyers
        }
        self._candidates: dict[tuple[str, frozenset[str]], Candidates] = {}
        self._numbers = count()
        self._pending: dict[tuple[str, frozenset[str]], Pending] = {}

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
        return self._candidates.setdefault((market, sellers), Candidates(by_day=self._only_newer))

    def _losses(self, market: str, buyers: frozenset[str]) -> Pending:
        return self._pending.setdefault((market, buyers), Pending(self._numbers))


def order_of(opening: Opening) -> _Order | None:
    """The order of which a purchase is a fill (R9): two accounts may give their orders the same name."""
    entry = opening.entry
    return (entry.block, entry.account, entry.security) if entry.block else None


def rank(opening: Opening) -> tuple[int, bool, date, bool, int]:
    """Place in the order of R12; on one date retirement accounts come first (U6), then in the order of execution."""
    entry = opening.entry
    executed = (entry.trade_date, entry.kind is not EntryKind.OPENING, opening.order)
    return (opening.acquired, opening.is_taxable, *executed)


def _disposition(waiting: Waiting) -> int:
    return waiting.number
