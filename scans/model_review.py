"""The models and the firm in a quarterly review: their lines, stored."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from django.db import InterfaceError, OperationalError, transaction

from accounts.one_look import one_look
from rebalancing.models import TargetModel
from rebalancing.reviews.model_reviews import firm_findings, model_findings
from rebalancing.reviews.types import NewFinding, not_reviewed
from scans.household_review import rows_of
from scans.household_scan import REFUSALS
from scans.models import Review, ReviewFinding, ScanRun
from scans.types import Job

logger = logging.getLogger(__name__)


def lines_of_firm(firm_id: int, as_of: date) -> tuple[NewFinding, ...]:
    """What is to be said of the firm itself. Reads only."""
    return _looked(partial(firm_findings, firm_id=firm_id, as_of=as_of), of="firm")


def lines_of_models(firm_id: int, as_of: date) -> dict[TargetModel, tuple[NewFinding, ...]]:
    """What is to be said of each model of the firm since its last quarterly review. Reads only."""
    since = _since(firm_id, as_of)
    look = partial(model_findings, as_of=as_of, since=since)
    return {
        model: _looked(partial(look, model=model), of="model")
        for model in TargetModel.objects.filter(firm=firm_id).order_by("name")
    }


def _since(firm_id: int, as_of: date) -> date | None:
    """The day after the firm's last quarterly review before the day; None where there was none."""
    rows = ScanRun.objects.filter(firm=firm_id, job=Job.QUARTERLY, business_date__lt=as_of)
    last = rows.order_by("business_date").values_list("business_date", flat=True).last()
    return None if last is None else last + timedelta(days=1)


def _looked(look: Callable[[], tuple[NewFinding, ...]], *, of: str) -> tuple[NewFinding, ...]:
    """The lines, or the one that says why there are none: nobody else's review waits for them."""
    try:
        with transaction.atomic(), one_look():
            return look()
    except REFUSALS as refusal:
        return (not_reviewed(str(refusal), of=of),)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("the review of a %s failed", of)
        told = f"An error that nobody foresaw ({type(error).__name__}); the log has it."
        return (not_reviewed(told, of=of),)


def store(review: Review) -> None:
    """Write the lines of the firm and its models in place of earlier ones, but of a signed review, which stays.

    The caller has a transaction.
    """
    held = Review.objects.select_for_update().get(pk=review.pk)
    if held.signed_at is not None:
        return
    run = review.run
    ReviewFinding.objects.filter(review=review, household=None).delete()
    rows = rows_of(lines_of_firm(run.firm_id, run.business_date), review=review)
    for model, lines in lines_of_models(run.firm_id, run.business_date).items():
        rows += rows_of(lines, review=review, model=model)
    ReviewFinding.objects.bulk_create(rows)
