"""The conductor: opens nights, works through their households, sweeps up after workers that died.

A row in PostgreSQL decides, a UNIQUE key makes the effect happen once, a message only wakes somebody up.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as QueueAway

import proposals.services
from accounts import access
from accounts.locks import lock_household
from accounts.models import Firm, Household, User
from accounts.services import record_audit
from harvesting.statistics import refresh_statistics
from rebalancing.model_changes.version_steps import apply_due, as_if_applied, foreseen
from scans import daily_review, hints, household_review, household_scan, work_list
from scans.errors import BeingScanned, NothingToScan, ScanDateRefused
from scans.household_scan import REFUSALS, Examined
from scans.models import ScanItem, ScanRun
from scans.outcomes import Verdict, joint
from scans.schedule import ensure_schedule as ensure_schedule  # part of this room's services
from scans.types import LOOKS, Ended, HouseholdPreview, ItemState, Job, Lease, Screened
from securities import calendar

logger = logging.getLogger(__name__)

_INTRADAY_TRIES = 3  # somebody books or approves at the same moment


# Opening a night


def open_run(
    *,
    firm_id: int,
    as_of: date,
    job: Job = Job.DAILY,
    household_ids: Sequence[int] | None = None,
    actor: str = "schedule",
    wake_workers: bool = True,
) -> ScanRun:
    """The run of that night with an item for each household (of those named), made where missing.

    Run and items come in one transaction; opening again adds only households that have no item yet. A new run first
    expires old proposals, and moves a pinned firm's date to ``as_of``. Raises ScanDateRefused.
    """
    with transaction.atomic():
        firm = Firm.objects.get(pk=firm_id)
        refuse_date(firm=firm, as_of=as_of, job=job)
        run, created = ScanRun.objects.get_or_create(firm=firm, job=job, business_date=as_of)
        if created and not job.is_review:
            _begin_night(firm, as_of, job, actor)
        if created:
            daily_review.open_with(run)
        added = _add_items(run, household_ids)
        if added:
            ScanRun.objects.filter(pk=run.pk).exclude(finished_at=None).update(finished_at=None)
            if wake_workers:
                hints.send_on_commit(added)
    _finish_runs()  # a firm without households has nothing to wait for
    run.refresh_from_db()
    return run


def refuse_date(*, firm: Firm, as_of: date, job: Job = Job.DAILY) -> None:
    """Raises ScanDateRefused for a day that is no business date, has not ended, or lies before a scanned night."""
    latest = calendar.business_date(timezone.now())
    if as_of > latest:
        raise ScanDateRefused(
            f"{as_of} has not ended: its night begins at 18:00 New York time. The latest is {latest}."
        )
    if not calendar.is_business_date(as_of):
        before = calendar.previous_business_date(as_of)
        raise ScanDateRefused(f"{as_of} is no trading day; the last one before it is {before}.")
    if firm.pinned_date is not None and as_of < firm.pinned_date:
        raise ScanDateRefused(
            f"{as_of} lies before {firm.pinned_date}, the date {firm.name} stands at: "
            "scan that date or a later one."
        )
    runs = ScanRun.objects.filter(firm=firm, job=job)
    later = runs.filter(business_date__gt=as_of).order_by("business_date").last()
    if later is not None and not runs.filter(business_date=as_of).exists():
        raise ScanDateRefused(
            f"{as_of} lies before {later.business_date}, which has been scanned: "
            "its proposals would give way to older ones."
        )


def _begin_night(firm: Firm, as_of: date, job: Job, actor: str) -> None:
    changed = apply_due(firm_id=firm.pk, as_of=as_of, actor=actor) if job is Job.DAILY else []
    if firm.pinned_date is not None and firm.pinned_date < as_of:
        Firm.objects.filter(pk=firm.pk).update(pinned_date=as_of)
    refresh_statistics(firm_id=firm.pk, as_of=as_of)
    expired = proposals.services.expire(firm_id=firm.pk, as_of=as_of)
    record_audit(
        firm=firm,
        actor=actor,
        action="scan.opened",
        subject=f"{job} {as_of}",
        facts={
            "as_of": as_of,
            "expired_proposals": expired,
            "model_versions": [str(version) for version in changed],
        },
    )


def _add_items(run: ScanRun, household_ids: Sequence[int] | None) -> list[int]:
    missing = Household.objects.filter(firm=run.firm_id).exclude(scan_items__run=run)
    if household_ids is not None:
        missing = missing.filter(pk__in=household_ids)
    ids = list(missing.order_by("pk").values_list("pk", flat=True))
    screened = _screened(run, ids)
    rows = [
        ScanItem(run=run, household_id=household, screened=word.look, screen_stamp=word.stamp)
        if (word := screened.get(household))
        else ScanItem(run=run, household_id=household)
        for household in ids
    ]
    ScanItem.objects.bulk_create(
        rows, ignore_conflicts=True
    )  # a second opener may have been quicker
    return list(run.items.filter(household__in=ids).order_by("pk").values_list("pk", flat=True))


def _screened(run: ScanRun, household_ids: Sequence[int]) -> dict[int, Screened]:
    """The bulk screen's words. Without them every household is looked at exactly, so a failure stops nothing (T29)."""
    if not household_ids or Job(run.job).is_review:
        return {}
    try:
        with transaction.atomic():
            return household_scan.screen(
                firm_id=run.firm_id, household_ids=household_ids, as_of=run.business_date
            )
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("the bulk screen of run %s failed: every household is looked at", run.pk)
        return {}


def start_due() -> list[int]:
    """Open the latest business date's night for every firm whose clock runs; returns the runs' ids.

    Asked every few minutes: the UNIQUE key of a run elects one opener, and a missed tick is caught up by the next.
    """
    latest = calendar.business_date(timezone.now())
    firms = Firm.objects.filter(pinned_date=None, households__isnull=False).distinct()
    opened = []
    for firm_id in firms.values_list("pk", flat=True):
        try:
            opened.append(open_run(firm_id=firm_id, as_of=latest).pk)
        except ScanDateRefused:  # its clock was pinned a moment ago
            continue
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # of one firm: the next tick tries again, and the others have their night
            logger.exception("the night of %s of firm %s could not be opened", latest, firm_id)
    return opened


def start_run_now(*, user: User, as_of: date | None = None) -> ScanRun:
    """Open a night for the user's firm and wake the workers.

    Without a date: the run that is still going, else the latest night; a pinned firm goes on to the business date
    after its last run. Raises NotAllowed, ScanDateRefused, and NothingToScan when the latest night is done.
    """
    access.require(user, access.Action.SCAN)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    firm = Firm.objects.get(pk=user.firm_id)
    last = ScanRun.objects.filter(firm=firm, job=Job.DAILY).order_by("business_date").last()
    if as_of is None and last is not None and last.finished_at is None:
        hints.send(_open_item_ids(last))
        return last
    day = as_of or _next_night(firm, last)
    if last is not None and last.business_date == day and last.finished_at is not None:
        raise NothingToScan(
            f"The night of {day} has been scanned; the next begins at 18:00 New York time."
        )
    return open_run(firm_id=firm.pk, as_of=day, actor=user.username)


def _next_night(firm: Firm, last: ScanRun | None) -> date:
    if firm.pinned_date is None:
        return calendar.business_date(timezone.now())
    if last is None:
        return firm.pinned_date
    return max(calendar.next_business_date(last.business_date), firm.pinned_date)


def _open_item_ids(run: ScanRun) -> list[int]:
    return list(run.items.filter(state=ItemState.READY).values_list("pk", flat=True))


# Working through it


def work(*, item_id: int) -> Ended:
    """Scan one household: lease, examine outside any transaction, close in one. Says how it ended."""
    lease = work_list.claim(item_id=item_id)
    return Ended.NOT_OURS if lease is None else _work(lease)


def work_through(*, run_id: int, household_id: int | None = None) -> Iterator[Ended]:
    """Scan the run's free items (of one household, where named) one after the other, here and now."""
    while (lease := work_list.claim_next(run_id=run_id, household_id=household_id)) is not None:
        yield _work(lease)


def _work(lease: Lease) -> Ended:
    try:
        ended = _examine_and_close(lease)
    except (
        OperationalError,
        InterfaceError,
    ):  # the database is away: nobody's fault, so not counted
        with suppress(DatabaseError):
            work_list.give_back(lease)
        raise
    except Exception as error:
        logger.exception("household %s of run %s failed", lease.household, lease.run)
        ended = _fail(lease, error)
    _finish_runs()
    return ended


def _finish_runs() -> None:
    """End the runs that have no open item left, and write the reviews of the nights among them in the same breath."""
    with transaction.atomic():
        daily_review.complete(work_list.finish_runs())


def _examine_and_close(lease: Lease) -> Ended:
    if Job(lease.job).is_review:
        return _review_and_close(lease)
    try:
        examined, facts = household_scan.examine_leased(lease)
    except household_scan.MovedMeanwhile:
        return _moved(lease)
    try:
        return _close(lease, examined, facts)
    except REFUSALS as refusal:
        return _close(
            lease, household_scan.refused_by(refusal, household_id=lease.household), facts
        )


def _close(lease: Lease, examined: Examined, facts: tuple[object, ...]) -> Ended:
    """Store everything in one transaction, or nothing.

    1. Lock the household. 2. Ledger or orders have changed since: give the item back. 3. A later night was scanned:
    this one may not replace its proposals. 4. The fence: somebody else has the lease, write nothing. 5. Store.
    """
    with transaction.atomic(durable=True):
        lock_household(lease.household)
        if facts != household_scan.moving_facts(lease.household):
            return _moved(lease)
        later = _later_night(lease)
        if later is not None:
            examined = household_scan.refused(household_id=lease.household, because=later)
        verdict = examined.verdict
        if not work_list.finish(lease, reason=verdict.reason, detail=verdict.detail):
            return Ended.LATE
        refusals = household_scan.store(examined=examined, item_id=lease.item)
        if refusals:
            said = joint(verdict, *refusals)
            ScanItem.objects.filter(pk=lease.item).update(reason=said.reason, detail=said.detail)
    return Ended.DONE


def _review_and_close(lease: Lease) -> Ended:
    """As for a night, but what is stored are findings; a broken hard rule puts the household on tonight's list."""
    try:
        findings, facts = household_review.examine_leased(lease)
    except household_scan.MovedMeanwhile:
        return _moved(lease)
    with transaction.atomic(durable=True):
        lock_household(lease.household)
        if facts != household_scan.moving_facts(lease.household):
            return _moved(lease)
        verdict = household_review.verdict(findings)
        if not work_list.finish(lease, reason=verdict.reason, detail=verdict.detail):
            return Ended.LATE
        household_review.store(run_id=lease.run, household_id=lease.household, findings=findings)
        if household_review.asks_for_trades(findings):
            household_review.put_on_list(lease)
    return Ended.DONE


def _moved(lease: Lease) -> Ended:
    return Ended.MOVED if work_list.give_back(lease) else Ended.LATE


def _later_night(lease: Lease) -> Verdict | None:
    later = (
        ScanItem.objects.filter(household=lease.household, state=ItemState.DONE)
        .filter(run__business_date__gt=lease.as_of, run__job__in=LOOKS)
        .order_by("run__business_date")
        .values_list("run__business_date", flat=True)
        .last()
    )
    if later is None:
        return None
    return Verdict("later_night_scanned", f"The night of {later} has been scanned before this one.")


def _fail(lease: Lease, error: Exception) -> Ended:
    """Count the attempt; after the last one the household's accounts are skipped because of the failure."""
    said = f"An error that nobody foresaw ({type(error).__name__}); the worker's log has it."
    with transaction.atomic():
        state = work_list.fail(lease, detail=said)
        if state is ItemState.POISON:
            _skip_failed(lease.item)
    return Ended.LATE if state is None else Ended.FAILED


def _skip_failed(item_id: int) -> None:
    item = ScanItem.objects.select_related("run").get(pk=item_id)
    because = Verdict(item.reason, item.detail)
    if Job(item.run.job).is_review:
        household_review.store_failure(item=item)
        return
    skipped = household_scan.refused(household_id=item.household_id, because=because)
    household_scan.record_accounts(item_id=item_id, results=skipped.accounts)
    logger.error("household %s gave up after %s attempts", item.household_id, item.attempts)


def preview(*, household_id: int, as_of: date) -> HouseholdPreview:
    """What a scan of that night would say about one household, with the model weights of that night. Keeps nothing."""
    household = Household.objects.get(pk=household_id)
    with as_if_applied(firm_id=household.firm_id, as_of=as_of):
        try:
            found = household_scan.examine(household_id=household_id, as_of=as_of)
        except REFUSALS as refusal:
            found = household_scan.refused_by(refusal, household_id=household_id)
    return HouseholdPreview(
        household=household.name,
        reason=found.verdict.reason,
        detail=found.verdict.detail,
        drafts=found.drafts,
        accounts=found.accounts,
    )


def versions_to_come(*, firm_id: int, as_of: date) -> list[str]:
    """What the night of that date would make of published versions of models, a sentence each. Reads only."""
    return [
        f"The night gives {version.model} the weights of its version {version.number}."
        if moves
        else f"Version {version.number} of {version.model} lapses: the model's weights are not those it starts from."
        for version, moves in foreseen(firm_id=firm_id, as_of=as_of)
    ]


# Between two nights


def scan_household_now(*, user: User, household: Household) -> Ended:
    """Look at one household again, here and now, as the night would; says how it ended.

    A run of its own job, so that the record of the night stays. On a day that a household was looked at already its
    item is opened once more. Raises NotAllowed, and BeingScanned while somebody else holds the household.
    """
    access.require(user, access.Action.SCAN)
    firm = Firm.objects.get(pk=household.firm_id)
    as_of = firm.pinned_date or calendar.business_date(timezone.now())
    item_id = _open_intraday(user, firm, household, as_of)
    for _ in range(_INTRADAY_TRIES):
        ended = work(item_id=item_id)
        if ended is not Ended.MOVED:
            break
    if ended in (Ended.NOT_OURS, Ended.LATE):
        raise BeingScanned(f"{household.name} is being looked at right now: reload in a moment.")
    return ended


@transaction.atomic
def _open_intraday(user: User, firm: Firm, household: Household, as_of: date) -> int:
    run, _ = ScanRun.objects.get_or_create(firm=firm, job=Job.INTRADAY, business_date=as_of)
    item, _ = ScanItem.objects.get_or_create(run=run, household=household)
    ScanItem.objects.filter(pk=item.pk, state__in=[ItemState.DONE, ItemState.POISON]).update(
        state=ItemState.READY, attempts=0, finished_at=None
    )
    ScanRun.objects.filter(pk=run.pk).update(finished_at=None)
    record_audit(
        firm=firm,
        actor=user.username,
        action="household.looked_at",
        subject=household.name,
        facts={"as_of": as_of, "household": household.pk},
    )
    return item.pk


# Sweeping up


def sweep() -> int:
    """Park hopeless items, finish runs, wake workers for what waits; returns the number of hints sent.

    Hints do not pile up: no more are sent than there are waiting items without one in the queue.
    """
    give_up_hopeless()
    waiting = work_list.waiting()
    if not waiting:
        return 0
    try:
        missing = max(0, len(waiting) - hints.queued())
    except (QueueAway, OSError) as trouble:
        logger.warning("the queue is away, %d items wait: %s", len(waiting), trouble)
        return 0
    return hints.send(waiting[:missing])


def give_up_hopeless() -> None:
    """Park the items whose last permitted attempt ended without a word, and finish the runs they held open."""
    with transaction.atomic():
        for item_id in work_list.park_exhausted():
            _skip_failed(item_id)
    _finish_runs()


def release_leases() -> int:
    """Free every leased household and wake the workers for it; returns how many.

    Only for a start at which no worker can be alive. One that is alive after all writes nothing: its fence is old
    as soon as somebody else has claimed the household, and without a lease it may not write either.
    """
    released = work_list.release_all()
    if released:
        hints.send(released)
    return len(released)


def reopen_failed(*, user: User, run: ScanRun) -> int:
    """Give the run's given-up households another round of attempts; returns how many. Raises NotAllowed."""
    access.require(user, access.Action.SCAN)
    with transaction.atomic():
        failed = access.visible(user, ScanItem).filter(run=run, state=ItemState.POISON)
        ids = list(failed.values_list("pk", flat=True))
        ScanItem.objects.filter(pk__in=ids, state=ItemState.POISON).update(
            state=ItemState.READY, attempts=0, finished_at=None
        )
        if ids:
            ScanRun.objects.filter(pk=run.pk).update(finished_at=None)
            hints.send_on_commit(ids)
    return len(ids)
