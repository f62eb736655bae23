"""Quarterly and daily reviews on the real database: what they say, of whom, and when they are due."""

from datetime import date

import pytest

from accounts.models import Firm
from scans import review_calendar, review_services, services
from scans.errors import ScanDateRefused
from scans.models import Review, ScanRun
from scans.types import Ended, Job
from tests.scans.test_reviews import NIGHT, family, lines
from tests.scans.test_reviews import firm as firm  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("latest", "due"),
    [
        (date(2022, 12, 30), date(2022, 12, 30)),  # the 31st is a Saturday
        (date(2024, 4, 1), date(2024, 3, 28)),  # between them lies Good Friday
        (date(2023, 1, 30), date(2022, 12, 30)),
    ],
)
def test_a_quarterly_review_is_due_on_the_quarters_last_trading_day(
    latest: date, due: date
) -> None:
    assert review_calendar.latest_due(Job.QUARTERLY, latest) == due


def test_a_quarter_tells_of_households_models_and_the_firm(firm: Firm) -> None:
    family(firm, "Miller")
    review = review_services.open_review(
        firm_id=firm.pk, job=Job.QUARTERLY, as_of=NIGHT, wake_workers=False
    )
    assert set(services.work_through(run_id=review.run_id)) == {Ended.DONE}
    topics = {topic for topic, _, _ in lines(review, household__isnull=False)}
    assert topics >= {"drift", "gains", "asset_class", "policy", "looks"}
    assert {topic for topic, _, _ in lines(review, model__isnull=False)} >= {
        "weights", "risk", "prices", "volume", "version", "followers",
    }  # fmt: skip
    assert "risk_model" in {topic for topic, _, _ in lines(review, household=None, model=None)}


def test_a_night_writes_its_review_when_it_has_ended(firm: Firm) -> None:
    family(firm, "Miller", (500, 300, 170))
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    review = Review.objects.get(run=run)
    assert lines(review) == []
    assert set(services.work_through(run_id=run.pk)) == {Ended.DONE}
    found = {topic for topic, _, _ in lines(review, household__isnull=False)}
    assert found >= {"drift", "cash", "outcome"}
    assert "night" in {topic for topic, _, _ in lines(review, household=None)}


def test_without_a_night_there_is_no_daily_review(firm: Firm) -> None:
    with pytest.raises(ScanDateRefused, match="scan it first"):
        review_services.open_review(firm_id=firm.pk, job=Job.DAILY, as_of=NIGHT, again=True)
    assert not ScanRun.objects.exists()
