"""What an entry must look like before the engine counts with it. Everything else is refused with its reason."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from lots.errors import BadEntry, LedgerError
from lots.types import EntryKind, LedgerAccount, LedgerEntry

PURCHASES = frozenset({EntryKind.BUY, EntryKind.REINVEST})
_OF_SHARES = PURCHASES | {EntryKind.SELL, EntryKind.RECEIVE, EntryKind.TRANSFER, EntryKind.SPLIT}
_WITH_PICKS = frozenset({EntryKind.SELL, EntryKind.TRANSFER})
_WITH_FEE = PURCHASES | {EntryKind.SELL, EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE}


def accounts_by_id(accounts: Sequence[LedgerAccount]) -> dict[str, LedgerAccount]:
    """The household's accounts. Raises LedgerError where an id is given twice."""
    by_id = {account.id: account for account in accounts}
    if len(by_id) != len(accounts):
        raise LedgerError("An account id is given twice; ids of a household's accounts are unique.")
    return by_id


def check_entries(entries: Sequence[LedgerEntry], accounts: dict[str, LedgerAccount]) -> None:
    """Raise BadEntry or TypeError for the first entry that cannot be counted with."""
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise BadEntry(entry=entry.id, problem="the id is used by another entry too")
        seen.add(entry.id)
        _check_types(entry)
        if entry.account not in accounts:
            raise _bad(entry, f"account {entry.account} does not belong to this household")
        if entry.kind in _OF_SHARES:
            _check_shares(entry)
        _check_extras(entry, accounts)


def _check_types(entry: LedgerEntry) -> None:
    for name, number in (
        ("quantity", entry.quantity), ("amount", entry.amount), ("fee", entry.fee)
    ):  # fmt: skip
        _check_number(entry, name, number)
    for pick in entry.picks:
        _check_number(entry, "picked quantity", pick.quantity)
        if pick.quantity <= 0:
            raise _bad(entry, f"the picked quantity of lot {pick.lot} must be above zero")
    for day in (entry.trade_date, entry.holding_start, entry.acquired):
        if isinstance(day, datetime) or not isinstance(day, date | None):
            raise TypeError(f"Entry {entry.id}: {day!r} is not a plain date")


def _check_number(entry: LedgerEntry, name: str, number: object) -> None:
    if not isinstance(number, Decimal):
        raise TypeError(
            f"Entry {entry.id}: {name} must be a Decimal, not {type(number).__name__} ({number!r})"
        )
    if not number.is_finite():
        raise _bad(entry, f"{name} is {number}, not a number")


def _check_shares(entry: LedgerEntry) -> None:
    if not entry.security:
        raise _bad(entry, f"a {entry.kind} needs a security")
    if entry.quantity <= 0:
        what = "split ratio" if entry.kind is EntryKind.SPLIT else "quantity"
        raise _bad(entry, f"the {what} must be above zero, not {entry.quantity}")
    if entry.amount < 0 or entry.fee < 0:
        raise _bad(entry, "amount and fee must not be negative")
    if entry.fee and entry.kind not in _WITH_FEE:
        raise _bad(entry, f"a {entry.kind} carries no fee; book the fee as an entry of its own")


def _check_extras(entry: LedgerEntry, accounts: dict[str, LedgerAccount]) -> None:
    """Fields that belong to one kind of entry only must not be set on another."""
    kind = entry.kind
    if entry.picks:
        if kind not in _WITH_PICKS:
            raise _bad(entry, f"a {kind} cannot identify lots")
        if sum(Fraction(pick.quantity) for pick in entry.picks) != entry.quantity:
            raise _bad(entry, f"the identified lots do not add up to {entry.quantity} shares")
    if kind is EntryKind.TRANSFER:
        if entry.to_account not in accounts:
            raise _bad(entry, f"destination {entry.to_account} does not belong to this household")
        if entry.to_account == entry.account:
            raise _bad(entry, "source and destination are the same account")
    elif entry.to_account is not None:
        raise _bad(entry, f"a {kind} has no destination account")
    if kind is EntryKind.RECEIVE:
        own = entry.acquired or entry.trade_date
        if not (entry.holding_start or own) <= own <= entry.trade_date:
            raise _bad(
                entry,
                "dates must run: holding period start, acquired, received",
            )
    elif entry.holding_start is not None or entry.acquired is not None:
        raise _bad(entry, f"a {kind} has no acquisition date or holding start of its own")


def _bad(entry: LedgerEntry, problem: str) -> BadEntry:
    return BadEntry(entry=entry.id, problem=problem)
