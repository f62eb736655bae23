"""After a night the workers compute the points beside its rebalances: once, behind everything else, harming nothing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import psycopg
import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import rebalancing.services
from accounts import locks
from accounts.models import TaxProfile
from accounts.types import FilingStatus
from lots.types import EntryKind
from proposals import services as proposal_services
from proposals.models import Proposal
from proposals.types import ProposalKind, Status
from rebalancing.errors import SolverTimeout
from rebalancing.models import ModelAssignment, ProposalFrontier
from rebalancing.versions import frontier_points, frontier_services
from rebalancing.versions import night_points as beside
from rebalancing.versions.frontier_services import find_points, frontier_of
from scans import hints, night_points, operations, services, tasks
from scans.models import ScanItem, ScanRun
from scans.types import ItemState, Job
from tests.factories import book, make_account, make_firm, make_household, make_user
from tests.rebalancing.test_services import DAY, LONG_AGO, Desk, desk, drifted

pytestmark = pytest.mark.django_db
__all__ = ["desk", "drifted"]  # fixtures

NOW = datetime(2022, 12, 29, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def empty_queue(server_addresses: Mapping[str, str]) -> Iterator[redis.Redis]:
    """Nobody listens to the queue; it is empty before and after."""
    with redis.Redis.from_url(server_addresses["REDIS_URL"]) as client:
        client.flushdb()
        yield client
        client.flushdb()


def night(found: Desk, day: date = DAY) -> ScanRun:
    """All looks of a night, without the queue."""
    run = services.open_run(firm_id=found.household.firm_id, as_of=day, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    return run


def pending(found: Desk, name: str = "Miller") -> Proposal:
    return Proposal.objects.get(
        household__firm=found.household.firm_id,
        household__name=name,
        kind=ProposalKind.REBALANCE,
        status=Status.PENDING,
    )


def another(found: Desk, name: str) -> None:
    """A household with $50,000 of AAA and $50,000 of cash in the same model."""
    household = make_household(found.household.firm, name)
    ModelAssignment.objects.create(household=household, model=found.model)
    TaxProfile.objects.create(
        household=household,
        year=DAY.year,
        filing_status=FilingStatus.SINGLE,
        federal_ordinary_rate=D("0.24"),
        federal_long_rate=D("0.15"),
    )
    account = make_account(household, f"T-{name}")
    book(account, EntryKind.CASH_IN, LONG_AGO, amount="90000")
    book(account, EntryKind.BUY, LONG_AGO, found.securities["AAA"], "500", amount="40000")


def walk(found: Desk) -> int:
    """What a worker does until the chain of messages ends; the number of its tasks that computed something."""
    done = 0
    while night_points.find_next(found.household.firm_id):
        done += 1
    return done


def test_points_are_there_after_a_night_and_a_second_run_makes_none_again(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    another(drifted, "Baker")
    night(drifted)
    assert not ProposalFrontier.objects.exists()  # the night itself knows nothing of it
    tasks.sweep()
    assert hints.queued() == 1
    tasks.find_points(drifted.household.firm_id)
    assert ProposalFrontier.objects.count() == 1
    assert hints.queued() == 2  # the next household is another message's
    tasks.find_points(drifted.household.firm_id)

    kept = {name: frontier_of(pending(drifted, name)) for name in ("Miller", "Baker")}
    before = list(ProposalFrontier.objects.order_by("pk").values())
    for one in kept.values():
        assert one is not None
        assert (one.as_of, one.tries, one.under_way, one.why_none) == (DAY, 0, False, "")
        assert len(one.points) >= 3

    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed twice")

    monkeypatch.setattr(beside, "compute", never)
    tasks.find_points(drifted.household.firm_id)  # the same message once more
    assert night_points.sweep() == 0
    assert list(ProposalFrontier.objects.order_by("pk").values()) == before


def test_the_workers_points_are_those_that_are_found_on_demand(drifted: Desk) -> None:
    night(drifted)
    proposal = pending(drifted)
    assert walk(drifted) == 1
    of_workers = ProposalFrontier.objects.get().points
    ProposalFrontier.objects.all().delete()
    assert find_points(user=drifted.user, public_id=proposal.public_id).points == of_workers


def test_the_message_is_the_last_that_a_worker_takes(
    drifted: Desk, empty_queue: redis.Redis
) -> None:
    night(drifted)
    tasks.sweep()
    hints.send([1])
    names = set(empty_queue.keys("celery*"))
    assert names == {b"celery", b"celery\x06\x169"}
    assert b'"expires": "' in empty_queue.lrange("celery\x06\x169", 0, 0)[0]


def test_it_waits_for_the_end_of_the_night_and_for_every_look(drifted: Desk) -> None:
    firm_id = drifted.household.firm_id
    another(drifted, "Baker")
    run = services.open_run(firm_id=firm_id, as_of=DAY, wake_workers=False)
    first = run.items.order_by("pk")[0]
    services.work(item_id=first.pk)
    assert Proposal.objects.filter(kind=ProposalKind.REBALANCE).exists()
    assert (night_points.sweep(), walk(drifted)) == (0, 0)  # Baker is still to be looked at
    list(services.work_through(run_id=run.pk))
    other = make_firm("Other", pinned_date=DAY)
    make_household(other, "Clark")
    elsewhere = services.open_run(firm_id=other.pk, as_of=DAY, wake_workers=False)
    assert (night_points.sweep(), walk(drifted)) == (0, 0)  # a look of another firm waits
    list(services.work_through(run_id=elsewhere.pk))
    assert night_points.sweep() == 1
    assert walk(drifted) == 2


def test_a_firm_whose_night_is_not_opened_yet_waits_for_it(drifted: Desk) -> None:
    """Its proposals are about to be replaced."""
    night(drifted)
    firm = drifted.household.firm
    firm.pinned_date = date(2022, 12, 29)
    firm.save()
    assert (night_points.sweep(), walk(drifted)) == (0, 0)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2022, 12, 29, 1, tzinfo=UTC), DAY),  # 20:00 in New York, the night has ended
        (datetime(2022, 12, 29, 6, tzinfo=UTC), date(2022, 12, 29)),  # after midnight
        (datetime(2022, 12, 29, 23, 30, tzinfo=UTC), None),  # the next night is not opened yet
    ],
)
def test_the_points_of_a_firm_whose_clock_runs_are_of_the_day_they_are_decided_on(
    monkeypatch: pytest.MonkeyPatch, now: datetime, day: date | None
) -> None:
    firm = make_firm()
    ScanRun.objects.create(firm=firm, business_date=DAY, finished_at=NOW)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    assert night_points._day(firm) == day


def test_a_look_between_two_nights_gets_its_points_too(drifted: Desk) -> None:
    night(drifted)
    assert walk(drifted) == 1
    book(drifted.taxable, EntryKind.CASH_IN, DAY, amount="5000")
    old = pending(drifted)
    adviser = make_user(drifted.household.firm, "ann")
    services.scan_household_now(user=adviser, household=drifted.household)
    new = pending(drifted)
    assert new.pk != old.pk
    assert frontier_of(new) is None
    ScanRun.objects.filter(job=Job.INTRADAY).update(finished_at=None)
    assert walk(drifted) == 0  # while the look is under way
    ScanRun.objects.filter(job=Job.INTRADAY).update(finished_at=NOW)
    assert (night_points.sweep(), walk(drifted)) == (1, 1)
    assert frontier_of(new) is not None


def test_a_decided_proposal_is_skipped(drifted: Desk) -> None:
    night(drifted)
    proposal = pending(drifted)
    proposal_services.approve(
        user=drifted.user,
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
    )
    assert (night_points.sweep(), walk(drifted)) == (0, 0)
    assert not ProposalFrontier.objects.exists()


@pytest.mark.parametrize("status", [Status.REJECTED, Status.STALE, Status.SUPERSEDED])
def test_one_that_ends_while_its_points_are_computed_gets_none(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    night(drifted)
    whole = frontier_services.compute

    def meanwhile(proposal: Proposal, *args: Any, **keys: Any) -> frontier_services.Found:
        found = whole(proposal, *args, **keys)
        Proposal.objects.filter(pk=proposal.pk).update(status=status)
        return found

    monkeypatch.setattr(beside, "compute", meanwhile)
    assert walk(drifted) == 1
    assert not ProposalFrontier.objects.exists()


def test_a_household_that_moves_meanwhile_is_computed_again(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(drifted)
    whole, moves = frontier_services.compute, iter([True])

    def meanwhile(proposal: Proposal, *args: Any, **keys: Any) -> frontier_services.Found:
        found = whole(proposal, *args, **keys)
        if next(moves, False):
            book(drifted.taxable, EntryKind.CASH_IN, DAY, amount="100")
        return found

    monkeypatch.setattr(beside, "compute", meanwhile)
    assert night_points.find_next(drifted.household.firm_id)
    assert not ProposalFrontier.objects.exists()
    assert walk(drifted) == 1
    assert frontier_of(pending(drifted)) is not None


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    """The points of one household's proposal end in an error."""
    whole = rebalancing.services.examine

    def examine(*, household_id: int, **keys: Any) -> Any:
        if Proposal.objects.filter(household=household_id, household__name=name).exists():
            raise error
        return whole(household_id=household_id, **keys)

    monkeypatch.setattr(frontier_services, "examine", examine)


def test_a_failure_is_told_loses_nothing_and_is_tried_once_more_on_the_next_day(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    another(drifted, "Baker")
    run = night(drifted)
    miller, baker = pending(drifted), pending(drifted, "Baker")
    failing(monkeypatch, "Miller", ZeroDivisionError("boom"))
    assert walk(drifted) == 2
    assert frontier_of(baker) is not None
    kept = ProposalFrontier.objects.get(proposal=miller)
    assert (kept.points, kept.tries, kept.under_way) == ([], 1, False)
    assert "ZeroDivisionError" in kept.why_none
    assert str(miller.public_id) in caplog.text
    run.refresh_from_db()
    assert run.finished_at is not None
    assert set(ScanItem.objects.values_list("state", flat=True)) == {ItemState.DONE}
    client.force_login(drifted.user)
    page = client.get("/operations/").content.decode()
    assert "<td>1, 1 without</td>" in page
    assert f'<a href="/proposals/{miller.public_id}/">Miller</a>' in page
    assert "ZeroDivisionError" in page
    own = client.get(f"/proposals/{miller.public_id}/").content.decode()
    assert "The workers found no other points: An error that nobody foresaw" in own
    assert "Find other points" in own

    assert (night_points.sweep(), walk(drifted)) == (0, 0)  # not again on this day
    ProposalFrontier.objects.update(as_of=DAY - timedelta(days=1))
    assert night_points.sweep() == 1
    assert walk(drifted) == 2
    kept.refresh_from_db()
    assert (kept.tries, kept.as_of) == (2, DAY)
    assert "for the last time" in client.get("/operations/").content.decode()
    ProposalFrontier.objects.filter(pk=kept.pk).update(as_of=DAY - timedelta(days=1))
    assert (night_points.sweep(), walk(drifted)) == (0, 0)  # and never again

    monkeypatch.undo()
    found = find_points(user=drifted.user, public_id=miller.public_id)
    assert len(found.points) >= 3
    assert found.tries == 0
    assert list(beside.without_points(drifted.household.firm_id)) == []


def test_a_solver_that_finds_nothing_in_time_is_told_with_its_own_words(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(drifted)

    def late(*_: object, time_limit: float, **__: object) -> None:
        raise SolverTimeout(f"No solution in {time_limit:.0f} seconds.")

    monkeypatch.setattr(frontier_points, "frontier", late)
    assert walk(drifted) == 1
    kept = ProposalFrontier.objects.get()
    assert kept.tries == 1
    assert "No solution in 20 seconds." in kept.why_none


def test_a_worker_that_dies_is_followed_by_one_other(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    night(drifted)
    proposal = pending(drifted)
    monkeypatch.setattr(beside, "compute", killed)
    with pytest.raises(Killed):
        walk(drifted)
    assert frontier_of(proposal) is None  # nothing half done is shown
    assert list(beside.without_points(proposal.household.firm_id)) == []
    with monkeypatch.context() as alive:
        alive.setattr(beside, "compute", frontier_services.compute)
        assert walk(drifted) == 1
    assert ProposalFrontier.objects.get().tries == 0
    ProposalFrontier.objects.all().delete()
    for _ in range(2):
        with pytest.raises(Killed):
            walk(drifted)
    assert (night_points.sweep(), walk(drifted)) == (0, 0)
    assert [one.frontier.why_none for one in beside.without_points(proposal.household.firm_id)] == [
        beside.NO_END
    ]


def test_a_database_that_is_away_is_nobodys_fault(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    night(drifted)
    with monkeypatch.context() as broken:
        broken.setattr(beside, "compute", away)
        for _ in range(3):
            with pytest.raises(OperationalError):
                walk(drifted)
    assert walk(drifted) == 1
    assert frontier_of(pending(drifted)) is not None


def test_one_worker_at_a_time_is_at_it(drifted: Desk) -> None:
    night(drifted)
    settings = connection.get_connection_params()
    keys = {
        key: settings[key]
        for key in ("dbname", "user", "password", "host", "port")
        if key in settings
    }
    with psycopg.connect(**keys, autocommit=True) as other:
        taken = (locks._ALONE_LOCK_SPACE, night_points._WORK)
        other.execute("SELECT pg_advisory_lock(%s, %s)", taken)
        assert (night_points.sweep(), walk(drifted)) == (0, 0)
    # Its connection has ended, as that of a worker that was killed.
    assert (night_points.sweep(), walk(drifted)) == (1, 1)


def test_a_point_that_was_picked_keeps_the_points_and_nothing_is_computed(drifted: Desk) -> None:
    night(drifted)
    assert walk(drifted) == 1
    old = pending(drifted)
    kept = frontier_of(old)
    assert kept is not None
    last = len(kept.points) - 1
    new = frontier_services.pick(
        user=drifted.user, public_id=old.public_id, content_sha256=old.content_sha256, point=last
    )
    assert new.pk != old.pk
    assert (night_points.sweep(), walk(drifted)) == (0, 0)
    assert ProposalFrontier.objects.get(proposal=new).points == kept.points


def test_the_operations_page_counts_points_of_each_night(drifted: Desk) -> None:
    another(drifted, "Baker")
    night(drifted)
    assert night_points.find_next(drifted.household.firm_id)
    (row,) = operations.operations(drifted.user, NOW).nights
    assert row.points == beside.Counts(found=1, without=0, to_come=1)
    proposal_services.reject(
        user=drifted.user,
        public_id=pending(drifted, "Baker").public_id,
        content_sha256=pending(drifted, "Baker").content_sha256,
    )
    (row,) = operations.operations(drifted.user, NOW).nights
    assert row.points == beside.Counts(found=1, without=0, to_come=0)
    stranger = make_user(make_firm("Other", pinned_date=DAY), "sam")
    assert operations.operations(stranger, NOW).without_points == []


def test_computing_and_telling_ask_as_many_questions_whatever_the_number_of_households(
    drifted: Desk,
) -> None:
    def counted() -> tuple[int, int, int]:
        numbers = []
        for call in (
            night_points.wake_next,
            lambda: night_points.find_next(drifted.household.firm_id),
            lambda: operations.operations(drifted.user, NOW),
        ):
            with CaptureQueriesContext(connection) as asked:
                call()
            numbers.append(len(asked))
        return tuple(numbers)  # type: ignore[return-value]

    night(drifted)
    few = counted()
    for name in ("Baker", "Clark", "Dunn"):
        another(drifted, name)
    ScanRun.objects.update(finished_at=None)
    night(drifted)
    assert Proposal.objects.filter(status=Status.PENDING).count() >= 4
    many = counted()
    assert few[0] == many[0] == 5
    assert few[1:] == many[1:]
