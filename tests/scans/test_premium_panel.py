"""The rebalancing premium of a review on the page of a contrarian rebalance (F21)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Firm
from proposals.models import Proposal
from rebalancing.reviews.performance import RebalancingPremium, not_measured, of_premium
from rebalancing.reviews.types import FindingState, NewFinding, Topic
from scans import household_review, premium_panel, review_services
from scans.models import Review
from scans.types import Job
from tests.rebalancing.test_services import DAY, Desk, desk, drifted

__all__ = ["desk", "drifted"]  # fixtures

pytestmark = pytest.mark.django_db

PREMIUM = of_premium(
    RebalancingPremium(
        since=date(2022, 3, 1), until=DAY, own=D("0.05"), untouched=D("0.04"), premium=D("0.01"),
        dollars=D(1000), value=D(100_000),
    )
)  # fmt: skip
RETURNED = NewFinding(
    topic=Topic.PERFORMANCE,
    key="month",
    state=FindingState.NOTE,
    sentence="December: +1 %.",
    value=D("0.01"),
)


def reviewed(desk: Desk, day: date, *lines: NewFinding, job: Job = Job.MONTHLY) -> Review:
    Firm.objects.update(pinned_date=day)
    found = review_services.open_review(
        firm_id=desk.household.firm_id, job=job, as_of=day, wake_workers=False
    )
    household_review.store(run_id=found.run_id, household_id=desk.household.pk, findings=lines)
    return found


def proposed(desk: Desk, *reasons: str) -> Proposal:
    result = desk.examine()
    assert result.draft is not None
    stored = desk.store(replace(result, draft=replace(result.draft, reasons=reasons)))
    assert stored is not None
    return stored


def page(desk: Desk, proposal: Proposal) -> str:
    client = Client()
    client.force_login(desk.user)
    return client.get(f"/proposals/{proposal.public_id}/").content.decode()


def test_the_newest_premium_up_to_the_day_is_told_with_its_date(drifted: Desk) -> None:
    proposal = proposed(drifted, "RISK", "CONTRARIAN")
    assert "No review up to the day of this proposal has measured" in page(drifted, proposal)
    reviewed(drifted, DAY - timedelta(days=30), RETURNED)
    told = page(drifted, proposal)
    assert "monthly review of 28 November 2022</a> has no rebalancing premium: no rebalance" in told
    found = reviewed(drifted, DAY, RETURNED, PREMIUM)
    reviewed(drifted, DAY + timedelta(days=1), not_measured("no prices."))
    told = page(drifted, proposal)
    assert f"/reviews/{found.public_id}/households/{drifted.household.public_id}/" in told
    assert f"monthly review of 28 December 2022</a> says: {PREMIUM.sentence}" in told


def test_a_review_that_could_not_measure_says_why(drifted: Desk) -> None:
    proposal = proposed(drifted, "CONTRARIAN")
    reviewed(drifted, DAY, not_measured("no prices."), job=Job.QUARTERLY)
    assert "has no rebalancing premium. Performance: no prices." in page(drifted, proposal)


def test_only_a_contrarian_rebalance_asks_and_it_asks_once(drifted: Desk) -> None:
    reviewed(drifted, DAY, RETURNED, PREMIUM)
    asked = proposed(drifted, "CONTRARIAN")
    with CaptureQueriesContext(connection) as queries:
        shown = premium_panel.panel(drifted.user, asked, {})
        assert shown is not None
        assert str(shown["review"])
    assert len(queries) == 1
    other = proposed(drifted, "RISK")
    with CaptureQueriesContext(connection) as queries:
        assert premium_panel.panel(drifted.user, other, {}) is None
    assert len(queries) == 0
    assert "What rebalancing brought" not in page(drifted, other)
