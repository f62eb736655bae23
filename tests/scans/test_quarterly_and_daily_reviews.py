"""Quarterly and daily reviews on the real database: what they say, of whom, and when they are due."""

from datetime import date
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Firm, Household
from accounts.types import Role
from lots.types import EntryKind
from proposals.models import Fill, Order, Proposal
from proposals.types import OrderStatus, ProposalKind, Side, Status
from rebalancing.model_changes.recipes import ExitRule, Recipe, VersionKind, VersionState
from rebalancing.models import (
    MandateRule,
    ModelExit,
    ModelVersion,
    ModelVersionWeight,
    ModelWeight,
    TargetModel,
)
from scans import daily_review, household_scan, review_calendar, review_services, services
from scans.errors import ReviewNotReady, ReviewSigned, ScanDateRefused
from scans.models import Review, ScanRun
from scans.types import Ended, Job
from tests.factories import book, make_firm, make_household, make_user
from tests.scans.test_reviews import NIGHT, family, limit, lines
from tests.scans.test_reviews import firm as firm  # a fixture

NEXT = date(2022, 12, 29)

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


# Past and later nights, and what was known


def night_of(firm: Firm, day: date = NIGHT) -> Review:
    """A night that was worked through, with its review."""
    run = services.open_run(firm_id=firm.pk, as_of=day, wake_workers=False)
    assert set(services.work_through(run_id=run.pk)) == {Ended.DONE}
    return Review.objects.get(run=run)


def remade(firm: Firm, day: date = NIGHT) -> Review:
    return review_services.open_review(firm_id=firm.pk, job=Job.DAILY, as_of=day, again=True)


def reviewed(firm: Firm, job: Job = Job.WEEKLY, household: Household | None = None) -> Review:
    review = review_services.open_review(
        firm_id=firm.pk, job=job, as_of=NIGHT, wake_workers=False, again=True,
        household_ids=None if household is None else [household.pk],
    )  # fmt: skip
    assert set(services.work_through(run_id=review.run_id)) <= {Ended.DONE}
    return review


def test_an_earlier_night_is_not_reviewed_again(firm: Firm) -> None:
    family(firm, "Miller", (500, 300, 170))
    first = night_of(firm)
    kept = list(first.findings.values())
    assert ("proposals", "rebalance", "note") in lines(first)
    night_of(firm, NEXT)
    with pytest.raises(ScanDateRefused, match=f"The night of {NEXT} has begun since"):
        remade(firm)
    with pytest.raises(ScanDateRefused, match=f"The night of {NEXT} has begun since"):
        list(
            review_services.previews(
                firm_id=firm.pk,
                job=Job.DAILY,
                as_of=NIGHT,
                household_ids=[firm.households.get().pk],
            )
        )
    assert list(first.findings.values()) == kept


def test_a_night_that_ends_after_the_next_has_begun_leaves_the_trade_list_to_that_one(
    firm: Firm,
) -> None:
    family(firm, "Miller", (500, 300, 170))
    night_of(firm)
    late = services.open_run(firm_id=firm.pk, as_of=NEXT, wake_workers=False)
    services.open_run(firm_id=firm.pk, as_of=date(2022, 12, 30), wake_workers=False)
    list(services.work_through(run_id=late.pk))
    found = lines(Review.objects.get(run=late))
    assert ("not_reviewed", "trade list", "unknown") in found
    assert not {topic for topic, _, _ in found} & {"proposals", "orders"}


def test_a_household_whose_look_failed_still_shows_what_waits(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = family(firm, "Miller", (500, 300, 170))
    night_of(firm)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(household_scan, "examine_leased", broken)
    run = services.open_run(firm_id=firm.pk, as_of=NEXT, wake_workers=False)
    assert set(services.work_through(run_id=run.pk)) == {Ended.FAILED}
    review = Review.objects.get(run=run)
    assert lines(review, household=household) == [
        ("not_reviewed", "household", "unknown"),
        ("proposals", "rebalance", "note"),
    ]
    assert "failed" in review.findings.get(household=household, key="household").sentence
    (told,) = review.findings.filter(household=None, topic="night", state="flagged")
    assert told.sentence.startswith("1 household failed on the night")


def test_a_rule_that_the_newest_review_found_broken_is_told_until_a_look_finds_it_kept(
    firm: Firm,
) -> None:
    household = family(firm, "Miller")
    limit(firm, "names", low=D(9))
    reviewed(firm)
    night = night_of(firm)
    (row,) = night.findings.filter(topic="rule")
    assert (row.key, row.state, row.is_hard) == ("House/one", "breached", True)
    assert row.sentence.endswith(f"(the weekly review of {NIGHT})")
    assert night.findings.get(topic="outcome").state == "flagged"
    MandateRule.objects.update(low=D(2))  # the rule is kept now
    night_of(firm, NEXT)
    tonight = Review.objects.get(run__job=Job.DAILY, run__business_date=NEXT)
    assert not tonight.findings.filter(topic="rule").exists()
    assert tonight.findings.get(topic="outcome", household=household).state == "note"


def test_a_review_of_one_household_hides_no_breach_of_another(firm: Firm) -> None:
    stone, miller = family(firm, "Stone"), family(firm, "Miller")
    limit(firm, "names", low=D(9))
    reviewed(firm)
    reviewed(firm, Job.MONTHLY, stone)
    night = night_of(firm)
    told = dict(night.findings.filter(topic="rule").values_list("household", "sentence"))
    assert told[stone.pk].endswith(f"(the monthly review of {NIGHT})")
    assert told[miller.pk].endswith(f"(the weekly review of {NIGHT})")


def test_another_firms_night_is_not_told(firm: Firm) -> None:
    family(firm, "Miller")
    other = make_firm("Other", pinned_date=NIGHT)
    make_household(other, "Stone")
    limit(firm, "names", low=D(9))
    reviewed(firm)
    night_of(firm)
    night = night_of(other)
    assert {row.household and row.household.name for row in night.findings.all()} == {None, "Stone"}
    assert not night.findings.filter(topic__in=["rule", "proposals", "orders"]).exists()


def test_a_model_version_that_lapsed_is_an_alarm_of_the_night(firm: Firm) -> None:
    family(firm, "Miller")
    ModelVersion.objects.create(
        model=TargetModel.objects.get(firm=firm), number=1, state=VersionState.LAPSED,
        kind=VersionKind.UNIVERSE, recipe=Recipe.FIXED, as_of=NIGHT, author="ada", reason="A list",
        lapse="Somebody has changed the model since.", effective_on=NIGHT,
        decided_by=make_user(firm), decided_at=timezone.now(),
    )  # fmt: skip
    sentences = set(
        night_of(firm).findings.filter(topic="night").values_list("sentence", flat=True)
    )
    assert "Somebody has changed the model since." in sentences


def test_nobody_signs_a_daily_review_that_was_not_written(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    family(firm, "Miller")
    pat = make_user(firm, "pat", role=Role.APPROVER)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(daily_review, "lines_of_night", broken)
        review = night_of(firm)
    assert review.remarks == [
        "The lines could not be written (ZeroDivisionError); the log has it. Run the review again."
    ]
    review.run.refresh_from_db()
    assert review.run.finished_at is not None  # the night has ended all the same
    with pytest.raises(ReviewNotReady, match="were not written"):
        review_services.sign_off(user=pat, review=review, note="")
    assert remade(firm).findings.exists()
    review.refresh_from_db()
    assert review.remarks == []
    assert review_services.sign_off(user=pat, review=review, note="").signed_by == pat
    with pytest.raises(ReviewSigned):
        remade(firm)


def test_the_same_daily_review_again_says_the_same(firm: Firm) -> None:
    family(firm, "Miller", (500, 300, 170))
    make_household(firm, "Stone")  # follows no model
    review = night_of(firm)
    columns = ("household", "place", "topic", "key", "state", "value", "sentence")
    before = list(review.findings.order_by("household", "place").values(*columns))
    assert remade(firm) == review
    assert list(review.findings.order_by("household", "place").values(*columns)) == before


def test_a_night_without_households_has_a_review_of_the_firm_alone(firm: Firm) -> None:
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    assert run.finished_at is not None
    (row,) = Review.objects.get(run=run).findings.all()
    assert (row.topic, row.key, row.value) == ("night", "accounts", 0)


@pytest.mark.parametrize("job", [Job.WEEKLY, Job.MONTHLY, Job.QUARTERLY])
def test_a_day_before_the_last_booking_is_not_reviewed_on_todays_ledger(
    firm: Firm, job: Job
) -> None:
    """A sale leaves no lot behind that would tell of it."""
    household = family(firm, "Miller")
    firm.pinned_date = None
    firm.save()
    sold = firm.securities.get(symbol="CCC")
    book(household.accounts.get(), EntryKind.SELL, NEXT, sold, "100", amount="9000")
    review = reviewed(firm, job)
    (row,) = review.findings.exclude(household=None)
    assert row.state == "unknown"
    assert row.sentence == f"The ledger of this household runs past {NIGHT}: review a later date."


def test_a_day_before_the_models_last_step_is_not_reviewed_on_todays_weights(firm: Firm) -> None:
    family(firm, "Miller")
    ModelVersion.objects.create(
        model=TargetModel.objects.get(firm=firm), number=1, state=VersionState.PUBLISHED,
        kind=VersionKind.UNIVERSE, recipe=Recipe.FIXED, as_of=NIGHT, author="ada", reason="A list",
        effective_on=NEXT, begun_on=NEXT, last_step_on=NEXT, steps_done=1,
        decided_by=make_user(firm), decided_at=timezone.now(),
    )  # fmt: skip
    (row,) = reviewed(firm).findings.all()
    assert row.sentence.startswith(f"The model's weights are those of {NEXT}")


# The quarter's rebalances


def filled(household: Household, as_of: date, fills: list[tuple[date, str, str]]) -> Proposal:
    """A rebalance that was executed: its order of AAA with the fills (day, shares, dollars a share)."""
    account = household.accounts.get()
    aaa = household.firm.securities.get(symbol="AAA")
    proposal = Proposal.objects.create(
        household=household, kind=ProposalKind.REBALANCE, status=Status.FILLED, as_of=as_of,
        expires_on=as_of, sentence="", content="", content_sha256="", inputs="", inputs_sha256="",
        code_version="", cost=D("12.50"), tax_saved=D("-30"), version=1,
    )  # fmt: skip
    order = Order.objects.create(
        proposal=proposal, account=account, security=aaa, side=Side.BUY, status=OrderStatus.FILLED,
        quantity=sum(D(shares) for _, shares, _ in fills), reference_price=D(90),
        filled_quantity=sum(D(shares) for _, shares, _ in fills),
    )  # fmt: skip
    for number, (day, shares, price) in enumerate(fills):
        amount = str(D(shares) * D(price))
        book(account, EntryKind.CASH_IN, day, amount=amount)
        booked = book(account, EntryKind.BUY, day, aaa, shares, amount=amount)
        Fill.objects.create(
            order=order, external_id=str(number), trade_date=day, quantity=D(shares), price=D(price),
            transaction=booked,
        )  # fmt: skip
    return proposal


def test_a_rebalance_across_two_quarters_counts_in_each_what_was_traded_in_it(firm: Firm) -> None:
    household = family(firm, "Miller")
    filled(
        household,
        date(2022, 9, 28),
        [(date(2022, 9, 29), "5", "90"), (date(2022, 10, 3), "2", "95")],
    )
    filled(household, date(2022, 11, 1), [(date(2022, 11, 2), "3", "100")])
    filled(household, date(2022, 3, 1), [(date(2022, 3, 2), "3", "100")])
    review = reviewed(firm, Job.QUARTERLY)
    rows = review.findings.filter(topic="executed").order_by("place")
    assert [(row.key, row.value) for row in rows] == [
        ("2022-10-03 1", D(190)), ("2022-11-02 2", D(300)),
    ]  # fmt: skip
    assert (
        "expected cost $12.50, expected tax of the year $30.00, both of the whole rebalance"
        in rows[0].sentence
    )
    assert rows[1].sentence.endswith("expected cost $12.50, expected tax of the year $30.00.")
    looks = review.findings.get(topic="looks")
    assert "1 rebalance proposed, 0 approved, 0 refused, 2 executed" in looks.sentence


def test_an_edited_rebalance_is_one_rebalance(firm: Firm) -> None:
    household = family(firm, "Miller")
    one = filled(household, date(2022, 11, 1), [(date(2022, 11, 2), "3", "100")])
    Proposal.objects.filter(pk=one.pk).update(version=2)
    Proposal.objects.create(
        household=household, kind=ProposalKind.REBALANCE, status=Status.SUPERSEDED,
        as_of=one.as_of, expires_on=one.as_of, sentence="", content="", content_sha256="", inputs="",
        inputs_sha256="", code_version="", version=1,
    )  # fmt: skip
    looks = reviewed(firm, Job.QUARTERLY).findings.get(topic="looks")
    assert "1 rebalance proposed" in looks.sentence


# The universe, and what is held


def version_of(firm: Firm, number: int, state: VersionState, **values: Any) -> ModelVersion:
    """A universe change of the firm's model: BBB leaves, and may be held on."""
    model = TargetModel.objects.get(firm=firm)
    whole = {
        "kind": VersionKind.UNIVERSE, "recipe": Recipe.FIXED, "as_of": NIGHT, "author": "ada",
        "reason": "A list", "effective_on": NIGHT, **values,
    }  # fmt: skip
    if state is not VersionState.DRAFT:
        whole |= {"decided_by": make_user(firm, f"ada{number}"), "decided_at": timezone.now()}
    version = ModelVersion.objects.create(model=model, number=number, state=state, **whole)
    gone = firm.securities.get(symbol="BBB")
    ModelVersionWeight.objects.create(
        version=version, security=gone, before=D("0.3"), after=0, exit_rule=ExitRule.HOLD
    )
    return version


def test_a_quarter_tells_of_changes_since_the_last_review_and_of_what_is_open(firm: Firm) -> None:
    earlier, later = date(2022, 8, 1), date(2022, 11, 1)
    done = {"steps_done": 1}
    version_of(firm, 1, VersionState.PUBLISHED, as_of=earlier, effective_on=earlier,
               begun_on=earlier, last_step_on=earlier, **done)  # fmt: skip
    begun = version_of(firm, 2, VersionState.PUBLISHED, as_of=later, effective_on=later,
                       begun_on=later, last_step_on=later, **done)  # fmt: skip
    waits = version_of(firm, 3, VersionState.SCHEDULED, as_of=earlier, effective_on=NEXT)
    version_of(firm, 4, VersionState.SUPERSEDED, as_of=later)
    lapsed = version_of(
        firm, 5, VersionState.LAPSED, as_of=earlier, effective_on=earlier, lapse="It lapsed."
    )

    def told(review: Review) -> dict[str, tuple[str, int | None]]:
        rows = review.findings.filter(topic="universe").exclude(model=None).order_by("place")
        return {row.key: (row.state, row.version_id) for row in rows}

    review = reviewed(firm, Job.QUARTERLY)
    assert told(review) == {
        "changes": ("note", None),
        "version 5": ("flagged", lapsed.pk),
        "version 3": ("note", waits.pk),
        "version 2": ("note", begun.pk),
    }
    assert review.findings.get(key="changes").value == 1
    # A review that is missing leaves nothing out: the next looks back to the last there was.
    ScanRun.objects.create(firm=firm, job=Job.QUARTERLY, business_date=date(2022, 6, 30))
    review = reviewed(firm, Job.QUARTERLY)
    assert "version 1" in told(review)
    assert review.findings.get(key="changes").value == 2
    other = make_firm("Other", pinned_date=NIGHT)
    TargetModel.objects.create(firm=other, name="Core")
    (row,) = reviewed(other, Job.QUARTERLY).findings.exclude(model=None)
    assert row.sentence == "The model has no weights."


def test_a_quarter_counts_who_still_holds_what_left(firm: Firm) -> None:
    """Miller holds 300 shares of BBB and Stone 200, bought at 90 and worth 100."""
    family(firm, "Miller")
    family(firm, "Stone", (400, 200, 370))
    version = version_of(
        firm, 1, VersionState.PUBLISHED, begun_on=NIGHT, last_step_on=NIGHT, steps_done=1
    )
    gone = firm.securities.get(symbol="BBB")
    ModelWeight.objects.filter(security=gone).delete()
    ModelExit.objects.create(
        model=version.model, security=gone, rule=ExitRule.HOLD, since=NIGHT, version=version
    )
    review = reviewed(firm, Job.QUARTERLY)
    row = review.findings.get(topic="exits")
    assert (row.key, row.value, row.state, row.version) == ("BBB", D(50_000), "note", version)
    assert (
        "2 households still hold $50,000.00 of it, with an unrealised gain of $5,000.00"
        in row.sentence
    )


def test_what_is_held_is_not_told_of_an_earlier_day_than_the_ledgers(firm: Firm) -> None:
    household = family(firm, "Miller")
    firm.pinned_date = None
    firm.save()
    sold = firm.securities.get(symbol="CCC")
    book(household.accounts.get(), EntryKind.SELL, NEXT, sold, "100", amount="9000")
    review = reviewed(firm, Job.QUARTERLY)
    models = lines(review, model__isnull=False)
    assert models[0] == ("not_reviewed", "holdings", "unknown")
    assert not {topic for topic, _, _ in models} & {"volume", "followers", "exits"}
    of_firm = {(topic, key) for topic, key, _ in lines(review, household=None, model=None)}
    assert ("not_reviewed", "holdings") in of_firm
    assert ("risk_model", "coverage") not in of_firm


# Dry runs


def dry_run(job: Job, firm: Firm) -> str:
    """What the command says, having written nothing."""
    out = StringIO()
    with CaptureQueriesContext(connection) as asked:
        call_command(
            "review", job.value, "--as-of", str(NIGHT), "--firm", firm.name, "--dry-run", stdout=out
        )
    writes = [
        one["sql"] for one in asked if one["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")
    ]
    assert writes == []
    return out.getvalue()


def test_dry_runs_of_the_day_and_the_quarter_write_nothing_and_say_what_is_wrong(
    firm: Firm,
) -> None:
    family(firm, "Miller", (500, 300, 170))
    TargetModel.objects.update(recipe="equal")
    night_of(firm)
    said = dry_run(Job.DAILY, firm)
    assert "Miller: breached: AAA weighs 50.00 %, its target is" in said
    said = dry_run(Job.QUARTERLY, firm)
    assert "Model Core: unknown: No daily volume is on record of AAA, BBB, CCC" in said
    assert "Miller: breached: AAA weighs 50.00 %" in said
