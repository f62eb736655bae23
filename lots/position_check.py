"""Whether an account's lots add up to what its custodian says it holds (I22, T53). Pure.

A statement is complete: a security of the account that it does not name is not held there. It speaks of the end of its
day by trade date, so entries up to and with that day count, splits and renames included, and no later ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from accounts.canonical import canonical_text, sha256_of
from lots.engine.entry_checks import PURCHASES, RECEIPTS
from lots.replay import replay
from lots.rounding import plain
from lots.types import EntryKind, Ledger, LedgerEntry

TOLERANCE = Decimal("0.001")  # shares: many custodians report three decimals
SMALLEST_TOLERANCE = Decimal("0.00000001")
_ZERO = Fraction(0)
_OPENING = PURCHASES | RECEIPTS
_LEAVING = frozenset({EntryKind.SELL, EntryKind.GIVE})
_OF_CASH = frozenset({EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE})
_NO_SHARES = _OF_CASH | {EntryKind.RETURN_OF_CAPITAL}

Shares = Mapping[int, Fraction | Decimal]  # by security
Holdings = dict[int, dict[int, Fraction]]  # account -> security -> shares


class Standing(StrEnum):
    """What is known of an account's lots."""

    RECONCILED = "reconciled"
    UNRECONCILED = "unreconciled"  # nothing may be proposed in it
    NO_STATEMENT = "no statement"  # nobody can say: it is not blocked for that


@dataclass(frozen=True, slots=True)
class Statement:
    """What a custodian says that an account held at the end of ``as_of``: shares by security."""

    account: int
    as_of: date
    positions: Mapping[int, Decimal]

    @property
    def content_sha256(self) -> str:
        """Hash of the positions: the same statement again changes nothing."""
        return sha256_of(canonical_text(sorted(self.positions.items())))


@dataclass(frozen=True, slots=True)
class Break:
    """Shares of one security by the lots and by the custodian."""

    security: int
    ours: Fraction
    theirs: Decimal

    @property
    def difference(self) -> Fraction:
        """Ours less theirs."""
        return self.ours - Fraction(self.theirs)


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """One account against its newest statement."""

    account: int
    standing: Standing
    as_of: date | None = None  # of the statement
    breaks: tuple[Break, ...] = ()


def check(
    account: int,
    statement: Statement | None,
    ours: Shares,
    *,
    tolerance: Decimal = TOLERANCE,
) -> AccountCheck:
    """Compare the lots of the statement's day, ``ours``, with the statement; differences up to the tolerance pass.

    Raises TypeError for shares that are a float, ValueError for a tolerance under the smallest share that is kept or
    above TOLERANCE.
    """
    if not SMALLEST_TOLERANCE <= tolerance <= TOLERANCE:
        raise ValueError(f"the tolerance is from {SMALLEST_TOLERANCE:f} to {TOLERANCE} shares")
    if statement is None:
        return AccountCheck(account, Standing.NO_STATEMENT)
    breaks = []
    for security in sorted(ours.keys() | statement.positions.keys()):
        held, told = ours.get(security, _ZERO), statement.positions.get(security, Decimal(0))
        _refuse_float(held, told)
        found = Break(security, Fraction(held), told)
        if abs(found.difference) > Fraction(tolerance):
            breaks.append(found)
    standing = Standing.UNRECONCILED if breaks else Standing.RECONCILED
    return AccountCheck(account, standing, statement.as_of, tuple(breaks))


def _refuse_float(*values: object) -> None:
    if any(isinstance(value, float) for value in values):
        raise TypeError("shares are Decimal or Fraction, not float")


def sentence(checked: AccountCheck, symbols: Mapping[int, str]) -> str:
    """What is wrong, for people; empty for an account that is reconciled or has no statement."""
    if not checked.breaks:
        return ""
    told = "; ".join(
        f"{symbols.get(one.security, f'security {one.security}')}: lots {plain(one.ours)}, "
        f"custodian {plain(Fraction(one.theirs))}"
        for one in checked.breaks
    )
    return f"{told} on {checked.as_of}"


def held_on(ledger: Ledger, day: date) -> Holdings:
    """Shares by account and security at the end of a day, in the units of that day: the ledger up to it, replayed.

    Raises a LedgerError where the ledger cannot be followed.
    """
    entries = [entry for entry in ledger.entries if entry.trade_date <= day]
    lots = replay(entries, ledger.accounts, ledger.groups, ledger.policy).open_lots
    return _summed((int(lot.account), int(lot.security), lot.quantity) for lot in lots)


def held_before(
    held: Mapping[int, Shares], later: Iterable[LedgerEntry]
) -> dict[int, dict[int, Fraction]] | None:
    """What was held before the ``later`` entries, from what is held after them; None where that takes a replay.

    Trades and deliveries can be taken back by their shares; what multiplies or exchanges shares cannot.
    """
    moves = [
        (account, security, Fraction(shares))
        for account, own in held.items()
        for security, shares in own.items()
    ]
    for entry in later:
        if entry.kind in _NO_SHARES or entry.security is None:
            continue
        account, security, shares = (
            int(entry.account),
            int(entry.security),
            Fraction(entry.quantity),
        )
        if entry.kind in _OPENING:
            moves.append((account, security, -shares))
        elif entry.kind in _LEAVING:
            moves.append((account, security, shares))
        elif entry.kind is EntryKind.TRANSFER and entry.to_account is not None:
            moves.append((account, security, shares))
            moves.append((int(entry.to_account), security, -shares))
        else:
            return None
    return _summed(moves)


def _summed(moves: Iterable[tuple[int, int, Fraction]]) -> Holdings:
    held: defaultdict[int, defaultdict[int, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for account, security, shares in moves:
        held[account][security] += shares
    return {account: dict(own) for account, own in held.items()}
