"""What each account held at the close of each day, and what came in and went out: columns from the ledger. Pure.

Shares are counted as the ledger books them: in the units of their day, so that a split changes shares and not value. A
split, rename, merger or spin-off is a fact of the market: its first booking acts on every account of the household, a
later one only brings an account's cash in lieu (``lots.engine.corporate_actions``). Floats: what is made of them is a
return. Whoever has the exact lots of the last day compares (``Columns.differences``).

From outside come deposits, withdrawals, and shares that are received, given away or taken over with a lot; cash that
comes or goes with a security's name is income of that security, a reinvested dividend bought shares with it, and a fee
is a cost: none of these is a flow. Shares between two accounts of the household are a flow of both accounts only.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lots.engine.splits import exact_ratio
from lots.types import EntryKind

Floats = NDArray[np.float64]
Place = tuple[int, int]  # account, security

_DUST = 1e-7  # shares: half of what is stored of a share, and rounding of sums
_DELIVERED = frozenset(
    {EntryKind.VEST, EntryKind.OPENING, EntryKind.RECEIVE, EntryKind.GIFT, EntryKind.INHERIT}
)
_BOUGHT_OR_SOLD = frozenset({EntryKind.BUY, EntryKind.SELL})
_BECOME = frozenset({EntryKind.RENAME, EntryKind.MERGE})
_WHOLE = frozenset({EntryKind.CASH_MERGER, EntryKind.WORTHLESS})


class Booked(NamedTuple):
    """One transaction, as ``lots.types.LedgerEntry`` says; securities and accounts by primary key."""

    day: date
    account: int
    kind: str
    security: int | None
    quantity: Decimal
    amount: Decimal
    fee: Decimal
    to_account: int | None
    to_security: int | None


@dataclass(frozen=True, eq=False)
class Columns:
    """Days are rows. ``shares`` (T, k) of ``places``; ``cash`` and ``deposits``, less withdrawals, (T, a) in dollars.

    ``delivered`` are shares that came (or, negative, went) without money: row, account, security, shares.
    """

    days: Sequence[date]
    accounts: tuple[int, ...]
    places: tuple[Place, ...]
    shares: Floats
    cash: Floats
    deposits: Floats
    delivered: tuple[tuple[int, int, int, float], ...]
    between: tuple[tuple[int, int, int, float], ...]  # the same, between two accounts

    def differences(self, held: Mapping[Place, Decimal]) -> list[Place]:
        """The places where the last day's shares are not those of the lots."""
        last = dict(zip(self.places, self.shares[-1].tolist(), strict=True))
        return [
            place
            for place in sorted(last.keys() | held.keys())
            if abs(last.get(place, 0.0) - float(held.get(place, 0))) > 1e-4
        ]


def columns(entries: Iterable[Booked], days: Sequence[date], accounts: Sequence[int]) -> Columns:
    """What the entries, in order of date and booking, make of the accounts on the trading days ``days``.

    What is booked on a day without trading counts on the next; what is booked up to the first day is there at its
    close, and is no flow.
    """
    book = _Book(days, accounts)
    for entry in entries:
        book.take(entry)
    return book.columns()


class _Book:
    def __init__(self, days: Sequence[date], accounts: Sequence[int]) -> None:
        self._days = days
        self._accounts = {account: column for column, account in enumerate(accounts)}
        self._held: defaultdict[Place, float] = defaultdict(float)
        self._changed: list[tuple[int, Place, float]] = []
        self._cash = {account: [0.0] * len(days) for account in accounts}  # of each day alone
        self._deposits = {account: [0.0] * len(days) for account in accounts}
        self._delivered: list[tuple[int, int, int, float]] = []
        self._between: list[tuple[int, int, int, float]] = []
        self._told: set[tuple[object, ...]] = set()
        self._received: dict[tuple[object, ...], float] = {}

    def take(self, entry: Booked) -> None:
        row = bisect_left(self._days, entry.day)
        if row == len(self._days):
            return
        security = entry.security
        if security is not None and entry.kind in _BOUGHT_OR_SOLD:  # nearly all
            self._trade(row, entry, entry.kind, security)
            return
        kind = EntryKind(entry.kind)
        if security is None or kind in (EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE):
            self._of_cash(row, entry, kind)
        elif kind is EntryKind.SPLIT:
            self._split(row, entry, security)
        elif entry.to_security is not None:
            self._succeed(row, entry, kind, security, entry.to_security)
        elif kind is EntryKind.TRANSFER:
            self._transfer(row, entry, security)
        else:
            self._deliver_or_end(row, entry, kind, security)

    def _of_cash(self, row: int, entry: Booked, kind: EntryKind) -> None:
        sign = 1.0 if kind is EntryKind.CASH_IN else -1.0
        fee = float(entry.fee)
        self._pay(row, entry.account, sign * float(entry.amount) - fee)
        if entry.security is None and kind is not EntryKind.FEE:
            self._deposits[entry.account][row] += sign * float(entry.amount)

    def _trade(self, row: int, entry: Booked, kind: str, security: int) -> None:
        _, account, _, _, quantity, amount, fee, _, _ = entry
        shares = float(quantity)
        if kind == EntryKind.BUY:
            dollars = -float(amount + fee)
        else:
            shares, dollars = -shares, float(amount - fee)
        self._add(row, (account, security), shares)
        self._cash[account][row] += dollars

    def _transfer(self, row: int, entry: Booked, security: int) -> None:
        to_account, shares = entry.to_account, float(entry.quantity)
        assert to_account is not None  # a transfer names it
        self._add(row, (entry.account, security), -shares)
        self._add(row, (to_account, security), shares)
        if row:
            self._between.append((row, entry.account, security, -shares))
            self._between.append((row, to_account, security, shares))

    def _deliver_or_end(self, row: int, entry: Booked, kind: EntryKind, security: int) -> None:
        place, shares = (entry.account, security), float(entry.quantity)
        if kind is EntryKind.REINVEST:  # its money never was in the account's cash
            self._add(row, place, shares)
        elif kind in _DELIVERED:
            self._add(row, place, shares)
            self._deliver(row, entry.account, security, shares)
        elif kind is EntryKind.GIVE:
            self._add(row, place, -shares)
            self._deliver(row, entry.account, security, -shares)
        elif kind in _WHOLE:
            self._add(row, place, -self._held[place])
            self._pay(row, entry.account, float(entry.amount - entry.fee))
        else:  # a return of capital
            self._pay(row, entry.account, float(entry.amount))

    def _split(self, row: int, entry: Booked, security: int) -> None:
        fact = (EntryKind.SPLIT, security, entry.day)
        if fact not in self._told:
            self._told.add(fact)
            ratio = float(exact_ratio(entry.quantity))
            for account in self._accounts:
                place = (account, security)
                self._add(row, place, self._held[place] * (ratio - 1.0))
        if entry.amount:
            place = (entry.account, security)
            self._add(row, place, -_fraction(self._held[place]))
            self._pay(row, entry.account, float(entry.amount))

    def _succeed(
        self, row: int, entry: Booked, kind: EntryKind, security: int, successor: int
    ) -> None:
        fact = (kind, security, successor, entry.day)
        if fact not in self._told:
            self._told.add(fact)
            ratio = float(exact_ratio(entry.quantity))
            for account in self._accounts:
                old = self._held[account, security]
                received = old * ratio
                self._received[*fact, account] = received
                self._add(row, (account, successor), received)
                if kind in _BECOME:
                    self._add(row, (account, security), -old)
        if entry.amount:
            self._add(
                row, (entry.account, successor), -_fraction(self._received[*fact, entry.account])
            )
            self._pay(row, entry.account, float(entry.amount))

    def _add(self, row: int, place: Place, shares: float) -> None:
        if not shares:
            return
        held = self._held[place] + shares
        self._held[place] = held = 0.0 if abs(held) < _DUST else held
        self._changed.append((row, place, held))

    def _pay(self, row: int, account: int, dollars: float) -> None:
        self._cash[account][row] += dollars

    def _deliver(self, row: int, account: int, security: int, shares: float) -> None:
        if row:
            self._delivered.append((row, account, security, shares))

    def columns(self) -> Columns:
        places = {place: None for _, place, _ in self._changed}
        deposits = self._by_day(self._deposits)
        if len(self._days):
            deposits[0] = 0.0
        return Columns(
            days=self._days,
            accounts=tuple(self._accounts),
            places=tuple(places),
            shares=self._shares({place: column for column, place in enumerate(places)}),
            cash=np.cumsum(self._by_day(self._cash), axis=0),
            deposits=deposits,
            delivered=tuple(self._delivered),
            between=tuple(self._between),
        )

    def _by_day(self, dollars: Mapping[int, Sequence[float]]) -> Floats:
        """(T, a)"""
        shape = (len(self._accounts), len(self._days))
        return np.array(list(dollars.values()), dtype=np.float64).reshape(shape).T.copy()

    def _shares(self, at: Mapping[Place, int]) -> Floats:
        """(T, k) the last that was told of a place up to each day; 0 before the first."""
        found = np.zeros((len(at), len(self._days)))
        for row, place, held in self._changed:  # in order of days
            found[at[place], row:] = held
        return found.T.copy()


def _fraction(shares: float) -> float:
    """What is over a whole number of shares; what is stored of a share has eight decimals."""
    return round(shares, 8) % 1.0
