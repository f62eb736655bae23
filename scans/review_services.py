"""Reviews: opened when they are due or on request, signed by a person."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from accounts import access
from accounts.errors import LotwiseError
from accounts.models import Firm, Household, User
from accounts.one_look import one_look
from accounts.services import record_audit
from rebalancing.errors import RebalancingError
from rebalancing.model_changes.recipe_drafts import draft
from rebalancing.model_changes.recipes import Recipe
from rebalancing.models import TargetModel
from rebalancing.reviews.types import FindingState, NewFinding
from scans import (
    daily_review,
    hints,
    household_review,
    model_review,
    review_calendar,
    services,
)
from scans.errors import ReviewNotReady, ReviewSigned, ScanDateRefused
from scans.models import Review, ScanItem, ScanRun
from scans.types import DRAFTING, REVIEWS, ItemState, Job
from securities import calendar

logger = logging.getLogger(__name__)

LONGEST_NOTE = 2_000
FIRM = "The firm"


@transaction.atomic
def open_review(
    *,
    firm_id: int,
    job: Job,
    as_of: date,
    household_ids: Sequence[int] | None = None,
    actor: str = "schedule",
    wake_workers: bool = True,
    again: bool = False,
) -> Review:
    """The review of that date with an item for each household (of those named), made where missing.

    ``again`` looks once more at households that were looked at: their findings are replaced. A daily review is there
    with its night, and ``again`` makes it anew of what the night has stored. Raises ScanDateRefused, ReviewNotReady for
    a night that has not ended, and ReviewSigned where it would change a signed review.
    """
    signed = Review.objects.filter(
        run__firm=firm_id, run__job=job, run__business_date=as_of
    ).exclude(signed_at=None)
    review = signed.select_related("run", "signed_by").first()
    if review is not None:
        if not again:
            return review
        raise ReviewSigned(
            f"The {job} review of {as_of} was signed by {review.signed_by}: its findings stay as they are."
        )
    if job is Job.DAILY:
        return _of_night(firm_id, as_of, household_ids, again=again)
    run = services.open_run(
        firm_id=firm_id,
        as_of=as_of,
        job=job,
        household_ids=household_ids,
        actor=actor,
        wake_workers=wake_workers,
    )
    review, created = Review.objects.get_or_create(run=run)
    if job in DRAFTING and (created or again):
        _draft_models(review, actor)
    if job is Job.QUARTERLY and (created or again):
        model_review.store(review)
    if again:
        _look_again(run, household_ids, wake_workers=wake_workers)
    if created:
        record_audit(
            firm=Firm.objects.get(pk=firm_id),
            actor=actor,
            action="review.opened",
            subject=f"{job} {as_of}",
            facts={"as_of": as_of, "cadence": job.value},
        )
    return review


def _of_night(
    firm_id: int, as_of: date, household_ids: Sequence[int] | None, *, again: bool
) -> Review:
    run = ended_night(firm_id, as_of)
    review, created = Review.objects.get_or_create(run=run)
    if created or again:
        daily_review.store(review, None if created else household_ids)
    return review


def ended_night(firm_id: int, as_of: date) -> ScanRun:
    """The firm's latest night, of that date. Raises ReviewNotReady until it has ended.

    Raises ScanDateRefused where there is none, and where a later one has been opened: what waited for a decision at the
    end of the earlier one, and the bands it was measured by, can no longer be told.
    """
    run = ScanRun.objects.filter(firm=firm_id, job=Job.DAILY, business_date=as_of).first()
    if run is None:
        raise ScanDateRefused(
            f"The night of {as_of} has not been scanned, and its review is made of what the night finds: "
            "scan it first."
        )
    if run.finished_at is None:
        raise ReviewNotReady(
            f"The night of {as_of} has not ended: its review is complete when the night is."
        )
    later = daily_review.later_night(run)
    if later is not None:
        raise ScanDateRefused(
            f"The night of {later} has begun since: what was left to do after the night of {as_of} can no longer be "
            "told. Its review stays as it is; review a later night."
        )
    return run


def _draft_models(review: Review, actor: str) -> None:
    """Have every model with a recipe drafted anew; what became of each is a remark, a refusal too."""
    run, remarks = review.run, []
    for model in TargetModel.objects.filter(firm=run.firm_id).exclude(recipe=Recipe.FIXED):
        try:
            with transaction.atomic():
                version = draft(model=model, as_of=run.business_date, author=actor)
        except (LotwiseError, RebalancingError) as refusal:
            remarks.append(f"{model.name}: no new weights. {refusal}")
            continue
        except (OperationalError, InterfaceError):
            raise
        except (
            Exception
        ) as error:  # of one model: the review of all households does not wait for it
            logger.exception("new weights of model %s failed", model.pk)
            told = f"an error that nobody foresaw ({type(error).__name__}); the log has it"
            remarks.append(f"{model.name}: no new weights, {told}.")
            continue
        if version is None:
            remarks.append(f"{model.name}: the recipe gives the weights it has.")
        else:
            remarks.append(f"{model.name}: draft {version.number} waits for a decision.")
    review.remarks = remarks
    review.save(update_fields=["remarks"])


def _look_again(run: ScanRun, household_ids: Sequence[int] | None, *, wake_workers: bool) -> None:
    items = ScanItem.objects.filter(run=run, state__in=[ItemState.DONE, ItemState.POISON])
    if household_ids is not None:
        items = items.filter(household__in=household_ids)
    ids = list(items.values_list("pk", flat=True))
    if not ids:
        return
    items.update(state=ItemState.READY, attempts=0, finished_at=None)
    ScanRun.objects.filter(pk=run.pk).update(finished_at=None)
    if wake_workers:
        hints.send_on_commit(ids)


def start_due_reviews() -> list[int]:
    """Open every review that is due for firms whose clock runs; returns the reviews' ids.

    A review is due after the last business date of its period, if the firm's nights had begun by then.
    Only the latest is caught up: an older date cannot be reviewed on today's ledger.
    """
    latest = calendar.business_date(timezone.now())
    opened = []
    for firm_id, first in review_calendar.firms_with_nights():
        for job in REVIEWS:
            due = review_calendar.latest_due(job, latest)
            if (
                due < first
                or ScanRun.objects.filter(firm=firm_id, job=job, business_date=due).exists()
            ):
                continue
            try:
                opened.append(open_review(firm_id=firm_id, job=job, as_of=due).pk)
            except ScanDateRefused:  # its clock was pinned a moment ago
                continue
            except (OperationalError, InterfaceError):
                raise
            except (
                Exception
            ):  # of one firm: the next tick tries again, and the others have their review
                logger.exception(
                    "the %s review of %s of firm %s could not be opened", job, due, firm_id
                )
    return opened


def start_review_now(*, user: User, job: Job) -> Review:
    """Open the review of the firm's latest date, or look again where it is there and not signed.

    Raises NotAllowed, ScanDateRefused, ReviewSigned.
    """
    access.require(user, access.Action.SCAN)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    firm = Firm.objects.get(pk=user.firm_id)
    as_of = firm.pinned_date or calendar.business_date(timezone.now())
    return open_review(firm_id=firm.pk, job=job, as_of=as_of, actor=user.username, again=True)


@transaction.atomic
def sign_off(*, user: User, review: Review, note: str) -> Review:
    """Put the user's name under the findings. Raises NotAllowed, ReviewNotReady and ReviewSigned.

    Only who may decide about proposals signs, and only what has been written of every household.
    """
    access.require(user, access.Action.DECIDE)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    held = access.visible(user, Review).select_for_update(of=("self",)).select_related("run")
    found = held.get(pk=review.pk)
    run = found.run
    if found.signed_at is not None:
        raise ReviewSigned(f"{found.signed_by} has signed this review already.")
    if run.items.filter(state__in=[ItemState.READY, ItemState.LEASED]).exists():
        raise ReviewNotReady("Households are still being looked at: sign when all have ended.")
    if run.job == Job.DAILY and run.finished_at is None:
        raise ReviewNotReady("The night has not ended: sign when it has.")
    if run.job == Job.DAILY and not found.findings.exists():
        raise ReviewNotReady("The lines of this review were not written: run it again, then sign.")
    found.signed_by, found.signed_at, found.note = user, timezone.now(), note.strip()[:LONGEST_NOTE]
    found.save(update_fields=["signed_by", "signed_at", "note"])
    open_breaches = found.findings.filter(state=FindingState.BREACHED).count()
    record_audit(
        firm=Firm.objects.get(pk=user.firm_id),
        actor=user.username,
        action="review.signed",
        subject=f"{run.job} {run.business_date}",
        facts={"as_of": run.business_date, "breaches": open_breaches, "note": found.note},
    )
    return found


def previews(
    *, firm_id: int, job: Job, as_of: date, household_ids: Sequence[int]
) -> Iterator[tuple[str, tuple[NewFinding, ...]]]:
    """Whom the lines are about, and what a review of that date would say, households last. Writes nothing.

    Raises ScanDateRefused and ReviewNotReady as ``ended_night``.
    """
    if job is Job.DAILY:
        run = ended_night(firm_id, as_of)
        names = daily_review.names_of(household_ids)
        yield FIRM, daily_review.lines_of_night(run)
        for household, found in daily_review.lines_of(run, household_ids).items():
            yield names[household], found
        return
    if job is Job.QUARTERLY:
        yield FIRM, model_review.lines_of_firm(firm_id, as_of)
        for model, found in model_review.lines_of_models(firm_id, as_of).items():
            yield f"Model {model.name}", found
    for household_id in household_ids:
        yield preview(household_id=household_id, job=job, as_of=as_of)


def preview(*, household_id: int, job: Job, as_of: date) -> tuple[str, tuple[NewFinding, ...]]:
    """The household's name and what a review of that date would say. Writes nothing."""
    with one_look():
        found = household_review.examine(job=job, household_id=household_id, as_of=as_of)
    return Household.objects.get(pk=household_id).name, found
