"""The pages of daily and quarterly reviews: due and overdue, whose lines, who signs, how many questions they ask."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Firm, Household, User
from accounts.types import Role
from proposals.models import Proposal
from proposals.types import ProposalKind, Status
from rebalancing.model_changes.recipes import Recipe, VersionKind, VersionState
from rebalancing.models import ModelAssignment, ModelVersion, RebalanceLook, TargetModel
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit, note
from scans import daily_review, review_services, services
from scans.household_review import rows_of
from scans.models import Review, ReviewFinding, ScanItem, ScanRun
from scans.types import CADENCES, Ended, ItemState, Job
from tests.factories import make_firm, make_household, make_user
from tests.scans.test_reviews import family
from tests.scans.test_reviews import firm as stocked_firm  # a fixture

pytestmark = pytest.mark.django_db
__all__ = ["stocked_firm"]

FRIDAY, MONDAY, TUESDAY = date(2022, 12, 30), date(2023, 1, 3), date(2023, 1, 4)
NIGHT = date(2022, 12, 28)


@pytest.fixture
def firm() -> Firm:
    return make_firm()


@pytest.fixture
def adviser(firm: Firm) -> Client:
    return browser(make_user(firm, "ada"))


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def review_on(firm: Firm, job: Job, day: date, *, finished: bool = True) -> Review:
    run = ScanRun.objects.create(
        firm=firm, job=job, business_date=day, finished_at=timezone.now() if finished else None
    )
    return Review.objects.create(run=run)


def write(review: Review, *lines: NewFinding, **about: object) -> None:
    ReviewFinding.objects.bulk_create(rows_of(lines, review=review, **about))


def line(topic: Topic = Topic.DRIFT, key: str = "AAA", state: str = "breached") -> NewFinding:
    return note(topic, key, D("0.1"), f"{key} is told.", state=FindingState(state))


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def keys(client: Client, review: Review, query: str) -> list[str]:
    rows: Any = client.get(f"/reviews/{review.public_id}/{query}").context["rows"]
    return [finding.key for finding, *_ in rows]


# Due and overdue


def test_each_cadence_says_what_was_due_last_and_what_is_next(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Wednesday after the turn of a year that began with a holiday, at noon: Tuesday's night was the last."""
    review_on(firm, Job.DAILY, date(2022, 12, 1))
    daily = review_on(firm, Job.DAILY, MONDAY)
    quarterly = review_on(firm, Job.QUARTERLY, FRIDAY)
    at(monkeypatch, datetime(2023, 1, 4, 17, tzinfo=UTC))
    answer = browser(make_user(firm)).get("/reviews/")
    found = {one.job: (one.day, one.next_day, one.review) for one in answer.context["standings"]}
    assert found == {
        Job.DAILY: (MONDAY, TUESDAY, daily),
        Job.WEEKLY: (FRIDAY, date(2023, 1, 6), None),
        Job.MONTHLY: (FRIDAY, date(2023, 1, 31), None),
        Job.QUARTERLY: (FRIDAY, date(2023, 3, 31), quarterly),
    }
    html = answer.content.decode()
    assert html.count("<strong>not opened</strong>") == 2
    assert html.count("<strong>not signed</strong>") == 2


def test_what_nobody_signed_is_overdue_the_next_day(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_user(firm)
    old, newer = (review_on(firm, Job.DAILY, day) for day in (FRIDAY, MONDAY))
    signed = review_on(firm, Job.WEEKLY, FRIDAY)
    Review.objects.filter(pk=signed.pk).update(signed_by=ada, signed_at=timezone.now())
    today = review_on(firm, Job.DAILY, TUESDAY)
    at(monkeypatch, datetime(2023, 1, 4, 23, 30, tzinfo=UTC))  # half past six in New York
    answer = browser(ada).get("/reviews/?overdue=1")
    assert [row for row, _ in answer.context["rows"]] == [old, newer]
    assert [age for _, age in answer.context["rows"]] == [5, 1]
    assert "2 reviews overdue" in answer.content.decode()
    assert "5 days old" in answer.content.decode()
    rows = [row for row, _ in browser(ada).get("/reviews/?cadence=daily").context["rows"]]
    assert rows == [today, newer, old]


def test_a_pinned_firm_has_nothing_due_and_its_latest_review(firm: Firm) -> None:
    Firm.objects.update(pinned_date=NIGHT)
    review = review_on(firm, Job.QUARTERLY, NIGHT)
    answer = browser(make_user(firm)).get("/reviews/")
    found = {one.job: (one.day, one.next_day, one.review) for one in answer.context["standings"]}
    assert found[Job.QUARTERLY] == (None, None, review)
    assert found[Job.DAILY] == (None, None, None)
    assert set(found) == set(CADENCES)


# Whose lines


def test_lines_of_a_model_are_its_own_and_those_of_who_follows_it(
    firm: Firm, adviser: Client
) -> None:
    review = review_on(firm, Job.QUARTERLY, FRIDAY)
    core, income = (TargetModel.objects.create(firm=firm, name=name) for name in ("Core", "Income"))
    for name, model in (("Miller", core), ("Stone", income)):
        household = make_household(firm, name)
        ModelAssignment.objects.create(household=household, model=model)
        write(review, line(key=name), household=household)
        write(review, line(Topic.WEIGHTS, model.name, "note"), model=model)
    write(review, line(Topic.RISK_MODEL, "age", "note"))
    assert set(keys(adviser, review, "?state=note")) == {"Core", "Income", "age"}
    assert set(keys(adviser, review, "")) == {"Miller", "Stone"}
    assert keys(adviser, review, f"?model={core.pk}") == ["Miller", "Core"]
    assert keys(adviser, review, f"?model={core.pk}&about=models") == ["Core"]
    assert keys(adviser, review, "?about=firm") == ["age"]
    assert set(keys(adviser, review, "?about=households")) == {"Miller", "Stone"}
    assert len(keys(adviser, review, "?model=nonsense&about=nonsense")) == 5
    assert f'<option value="{core.pk}" selected>Core</option>' in page(
        adviser, f"/reviews/{review.public_id}/?model={core.pk}"
    )


def test_the_firm_and_its_models_come_before_households_where_nothing_is_filtered(
    firm: Firm, adviser: Client
) -> None:
    """Of models what is worth a look comes first, the rest is one link away; a filter makes one list again."""
    review = review_on(firm, Job.QUARTERLY, NIGHT)
    model = TargetModel.objects.create(firm=firm, name="Core")
    write(review, line(key="MINE"), household_id=make_household(firm, "Miller").pk)
    write(
        review,
        line(key="CALM", state="inside"),
        line(key="LATE", state="flagged"),
        model_id=model.pk,
    )
    write(review, line(key="HOUSE", state="note"))
    answer: Any = adviser.get(f"/reviews/{review.public_id}/?sort=topic")
    assert [row.key for row, *_ in answer.context["head"]] == ["HOUSE", "LATE"]
    assert [row.key for row, *_ in answer.context["rows"]] == ["MINE"]
    html = answer.content.decode()
    assert html.index("LATE is told") < html.index("MINE is told")
    assert "1 more line of models" in html
    assert "CALM" not in html
    assert set(keys(adviser, review, "?about=models")) == {"CALM", "LATE"}
    filtered: Any = adviser.get(f"/reviews/{review.public_id}/?topic=drift")
    assert filtered.context["head"] == []
    assert len(filtered.context["rows"]) == 4


def test_codes_are_words_and_days_are_written_one_way(firm: Firm, adviser: Client) -> None:
    review = review_on(firm, Job.DAILY, NIGHT)
    home = make_household(firm, "Miller")
    told = note(Topic.OUTCOME, "not_worth_it", None, "Wait until 2023-01-03: it costs -$5.00.")
    write(review, told, household_id=home.pk)
    for address in ("", f"households/{home.public_id}/"):
        html = page(adviser, f"/reviews/{review.public_id}/{address}")
        assert "not worth it" in html
        assert "not_worth_it" not in html
        assert "Wait until 3 January 2023: it costs −$5.00." in html


def test_the_household_of_a_review_shows_its_drift_up_to_the_reviews_day(
    firm: Firm, adviser: Client
) -> None:
    review = review_on(firm, Job.MONTHLY, NIGHT)
    home = make_household(firm, "Miller")
    address = f"/reviews/{review.public_id}/households/{home.public_id}/"
    assert "Drift until then" not in page(adviser, address)
    for days, drift in ((-7, "0.0123"), (0, "0.0456"), (1, "0.0789")):
        RebalanceLook.objects.create(
            household=home, day=NIGHT + timedelta(days=days), counted=True, reason="inside_bands",
            largest_drift=D(drift), out_of_band=0, cash_weight=D("0.02"),
        )  # fmt: skip
    html = page(adviser, address)
    assert html.index("4.56") < html.index("1.23")  # the newest first
    assert "7.89" not in html  # a look after the review


def test_a_line_about_a_version_leads_to_it_and_to_what_is_still_held(
    firm: Firm, adviser: Client
) -> None:
    review = review_on(firm, Job.QUARTERLY, FRIDAY)
    model = TargetModel.objects.create(firm=firm, name="Core")
    version = ModelVersion.objects.create(
        model=model, number=3, state=VersionState.DRAFT, kind=VersionKind.UNIVERSE,
        recipe=Recipe.FIXED, as_of=FRIDAY, author="ada", reason="A list", effective_on=TUESDAY,
    )  # fmt: skip
    for topic in (Topic.UNIVERSE, Topic.EXITS):
        told = NewFinding(
            topic=topic, key=topic.value, state=FindingState.FLAGGED, sentence="Told.",
            unit=Unit.COUNT, version=version.pk,
        )  # fmt: skip
        write(review, told, model=model)
    html = page(adviser, f"/reviews/{review.public_id}/")
    assert html.count(f'<a href="/models/versions/{version.public_id}/">Version 3</a>') == 2
    assert html.count(f'<a href="/models/{model.pk}/">still held</a>') == 1


def test_a_daily_review_shows_what_waits_and_says_of_what_it_is_made(stocked_firm: Firm) -> None:
    household = family(stocked_firm, "Miller", (500, 300, 170))
    run = services.open_run(firm_id=stocked_firm.pk, as_of=NIGHT, wake_workers=False)
    client = browser(make_user(stocked_firm, "ada"))
    review = Review.objects.get(run=run)
    html = page(client, f"/reviews/{review.public_id}/")
    assert "they are written when the night has ended" in html
    assert "1 household is still being looked at" in html
    ScanItem.objects.update(state=ItemState.DONE)
    ScanRun.objects.update(finished_at=timezone.now())
    write(review, line(Topic.PROPOSALS, "rebalance", "note"), line(), household=household)
    html = page(client, f"/reviews/{review.public_id}/")
    assert "drift and cash beside their bands" in html
    assert "No rebalance" not in html


@pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED])
def test_a_drift_that_counts_a_waiting_harvest_as_done_says_so(
    stocked_firm: Firm, status: Status
) -> None:
    """The page Drift counts what is approved, and not what waits: its figure is another one."""
    household = family(stocked_firm, "Miller", (500, 300, 170))
    run = services.open_run(firm_id=stocked_firm.pk, as_of=NIGHT, wake_workers=False)
    assert set(services.work_through(run_id=run.pk)) == {Ended.DONE}
    Proposal.objects.create(
        household=household, kind=ProposalKind.HARVEST, status=status, as_of=NIGHT, expires_on=NIGHT,
        sentence="Harvest.", inputs="{}", tax_saved=0, cost=0, short_gain=0, long_gain=0,
    )  # fmt: skip
    found = daily_review.lines_of(run)[household.pk]
    (told,) = [one.sentence for one in found if one.topic is Topic.DRIFT]
    said = "the harvest that waits for a decision counts as done here"
    assert (said in told) == (status == Status.PENDING)
    assert "the page Drift has" in told
    html = page(
        browser(make_user(stocked_firm, "ada")), f"/households/{household.public_id}/drift/"
    )
    assert "counts as done, what waits for a decision does not" in html
    assert "A night counts the harvest that it proposes as done" in html


def test_lines_stand_by_the_excess_over_their_band_and_without_one_by_how_far_off(
    firm: Firm, adviser: Client
) -> None:
    """A line that tells no band has no excess: it comes after those that have one, the farthest off first."""
    review = review_on(firm, Job.DAILY, NIGHT)

    def drifted(name: str, drift: str, *, band: str | None, state: str = "breached") -> None:
        household, off = make_household(firm, name), D(drift)
        told = line(key=name, state=state)
        if band is not None:
            told = replace(told, low=-D(band), high=D(band), by=abs(off) - D(band))
        write(review, told, household=household)
        RebalanceLook.objects.create(
            household=household, day=NIGHT, reason="no_trades", counted=True, out_of_band=1,
            largest_drift=off, cash_weight=D(0),
        )  # fmt: skip

    drifted("Abbott", "0.05", band=None)
    drifted("Baker", "0.30", band="0.29")
    drifted("Costa", "-0.20", band=None)
    drifted("Dubois", "0.05", band="0.01")
    drifted("Ellis", "0.90", band=None, state="inside")
    drifted("Adams", "0.001", band=None, state="inside")
    whole = ["Dubois", "Baker", "Costa", "Abbott", "Adams", "Ellis"]
    assert keys(adviser, review, "") == whole
    assert keys(adviser, review, "?sort=worst&topic=drift") == whole


# Whose reviews


@pytest.mark.parametrize("job", [Job.DAILY, Job.QUARTERLY])
def test_another_firms_review_does_not_exist(firm: Firm, adviser: Client, job: Job) -> None:
    other = make_firm("Other")
    theirs = review_on(other, job, FRIDAY)
    write(theirs, line(), household=make_household(other, "Theirs"))
    assert adviser.get(f"/reviews/{theirs.public_id}/").status_code == 404
    assert adviser.post(f"/reviews/{theirs.public_id}/signature/", {}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.signed_at is None
    answer = adviser.get("/reviews/?overdue=1")
    assert answer.context["rows"] == []
    assert answer.context["overdue"] == 0
    assert all(one.review is None for one in answer.context["standings"])


def test_another_firms_model_chooses_nothing(firm: Firm, adviser: Client) -> None:
    other = make_firm("Other")
    theirs = TargetModel.objects.create(firm=other, name="Theirs")
    review = review_on(firm, Job.QUARTERLY, FRIDAY)
    write(review, line(), household=make_household(firm))
    assert keys(adviser, review, f"?model={theirs.pk}") == []
    assert "Theirs" not in page(adviser, f"/reviews/{review.public_id}/")


# Who signs, and what


@pytest.mark.parametrize("job", [Job.DAILY, Job.QUARTERLY])
def test_who_may_decide_signs_and_nobody_else(firm: Firm, job: Job) -> None:
    review = review_on(firm, job, FRIDAY)
    write(review, line(), household=make_household(firm))
    address = f"/reviews/{review.public_id}/"
    oscar = browser(make_user(firm, "oscar", role=Role.OPERATIONS))
    assert "Sign this review" not in page(oscar, address)
    assert oscar.post(f"{address}signature/", {}).status_code == 403
    assert Client().post(f"{address}signature/", {}).status_code == 302  # to the sign-in page
    review.refresh_from_db()
    assert review.signed_at is None
    pat = browser(make_user(firm, "pat", role=Role.APPROVER))
    assert "Sign this review" in page(pat, address)
    answer = pat.post(f"{address}signature/?state=breached", {"note": "Seen."})
    assert answer.headers["Location"] == f"{address}?state=breached"
    review.refresh_from_db()
    assert (review.signed_by and review.signed_by.username, review.note) == ("pat", "Seen.")
    assert pat.post(f"{address}signature/", {}).status_code == 409


def test_a_night_that_runs_or_has_no_lines_is_not_signed(firm: Firm) -> None:
    pat = browser(make_user(firm, "pat", role=Role.APPROVER))
    running = review_on(firm, Job.DAILY, MONDAY, finished=False)
    write(running, line(), household=make_household(firm))
    assert pat.post(f"/reviews/{running.public_id}/signature/", {}).status_code == 409
    unwritten = review_on(firm, Job.DAILY, FRIDAY)
    assert "Sign this review" not in page(pat, f"/reviews/{unwritten.public_id}/")
    assert pat.post(f"/reviews/{unwritten.public_id}/signature/", {}).status_code == 409
    assert not Review.objects.exclude(signed_at=None).exists()


def test_a_daily_review_on_request_needs_a_night_that_has_ended(firm: Firm) -> None:
    Firm.objects.update(pinned_date=NIGHT)
    oscar = browser(make_user(firm, "oscar", role=Role.OPERATIONS))
    answer = oscar.post("/reviews/start/", {"cadence": "daily"})
    assert answer.status_code in (400, 409)
    assert "scan it first" in answer.content.decode()
    run = ScanRun.objects.create(firm=firm, job=Job.DAILY, business_date=NIGHT)
    assert oscar.post("/reviews/start/", {"cadence": "daily"}).status_code == 409
    ScanRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    answer = oscar.post("/reviews/start/", {"cadence": "daily"})
    assert answer.headers["Location"] == f"/reviews/{Review.objects.get().public_id}/"
    pat = browser(make_user(firm, "pat", role=Role.APPROVER))
    assert pat.post("/reviews/start/", {"cadence": "daily"}).status_code == 403


# How many questions are asked


def queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def test_the_list_asks_as_much_of_many_reviews_as_of_one(firm: Firm, adviser: Client) -> None:
    household = make_household(firm)
    write(review_on(firm, Job.DAILY, NIGHT), line(), household=household)
    adviser.get("/reviews/")
    one = queries(lambda: adviser.get("/reviews/"))
    for day in range(1, 21):
        write(review_on(firm, Job.DAILY, date(2022, 11, day)), line(), household=household)
    assert queries(lambda: adviser.get("/reviews/")) == one


def test_a_review_asks_as_much_of_many_lines_as_of_one(firm: Firm, adviser: Client) -> None:
    review = review_on(firm, Job.DAILY, NIGHT)
    address = f"/reviews/{review.public_id}/"

    def add(name: str) -> None:
        lines = (line(), line(Topic.PROPOSALS, "harvest", "note"))
        write(review, *lines, household=make_household(firm, name))

    add("Miller")
    adviser.get(address)
    one = queries(lambda: adviser.get(address))
    for number in range(20):
        add(f"Stone {number}")
    assert queries(lambda: adviser.get(address)) == one


def test_a_night_writes_the_lines_of_many_households_with_the_questions_for_one(
    stocked_firm: Firm,
) -> None:
    def asked_of(day: date) -> int:
        run = services.open_run(firm_id=stocked_firm.pk, as_of=day, wake_workers=False)
        for ended in services.work_through(run_id=run.pk):
            assert ended is Ended.DONE
        review = Review.objects.get(run=run)
        assert review.findings.exclude(household=None).count() > Household.objects.count()
        return queries(
            lambda: review_services.open_review(
                firm_id=stocked_firm.pk, job=Job.DAILY, as_of=day, again=True
            )
        )

    family(stocked_firm, "Miller", (500, 300, 170))
    one = asked_of(NIGHT)
    for number in range(5):
        family(stocked_firm, f"Stone {number}", (500, 300, 170))
    assert asked_of(date(2022, 12, 29)) == one
    assert daily_review.lines_of(
        ScanRun.objects.get(business_date=date(2022, 12, 29))
    ).keys() == set(Household.objects.values_list("pk", flat=True))
