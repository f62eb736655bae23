"""Weekly reviews on the real database: what is found, what a breach sets going, who signs, when they are due."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Firm, Household, TaxProfile
from accounts.types import FilingStatus, Role
from lots.types import EntryKind
from proposals.models import Proposal
from proposals.types import ProposalKind
from rebalancing.models import (
    Mandate,
    MandateRule,
    ModelAssignment,
    ModelWeight,
    RebalancePolicy,
    RiskSetting,
    TargetModel,
)
from rebalancing.reviews.household_reviews import weekly_findings
from rebalancing.reviews.types import FindingState
from scans import household_review, review_calendar, review_selectors, review_services, services
from scans.errors import ReviewNotReady, ReviewSigned, ScanDateRefused
from scans.models import Review, ReviewFinding, ScanItem, ScanRun
from scans.types import Ended, Job
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_security,
    make_user,
)
from tests.rebalancing.test_services import give_history

NIGHT = date(2022, 12, 28)
LONG_AGO = date(2021, 3, 1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def firm() -> Firm:
    """Three stocks at $100 with a history, and a model of 40, 30 and 27 %."""
    firm = make_firm(pinned_date=NIGHT)
    model, rng = TargetModel.objects.create(firm=firm, name="Core"), Random(3)
    for symbol, weight in (("AAA", "0.40"), ("BBB", "0.30"), ("CCC", "0.27")):
        security = make_security(firm, symbol)
        give_history(security, rng)
        ModelWeight.objects.create(model=model, security=security, weight=D(weight))
    RebalancePolicy.objects.create(firm=firm, cash_maximum=D("0.10"))
    return firm


def family(firm: Firm, name: str, shares: tuple[int, int, int] = (400, 300, 270)) -> Household:
    """A household of $100,000 that follows the model; AAA, BBB and CCC shares, the rest in cash."""
    household = make_household(firm, name)
    account = make_account(household, f"T-{name}")
    for symbol, count in zip(("AAA", "BBB", "CCC"), shares, strict=True):
        security = firm.securities.get(symbol=symbol)
        book(account, EntryKind.CASH_IN, LONG_AGO, amount=str(90 * count))
        book(account, EntryKind.BUY, LONG_AGO, security, str(count), amount=str(90 * count))
    book(account, EntryKind.CASH_IN, LONG_AGO, amount=str(100_000 - 100 * sum(shares)))
    ModelAssignment.objects.create(household=household, model=TargetModel.objects.get(firm=firm))
    TaxProfile.objects.create(
        household=household,
        year=NIGHT.year,
        filing_status=FilingStatus.SINGLE,
        federal_ordinary_rate=D("0.24"),
        federal_long_rate=D("0.15"),
    )
    return household


def limit(firm: Firm, kind: str, *, key: str = "one", **values: object) -> None:
    mandate, _ = Mandate.objects.get_or_create(firm=firm, name="House")
    MandateRule.objects.create(mandate=mandate, key=key, kind=kind, **values)


def review_of(firm: Firm, *, again: bool = False) -> Review:
    """A weekly review that was worked through."""
    found = review_services.open_review(
        firm_id=firm.pk, job=Job.WEEKLY, as_of=NIGHT, wake_workers=False, again=again
    )
    assert set(services.work_through(run_id=found.run_id)) <= {Ended.DONE}
    found.run.refresh_from_db()
    return found


def lines(review: Review, **which: object) -> list[tuple[str, str, str]]:
    rows = review.findings.filter(**which).order_by("place")
    return [(row.topic, row.key, row.state) for row in rows]


def test_every_household_is_measured_against_model_bands_and_mandate(firm: Firm) -> None:
    miller = family(firm, "Miller", (440, 300, 230))
    limit(firm, "single_name", high=D("0.42"), is_hard=False)
    limit(firm, "tracking_error", high=D("0.5"), key="te")
    review = review_of(firm)
    assert review.run.finished_at is not None
    found = lines(review)
    assert found[:4] == [
        ("rule", "House/one", "flagged"),
        ("rule", "House/te", "inside"),
        ("drift", "AAA", "inside"),
        ("cash", "cash", "inside"),
    ]
    assert {topic for topic, _, _ in found} == {
        "rule", "drift", "cash", "risk", "factor", "concentration",
    }  # fmt: skip
    rule = review.findings.get(key="House/one")
    assert (rule.value, rule.high, rule.by) == (D("0.44"), D("0.42"), D("0.02"))
    assert rule.household == miller
    te = review.findings.get(key="tracking error")
    same = review.findings.get(key="House/te")
    assert te.value == same.value
    assert te.value is not None
    assert te.value > 0
    # The factors' active exposures and the specific risk make up the tracking error: none is larger than it.
    factors = review.findings.filter(topic="factor")
    assert factors.count() == 3
    assert all(abs(row.value or 0) <= te.value for row in factors)
    assert not ScanRun.objects.filter(job=Job.INTRADAY).exists()  # a soft rule asks for no trades


def test_a_factor_has_the_tightest_limits_and_the_drift_page_draws_it_with_its_marks(
    client: Client, firm: Firm
) -> None:
    miller = family(firm, "Miller", (440, 300, 230))
    client.force_login(make_user(firm, "iris"))
    page = f"/households/{miller.public_id}/drift/"
    assert "Factor exposures" not in client.get(page).content.decode()
    name = "statistical factor 1"
    limit(firm, "factor", subject=name, low=D("-0.5"), high=D("0.5"))
    limit(
        firm, "factor", subject=name, low=D("-0.9"), high=D("0.000001"), key="narrow", is_hard=False
    )
    limit(firm, "factor", subject="nobody's", low=D(0), key="other", is_hard=False)
    review = review_of(firm)
    row = review.findings.get(topic="factor", key=name)
    assert (row.state, row.low, row.high) == ("note", D("-0.5"), D("0.000001"))
    others = review.findings.filter(topic="factor").exclude(key=name)
    assert {(one.low, one.high) for one in others} == {(None, None)}
    text = client.get(page).content.decode()
    assert "weekly review of 28 December 2022" in text
    # One factor of three has limits, and the wide one may lie beyond the picture.
    assert text.count('class="limit"') == 2 - text.count("A limit without a mark lies beyond")
    assert text.count('rect class="') == 3
    assert row.value is not None
    assert ("Beyond a limit: statistical factor 1" in text) == (row.value > D("0.000001"))


def test_without_a_risk_model_the_drift_page_says_why_there_are_no_exposures(
    client: Client, firm: Firm
) -> None:
    miller = family(firm, "Miller")
    RiskSetting.objects.create(firm=firm, method="supplied")
    client.force_login(make_user(firm, "iris"))
    review_of(firm)
    text = client.get(f"/households/{miller.public_id}/drift/").content.decode()
    assert "Risk and factor exposures are not known: No supplied risk model" in text


def test_a_household_without_a_model_says_why_it_is_not_reviewed(firm: Firm) -> None:
    make_household(firm, "Stone")
    review = review_of(firm)
    (row,) = review.findings.all()
    assert (row.topic, row.state) == ("not_reviewed", "unknown")
    assert row.sentence == "The household follows no model."


def test_a_hard_breach_is_looked_at_for_trades_and_the_review_shows_what_came_of_it(
    firm: Firm,
) -> None:
    household = family(firm, "Miller")
    limit(firm, "security", security=firm.securities.get(symbol="AAA"), high=D("0.38"))
    review = review_of(firm)
    (breach,) = review.findings.filter(state=FindingState.BREACHED)
    waits = review_selectors.outcomes(review, [breach])[household.pk]
    assert (waits.proposal, waits.reason) == (None, "waiting")
    run = review_selectors.open_looks(review)
    assert run is not None
    assert list(services.work_through(run_id=run)) == [Ended.DONE]
    proposal = Proposal.objects.get(kind=ProposalKind.REBALANCE)
    assert proposal.as_of == NIGHT
    assert proposal.reasons[0] == "MANDATE"
    assert review_selectors.outcomes(review, [breach])[household.pk].proposal == proposal
    # The same review again finds the proposal waiting, and asks for nothing more.
    before = list(ScanItem.objects.filter(run=run).values())
    review_of(firm, again=True)
    assert list(ScanItem.objects.filter(run=run).values()) == before


def test_a_breach_that_cannot_be_cured_says_why(firm: Firm) -> None:
    household = family(firm, "Miller")
    limit(firm, "names", low=D(9))
    review = review_of(firm)
    run = review_selectors.open_looks(review)
    assert run is not None
    list(services.work_through(run_id=run))
    (breach,) = review.findings.filter(state=FindingState.BREACHED)
    came = review_selectors.outcomes(review, [breach])[household.pk]
    assert came.proposal is None
    assert came.reason == "no_trades"  # the rebalance alone: the harvest speaks elsewhere
    assert "at least 9" in came.detail


def test_a_night_that_is_still_to_come_is_look_enough(firm: Firm) -> None:
    family(firm, "Miller")
    limit(firm, "names", low=D(9))
    services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    review_of(firm)
    assert not ScanRun.objects.filter(job=Job.INTRADAY).exists()


def test_a_review_again_replaces_findings_and_adds_none(firm: Firm) -> None:
    family(firm, "Miller")
    first = review_of(firm)
    before = lines(first)
    limit(firm, "names", low=D(9), is_hard=False)
    second = review_of(firm, again=True)
    assert second.pk == first.pk
    assert lines(second) == [("rule", "House/one", "flagged"), *before]
    assert Review.objects.count() == ScanRun.objects.filter(job=Job.WEEKLY).count() == 1


def test_a_review_opened_twice_looks_once(firm: Firm) -> None:
    family(firm, "Miller")
    review = review_of(firm)
    rows = list(review.findings.values())
    review_of(firm)
    assert list(review.findings.values()) == rows


def test_what_is_signed_stays_as_it_is(firm: Firm) -> None:
    family(firm, "Miller")
    review, ada = review_of(firm), make_user(firm, role=Role.APPROVER)
    signed = review_services.sign_off(user=ada, review=review, note=" Looked through. ")
    assert (signed.signed_by, signed.note) == (ada, "Looked through.")
    event = AuditEvent.objects.filter(action="review.signed").get()
    assert (event.actor, event.subject) == ("ada", f"weekly {NIGHT}")
    rows = list(review.findings.values())
    with pytest.raises(ReviewSigned, match="signed by ada"):
        review_of(firm, again=True)
    with pytest.raises(ReviewSigned, match="already"):
        review_services.sign_off(user=ada, review=review, note="")
    item = ScanItem.objects.get(run=review.run)
    with transaction.atomic():
        assert not household_review.store(
            run_id=review.run_id, household_id=item.household_id, findings=[]
        )
    assert list(review.findings.values()) == rows


def test_nobody_signs_what_is_still_being_looked_at(firm: Firm) -> None:
    family(firm, "Miller")
    review = review_services.open_review(
        firm_id=firm.pk, job=Job.WEEKLY, as_of=NIGHT, wake_workers=False
    )
    with pytest.raises(ReviewNotReady):
        review_services.sign_off(user=make_user(firm, role=Role.APPROVER), review=review, note="")


def test_a_household_that_fails_is_a_line_and_the_others_go_on(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = family(firm, "Adams"), family(firm, "Baker")
    look = weekly_findings

    def broken(*, household_id: int, as_of: date) -> object:
        if household_id == bad.pk:
            raise ZeroDivisionError
        return look(household_id=household_id, as_of=as_of)

    monkeypatch.setitem(household_review._LOOKS, Job.WEEKLY, broken)
    review = review_services.open_review(
        firm_id=firm.pk, job=Job.WEEKLY, as_of=NIGHT, wake_workers=False
    )
    ended = list(services.work_through(run_id=review.run_id))
    assert ended.count(Ended.DONE) == 1
    (row,) = review.findings.filter(household=bad)
    assert (row.topic, row.state) == ("not_reviewed", "unknown")
    assert "ZeroDivisionError" in row.sentence
    assert review.findings.filter(household=good).count() > 5
    review.run.refresh_from_db()
    assert review.run.finished_at is not None


def test_a_later_review_does_not_stand_in_the_way_of_a_night(firm: Firm) -> None:
    household = family(firm, "Miller", (500, 300, 170))
    firm.pinned_date = None
    firm.save()
    review = review_services.open_review(
        firm_id=firm.pk, job=Job.WEEKLY, as_of=date(2022, 12, 29), wake_workers=False
    )
    list(services.work_through(run_id=review.run_id))
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    assert "later_night_scanned" not in ScanItem.objects.get(run=run, household=household).reason


def test_a_day_without_trading_is_no_review_date(firm: Firm) -> None:
    with pytest.raises(ScanDateRefused, match="no trading day"):
        review_services.open_review(firm_id=firm.pk, job=Job.WEEKLY, as_of=date(2022, 12, 31))


# The monthly review


def month_of(firm: Firm) -> Review:
    found = review_services.open_review(
        firm_id=firm.pk, job=Job.MONTHLY, as_of=NIGHT, wake_workers=False
    )
    assert set(services.work_through(run_id=found.run_id)) == {Ended.DONE}
    return found


def test_a_month_tells_the_year_what_is_open_and_what_the_week_tells(firm: Firm) -> None:
    household = family(firm, "Miller", (440, 300, 230))
    account = household.accounts.get()
    sold = firm.securities.get(symbol="CCC")
    book(account, EntryKind.SELL, date(2022, 12, 20), sold, "10", amount="1000")
    TaxProfile.objects.update(long_carryover=D(7000))
    review = month_of(firm)
    assert {topic for topic, _, _ in lines(review)} == {
        "drift", "cash", "risk", "factor", "concentration",
        "gains", "carried_losses", "reconciliation", "windows", "swap_backs",
        "performance",
    }  # fmt: skip
    figures = {
        (row.topic, row.key): row.value
        for row in review.findings.filter(unit__in=["dollars", "count"])
    }
    assert figures["gains", "long term"] == D(100)  # bought at 90
    assert figures["gains", "short term"] == 0
    assert figures["carried_losses", "long term"] == D(7000)
    assert figures["swap_backs", "pairs"] == 0
    assert figures["reconciliation", "accounts"] == 0
    assert review.remarks == []


def test_a_household_that_cannot_be_weighed_still_has_its_year(firm: Firm) -> None:
    make_household(firm, "Stone")
    review = month_of(firm)
    found = lines(review)
    assert found[0] == ("not_reviewed", "household", "unknown")
    assert ("carried_losses", "tax profile", "unknown") in found
    assert ("gains", "short term", "note") in found


def test_a_month_drafts_new_weights_and_says_what_they_would_cost_each_household(
    firm: Firm,
) -> None:
    family(firm, "Miller")
    TargetModel.objects.update(recipe="equal")
    before = list(ModelWeight.objects.order_by("pk").values())
    review = month_of(firm)
    assert review.remarks == ["Core: draft 1 waits for a decision."]
    row = review.findings.get(topic="new_weights")
    # AAA from 40 % to 32.34 %: 7,660 of its 40,000 dollars are sold, a tenth of them gain; 15 % of it is tax.
    assert "would sell $7,660.00 (to the present ones $0.00)" in row.sentence
    assert row.value == D("114.90")
    assert list(ModelWeight.objects.order_by("pk").values()) == before


def test_a_recipe_without_an_answer_is_a_remark(firm: Firm) -> None:
    family(firm, "Miller")
    TargetModel.objects.update(recipe="equal")
    limit(firm, "security", security=firm.securities.get(symbol="AAA"), high=D("0.30"))
    review = month_of(firm)
    (remark,) = review.remarks
    assert remark.startswith("Core: no new weights. The equal weights break: highest weight of AAA")
    assert not review.findings.filter(topic="new_weights").exists()


def test_an_error_in_one_models_weights_is_a_remark_and_stops_no_household(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    family(firm, "Miller")
    TargetModel.objects.update(recipe="equal")

    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(review_services, "draft", broken)
    review = month_of(firm)
    (remark,) = review.remarks
    assert remark.startswith(
        "Core: no new weights, an error that nobody foresaw (ZeroDivisionError)"
    )
    assert review.findings.filter(topic="drift").exists()


@pytest.mark.parametrize(
    ("latest", "due"),
    [
        (date(2022, 12, 30), date(2022, 12, 30)),
        (date(2023, 1, 30), date(2022, 12, 30)),
        (date(2022, 5, 31), date(2022, 5, 31)),
    ],
)
def test_a_monthly_review_is_due_on_the_last_trading_day_of_the_month(
    latest: date, due: date
) -> None:
    assert review_calendar.latest_due(Job.MONTHLY, latest) == due


# The calendar


@pytest.mark.parametrize(
    ("latest", "due"),
    [
        (date(2022, 12, 30), date(2022, 12, 30)),  # a Friday
        (date(2023, 1, 4), date(2022, 12, 30)),
        (date(2022, 4, 14), date(2022, 4, 14)),  # the Thursday before Good Friday
        (date(2022, 4, 13), date(2022, 4, 8)),
    ],
)
def test_a_weekly_review_is_due_on_the_last_trading_day_of_the_week(
    latest: date, due: date
) -> None:
    assert review_calendar.latest_due(Job.WEEKLY, latest) == due


def test_what_is_due_is_opened_once_and_only_the_latest_is_caught_up(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    family(firm, "Miller")
    Firm.objects.update(pinned_date=None)
    now = datetime(2023, 1, 18, 15, tzinfo=UTC)  # a Wednesday; two Fridays have gone by
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert review_services.start_due_reviews() == []  # no night has been scanned yet
    ScanRun.objects.create(firm=firm, job=Job.DAILY, business_date=date(2023, 1, 3))
    (opened,) = review_services.start_due_reviews()  # the month ended before its first night
    assert Review.objects.get(pk=opened).run.business_date == date(2023, 1, 13)
    assert review_services.start_due_reviews() == []


def test_a_firm_whose_review_cannot_be_opened_keeps_no_other_from_its_own(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_firm("Other")
    Firm.objects.update(pinned_date=None)
    now = datetime(2023, 1, 18, 15, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    for one in (firm, other):
        ScanRun.objects.create(firm=one, job=Job.DAILY, business_date=date(2023, 1, 3))
    opened = review_services.open_review

    def broken_for_one(*, firm_id: int, job: Job, as_of: date) -> Review:
        if firm_id == firm.pk:
            raise ZeroDivisionError
        return opened(firm_id=firm_id, job=job, as_of=as_of)

    monkeypatch.setattr(review_services, "open_review", broken_for_one)
    (found,) = review_services.start_due_reviews()
    assert Review.objects.get(pk=found).run.firm == other


def test_a_pinned_firm_is_reviewed_on_request_only(firm: Firm) -> None:
    family(firm, "Miller")
    ScanRun.objects.create(firm=firm, job=Job.DAILY, business_date=NIGHT)
    assert review_services.start_due_reviews() == []


# The command


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("review", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_reviews_and_looks_for_trades_where_a_rule_is_broken(firm: Firm) -> None:
    family(firm, "Miller")
    family(firm, "Stone")
    limit(firm, "security", security=firm.securities.get(symbol="AAA"), high=D("0.38"))
    said = command("weekly", "--as-of", str(NIGHT))
    assert said.splitlines()[0] == f"Weekly review of {NIGHT}"
    assert "  breached         2" in said.splitlines()
    assert Proposal.objects.filter(kind=ProposalKind.REBALANCE, as_of=NIGHT).count() == 2
    again = command("weekly", "--as-of", str(NIGHT))
    assert again == said
    assert Proposal.objects.count() == 2


def test_a_dry_run_says_what_is_broken_and_writes_nothing(firm: Firm) -> None:
    family(firm, "Miller")
    limit(firm, "names", low=D(9))
    said = command("weekly", "--as-of", str(NIGHT), "--dry-run")
    assert "Miller: breached: Number of securities 3 is outside at least 9, by 6." in said
    assert not ScanRun.objects.exists()
    assert not ReviewFinding.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="review").exists()


def test_one_household_alone_can_be_reviewed(firm: Firm) -> None:
    family(firm, "Miller")
    family(firm, "Stone")
    command("weekly", "--as-of", str(NIGHT), "--household", "Stone", "--firm", firm.name)
    assert set(ReviewFinding.objects.values_list("household__name", flat=True)) == {"Stone"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--as-of", "2022-12-31"], "no trading day"),
        (["--as-of", "yesterday"], "is no date"),
        (["--as-of", "2022-12-28", "--household", "Nobody"], "no household"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(firm: Firm, arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        command("weekly", *arguments)
    assert not Review.objects.exists()
