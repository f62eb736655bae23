"""What operations must know: nights that are missing or late, households that failed, accounts that nobody looked at.

Pure: what has happened is given, ``now`` and the nights that were due are arguments. A firm that is pinned to a date in
the past has no clock: its nights are scanned on request, so none of them is late, and none after its date is due.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from securities.calendar import MARKET_ZONE

NIGHT_ENDS = time(6)  # of the next morning in the market's zone: an hour before the desk opens
QUIET_NIGHTS = 10  # without a look at an enabled account: it is listed (N3, T3)
COVERAGE_NIGHTS = 60
_NAMED = 5  # dates or names in one sentence


class AlarmKind(StrEnum):
    MISSED_NIGHT = "missed_night"
    UNFINISHED_NIGHT = "unfinished_night"
    LATE_NIGHT = "late_night"
    FAILED_HOUSEHOLDS = "failed_households"
    SKIPPED_ACCOUNTS = "skipped_accounts"
    BAD_PRICES = "bad_prices"
    NOT_ACTED = "enabled_not_acted"
    OFF_SCHEDULE = "off_schedule"
    MODEL_NOT_CHANGED = "model_not_changed"


@dataclass(frozen=True, slots=True)
class Alarm:
    """``sentence`` says what, where and what to do. ``night`` is the one concerned, where it is one."""

    kind: AlarmKind
    sentence: str
    night: date | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """A night that was opened. Counts are households."""

    business_date: date
    started_at: datetime
    finished_at: datetime | None
    failed: int = 0


@dataclass(frozen=True, slots=True)
class AccountNights:
    """An enabled account: taxable and tax-managed. Nights are business dates.

    ``known_since``: the first night that it could be part of. ``empty`` are nights on which it held nothing.
    """

    id: int
    name: str
    household: str
    known_since: date
    household_id: UUID | None = None  # its public id
    scanned: frozenset[date] = frozenset()
    empty: frozenset[date] = frozenset()
    skipped: frozenset[date] = frozenset()  # for another reason


@dataclass(frozen=True, slots=True)
class Effective:
    """How often an account was looked at, of the nights that it was due (T2)."""

    account: AccountNights
    due: tuple[date, ...]  # ascending
    gaps: tuple[date, ...]  # due, and neither scanned nor empty

    @property
    def scanned(self) -> int:
        return sum(day in self.account.scanned for day in self.due)

    @property
    def last_scanned(self) -> date | None:
        return max(self.account.scanned, default=None)

    @property
    def is_idle(self) -> bool:
        """Enabled, and not acted on for ten business nights."""
        last = self.due[-QUIET_NIGHTS:]
        return len(last) == QUIET_NIGHTS and not set(last) - set(self.gaps)


def deadline(night: date) -> datetime:
    """The instant by which the night of a business date must have ended: 06:00 of the next day in New York."""
    return datetime.combine(night + timedelta(days=1), NIGHT_ENDS, MARKET_ZONE)


def night_alarms(
    nights: Iterable[Night], *, due: Sequence[date], now: datetime, has_clock: bool
) -> list[Alarm]:
    """Nights that are missing, unfinished or late, the newest first.

    ``due``: business dates that had to be scanned. A night is missing when it was not opened by its deadline.
    ``has_clock`` is False for a pinned firm.
    """
    opened = {night.business_date: night for night in nights}
    found = []
    for day in sorted({*due, *opened}, reverse=True):
        night = opened.get(day)
        if night is None:
            if not has_clock or now >= deadline(day):
                found.append(_missed(day))
        elif has_clock and (alarm := _overdue(night, now)):
            found.append(alarm)
    return found


def settled(
    due: Sequence[date], nights: Collection[Night], *, now: datetime, has_clock: bool
) -> list[date]:
    """The due nights that are over: finished, or past their deadline. One that still runs has no gaps yet."""
    running = {night.business_date for night in nights if night.finished_at is None}
    if not has_clock:
        return [day for day in due if day not in running]
    finished = {night.business_date for night in nights if night.finished_at is not None}
    return [day for day in due if day in finished or now >= deadline(day)]


def _missed(day: date) -> Alarm:
    text = f"The night of {day} was never opened: no account was looked at. Check that beat and a worker run."
    return Alarm(AlarmKind.MISSED_NIGHT, text, day)


def _overdue(night: Night, now: datetime) -> Alarm | None:
    day, limit = night.business_date, deadline(night.business_date)
    if night.finished_at is None:
        if now < limit:
            return None
        text = f"The night of {day} has not finished, and was due at {limit:%H:%M on %d %B} New York time."
        return Alarm(AlarmKind.UNFINISHED_NIGHT, text, day)
    if night.finished_at <= limit:
        return None
    ended = night.finished_at.astimezone(MARKET_ZONE)
    text = f"The night of {day} ended at {ended:%H:%M on %d %B}, after {limit:%H:%M on %d %B} New York time."
    return Alarm(AlarmKind.LATE_NIGHT, text, day)


def outcome_alarms(
    last: Night,
    *,
    skipped: Mapping[str, int],
    prices: Mapping[str, Collection[str]],
) -> list[Alarm]:
    """What the last night left undone. ``skipped``: reason -> accounts; ``prices``: outcome -> symbols."""
    day = last.business_date
    found = []
    if last.failed:
        text = (
            f"{_count(last.failed, 'household')} failed on the night of {day}: the worker's log has the reasons. "
            "Try them again from the night's page."
        )
        found.append(Alarm(AlarmKind.FAILED_HOUSEHOLDS, text, day))
    # An account that holds nothing is no trouble, and a failed one has its own alarm.
    left_out = {
        reason: n for reason, n in skipped.items() if reason not in ("empty_account", "failed")
    }
    if left_out:
        told = ", ".join(f"{_words(reason)} {n}" for reason, n in sorted(left_out.items()))
        text = f"{_count(sum(left_out.values()), 'account')} skipped on the night of {day}: {told}."
        found.append(Alarm(AlarmKind.SKIPPED_ACCOUNTS, text, day))
    for outcome, symbols in sorted(prices.items()):
        text = f"{_words(outcome).capitalize()}: {_some(sorted(symbols))}. Nothing in them is harvested."
        found.append(Alarm(AlarmKind.BAD_PRICES, text, day))
    return found


def effective_dates(accounts: Iterable[AccountNights], due: Sequence[date]) -> list[Effective]:
    """For each account the nights it was due since it is known, and the gaps."""
    found = []
    for account in accounts:
        own = tuple(day for day in due if day >= account.known_since)
        gaps = tuple(day for day in own if day not in account.scanned and day not in account.empty)
        found.append(Effective(account, own, gaps))
    return found


def coverage_alarms(effective: Iterable[Effective]) -> list[Alarm]:
    """Accounts that are enabled and were not looked at as the policy, every business night, says (N3, T2, T3)."""
    rows = list(effective)
    idle = [row for row in rows if row.is_idle]
    off = [row for row in rows if row.gaps and not row.is_idle]
    found = []
    if idle:
        names = _some([f"{row.account.household}, {row.account.name}" for row in idle])
        text = (
            f"{_count(len(idle), 'enabled account')} not looked at for {QUIET_NIGHTS} business nights: {names}. "
            "The list below has the reasons."
        )
        found.append(Alarm(AlarmKind.NOT_ACTED, text))
    if off:
        text = (
            f"{_count(len(off), 'enabled account')} not looked at on every business night: the policy says daily, "
            "the table below says on which nights it was not so."
        )
        found.append(Alarm(AlarmKind.OFF_SCHEDULE, text))
    return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _words(code: str) -> str:
    return code.replace("_", " ").replace("+", " and ")


def model_alarms(versions: Iterable[tuple[str, str]], night: date) -> list[Alarm]:
    """Published versions of models that lapsed, or did not move on with the last ``night`` although it was time.

    ``versions``: the version, and why it lapsed; empty: it waits still.
    """
    found = []
    for version, lapse in versions:
        told = lapse or (
            f"{version} of a model was to move on with the night of {night} and did not: that night's log says why."
        )
        found.append(Alarm(AlarmKind.MODEL_NOT_CHANGED, told))
    return found
