import threading
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from scans import work_list
from scans.models import ScanItem, ScanRun
from scans.types import ItemState
from tests.factories import make_firm, make_household

NIGHT = date(2022, 12, 28)


@pytest.fixture
def run(db):
    """A night of three households."""
    firm = make_firm(pinned_date=NIGHT)
    run = ScanRun.objects.create(firm=firm, business_date=NIGHT)
    for name in ("Adams", "Baker", "Clark"):
        ScanItem.objects.create(run=run, household=make_household(firm, name))
    return run


def expire_lease(item_id):
    ScanItem.objects.filter(pk=item_id).update(lease_until=timezone.now() - timedelta(hours=1))


def taken(item):
    """The item, leased; it must be free."""
    lease = work_list.claim(item_id=item.pk)
    assert lease is not None
    return lease


def test_a_claim_leases_the_item_and_names_its_night(run, settings):
    settings.SCAN_LEASE_SECONDS = 330
    item = run.items.order_by("pk")[0]
    lease = taken(item)
    assert (lease.item, lease.run, lease.household) == (item.pk, run.pk, item.household_id)
    assert (lease.as_of, lease.fence, lease.attempts) == (NIGHT, 1, 1)
    item.refresh_from_db()
    assert item.state == ItemState.LEASED
    assert timedelta(seconds=300) < item.lease_until - timezone.now() <= timedelta(seconds=330)


def test_a_leased_item_is_nobody_elses_until_its_lease_runs_out(run):
    item = run.items.order_by("pk")[0]
    work_list.claim(item_id=item.pk)
    assert work_list.claim(item_id=item.pk) is None
    expire_lease(item.pk)
    again = taken(item)
    assert (again.fence, again.attempts) == (2, 2)


def test_an_unknown_item_is_quietly_nobodys(db):
    assert work_list.claim(item_id=987654321) is None


def test_claim_next_hands_out_each_item_once_in_order(run):
    leases = [work_list.claim_next(run_id=run.pk) for _ in range(4)]
    assert [lease and lease.item for lease in leases] == [
        *run.items.order_by("pk").values_list("pk", flat=True),
        None,
    ]


def test_claim_next_of_one_household_takes_no_other(run):
    baker = run.items.get(household__name="Baker")
    lease = work_list.claim_next(run_id=run.pk, household_id=baker.household_id)
    assert lease is not None
    assert lease.item == baker.pk
    assert work_list.claim_next(run_id=run.pk, household_id=baker.household_id) is None


def test_a_late_writer_is_refused_by_the_fence(run):
    item = run.items.order_by("pk")[0]
    frozen = taken(item)
    expire_lease(item.pk)
    quick = taken(item)
    assert not work_list.finish(frozen, reason="late", detail="")
    assert not work_list.give_back(frozen)
    assert work_list.fail(frozen, detail="late") is None
    assert work_list.finish(quick, reason="inside_bands", detail="Nothing to do.")
    item.refresh_from_db()
    assert (item.state, item.reason, item.lease_until) == (ItemState.DONE, "inside_bands", None)


def test_a_done_item_is_never_claimed_again(run):
    item = run.items.order_by("pk")[0]
    lease = taken(item)
    work_list.finish(lease, reason="inside_bands", detail="")
    assert work_list.claim(item_id=item.pk) is None
    assert not work_list.finish(lease, reason="twice", detail="")


def test_giving_back_does_not_count_the_attempt_but_keeps_the_fence(run):
    item = run.items.order_by("pk")[0]
    assert work_list.give_back(taken(item))
    item.refresh_from_db()
    assert (item.state, item.attempts, item.fence) == (ItemState.READY, 0, 1)


def test_the_last_failed_attempt_poisons_the_item(run, settings):
    settings.SCAN_MAX_ATTEMPTS = 2
    item = run.items.order_by("pk")[0]
    first = work_list.fail(taken(item), detail="ValueError: a")
    second = work_list.fail(taken(item), detail="ValueError: b")
    assert (first, second) == (ItemState.READY, ItemState.POISON)
    assert work_list.claim(item_id=item.pk) is None
    item.refresh_from_db()
    assert (item.reason, item.detail) == ("failed", "ValueError: b")


def test_an_item_whose_last_attempt_died_silently_is_parked(run, settings):
    settings.SCAN_MAX_ATTEMPTS = 1
    first, second, _ = run.items.order_by("pk")
    work_list.claim(item_id=first.pk)
    work_list.claim(item_id=second.pk)
    expire_lease(first.pk)
    assert work_list.park_exhausted() == [first.pk]
    assert work_list.park_exhausted() == []
    second.refresh_from_db()
    assert second.state == ItemState.LEASED  # still at work


def test_waiting_lists_run_out_leases_first_then_the_newest(run):
    first, second, third = run.items.order_by("pk")
    work_list.claim(item_id=first.pk)
    assert work_list.waiting() == [third.pk, second.pk]
    expire_lease(first.pk)
    assert work_list.waiting() == [first.pk, third.pk, second.pk]


def test_a_run_is_finished_when_nothing_is_open_and_poison_does_not_hold_it(run, settings):
    settings.SCAN_MAX_ATTEMPTS = 1
    first, second, third = run.items.order_by("pk")
    for item in (first, second):
        work_list.finish(taken(item), reason="inside_bands", detail="")
    lease = taken(third)
    assert work_list.finish_runs() == []
    work_list.fail(lease, detail="ValueError: a")
    assert work_list.finish_runs() == [run.pk]
    assert work_list.finish_runs() == []
    run.refresh_from_db()
    assert run.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_get_every_item_exactly_once():
    firm = make_firm(pinned_date=NIGHT)
    run = ScanRun.objects.create(firm=firm, business_date=NIGHT)
    items = [
        ScanItem.objects.create(run=run, household=make_household(firm, f"H{number}")).pk
        for number in range(40)
    ]
    leased: list[int] = []
    together = threading.Barrier(8)

    def worker():
        try:
            together.wait()
            while (lease := work_list.claim_next(run_id=run.pk)) is not None:
                leased.append(lease.item)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(leased) == items
