"""Reads about runs: where they stand, how they ended, what was left out."""

from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts import access
from accounts.models import Firm, Household, User
from proposals.models import Proposal
from scans.errors import UnknownScope
from scans.models import AccountOutcome, ScanItem, ScanRun
from scans.outcomes import JOINT
from scans.types import AccountState, ItemState, NotScanned, Progress

_RATE_WINDOW = timedelta(minutes=2)
_NOT_SCANNED_SHOWN = 50
_ENDED = (ItemState.DONE, ItemState.POISON)


def runs(user: User) -> QuerySet[ScanRun]:
    """The firm's runs, newest night first, with the numbers of their households."""
    counted = access.visible(user, ScanRun).annotate(
        total=Count("items"),
        done=Count("items", filter=Q(items__state=ItemState.DONE)),
        failed=Count("items", filter=Q(items__state=ItemState.POISON)),
    )
    return counted.order_by("-business_date", "-pk")  # counting drops the model's own order


def run(user: User, public_id: UUID) -> ScanRun:
    """One run, or 404."""
    return access.visible_or_404(user, ScanRun, public_id)


def run_of(run_id: int) -> ScanRun:
    """One run by its key, for callers inside the house."""
    return ScanRun.objects.get(pk=run_id)


def held_elsewhere(run_id: int, household_id: int | None) -> int:
    """How many of the run's households (of the one, where named) are leased to some worker."""
    held = ScanItem.objects.filter(run=run_id, state=ItemState.LEASED)
    return (held if household_id is None else held.filter(household=household_id)).count()


def progress(user: User, public_id: UUID) -> Progress:
    """Where the run stands; 404 for a run the user may not see."""
    return progress_of(run(user, public_id))


def progress_of(run: ScanRun) -> Progress:
    """Where the run stands. The rate is that of the last two minutes, or of the whole run once it has ended."""
    states = Counter(dict(run.items.values_list("state").annotate(Count("pk"))))
    total, ended = states.total(), sum(states[state] for state in _ENDED)
    rate = _rate_per_minute(run)
    remaining = total - ended
    return Progress(
        total=total,
        done=states[ItemState.DONE],
        failed=states[ItemState.POISON],
        in_work=states[ItemState.LEASED],
        rate_per_minute=rate,
        eta_seconds=round(60 * remaining / rate) if rate and remaining else None,
        finished=run.finished_at is not None,
        by_reason=_by_reason(run),
        proposals=_proposals(run),
        accounts_scanned=_accounts(run, AccountState.SCANNED).count(),
        accounts_skipped=_accounts(run, AccountState.SKIPPED).count(),
        not_scanned=tuple(
            NotScanned(row.account.household.name, row.account.name, row.reason, row.detail)
            for row in _accounts(run, AccountState.SKIPPED)[:_NOT_SCANNED_SHOWN]
        ),
    )


def account_outcomes(
    user: User, public_id: UUID, *, state: AccountState | None = None
) -> QuerySet[AccountOutcome]:
    """How the run ended for each account (of one state, where named), ready to be paged; 404 as in ``run``."""
    return _accounts(run(user, public_id), state)


def firm(name_or_id: str | None) -> Firm:
    """A firm by id or exact name; without one, the only firm there is. Raises UnknownScope."""
    firms = Firm.objects.order_by("name")
    if name_or_id is None:
        found = list(firms[:2])
        if len(found) == 1:
            return found[0]
        names = ", ".join(firms.values_list("name", flat=True)) or "none"
        raise UnknownScope(f"Name the firm with --firm; there are: {names}.")
    key = Q(pk=int(name_or_id)) if _is_id(name_or_id) else Q(name=name_or_id)
    only = firms.filter(key).first()
    if only is None:
        raise UnknownScope(f"There is no firm {name_or_id!r}: give its id or its exact name.")
    return only


def household(firm: Firm, name_or_id: str) -> Household:
    """A household of the firm by id, public id or exact name. Raises UnknownScope."""
    key = Q(name=name_or_id)
    if _is_id(name_or_id):
        key |= Q(pk=int(name_or_id))
    with suppress(ValueError):
        key |= Q(public_id=UUID(name_or_id))
    found = Household.objects.filter(key, firm=firm).first()
    if found is None:
        raise UnknownScope(
            f"{firm.name} has no household {name_or_id!r}: give its id or its exact name."
        )
    return found


def firm_of_household(household_id: str) -> str | None:
    """The id of the firm a household id belongs to, as text; None for what is no known id."""
    try:
        key = Q(pk=int(household_id)) if _is_id(household_id) else Q(public_id=UUID(household_id))
    except ValueError:
        return None
    firm_id = Household.objects.filter(key).values_list("firm_id", flat=True).first()
    return None if firm_id is None else str(firm_id)


def household_ids(firm: Firm) -> list[int]:
    """All households of the firm, oldest first."""
    return list(Household.objects.filter(firm=firm).order_by("pk").values_list("pk", flat=True))


def default_night(firm: Firm, latest: date) -> date:
    """The night a foreground scan means without a date: the pinned one, else the latest."""
    return firm.pinned_date or latest


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _accounts(run: ScanRun, state: AccountState | None) -> QuerySet[AccountOutcome]:
    rows = AccountOutcome.objects.filter(item__run=run).select_related("account__household")
    rows = rows if state is None else rows.filter(state=state)
    return rows.order_by("account__household__name", "account__pk")


def _rate_per_minute(run: ScanRun) -> float | None:
    if run.finished_at is not None:
        since, until = run.started_at, run.finished_at
    else:
        until = timezone.now()
        since = max(run.started_at, until - _RATE_WINDOW)
    minutes = (until - since).total_seconds() / 60
    ended = run.items.filter(finished_at__gt=since).count()
    return ended / minutes if minutes > 0 and ended else None


def _by_reason(run: ScanRun) -> dict[str, int]:
    counts: Counter[str] = Counter()
    ended = ScanItem.objects.filter(run=run, state__in=_ENDED).order_by()
    for reason, households in ended.values_list("reason").annotate(Count("pk")):
        for code in reason.split(JOINT):
            counts[code] += households
    return dict(counts.most_common())


def _proposals(run: ScanRun) -> dict[str, int]:
    made = Proposal.objects.filter(
        as_of=run.business_date, household__scan_items__run=run
    ).order_by()
    return dict(made.values_list("kind").annotate(Count("household", distinct=True)))
