"""What an entry must look like before the engine counts with it. Everything else is refused with its reason.

The loop over all entries asks only what is cheap and nearly always right; whatever is unusual goes to a function of its
own, which accepts it or says what is wrong.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from lots.engine.action_checks import ACTIONS, check_action
from lots.errors import BadEntry, LedgerError
from lots.types import SHARE_ITSELF, EntryKind, LedgerAccount, LedgerEntry, Relief

PURCHASES = frozenset({EntryKind.BUY, EntryKind.REINVEST, EntryKind.VEST, EntryKind.OPENING})
RECEIPTS = frozenset({EntryKind.RECEIVE, EntryKind.GIFT, EntryKind.INHERIT})
CASH = frozenset({EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE})
_CHOOSING = frozenset({EntryKind.SELL, EntryKind.TRANSFER, EntryKind.GIVE})
_WITH_RELIEF = _CHOOSING | {EntryKind.SPLIT, EntryKind.MERGE, EntryKind.SPIN_OFF}
_WITH_FEE = CASH | {EntryKind.BUY, EntryKind.REINVEST, EntryKind.VEST, EntryKind.SELL}
_WITH_START = frozenset({EntryKind.OPENING, EntryKind.RECEIVE, EntryKind.GIFT})


def accounts_by_id(accounts: Sequence[LedgerAccount]) -> dict[str, LedgerAccount]:
    """The household's accounts. Raises LedgerError where an id is given twice."""
    by_id = {account.id: account for account in accounts}
    if len(by_id) != len(accounts):
        raise LedgerError("An account id is given twice; ids of a household's accounts are unique.")
    return by_id


def check_entries(entries: Sequence[LedgerEntry], accounts: dict[str, LedgerAccount]) -> None:
    """Raise BadEntry, Unsupported or TypeError for the first entry that cannot be counted with."""
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise BadEntry(entry=entry.id, problem="the id is used by another entry too")
        seen.add(entry.id)
        quantity, amount, fee = entry.quantity, entry.amount, entry.fee
        if not (
            isinstance(quantity, Decimal) and isinstance(amount, Decimal) and isinstance(fee, Decimal)
            and quantity.is_finite() and amount.is_finite() and fee.is_finite()
        ):  # fmt: skip
            _check_numbers(entry)
        if type(entry.trade_date) is not date:
            _check_date(entry, entry.trade_date)
        if entry.account not in accounts:
            raise _bad(entry, f"account {entry.account} does not belong to this household")
        if entry.kind not in CASH and (
            quantity <= 0
            or amount < 0
            or not entry.security
            or (fee and (fee < 0 or entry.kind not in _WITH_FEE))
        ):
            _check_shares(entry)
        if entry.picks or entry.relief is not None:
            _check_choice(entry)
        if entry.to_account is not None or entry.kind is EntryKind.TRANSFER:
            _check_destination(entry, accounts)
        if entry.acquired is not None or entry.holding_start is not None:
            _check_dates(entry)
        elif entry.kind is EntryKind.OPENING:
            raise _bad(entry, "an opening lot needs the date on which it was acquired")
        if entry.market_value is not None or entry.multiplier is not SHARE_ITSELF:
            _check_value_and_multiplier(entry)
        if (
            entry.to_security is not None
            or entry.basis_fraction is not None
            or entry.kind in ACTIONS
            or (entry.kind is EntryKind.SPLIT and amount)
        ):
            check_action(entry)


def _check_numbers(entry: LedgerEntry) -> None:
    for name, number in (
        ("quantity", entry.quantity), ("amount", entry.amount), ("fee", entry.fee)
    ):  # fmt: skip
        _check_number(entry, name, number)


def _check_number(entry: LedgerEntry, name: str, number: object) -> None:
    if not isinstance(number, Decimal):
        raise TypeError(
            f"Entry {entry.id}: {name} must be a Decimal, not {type(number).__name__} ({number!r})"
        )
    if not number.is_finite():
        raise _bad(entry, f"{name} is {number}, not a number")


def _check_date(entry: LedgerEntry, day: object) -> None:
    if isinstance(day, datetime) or not isinstance(day, date):
        raise TypeError(f"Entry {entry.id}: {day!r} is not a plain date")


def _check_shares(entry: LedgerEntry) -> None:
    kind = entry.kind
    if not entry.security:
        raise _bad(entry, f"a {kind} needs a security")
    if entry.quantity <= 0 and kind not in (EntryKind.RETURN_OF_CAPITAL, EntryKind.WORTHLESS):
        what = "split ratio" if kind is EntryKind.SPLIT else "quantity"
        raise _bad(entry, f"the {what} must be above zero, not {entry.quantity}")
    if entry.amount < 0 or entry.fee < 0:
        raise _bad(entry, "amount and fee must not be negative")
    if entry.fee and kind not in _WITH_FEE:
        raise _bad(entry, f"a {kind} carries no fee; book the fee as an entry of its own")


def _check_choice(entry: LedgerEntry) -> None:
    """Identified lots and standing orders (R22)."""
    kind = entry.kind
    for pick in entry.picks:
        _check_number(entry, "picked quantity", pick.quantity)
        if pick.quantity <= 0:
            raise _bad(entry, f"the picked quantity of lot {pick.lot} must be above zero")
    if entry.picks:
        if kind not in _CHOOSING:
            raise _bad(entry, f"a {kind} cannot identify lots")
        if sum(Fraction(pick.quantity) for pick in entry.picks) != entry.quantity:
            raise _bad(entry, f"the identified lots do not add up to {entry.quantity} shares")
    if entry.relief is None:
        return
    if kind not in _WITH_RELIEF:
        raise _bad(entry, f"a {kind} takes no shares, so it has no relief method")
    if entry.picks and entry.relief is Relief.AVERAGE:
        raise _bad(
            entry,
            "lots cannot be identified where the basis is averaged: shares leave first in, first out",
        )


def _check_destination(entry: LedgerEntry, accounts: dict[str, LedgerAccount]) -> None:
    if entry.kind is not EntryKind.TRANSFER:
        raise _bad(entry, f"a {entry.kind} has no destination account")
    if entry.to_account not in accounts:
        raise _bad(entry, f"destination {entry.to_account} does not belong to this household")
    if entry.to_account == entry.account:
        raise _bad(entry, "source and destination are the same account")


def _check_dates(entry: LedgerEntry) -> None:
    """A lot's own dates, which only a lot that comes with a past has."""
    if entry.kind not in _WITH_START:
        raise _bad(entry, f"a {entry.kind} has no acquisition date or holding start of its own")
    for day in (entry.holding_start, entry.acquired):
        if day is not None:
            _check_date(entry, day)
    if entry.acquired is None and entry.kind is EntryKind.OPENING:
        raise _bad(entry, "an opening lot needs the date on which it was acquired")
    own = entry.acquired or entry.trade_date
    if not (entry.holding_start or own) <= own <= entry.trade_date:
        raise _bad(entry, "dates must run: holding period start, acquired, received")


def _check_value_and_multiplier(entry: LedgerEntry) -> None:
    if entry.market_value is not None:
        if entry.kind is not EntryKind.GIFT:
            raise _bad(entry, f"a {entry.kind} has no market value; only a gift received has one")
        _check_number(entry, "market value", entry.market_value)
        if entry.market_value < 0:
            raise _bad(entry, "the market value must not be negative")
    _check_number(entry, "multiplier", entry.multiplier)
    if entry.multiplier <= 0:
        raise _bad(entry, f"the multiplier must be above zero, not {entry.multiplier}")


def _bad(entry: LedgerEntry, problem: str) -> BadEntry:
    return BadEntry(entry=entry.id, problem=problem)
