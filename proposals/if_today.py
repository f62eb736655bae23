"""If I sell today, if I buy today: asked of the tax engine itself, position by position. Pure.

The windows say until when something is dangerous, and err on the careful side. Here the trade is put behind the ledger
as if made on the day, with what is approved and what will be bought by itself, and the two replays are compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from lots.replay import new_disallowed, replay, simulate
from lots.rounding import cents, stored_shares
from lots.types import (
    DatedGroup,
    EntryKind,
    Ledger,
    LedgerEntry,
    LotPick,
    LotRow,
    NewDisallowance,
    ReplayResult,
)
from proposals.window_table import unrealised_losses
from securities.identity import connected

ZERO = Decimal(0)
_TRADE = "if today"  # the trade's id among the entries


@dataclass(frozen=True, slots=True)
class IfSold:
    """All loss lots of one position sold today, in one order. Dollars to the cent."""

    account: int
    security: int
    shares: Decimal  # of the loss lots
    loss: Decimal  # positive
    washed_shares: Decimal
    deferred: Decimal
    permanent: Decimal
    elsewhere: Decimal  # losses booked before that would be disallowed through it
    held: Decimal  # shares of the whole position
    whole_is_clean: (
        bool  # sold together with the rest of the position, nothing is disallowed (R9b, T21)
    )

    @property
    def is_clean(self) -> bool:
        return not (self.deferred or self.permanent or self.elsewhere)


@dataclass(frozen=True, slots=True)
class Washed:
    """A loss that a purchase of today would disallow."""

    account: int
    security: int
    sold_on: date
    deferred: Decimal
    permanent: Decimal


@dataclass(frozen=True, slots=True)
class IfBought:
    """One share bought today in one account."""

    account: int
    security: int
    washed: tuple[Washed, ...]

    @property
    def deferred(self) -> Decimal:
        return sum((one.deferred for one in self.washed), ZERO)

    @property
    def permanent(self) -> Decimal:
        return sum((one.permanent for one in self.washed), ZERO)


class Desk:
    """A household's ledger with what is on its way, and the trades that are tried on it. Raises LedgerError."""

    def __init__(self, ledger: Ledger, *, as_of: date, prices: Mapping[int, Decimal]) -> None:
        self._ledger = ledger
        self._as_of = as_of
        self._prices = prices
        self._markets = _markets(ledger)
        self._before: dict[frozenset[str], tuple[Ledger, ReplayResult]] = {}

    def if_sold(self, position: Sequence[LotRow]) -> IfSold | None:
        """The answer for the lots of one account and security; None where none of them stands at a loss."""
        losing = unrealised_losses(position, self._prices)
        if not losing:
            return None
        first = position[0]
        washed_shares, deferred, permanent, elsewhere = self._sold([lot for lot, _ in losing])
        washes = bool(deferred or permanent or elsewhere)
        return IfSold(
            account=first.account,
            security=first.security,
            shares=sum((lot.quantity for lot, _ in losing), ZERO),
            loss=cents(Fraction(sum((loss for _, loss in losing), ZERO))),
            washed_shares=washed_shares,
            deferred=deferred,
            permanent=permanent,
            elsewhere=elsewhere,
            held=sum((lot.quantity for lot in position), ZERO),
            whole_is_clean=washes and not any(self._sold(position)[1:]),
        )

    def if_bought(self, *, account: int, security: int) -> IfBought:
        """The answer for one share."""
        entry = LedgerEntry(
            id=_TRADE,
            trade_date=self._as_of,
            account=str(account),
            kind=EntryKind.BUY,
            security=str(security),
            quantity=Decimal(1),
            amount=self._prices.get(security, Decimal(1)),
        )
        washed = [
            Washed(
                account=int(row.account),
                security=int(row.security),
                sold_on=row.trade_date,
                deferred=cents(row.amount - row.permanent),
                permanent=cents(row.permanent),
            )
            for row in self._new(entry)
        ]
        return IfBought(account, security, tuple(washed))

    def _sold(self, lots: Sequence[LotRow]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Shares washed, dollars deferred and for ever of the sale itself, dollars of other sales."""
        picks = tuple(LotPick(str(lot.opening), lot.quantity, lot.part) for lot in lots)
        first = lots[0]
        quantity = sum((pick.quantity for pick in picks), ZERO)
        entry = LedgerEntry(
            id=_TRADE,
            trade_date=self._as_of,
            account=str(first.account),
            kind=EntryKind.SELL,
            security=str(first.security),
            quantity=quantity,
            amount=quantity * self._prices[first.security],
            picks=picks,
        )
        shares = own = forever = others = Fraction(0)
        for row in self._new(entry):
            if row.sale == _TRADE:
                own, forever = row.amount, row.permanent
                shares = sum((match.shares for match in row.matches), Fraction(0))
            else:
                others += row.amount
        return stored_shares(shares), cents(own - forever), cents(forever), cents(others)

    def _new(self, entry: LedgerEntry) -> tuple[NewDisallowance, ...]:
        ledger, before = self._market(entry.security or "")
        after = simulate(ledger.entries, [entry], ledger.accounts, ledger.groups, ledger.policy)
        return new_disallowed(before, after)

    def _market(self, security: str) -> tuple[Ledger, ReplayResult]:
        """The part of the ledger on which the answer can depend, and its replay."""
        names = next((one for one in self._markets if security in one), frozenset({security}))
        if names not in self._before:
            entries = tuple(one for one in self._ledger.entries if one.security in names)
            ledger = replace(self._ledger, entries=entries)
            result = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
            self._before[names] = (ledger, result)
        return self._before[names]


def _markets(ledger: Ledger) -> tuple[frozenset[str], ...]:
    """Securities whose trades can meet: identical on some day, or joined by a rename, merger or spin-off."""
    identical = [
        {int(pk) for pk in (one.securities() if isinstance(one, DatedGroup) else one)}
        for one in ledger.groups
    ]
    joined = {
        (int(entry.security), int(entry.to_security))
        for entry in ledger.entries
        if entry.security and entry.to_security
    }
    return tuple(frozenset(map(str, one)) for one in connected([*identical, *joined]))
