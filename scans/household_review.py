"""One household of a review: its findings, stored, and the look that a broken rule asks for."""

from collections.abc import Sequence
from datetime import date

from accounts.one_look import one_look
from proposals.models import Proposal
from proposals.types import ProposalKind, Status
from rebalancing.reviews.household_reviews import (
    monthly_findings,
    quarterly_findings,
    weekly_findings,
)
from rebalancing.reviews.types import QUANTUM, FindingState, NewFinding, Topic, not_reviewed
from scans.household_scan import REFUSALS, MovedMeanwhile, moving_facts
from scans.models import Review, ReviewFinding, ScanItem, ScanRun
from scans.outcomes import Verdict
from scans.types import ItemState, Job, Lease

CLEAN = Verdict("reviewed", "Nothing to do.")


def examine_leased(lease: Lease) -> tuple[tuple[NewFinding, ...], tuple[object, ...]]:
    """The findings, and the moving facts as they were just before. Reads only.

    Raises MovedMeanwhile for an error where the facts are not what they were.
    """
    with one_look():
        facts = moving_facts(lease.household)
        try:
            return examine(
                job=Job(lease.job), household_id=lease.household, as_of=lease.as_of
            ), facts
        except Exception as error:
            failure = error
    if facts != moving_facts(lease.household):
        raise MovedMeanwhile from failure
    raise failure


def examine(*, job: Job, household_id: int, as_of: date) -> tuple[NewFinding, ...]:
    """The lines of one household's review; a refusal becomes the one line that says why. Reads only."""
    try:
        return _LOOKS[job](household_id=household_id, as_of=as_of)
    except REFUSALS as refusal:
        return (not_reviewed(str(refusal)),)


_LOOKS = {
    Job.WEEKLY: weekly_findings,
    Job.MONTHLY: monthly_findings,
    Job.QUARTERLY: quarterly_findings,
}


def verdict(findings: Sequence[NewFinding]) -> Verdict:
    """The worst state as the item's reason, with its sentences."""
    for state in (FindingState.BREACHED, FindingState.FLAGGED, FindingState.UNKNOWN):
        told = [one.sentence for one in findings if one.state is state]
        if told:
            return Verdict(f"review_{state}", " ".join(told))
    return CLEAN


def asks_for_trades(findings: Sequence[NewFinding]) -> bool:
    """Whether a hard rule or a band is broken."""
    return any(one.state is FindingState.BREACHED for one in findings)


def store(*, run_id: int, household_id: int, findings: Sequence[NewFinding]) -> bool:
    """Write the household's lines in place of earlier ones; False for a signed review, which stays as it is.

    The caller holds the household's lock inside a transaction.
    """
    review = Review.objects.select_for_update().get(run=run_id)
    if review.signed_at is not None:
        return False
    ReviewFinding.objects.filter(review=review, household=household_id).delete()
    ReviewFinding.objects.bulk_create(rows_of(findings, review=review, household_id=household_id))
    return True


def rows_of(findings: Sequence[NewFinding], **about: object) -> list[ReviewFinding]:
    """Rows to be written, ``about`` a review and a household, a model, or neither."""
    return [
        ReviewFinding(
            place=place,
            topic=one.topic,
            key=one.key,
            state=one.state,
            is_hard=one.is_hard,
            unit=one.unit,
            value=None if one.value is None else one.value.quantize(QUANTUM),
            low=one.low,
            high=one.high,
            by=one.by.quantize(QUANTUM),
            sentence=one.sentence,
            version_id=one.version,
            **about,
        )
        for place, one in enumerate(findings)
    ]


def store_failure(*, item: ScanItem) -> None:
    """A household that was given up is a line of the review, not a hole in it."""
    failed = NewFinding(
        topic=Topic.NOT_REVIEWED,
        key="household",
        state=FindingState.UNKNOWN,
        sentence=f"The look at this household failed. {item.detail}",
    )
    store(run_id=item.run_id, household_id=item.household_id, findings=[failed])


def put_on_list(lease: Lease) -> None:
    """Have the household looked at for trades on the review's date, unless a rebalance of that date waits already.

    It joins the date's run of looks between two nights, which makes the proposal or says why there is none; the sweeper
    wakes a worker for it. Where the night itself has not come to the household yet, that is look enough.
    """
    waiting = Proposal.objects.filter(
        household=lease.household,
        kind=ProposalKind.REBALANCE,
        as_of=lease.as_of,
        status__in=[Status.PENDING, Status.APPROVED],
    )
    tonight = ScanItem.objects.filter(
        household=lease.household,
        run__job=Job.DAILY,
        run__business_date=lease.as_of,
        state__in=[ItemState.READY, ItemState.LEASED],
    )
    if waiting.exists() or tonight.exists():
        return
    firm_id = ScanRun.objects.values_list("firm_id", flat=True).get(pk=lease.run)
    run, _ = ScanRun.objects.get_or_create(
        firm_id=firm_id, job=Job.INTRADAY, business_date=lease.as_of
    )
    item, created = ScanItem.objects.get_or_create(run=run, household_id=lease.household)
    if not created:
        ScanItem.objects.filter(pk=item.pk, state__in=[ItemState.DONE, ItemState.POISON]).update(
            state=ItemState.READY, attempts=0, finished_at=None
        )
    ScanRun.objects.filter(pk=run.pk).update(finished_at=None)
