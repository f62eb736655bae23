from datetime import UTC, date, datetime, timedelta

import pytest
from celery import Celery
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import harvesting.services
from accounts import messages
from accounts.errors import LotwiseError, NotAllowed
from accounts.models import AuditEvent, Firm
from accounts.types import Role
from lots.services import import_positions
from lots.types import EntryKind
from proposals.models import Proposal
from proposals.types import ProposalKind, Status
from scans import hints, household_scan, services, work_list
from scans.errors import NothingToScan, ScanDateRefused
from scans.models import AccountOutcome, ScanItem, ScanRun
from scans.types import AccountState, Ended, ItemState
from securities import calendar
from tests.factories import book, make_account, make_firm, make_household, make_user

NIGHT = date(2022, 12, 28)


def open_night(firm, as_of=NIGHT, **options):
    return services.open_run(firm_id=firm.pk, as_of=as_of, wake_workers=False, **options)


def only_item(run):
    return run.items.get()


def outcomes(run):
    rows = AccountOutcome.objects.filter(item__run=run).order_by("account__number")
    return [(row.account.number, row.state, row.reason) for row in rows]


# Opening


def test_a_night_has_one_item_for_each_household_and_opening_it_again_adds_none(firm):
    households = [make_household(firm, name) for name in ("Adams", "Baker")]
    first = open_night(firm)
    second = open_night(firm)
    assert first.pk == second.pk
    assert [item.household for item in first.items.order_by("pk")] == households
    assert AuditEvent.objects.filter(firm=firm, action="scan.opened").count() == 1


def test_a_household_that_came_later_re_opens_the_finished_night(firm, add_household):
    add_household("Adams")
    run = open_night(firm)
    list(services.work_through(run_id=run.pk))
    run.refresh_from_db()
    assert run.finished_at is not None
    baker = add_household("Baker")
    run = open_night(firm)
    assert run.finished_at is None
    assert run.items.get(state=ItemState.READY).household == baker


def test_a_night_of_one_household_leaves_the_others_for_later(firm, add_household):
    adams, _ = add_household("Adams"), add_household("Baker")
    run = open_night(firm, household_ids=[adams.pk])
    assert only_item(run).household == adams
    assert open_night(firm).items.count() == 2


def test_a_firm_without_households_has_nothing_to_wait_for(firm):
    assert open_night(firm).finished_at is not None


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (date(2022, 12, 31), "no trading day; the last one before it is 2022-12-30"),
        (date(2022, 12, 27), "lies before 2022-12-28, the date Harbor Advisers stands at"),
        (date(2999, 1, 2), "has not ended"),
    ],
)
def test_a_night_that_cannot_be_scanned_is_refused_and_leaves_no_row(firm, as_of, said):
    with pytest.raises(ScanDateRefused, match=said):
        open_night(firm, as_of)
    assert not ScanRun.objects.exists()


def test_a_night_before_a_scanned_one_is_refused_unless_it_exists(db):
    firm = make_firm()
    open_night(firm, date(2022, 12, 28))
    with pytest.raises(ScanDateRefused, match="2022-12-28, which has been scanned"):
        open_night(firm, date(2022, 12, 27))
    open_night(firm, date(2022, 12, 29))
    assert open_night(firm, date(2022, 12, 28)).business_date == date(2022, 12, 28)


def test_scanning_a_later_night_moves_a_pinned_firm_to_it(firm):
    open_night(firm, date(2022, 12, 29))
    firm.refresh_from_db()
    assert firm.pinned_date == date(2022, 12, 29)


def test_a_new_night_first_ends_the_proposals_whose_time_is_over(firm, add_household):
    add_household("Adams")
    list(services.work_through(run_id=open_night(firm).pk))
    proposal = Proposal.objects.get()
    assert proposal.status == Status.PENDING
    open_night(firm, calendar.next_business_date(proposal.expires_on))
    proposal.refresh_from_db()
    assert proposal.status == Status.EXPIRED


def test_a_firm_without_a_pin_keeps_its_own_clock(db):
    firm = make_firm()
    open_night(firm, date(2022, 12, 29))
    firm.refresh_from_db()
    assert firm.pinned_date is None


def test_a_firm_whose_night_cannot_be_opened_keeps_no_other_from_its_own(db, monkeypatch):
    firms = [make_firm(name) for name in ("First", "Second")]
    for one in firms:
        make_household(one, f"Of {one.name}")
    now = datetime(2022, 12, 29, 4, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)

    def broken_for_one(*, firm_id, as_of):
        if firm_id == firms[0].pk:
            raise ZeroDivisionError

    monkeypatch.setattr(services, "refresh_statistics", broken_for_one)
    (opened,) = services.start_due()
    assert ScanRun.objects.get().pk == opened
    assert ScanRun.objects.get().firm == firms[1]


def test_the_latest_night_is_opened_once_for_every_firm_whose_clock_runs(firm, monkeypatch):
    make_household(firm, "Adams")
    running = make_firm("Running clock")
    make_household(running, "Baker")
    make_firm("No households")
    now = datetime(2022, 12, 29, 4, 0, tzinfo=UTC)  # 23:00 on the 28th in New York
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert services.start_due() == services.start_due()
    assert list(ScanRun.objects.values_list("firm", "business_date")) == [(running.pk, NIGHT)]


# Working


def test_a_loss_ends_the_night_as_a_proposal_and_every_account_has_an_outcome(firm, add_household):
    household = add_household("Adams")
    run = open_night(firm)
    assert services.work(item_id=only_item(run).pk) is Ended.DONE
    proposal = Proposal.objects.get(household=household)
    assert (proposal.kind, proposal.status, proposal.as_of) == (
        ProposalKind.HARVEST,
        Status.PENDING,
        NIGHT,
    )
    item = only_item(run)
    assert (item.state, item.reason) == (ItemState.DONE, "harvest_proposed+no_model")
    assert outcomes(run) == [
        ("I-Adams", AccountState.SKIPPED, "empty_account"),
        ("T-Adams", AccountState.SCANNED, "no_model"),
    ]
    run.refresh_from_db()
    assert run.finished_at is not None


def test_no_proposal_is_a_result_too_with_its_reason(firm, add_household):
    add_household("Adams", bought_at="40")
    run = open_night(firm)
    assert services.work(item_id=only_item(run).pk) is Ended.DONE
    assert only_item(run).reason == "no_loss_above_floor+no_model"
    assert not Proposal.objects.exists()


def test_an_account_that_does_not_add_up_is_skipped_and_the_report_says_why(firm, add_household):
    """T53."""
    household = add_household("Adams", bought_at="60")
    other = make_account(household, "U-Adams")
    book(other, EntryKind.CASH_IN, date(2021, 1, 4), amount="500")
    import_positions(
        firm=firm, user=None, name="p.csv", as_of=NIGHT,
        file=b"account,symbol,quantity,as_of\nT-Adams,AAA,99,2022-12-27\n",
    )  # fmt: skip
    run = open_night(firm)
    assert list(services.work_through(run_id=run.pk)) == [Ended.DONE]
    assert outcomes(run) == [
        ("I-Adams", AccountState.SKIPPED, "empty_account"),
        ("T-Adams", AccountState.SKIPPED, "unreconciled"),
        ("U-Adams", AccountState.SCANNED, "no_model"),
    ]
    skipped = AccountOutcome.objects.get(reason="unreconciled")
    assert skipped.detail == "AAA: lots 100, custodian 99 on 2022-12-27."


def test_a_finished_item_is_not_worked_twice(firm, add_household):
    add_household("Adams")
    item = only_item(open_night(firm))
    assert services.work(item_id=item.pk) is Ended.DONE
    assert services.work(item_id=item.pk) is Ended.NOT_OURS
    assert Proposal.objects.count() == 1


def test_a_refused_household_is_skipped_because_of_it_and_is_done(firm, add_household, monkeypatch):
    class Refusal(LotwiseError):
        code = "example_refusal"

    def refuse(**_):
        raise Refusal("The custodian's file is missing.")

    add_household("Adams")
    run = open_night(firm)
    monkeypatch.setattr(harvesting.services, "examine", refuse)
    assert services.work(item_id=only_item(run).pk) is Ended.DONE
    assert only_item(run).detail == "The custodian's file is missing."
    assert outcomes(run) == [
        ("I-Adams", AccountState.SKIPPED, "example_refusal"),
        ("T-Adams", AccountState.SKIPPED, "example_refusal"),
    ]


@pytest.fixture
def adams_breaks(firm, add_household, monkeypatch):
    """Two households, one of which nobody can examine."""
    adams = add_household("Adams")
    add_household("Baker")
    examine = harvesting.services.examine

    def break_for_adams(*, household_id, as_of):
        if household_id == adams.pk:
            raise ZeroDivisionError("not foreseen")
        return examine(household_id=household_id, as_of=as_of)

    monkeypatch.setattr(harvesting.services, "examine", break_for_adams)
    return open_night(firm)


def test_an_unforeseen_error_stops_its_own_household_only(adams_breaks, settings, caplog):
    """T29: it is shown as failed with a code, the others are done, and no empty proposal says "nothing to do"."""
    settings.SCAN_MAX_ATTEMPTS = 3
    ended = list(services.work_through(run_id=adams_breaks.pk))
    assert adams_breaks.items.get(household__name="Adams").reason == "failed"
    assert {one.household.name for one in Proposal.objects.all()} == {"Baker"}
    assert ended == [Ended.FAILED, Ended.FAILED, Ended.FAILED, Ended.DONE]
    adams = adams_breaks.items.get(household__name="Adams")
    assert (adams.state, adams.attempts) == (ItemState.POISON, 3)
    assert adams.detail == (
        "An error that nobody foresaw (ZeroDivisionError); the worker's log has it."
    )
    assert outcomes(adams_breaks) == [
        ("I-Adams", AccountState.SKIPPED, "failed"),
        ("I-Baker", AccountState.SKIPPED, "empty_account"),
        ("T-Adams", AccountState.SKIPPED, "failed"),
        ("T-Baker", AccountState.SCANNED, "no_model"),
    ]
    adams_breaks.refresh_from_db()
    assert adams_breaks.finished_at is not None
    assert "Traceback" in caplog.text


def test_a_given_up_household_gets_new_attempts_when_an_operator_re_opens_it(
    adams_breaks, firm, monkeypatch
):
    list(services.work_through(run_id=adams_breaks.pk))
    monkeypatch.undo()
    assert services.reopen_failed(user=make_user(firm, "ops"), run=adams_breaks) == 1
    assert list(services.work_through(run_id=adams_breaks.pk)) == [Ended.DONE]
    assert ("T-Adams", AccountState.SCANNED, "no_model") in outcomes(adams_breaks)


def test_an_approver_may_not_re_open(adams_breaks, firm):
    approver = make_user(firm, "eve", role=Role.APPROVER)
    with pytest.raises(NotAllowed):
        services.reopen_failed(user=approver, run=adams_breaks)


def test_a_booking_during_the_examination_gives_the_item_back_uncounted(
    firm, add_household, monkeypatch
):
    household = add_household("Adams")
    run = open_night(firm)
    examine = harvesting.services.examine

    def book_after(*, household_id, as_of):
        found = examine(household_id=household_id, as_of=as_of)
        account = household.accounts.get(number="T-Adams")
        if account.transactions.count() == 2:
            book(account, EntryKind.CASH_IN, NIGHT, amount="1")
        return found

    monkeypatch.setattr(harvesting.services, "examine", book_after)
    assert services.work(item_id=only_item(run).pk) is Ended.MOVED
    item = only_item(run)
    assert (item.state, item.attempts) == (ItemState.READY, 0)
    assert not Proposal.objects.exists()
    assert not AccountOutcome.objects.exists()
    assert services.work(item_id=item.pk) is Ended.DONE
    assert Proposal.objects.count() == 1


def test_a_worker_that_wakes_after_its_lease_writes_nothing(firm, add_household, monkeypatch):
    add_household("Adams")
    run = open_night(firm)
    item = only_item(run)
    examine = harvesting.services.examine

    def sleep_through_the_lease(**arguments):
        found = examine(**arguments)
        ScanItem.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        assert work_list.claim(item_id=item.pk) is not None  # somebody else, who is still at it
        return found

    monkeypatch.setattr(harvesting.services, "examine", sleep_through_the_lease)
    assert services.work(item_id=item.pk) is Ended.LATE
    assert only_item(run).state == ItemState.LEASED
    assert not Proposal.objects.exists()
    assert not AccountOutcome.objects.exists()


def test_half_a_household_is_never_stored(firm, add_household, monkeypatch):
    import rebalancing.services

    def fail(**_):
        raise RuntimeError("after the harvest was stored")

    add_household("Adams")
    run = open_night(firm)
    monkeypatch.setattr(rebalancing.services, "store", fail)
    assert services.work(item_id=only_item(run).pk) is Ended.FAILED
    assert not Proposal.objects.exists()
    assert not AccountOutcome.objects.exists()


def test_a_database_that_is_away_costs_no_attempt(firm, add_household, monkeypatch):
    def away(**_):
        raise OperationalError("server closed the connection unexpectedly")

    add_household("Adams")
    run = open_night(firm)
    monkeypatch.setattr(harvesting.services, "examine", away)
    with pytest.raises(OperationalError):
        services.work(item_id=only_item(run).pk)
    item = only_item(run)
    assert (item.state, item.attempts) == (ItemState.READY, 0)


def test_an_earlier_night_never_replaces_the_proposals_of_a_later_one(db, firm, add_household):
    add_household("Adams")
    Firm.objects.update(pinned_date=None)
    early = open_night(firm, NIGHT)
    late = open_night(firm, date(2022, 12, 29))
    assert services.work(item_id=only_item(late).pk) is Ended.DONE
    assert services.work(item_id=only_item(early).pk) is Ended.DONE
    assert only_item(early).reason == "later_night_scanned"
    assert Proposal.objects.get().as_of == date(2022, 12, 29)


def test_what_is_pending_is_asked_once_for_all_kinds(firm, add_household):
    """A night that found nothing of any kind asks for the proposals that give way in one query."""
    household = add_household(bought_at="50")
    examined = household_scan.examine(household_id=household.pk, as_of=NIGHT)
    assert examined.drafts == ()
    item = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False).items.get()
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        household_scan.store(examined=examined, item_id=item.pk)
    kinds = (
        'SELECT "proposals_proposal"."kind" AS "kind" FROM'  # one more asks for an edited version
    )
    pending = '"proposals_proposal"."status" = \'pending\''
    asked = [
        one["sql"] for one in queries if one["sql"].startswith(kinds) and pending in one["sql"]
    ]
    assert len(asked) == 1


def test_the_next_night_supersedes_what_nobody_decided(firm, add_household):
    add_household("Adams")
    for night in (NIGHT, date(2022, 12, 29)):
        list(services.work_through(run_id=open_night(firm, night).pk))
    statuses = Proposal.objects.order_by("as_of").values_list("as_of", "status")
    assert list(statuses) == [
        (NIGHT, Status.SUPERSEDED),
        (date(2022, 12, 29), Status.PENDING),
    ]


def test_a_preview_says_the_same_and_writes_nothing(firm, add_household):
    household = add_household("Adams")
    found = services.preview(household_id=household.pk, as_of=NIGHT)
    assert (found.household, found.reason) == ("Adams", "harvest_proposed+no_model")
    assert [draft.kind for draft in found.drafts] == [ProposalKind.HARVEST]
    assert not Proposal.objects.exists()
    assert not ScanRun.objects.exists()


# From the page


def test_an_approver_may_not_start_a_scan(firm):
    with pytest.raises(NotAllowed):
        services.start_run_now(user=make_user(firm, "eve", role=Role.APPROVER))
    assert not ScanRun.objects.exists()


def test_a_pinned_firm_starts_at_its_date_and_goes_on_night_by_night(firm, add_household):
    add_household("Adams")
    user = make_user(firm, "ops", role=Role.OPERATIONS)
    first = services.start_run_now(user=user)
    assert first.business_date == NIGHT
    assert services.start_run_now(user=user) == first  # still going
    list(services.work_through(run_id=first.pk))
    assert services.start_run_now(user=user).business_date == date(2022, 12, 29)


def test_the_latest_night_is_not_scanned_twice_on_request(db):
    firm = make_firm()
    user = make_user(firm, "ops", role=Role.OPERATIONS)
    run = services.start_run_now(user=user)
    assert run.business_date == calendar.business_date(timezone.now())
    with pytest.raises(NothingToScan, match="has been scanned"):
        services.start_run_now(user=user)


# Sweeping


@pytest.fixture
def empty_queue(server_addresses):
    """Nobody listens to the queue; it is empty before and after."""
    import redis

    with redis.Redis.from_url(server_addresses["REDIS_URL"]) as client:
        client.flushdb()
        yield
        client.flushdb()


def test_the_sweeper_sends_as_many_hints_as_the_queue_lacks(firm, empty_queue):
    for name in ("Adams", "Baker", "Clark"):
        make_household(firm, name)
    run = open_night(firm)
    hints.send([run.items.order_by("pk")[0].pk])
    assert services.sweep() == 2
    assert hints.queued() == 3
    assert services.sweep() == 0


@pytest.mark.django_db(transaction=True)
def test_opening_a_night_wakes_the_workers_once_its_rows_are_there(empty_queue):
    firm = make_firm(pinned_date=NIGHT)
    make_household(firm, "Adams")
    services.open_run(firm_id=firm.pk, as_of=NIGHT)
    assert hints.queued() == 1


def test_a_queue_that_is_away_loses_nothing(firm, add_household, monkeypatch):
    away = Celery("away", broker="redis+socket:///nowhere/valkey.sock", set_as_current=False)
    add_household("Adams")
    run = open_night(firm)
    monkeypatch.setattr(messages, "current_app", away)
    assert hints.send([only_item(run).pk]) == 0
    assert services.sweep() == 0
    assert only_item(run).state == ItemState.READY


def test_the_sweeper_gives_up_on_a_household_whose_workers_died_each_time(
    firm, add_household, settings, empty_queue
):
    settings.SCAN_MAX_ATTEMPTS = 1
    add_household("Adams")
    run = open_night(firm)
    assert work_list.claim_next(run_id=run.pk) is not None
    ScanItem.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    assert services.sweep() == 0
    assert only_item(run).state == ItemState.POISON
    assert outcomes(run) == [
        ("I-Adams", AccountState.SKIPPED, "failed"),
        ("T-Adams", AccountState.SKIPPED, "failed"),
    ]
    run.refresh_from_db()
    assert run.finished_at is not None
