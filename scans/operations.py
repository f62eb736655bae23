"""Reads for operations: the last nights, what is wrong with them, and how often each account was really looked at."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet

from accounts import access
from accounts.models import Account, Firm, User
from accounts.selectors import market_date
from accounts.types import AccountKind
from harvesting.models import HarvestFinding
from harvesting.types import Outcome
from lots.csv_text import csv_safe
from lots.models import Transaction
from proposals.models import Proposal, ProposedTrade
from rebalancing.model_changes.universe_selectors import troubled
from rebalancing.versions import night_points
from scans import alarms
from scans.alarms import COVERAGE_NIGHTS, AccountNights, Alarm, Effective, Night
from scans.coverage_chart import Coverage, coverage
from scans.models import AccountOutcome, ScanItem, ScanRun
from scans.outcomes import JOINT
from scans.types import AccountState, ItemState, Job
from securities import calendar

_NIGHTS_SHOWN = 10
_WITHOUT_SHOWN = 20
_ACCOUNTS_AT_ONCE = 500
_BAD_PRICES = (Outcome.NO_PRICE, Outcome.STALE_PRICE, Outcome.PRICE_JUMP, Outcome.DELISTED)
_TAXABLE = [kind.value for kind in AccountKind if kind.is_taxable]
EMPTY = "empty_account"


@dataclass(frozen=True, slots=True)
class NightRow:
    """One night with its counts: households, proposals by kind, households by reason."""

    run: ScanRun
    done: int
    failed: int
    open: int
    skipped: int  # households of which no account was scanned
    quiet: int  # households that the bulk screen ruled out
    proposals: Mapping[str, int]
    reasons: Mapping[str, int]
    points: night_points.Counts  # of its rebalances: the points beside them


@dataclass(frozen=True, slots=True)
class Operations:
    """What the operations page shows."""

    alarms: list[Alarm]
    nights: list[NightRow]
    idle: list[Effective]
    rows: list[Effective]  # every enabled account, the most gaps first
    coverage: Coverage
    without_points: list[Proposal]  # rebalances for which the workers found none, the first of them


def operations(user: User, now: datetime) -> Operations:
    """Everything about the last sixty nights of the user's firm, as of ``now``."""
    firm = _firm(user)
    runs = _daily(user).order_by("-business_date")
    has_clock = firm.pinned_date is None
    due = due_nights(firm, now)
    nights = _nights(runs.filter(business_date__in=due))
    over = alarms.settled(due, nights, now=now, has_clock=has_clock)
    effective = sorted(_effective(user, firm, over), key=_most_gaps)
    rows = _night_rows(list(runs[:_NIGHTS_SHOWN]))
    found = [
        *(_model_alarms(rows[0].run) if rows else ()),
        *alarms.night_alarms(nights, due=due, now=now, has_clock=has_clock),
        *(outcome_alarms(rows[0].run) if rows else ()),
        *alarms.coverage_alarms(effective),
    ]
    idle = [row for row in effective if row.is_idle]
    without = list(night_points.without_points(firm.pk)[:_WITHOUT_SHOWN])
    return Operations(found, rows, idle, effective, coverage(over, effective), without)


def due_nights(firm: Firm, now: datetime) -> list[date]:
    """The last sixty business dates that had to be scanned, ascending.

    From the firm's first night on; to the latest one that has begun, or for a pinned firm the last it scanned.
    """
    scanned = ScanRun.objects.filter(firm=firm, job=Job.DAILY).aggregate(
        first=Min("business_date"), last=Max("business_date")
    )
    last = scanned["last"] if firm.pinned_date else calendar.business_date(now)
    if last is None or not firm.households.exists():
        return []
    first, day, due = scanned["first"] or last, last, list[date]()
    while day >= first and len(due) < COVERAGE_NIGHTS:
        due.append(day)
        day = calendar.previous_business_date(day)
    return due[::-1]


def coverage_lines(user: User, now: datetime) -> Iterator[list[str]]:
    """RP10 as lines of a table, the heading first: each account and night, scanned or skipped because."""
    yield [
        "household", "account", "number", "enabled", "night", "state", "reason", "detail", "last_acted"
    ]  # fmt: skip
    due = due_nights(_firm(user), now)
    accounts = access.visible(user, Account).select_related("household")
    ids = list(accounts.order_by("household__name", "pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _ACCOUNTS_AT_ONCE):
        some = ids[start : start + _ACCOUNTS_AT_ONCE]
        told, acted = _outcomes_of(some, due), last_acted(user, some)
        for account in accounts.filter(pk__in=some).order_by("household__name", "pk"):
            last = acted.get(account.pk)
            for day in due:
                state, reason, detail = told.get((account.pk, day), ("not_looked_at", "", ""))
                yield [
                    csv_safe(account.household.name), csv_safe(account.name), csv_safe(account.number),
                    "yes" if _is_enabled(account) else "no", day.isoformat(), state, reason,
                    csv_safe(detail), last.isoformat() if last else "",
                ]  # fmt: skip


def last_acted(user: User, accounts: Sequence[int]) -> dict[int, date]:
    """Account -> the latest night that proposed a trade in it."""
    trades = access.visible(user, ProposedTrade).filter(account__in=accounts)
    rows = trades.order_by().values_list("account_id").annotate(last=Max("proposal__as_of"))
    return dict(rows)


def _firm(user: User) -> Firm:
    assert user.firm_id is not None  # person() lets nobody pass without a firm
    return Firm.objects.get(pk=user.firm_id)


def _daily(user: User) -> QuerySet[ScanRun]:
    return access.visible(user, ScanRun).filter(job=Job.DAILY)


def _nights(runs: QuerySet[ScanRun]) -> list[Night]:
    counted = runs.annotate(failed=Count("items", filter=Q(items__state=ItemState.POISON)))
    return [
        Night(run.business_date, run.started_at, run.finished_at, run.failed) for run in counted
    ]


def _night_rows(runs: Sequence[ScanRun]) -> list[NightRow]:
    """Six queries, however many nights of one firm."""
    states = _counted(ScanItem.objects.filter(run__in=runs), "state")
    looks = _counted(ScanItem.objects.filter(run__in=runs), "screened")
    scanned = AccountOutcome.objects.filter(item=OuterRef("pk"), state=AccountState.SCANNED)
    ended = ScanItem.objects.filter(run__in=runs, state=ItemState.DONE)
    skipped = _counted(ended.filter(~Exists(scanned)), "state")
    reasons = _counted(ended, "reason")
    proposals = _proposals(runs)
    points = (
        night_points.counts(runs[0].firm_id, [run.business_date for run in runs]) if runs else {}
    )
    return [
        NightRow(
            run=run,
            done=states[run.pk][ItemState.DONE],
            failed=states[run.pk][ItemState.POISON],
            open=states[run.pk][ItemState.READY] + states[run.pk][ItemState.LEASED],
            skipped=skipped[run.pk][ItemState.DONE],
            quiet=looks[run.pk]["quiet"],
            proposals=dict(proposals[run.business_date]),
            reasons=_by_code(reasons[run.pk]),
            points=points.get(run.business_date, night_points.Counts()),
        )
        for run in runs
    ]


def _counted(items: QuerySet[ScanItem], field: str) -> defaultdict[int, Counter[str]]:
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for run, value, count in items.order_by().values_list("run_id", field).annotate(Count("pk")):
        found[run][value] = count
    return found


def _by_code(reasons: Mapping[str, int]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for reason, households in reasons.items():
        for code in reason.split(JOINT):
            counts[code] += households
    return dict(counts.most_common())


def _proposals(runs: Sequence[ScanRun]) -> defaultdict[date, Counter[str]]:
    found: defaultdict[date, Counter[str]] = defaultdict(Counter)
    made = Proposal.objects.filter(
        household__firm__in={run.firm_id for run in runs},
        as_of__in=[run.business_date for run in runs],
    )
    counts = made.order_by().values_list("as_of", "kind")
    for as_of, kind, households in counts.annotate(Count("household", distinct=True)):
        found[as_of][kind] = households
    return found


def alarms_of_night(run: ScanRun) -> list[Alarm]:
    """What the night left undone: models that did not move on, and its outcomes."""
    return [*_model_alarms(run), *outcome_alarms(run)]


def outcome_alarms(run: ScanRun) -> list[Alarm]:
    """What the night left undone: households that failed, accounts that were skipped, prices that are no good."""
    failed = run.items.filter(state=ItemState.POISON).count()
    night = Night(run.business_date, run.started_at, run.finished_at, failed)
    skipped = AccountOutcome.objects.filter(item__run=run, state=AccountState.SKIPPED).order_by()
    prices: defaultdict[str, set[str]] = defaultdict(set)
    bad = HarvestFinding.objects.filter(
        **{HarvestFinding.firm_path: run.firm_id}, outcome__in=_BAD_PRICES
    )
    for outcome, symbol in bad.order_by().values_list("outcome", "security__symbol").distinct():
        prices[outcome].add(symbol)
    return alarms.outcome_alarms(
        night, skipped=dict(skipped.values_list("reason").annotate(Count("pk"))), prices=prices
    )


def _model_alarms(last: ScanRun) -> list[Alarm]:
    night = last.business_date
    return alarms.model_alarms(troubled(last.firm_id, night), night)


def _effective(user: User, firm: Firm, due: Sequence[date]) -> list[Effective]:
    """How often every enabled account was looked at. Accounts that came lately are due since they came."""
    if not due:
        return []
    rows = [
        replace(row, known_since=due[0]) for row in _account_nights(user, due)
    ]  # as if all had always been there
    found = alarms.effective_dates(rows, due)
    doubtful = [row.account.id for row in found if row.gaps]
    since = _known_since(firm, doubtful)
    rows = [replace(row, known_since=since.get(row.id, row.known_since)) for row in rows]
    return alarms.effective_dates(rows, due)


def _account_nights(user: User, due: Sequence[date]) -> Iterator[AccountNights]:
    told = _outcome_days(user, due)
    accounts = access.visible(user, Account).filter(_ENABLED).select_related("household")
    for account in accounts.order_by("pk"):
        scanned, empty, skipped = told.get(account.pk, _NOWHERE)
        yield AccountNights(
            id=account.pk,
            name=account.name,
            household=account.household.name,
            household_id=account.household.public_id,
            known_since=due[0],
            scanned=scanned,
            empty=empty,
            skipped=skipped,
        )


_ENABLED = Q(kind__in=_TAXABLE, tax_managed=True, held_away=False)
_Days = frozenset[date]
_NOWHERE: tuple[_Days, _Days, _Days] = (frozenset(), frozenset(), frozenset())


def _is_enabled(account: Account) -> bool:
    return account.is_taxable and account.tax_managed and not account.held_away


def _outcome_days(user: User, due: Sequence[date]) -> dict[int, tuple[_Days, _Days, _Days]]:
    """Account -> the nights on which it was scanned, empty, and skipped for another reason. One query."""
    day, empty = "item__run__business_date", Q(state=AccountState.SKIPPED, reason=EMPTY)
    rows = (
        access.visible(user, AccountOutcome)
        .filter(item__run__job=Job.DAILY, item__run__business_date__in=due)
        .order_by()
        .values_list("account_id")
        .annotate(
            scanned=ArrayAgg(day, filter=Q(state=AccountState.SCANNED), default=[]),
            empty=ArrayAgg(day, filter=empty, default=[]),
            skipped=ArrayAgg(day, filter=Q(state=AccountState.SKIPPED) & ~empty, default=[]),
        )
    )
    return {
        account: (frozenset(scanned), frozenset(empty), frozenset(skipped))
        for account, scanned, empty, skipped in rows
    }


def _known_since(firm: Firm, accounts: Sequence[int]) -> dict[int, date]:
    """Account -> the first night that it could be part of: the day after its first booking; never, without one.

    A pinned firm's days are not those on which its bookings were made: all its accounts were always there.
    """
    if firm.pinned_date is not None:
        return {}
    rows = Transaction.objects.filter(account__in=accounts).order_by().values_list("account_id")
    booked = dict(rows.annotate(first=Min("booked_at")))
    return {
        account: market_date(booked[account]) + timedelta(days=1) if account in booked else date.max
        for account in accounts
    }


def _outcomes_of(
    accounts: Sequence[int], due: Sequence[date]
) -> dict[tuple[int, date], tuple[str, str, str]]:
    rows = AccountOutcome.objects.filter(
        account__in=accounts, item__run__job=Job.DAILY, item__run__business_date__in=due
    )
    return {
        (account, day): (state, reason, detail)
        for account, day, state, reason, detail in rows.values_list(
            "account_id", "item__run__business_date", "state", "reason", "detail"
        )
    }


def _most_gaps(row: Effective) -> tuple[int, str, str, int]:
    return (-len(row.gaps), row.account.household, row.account.name, row.account.id)
