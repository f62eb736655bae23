"""From a household's entries to its lots, sales and wash sales: the pure tax engine.

``replay`` is a function of its arguments alone: no clock, no settings, no rounding. The same entries give the same
result in whatever order of dates they come, and a rebuild changes nothing.

1. The entries are checked, and put in order of trade date (R6); inside a date they keep the order given, which is the
   order of execution.
2. The engine counts in whole numbers of the smallest share and the smallest dollar seen (``engine.units``). Splits are
   read out first as facts of the market (R23): every quantity is then counted in base units (``engine.splits``), so
   that a split touches no lot, no total basis and no disallowance.
3. On one date opening lots go first, for they stood there before the day began; then purchases of retirement accounts,
   whatever order they were booked in, as far as they may wash losses (U6). In their own account the shares arrive in
   the order booked: a sale or corporate action before them does not touch them.
4. A purchase, reinvestment (R25) or vest opens a lot at cost and fee (R22), serves the pending losses and then stands
   ready as a replacement for later ones (``lots.wash_sales``). So does a lot taken over without its history
   (``OPENING``), by the day it was bought on, for losses from the day on which it was taken over. A receipt, gift or
   inheritance opens a lot with its basis and holding period and is never a replacement (R19). A gift worth less than
   the donor's basis has one basis for gains and one for losses (IRC 1015(a)); inherited lots are long-term.
5. A sale takes the identified lots, else goes by its relief method within its account (``engine.relief``: R22, R22b,
   U9). Proceeds are net of the fee and spread by shares. Each lot part sold is one row, with the term of its tacked
   holding period (R3, R15). When all its shares have left, the losses look for replacements, in the order of original
   acquisition (R20). Sales in a retirement account are kept apart and are never losses (R16).
6. A transfer moves lots between accounts with dates and basis unchanged, matched shares staying matched; it is no
   acquisition (R19). Between a taxable and a retirement account, or a person and a corporation, it is refused.
7. A gift made (``GIVE``) takes shares and their basis out of the account; nothing is realised.
8. Renames, mergers, spin-offs, buy-outs, returns of capital, worthlessness and cash in lieu of fractions do to the lots
   what ``engine.corporate_actions`` says; none is an acquisition (R19).
9. Deposits, withdrawals and fees of their own do not touch lots.

A forward pass is enough although a purchase reaches back to sales 30 days before it: it changes the allowed part of
those sales and its own basis, and its own shares cannot have been sold before they were bought.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import localcontext
from fractions import Fraction
from operator import attrgetter

from lots.engine.books import Books
from lots.engine.corporate_actions import Actions
from lots.engine.entry_checks import PURCHASES, RECEIPTS, accounts_by_id, check_entries
from lots.engine.results import replay_result
from lots.engine.units import EXACT
from lots.types import (
    EntryKind,
    IdenticalGroups,
    LedgerAccount,
    LedgerEntry,
    NewDisallowance,
    Policy,
    RealizedLot,
    ReplayResult,
    WashMatch,
)

_ZERO = Fraction(0)
_trade_date = attrgetter("trade_date")


def replay(
    transactions: Sequence[LedgerEntry],
    accounts: Sequence[LedgerAccount],
    identical_groups: IdenticalGroups,
    policy: Policy = Policy(),  # noqa: B008 - frozen, and the documented default
) -> ReplayResult:
    """Lots, sales and wash sales of one household.

    ``transactions`` may come in any order of dates; entries of one date stand in the order of execution.
    ``identical_groups`` are the securities that are substantially identical to each other (R24).
    Raises a ``LedgerError`` (BadEntry, Oversold, UnknownLot, Unsupported) for a ledger it cannot follow, TypeError for
    a quantity or an amount that is not a Decimal.
    """
    household = accounts_by_id(accounts)
    with _no_collection(), localcontext(EXACT):
        entries = sorted(transactions, key=_trade_date)
        check_entries(entries, household)
        books = Books(entries, household, identical_groups, policy)
        _book(entries, books)
    return replay_result(books.records, books.positions(), policy)


def simulate(
    transactions: Sequence[LedgerEntry],
    intended: Sequence[LedgerEntry],
    accounts: Sequence[LedgerAccount],
    identical_groups: IdenticalGroups,
    policy: Policy = Policy(),  # noqa: B008 - frozen, and the documented default
) -> ReplayResult:
    """The replay as it would be with ``intended`` entries, which come last on their dates."""
    return replay([*transactions, *intended], accounts, identical_groups, policy)


def new_disallowed(before: ReplayResult, after: ReplayResult) -> tuple[NewDisallowance, ...]:
    """Sales, booked or intended, that lose more in ``after`` than in ``before``: more disallowed, or more for ever.

    Empty exactly when adding the intended entries makes no wash sale. In the order of ``after.realized``.
    """
    known = set(before.matches)
    matches: dict[str, list[WashMatch]] = {}
    for match in after.matches:
        if match not in known:
            matches.setdefault(match.sale, []).append(match)
    lost_before = _lost_by_sale(before)
    first_rows: dict[str, RealizedLot] = {}
    for row in after.realized:
        first_rows.setdefault(row.sale, row)
    found = []
    for sale, (disallowed, permanent) in _lost_by_sale(after).items():
        disallowed_before, permanent_before = lost_before.get(sale, (_ZERO, _ZERO))
        if disallowed <= disallowed_before and permanent <= permanent_before:
            continue
        row = first_rows[sale]
        found.append(
            NewDisallowance(
                sale=sale,
                trade_date=row.trade_date,
                account=row.account,
                security=row.security,
                amount=disallowed - disallowed_before,
                permanent=permanent - permanent_before,
                matches=tuple(matches.get(sale, ())),
            )
        )
    return tuple(found)


def _lost_by_sale(result: ReplayResult) -> dict[str, tuple[Fraction, Fraction]]:
    lost: dict[str, tuple[Fraction, Fraction]] = {}
    for row in result.realized:
        disallowed, permanent = lost.get(row.sale, (_ZERO, _ZERO))
        lost[row.sale] = (disallowed + row.disallowed, permanent + row.permanent)
    return lost


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's cyclic collector rests: a replay makes no garbage for it, only lots to walk over again and again.

    What was made meanwhile joins the oldest generation unseen (that is what freezing and thawing does), or the
    collector would walk over all of it at once.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():  # else somebody's frozen objects would thaw with ours
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _book(entries: Sequence[LedgerEntry], books: Books) -> None:
    """Let every entry do to the books what it does."""
    actions: dict[EntryKind, Callable[[LedgerEntry, int], None]] = {
        EntryKind.SELL: books.sell,
        EntryKind.TRANSFER: books.transfer,
        EntryKind.GIVE: books.give,
        **Actions(entries, books).by_kind(),
        **dict.fromkeys(PURCHASES, books.buy),
        **dict.fromkeys(RECEIPTS, books.receive),
    }
    order, ahead = _execution_order(entries, books)
    for place in order:
        entry = entries[place]
        if place in ahead:
            ahead.remove(place)
            books.buy_ahead(entry, place)
        elif (action := actions.get(entry.kind)) is not None:
            action(entry, place)


def _execution_order(entries: Sequence[LedgerEntry], books: Books) -> tuple[list[int], set[int]]:
    """Places by date; on each date opening lots first, then purchases of retirement accounts (U6), then the others.

    Purchases that go ahead of others of their date come twice: to be bought, and where they arrive in their account.
    These places are told too. Tells the records which of them come before a taxable trade of the same market only
    because of that.
    """
    retirement = {id_ for id_, account in books.accounts.items() if not account.kind.is_taxable}
    order: list[int] = []
    ahead: set[int] = set()
    day = _Day(books)
    today = None
    for place, entry in enumerate(entries):
        if entry.trade_date != today:
            order += day.places()
            today, day = entry.trade_date, _Day(books)
        if entry.kind is EntryKind.OPENING:
            day.openings.append(place)
        elif entry.account in retirement and entry.kind in PURCHASES:
            day.retirement[place] = None
            if day.has_traded(entry, entries):
                books.records.moved_first.add(place)
            if day.others:
                ahead.add(place)
                day.others.append(place)
        else:
            day.others.append(place)
    return order + day.places(), ahead


class _Day:
    """Places of one date's entries, by the order in which they count."""

    def __init__(self, books: Books) -> None:
        self.openings: list[int] = []
        self.retirement: dict[int, None] = {}
        self.others: list[int] = []
        self._books = books
        self._markets: set[str] = set()  # of the first so many others
        self._looked_at = 0

    def places(self) -> list[int]:
        return [*self.openings, *self.retirement, *self.others]

    def has_traded(self, entry: LedgerEntry, entries: Sequence[LedgerEntry]) -> bool:
        """Whether any of the others so far was a trade in the market of ``entry``."""
        for place in self.others[self._looked_at :]:
            if place in self.retirement:
                continue
            if entries[place].kind in PURCHASES or entries[place].kind is EntryKind.SELL:
                self._markets.add(self._market(entries[place]))
        self._looked_at = len(self.others)
        return bool(self._markets) and self._market(entry) in self._markets

    def _market(self, entry: LedgerEntry) -> str:
        return self._books.wash.market(entry.account, entry.security or "")
