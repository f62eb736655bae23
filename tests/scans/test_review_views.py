"""The pages of reviews: what they show, to whom, and what a signature asks for."""

from datetime import date
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest
from django.test import Client

from accounts.models import Firm, User
from accounts.types import Role
from rebalancing.models import ModelVersion, ModelWeight, TargetModel
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit
from scans import household_review, review_services
from scans.models import Review, ScanItem, ScanRun
from scans.types import ItemState, Job
from tests.factories import make_firm, make_household, make_security, make_user
from tests.rebalancing.test_services import give_history

NIGHT = date(2022, 12, 28)

pytestmark = pytest.mark.django_db

LINES = (
    NewFinding(
        topic=Topic.RULE,
        key="House/energy",
        state=FindingState.BREACHED,
        sentence="Sector Energy 31.00 % is outside at most 30.00 %, by 1.00 %.",
        value=D("0.31"),
        high=D("0.30"),
        by=D("0.01"),
        is_hard=True,
    ),
    NewFinding(
        topic=Topic.GAINS,
        key="short",
        state=FindingState.NOTE,
        sentence="Short-term gains of the year.",
        unit=Unit.DOLLARS,
        value=D("-1234.5"),
    ),
    NewFinding(
        topic=Topic.CONCENTRATION,
        key="securities held",
        state=FindingState.NOTE,
        sentence="12 securities are held.",
        unit=Unit.COUNT,
        value=D(12),
    ),
)


@pytest.fixture
def firm() -> Firm:
    return make_firm(pinned_date=NIGHT)


@pytest.fixture
def review(firm: Firm) -> Review:
    """A finished weekly review of Miller (a breach) and Stone (none)."""
    families = [make_household(firm, name) for name in ("Miller", "Stone")]
    found = review_services.open_review(
        firm_id=firm.pk, job=Job.WEEKLY, as_of=NIGHT, wake_workers=False
    )
    for household, lines in zip(families, (LINES, LINES[1:]), strict=True):
        household_review.store(run_id=found.run_id, household_id=household.pk, findings=lines)
    ScanItem.objects.update(state=ItemState.DONE)
    return found


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def adviser(firm: Firm) -> Client:
    return browser(make_user(firm, "ada"))


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def address(review: Review, query: str = "") -> str:
    return f"/reviews/{review.public_id}/{query}"


def shown(client: Client, review: Review, query: str) -> list[tuple[str, str]]:
    rows: Any = client.get(address(review, query)).context["rows"]
    return [(finding.household.name, finding.key) for finding, *_ in rows]


def test_the_list_counts_households_by_what_was_found(adviser: Client, review: Review) -> None:
    (row,) = adviser.get("/reviews/").context["page"].object_list
    assert (row.reviewed, row.breached, row.flagged, row.unknown) == (2, 1, 0, 0)
    assert "28 Dec 2022" in page(adviser, "/reviews/?cadence=weekly")


def test_without_a_review_the_list_says_how_one_comes(adviser: Client) -> None:
    assert "reviewed on request only" in page(adviser, "/reviews/")


def test_a_review_shows_the_worst_first_with_figures_in_their_units(
    adviser: Client, review: Review
) -> None:
    html = page(adviser, address(review))
    assert shown(adviser, review, "")[0] == ("Miller", "House/energy")
    for text in ("31.00 %", "30.00 %", "1.00 %", "−$1,234.50", ">12<", "by 1.00 %."):
        assert text in html
    assert "Waiting" in html


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("?state=breached", [("Miller", "House/energy")]),
        ("?topic=gains", [("Miller", "short"), ("Stone", "short")]),
        ("?household=ston&topic=gains", [("Stone", "short")]),
        (
            "?sort=value&household=miller",
            [("Miller", "securities held"), ("Miller", "House/energy"), ("Miller", "short")],
        ),
        ("?state=nonsense&topic=gains&sort=nonsense&household=Stone", [("Stone", "short")]),
    ],
)
def test_lines_are_filtered_and_sorted(
    adviser: Client, review: Review, query: str, rows: list[tuple[str, str]]
) -> None:
    assert shown(adviser, review, query) == rows


def test_an_approver_signs_with_a_note_and_nobody_signs_again(firm: Firm, review: Review) -> None:
    client = browser(make_user(firm, "pat", role=Role.APPROVER))
    assert "Sign this review" in page(client, address(review))
    answer = client.post(address(review, "signature/"), {"note": "Energy is being sold."})
    assert answer.status_code == 302
    html = page(client, address(review))
    assert "Signed by pat" in html
    assert "Energy is being sold." in html
    assert "Sign this review" not in html
    assert client.post(address(review, "signature/"), {"note": ""}).status_code == 409


def test_operations_may_start_a_review_and_not_sign_it(firm: Firm, review: Review) -> None:
    client = browser(make_user(firm, "oscar", role=Role.OPERATIONS))
    assert "Sign this review" not in page(client, address(review))
    assert client.post(address(review, "signature/"), {}).status_code == 403
    answer = client.post("/reviews/start/", {"cadence": "weekly"})
    assert answer.headers["Location"] == address(review)
    assert set(ScanItem.objects.values_list("state", flat=True)) == {"ready"}  # looked at again


def test_an_approver_may_not_start_a_review(firm: Firm) -> None:
    client = browser(make_user(firm, "pat", role=Role.APPROVER))
    assert client.post("/reviews/start/", {"cadence": "weekly"}).status_code == 403
    assert not ScanRun.objects.exists()


def test_an_unknown_cadence_is_refused(adviser: Client) -> None:
    assert adviser.post("/reviews/start/", {"cadence": "hourly"}).status_code == 404


def test_what_is_still_open_is_said_and_not_signed(adviser: Client, review: Review) -> None:
    ScanItem.objects.filter(household__name="Stone").update(state=ItemState.READY)
    html = page(adviser, address(review))
    assert "1 household is still being looked at" in html
    assert "Sign this review" not in html


def test_a_monthly_review_leads_to_the_draft_and_an_adviser_publishes_it(firm: Firm) -> None:
    model = TargetModel.objects.create(firm=firm, name="Core", recipe="equal")
    for symbol, weight in (("AAA", "0.60"), ("BBB", "0.30")):
        security = make_security(firm, symbol)
        give_history(security, Random(symbol), last=NIGHT)
        ModelWeight.objects.create(model=model, security=security, weight=D(weight))
    review = review_services.open_review(
        firm_id=firm.pk, job=Job.MONTHLY, as_of=NIGHT, wake_workers=False
    )
    version = ModelVersion.objects.get()
    address_of = f"/models/versions/{version.public_id}/"
    adviser = browser(make_user(firm, "ada"))
    assert address_of in page(adviser, address(review))
    html = page(adviser, address_of)
    for text in ("15.00 %", "45.00 %", "−15.00", "Publish these weights", "nothing trades on it"):
        assert text in html
    oscar = browser(make_user(firm, "oscar", role=Role.OPERATIONS))
    assert "Publish these weights" not in page(oscar, address_of)
    assert oscar.post(f"{address_of}decision/", {"decision": "publish"}).status_code == 403
    answer = adviser.post(f"{address_of}decision/", {"decision": "publish"})
    assert answer.headers["Location"] == address_of
    assert "Published by ada" in page(adviser, address_of)
    assert set(ModelWeight.objects.values_list("weight", flat=True)) == {D("0.45")}
    assert adviser.post(f"{address_of}decision/", {"decision": "publish"}).status_code == 409
