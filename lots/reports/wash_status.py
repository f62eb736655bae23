"""How far a loss has been tested for wash sales as of a day, and whether a tax year is final: pure.

Conventions: the status belongs to one realised lot part.

- A gain is never washed (R8), and what is disallowed altogether cannot be disallowed again: DEFERRED into the basis of
  replacement shares (R13), PERMANENT (R16), or MIXED. NONE for the gain.
- While dollars of the loss are still allowed and day 30 after the sale is not over, a purchase can take them (R5): the
  row is PROVISIONAL whatever has been disallowed so far.
- After that day, where an account in scope was declared but never imported (R17), dollars still allowed are
  NOT_CHECKED: "none" is said only of what was looked at.
- A year is provisional before 31 January of the next one, because a purchase in January reaches back to December (R7),
  and while any of its losses is.
- A window that has passed is closed only where the household's ledger reaches its last day too: what was never booked
  was never tested. Reports therefore ask as of the day that ``seen_to`` gives.
- An account in scope with nothing booked through a window's last day may be quiet or may not have been imported: it is
  named, and closes nothing and opens nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from lots.types import LedgerAccount, Policy, RealizedLot
from lots.wash_sales import counts_as_buyer, window


class WashStatus(StrEnum):
    """What the wash-sale rule has made of a realised row, as far as is known."""

    NONE = "none"
    PROVISIONAL = "provisional"  # a purchase through ``open_until`` can still disallow more
    DEFERRED = "deferred"
    PERMANENT = "permanent"
    MIXED = "mixed"  # in part deferred, in part permanent
    NOT_CHECKED = "not_checked"  # purchases in accounts held away are unknown (R17)

    @property
    def label(self) -> str:
        """As reports write it; nothing for NONE."""
        return "" if self is WashStatus.NONE else self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class OpenLoss:
    """A loss of which purchases through ``until`` can still disallow ``allowed`` dollars (positive)."""

    sale: str
    account: str
    security: str
    trade_date: date
    until: date
    allowed: Fraction


@dataclass(frozen=True, slots=True)
class QuietAccount:
    """Nothing is booked in the account after ``last``; purchases through ``until`` would wash a loss."""

    account: str
    last: date | None  # None = nothing was ever booked
    until: date


def seen_to(as_of: date, booked_through: date | None) -> date:
    """The day before which everything is known: neither after ``as_of`` nor after what is booked."""
    if booked_through is None:
        return date.min
    return min(as_of, booked_through + timedelta(days=1))


def quiet_accounts(
    rows: Iterable[RealizedLot],
    accounts: Mapping[str, LedgerAccount],
    last_booked: Mapping[str, date],
    *,
    imported: Iterable[str],
    policy: Policy,
    as_of: date,
) -> tuple[QuietAccount, ...]:
    """The imported accounts that could wash a loss whose window has passed, and whose bookings end inside it."""
    until: dict[str, date] = {}  # seller -> end of its last window that has passed
    for row in rows:
        if row.allowed < 0 and open_until(row) < as_of:
            until[row.account] = max(until.get(row.account, date.min), open_until(row))
    found = []
    for key in imported:
        ends = [
            end
            for seller, end in until.items()
            if counts_as_buyer(accounts[seller], accounts[key], policy)
        ]
        last = last_booked.get(key)
        if ends and (last is None or last < max(ends)):
            found.append(QuietAccount(account=key, last=last, until=max(ends)))
    return tuple(found)


def status(row: RealizedLot, as_of: date, held_away: Sequence[LedgerAccount] = ()) -> WashStatus:
    """The row's status at the end of ``as_of``; ``held_away`` are the unseen accounts in its scope."""
    if row.allowed < 0:
        if is_open(row, as_of):
            return WashStatus.PROVISIONAL
        if held_away:
            return WashStatus.NOT_CHECKED
    if not row.disallowed:
        return WashStatus.NONE
    if row.permanent == row.disallowed:
        return WashStatus.PERMANENT
    return WashStatus.MIXED if row.permanent else WashStatus.DEFERRED


def open_until(row: RealizedLot) -> date:
    """The last day on which a purchase can wash the row: day 30 after its sale, included (R5)."""
    return window(row.trade_date)[1]


def is_open(row: RealizedLot, as_of: date) -> bool:
    """Whether a purchase of ``as_of`` or later can still disallow dollars of the row."""
    return row.allowed < 0 and open_until(row) >= as_of


def open_losses(rows: Iterable[RealizedLot], as_of: date) -> tuple[OpenLoss, ...]:
    """The rows that are still open, in their order."""
    return tuple(
        OpenLoss(
            sale=row.sale,
            account=row.account,
            security=row.security,
            trade_date=row.trade_date,
            until=open_until(row),
            allowed=-row.allowed,
        )
        for row in rows
        if is_open(row, as_of)
    )


def first_final_day(year: int) -> date:
    """31 January of the next year: 31 December + 30 days is the day before (R7)."""
    return date(year + 1, 1, 31)


def is_provisional(year: int, rows: Iterable[RealizedLot], as_of: date) -> bool:
    """Whether figures of the year can still change by purchases of ``as_of`` or later."""
    return as_of < first_final_day(year) or bool(open_losses(rows, as_of))


def unchecked(
    seller: LedgerAccount, held_away: Iterable[LedgerAccount], policy: Policy
) -> tuple[LedgerAccount, ...]:
    """The accounts that could wash a loss of ``seller`` and were declared but never imported (R17, R18, U2, U7)."""
    return tuple(
        account
        for account in held_away
        if account.id != seller.id and counts_as_buyer(seller, account, policy)
    )
