from datetime import date

import pytest

from accounts.errors import NotAllowed
from accounts.models import AuditEvent
from accounts.types import Role
from proposals.models import Proposal
from scans import services, work_list
from scans.errors import BeingScanned
from scans.models import AccountOutcome, ScanItem, ScanRun
from scans.types import Ended, ItemState, Job
from tests.factories import make_user

NIGHT = date(2022, 12, 28)


@pytest.fixture
def adams(add_household):
    return add_household("Adams")


@pytest.fixture
def adviser(firm):
    return make_user(firm, "ada")


def test_a_household_is_looked_at_between_two_nights_as_the_night_would(firm, adams, adviser):
    assert services.scan_household_now(user=adviser, household=adams) is Ended.DONE
    content = Proposal.objects.get().content_sha256
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    assert Proposal.objects.get().content_sha256 == content
    assert set(ScanRun.objects.values_list("job", "business_date")) == {
        (Job.DAILY, NIGHT),
        (Job.INTRADAY, NIGHT),
    }
    assert AccountOutcome.objects.filter(item__run=run).count() == 2


def test_a_look_leaves_the_record_of_the_night_as_it_was(firm, adams, adviser):
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    before = list(ScanItem.objects.filter(run=run).values())
    services.scan_household_now(user=adviser, household=adams)
    assert list(ScanItem.objects.filter(run=run).values()) == before


def test_a_second_look_on_one_day_opens_the_item_again_and_every_look_is_audited(adams, adviser):
    for _ in range(2):
        assert services.scan_household_now(user=adviser, household=adams) is Ended.DONE
    item = ScanItem.objects.get(run__job=Job.INTRADAY)
    assert (item.state, item.attempts, item.fence) == (ItemState.DONE, 1, 2)
    assert item.run.finished_at is not None
    events = AuditEvent.objects.filter(action="household.looked_at")
    assert [event.actor for event in events] == ["ada", "ada"]


def test_a_household_in_other_hands_is_not_looked_at_twice(adams, adviser):
    services.scan_household_now(user=adviser, household=adams)
    item = ScanItem.objects.get()
    ScanItem.objects.update(state=ItemState.READY)
    assert work_list.claim(item_id=item.pk) is not None
    with pytest.raises(BeingScanned, match="reload in a moment"):
        services.scan_household_now(user=adviser, household=adams)


def test_an_approver_may_not_ask_for_a_look(firm, adams):
    with pytest.raises(NotAllowed):
        services.scan_household_now(user=make_user(firm, "cy", role=Role.APPROVER), household=adams)
    assert not ScanRun.objects.exists()


def test_the_button_of_the_losses_tab_looks_again(client, adams, adviser):
    client.force_login(adviser)
    page = f"/households/{adams.public_id}/losses/"
    assert b"Look again now" in client.get(page).content
    answer = client.post(f"/households/{adams.public_id}/look-again/", follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert b"Adams was looked at again." in answer.content
    assert Proposal.objects.filter(household=adams).exists()
