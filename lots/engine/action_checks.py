"""What an entry of a corporate action must look like before the engine counts with it."""

from datetime import date
from decimal import Decimal

from lots.errors import BadEntry, Unsupported
from lots.types import EntryKind, LedgerEntry

ACTIONS = frozenset(
    {
        EntryKind.RENAME, EntryKind.MERGE, EntryKind.CASH_MERGER, EntryKind.SPIN_OFF,
        EntryKind.RETURN_OF_CAPITAL, EntryKind.WORTHLESS,
    }
)  # fmt: skip
_WITH_SUCCESSOR = frozenset({EntryKind.RENAME, EntryKind.MERGE, EntryKind.SPIN_OFF})
_CHANGING = ACTIONS - {EntryKind.CASH_MERGER, EntryKind.WORTHLESS}
_UNPAID = frozenset({EntryKind.RENAME, EntryKind.WORTHLESS})


def check_action(entry: LedgerEntry) -> None:
    """Raise BadEntry, Unsupported or TypeError for an entry that cannot be counted with."""
    kind = entry.kind
    _check_successor(entry)
    _check_fraction(entry)
    if kind is EntryKind.RENAME and entry.quantity != 1:
        raise _bad(entry, f"a rename is one for one, not {entry.quantity} for one: that is a merge")
    if kind in _UNPAID and entry.amount:
        raise _bad(entry, f"a {kind} pays nothing")
    if kind is EntryKind.RETURN_OF_CAPITAL:
        if entry.quantity:
            raise _bad(entry, "a return_of_capital takes no shares: it has no quantity")
        if not entry.amount:
            raise _bad(entry, "a return_of_capital needs the amount that was paid")
    if kind is EntryKind.WORTHLESS:
        _check_last_day(entry)


def check_no_contract(entry: LedgerEntry) -> None:
    """Raise Unsupported for an action that changes the contracts it acts on. A buy-out or worthlessness ends them."""
    if entry.kind in _CHANGING:
        raise Unsupported(
            f"a {entry.kind} of contracts changes what they cover, which is not computed; book what the "
            "contracts became as a give and a receive",
            rule="R26",
            entry=entry.id,
        )


def _check_successor(entry: LedgerEntry) -> None:
    if entry.kind not in _WITH_SUCCESSOR:
        if entry.to_security is not None:
            raise _bad(entry, f"a {entry.kind} brings no other security")
        return
    if not entry.to_security:
        raise _bad(entry, f"a {entry.kind} needs the security that the shares become or bring")
    if entry.to_security == entry.security:
        raise _bad(entry, "the old and the new security are the same")


def _check_fraction(entry: LedgerEntry) -> None:
    fraction = entry.basis_fraction
    if entry.kind is not EntryKind.SPIN_OFF:
        if fraction is not None:
            raise _bad(entry, f"a {entry.kind} moves no fraction of the basis")
        return
    if fraction is None:
        raise _bad(entry, "a spin_off needs the fraction of the basis that goes to the new shares")
    if not isinstance(fraction, Decimal):
        raise TypeError(
            f"Entry {entry.id}: basis fraction must be a Decimal, not {type(fraction).__name__} ({fraction!r})"
        )
    if not fraction.is_finite() or not 0 <= fraction <= 1:
        raise _bad(entry, f"the fraction of the basis that moves is {fraction}, not from 0 to 1")


def _check_last_day(entry: LedgerEntry) -> None:
    last = date(entry.trade_date.year, 12, 31)
    if entry.trade_date != last:
        raise _bad(
            entry,
            f"a security that becomes worthless counts as sold for nothing on {last}, the last day of the year "
            f"(IRC 165(g)), not on {entry.trade_date}",
        )


def _bad(entry: LedgerEntry, problem: str) -> BadEntry:
    return BadEntry(entry=entry.id, problem=problem)
