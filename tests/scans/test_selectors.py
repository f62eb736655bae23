from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.http import Http404
from django.utils import timezone

from scans import selectors, services, work_list
from scans.errors import UnknownScope
from scans.types import AccountState, NotScanned
from tests.factories import make_firm, make_household, make_user

NIGHT = date(2022, 12, 28)


@pytest.fixture
def user(firm):
    return make_user(firm, "ops")


@pytest.fixture
def run(firm, add_household):
    """A night of three households, of which the first two have ended."""
    add_household("Adams")
    add_household("Baker", bought_at="40")
    add_household("Clark")
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    work = services.work_through(run_id=run.pk)
    next(work)
    next(work)
    return run


def test_progress_counts_households_accounts_reasons_and_proposals(user, run):
    progress = selectors.progress(user, run.public_id)
    assert (progress.total, progress.done, progress.failed, progress.in_work) == (3, 2, 0, 0)
    assert progress.percent == 66
    assert not progress.finished
    assert progress.by_reason == {"no_model": 2, "harvest_proposed": 1, "no_loss_above_floor": 1}
    assert progress.proposals == {"harvest": 1}
    assert (progress.accounts_scanned, progress.accounts_skipped) == (2, 2)
    assert progress.not_scanned[0] == NotScanned(
        "Adams", "Ann traditional_ira", "empty_account", "It holds neither lots nor cash."
    )


def test_the_rate_and_the_time_left_follow_from_what_has_ended(user, run):
    type(run).objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    progress = selectors.progress(user, run.public_id)
    assert progress.rate_per_minute == pytest.approx(2, rel=0.1)  # two in the minute since it began
    assert progress.eta_seconds == pytest.approx(30, abs=4)  # for the third


def test_a_finished_run_has_no_time_left(user, run):
    list(services.work_through(run_id=run.pk))
    progress = selectors.progress(user, run.public_id)
    assert progress.finished
    assert progress.percent == 100
    assert progress.eta_seconds is None


def test_a_given_up_household_counts_as_failed_and_not_as_done(user, run, settings):
    settings.SCAN_MAX_ATTEMPTS = 1
    lease = work_list.claim_next(run_id=run.pk)
    assert lease is not None
    work_list.fail(lease, detail="ValueError: a")
    progress = selectors.progress(user, run.public_id)
    assert (progress.done, progress.failed) == (2, 1)
    assert progress.by_reason["failed"] == 1


def test_every_account_of_an_ended_household_has_its_outcome(user, run):
    rows = selectors.account_outcomes(user, run.public_id)
    assert [row.account.number for row in rows] == ["T-Adams", "I-Adams", "T-Baker", "I-Baker"]
    skipped = selectors.account_outcomes(user, run.public_id, state=AccountState.SKIPPED)
    assert [row.account.number for row in skipped] == ["I-Adams", "I-Baker"]


def test_runs_come_newest_first_with_their_counts(user, run):
    later = services.open_run(firm_id=user.firm_id, as_of=date(2022, 12, 29), wake_workers=False)
    listed = [vars(row) for row in selectors.runs(user)]
    counts = [[row[name] for name in ("id", "total", "done", "failed")] for row in listed]
    assert counts == [[later.pk, 3, 0, 0], [run.pk, 3, 2, 0]]


def test_another_firms_run_does_not_exist(run):
    stranger = make_user(make_firm("Elsewhere"), "stranger")
    assert not selectors.runs(stranger).exists()
    for read in (selectors.run, selectors.progress, selectors.account_outcomes):
        with pytest.raises(Http404):
            read(stranger, run.public_id)


def test_a_firm_is_found_by_id_or_name_and_needs_naming_where_there_are_two(firm):
    assert selectors.firm(None) == firm
    assert selectors.firm(str(firm.pk)) == selectors.firm(firm.name) == firm
    make_firm("Another")
    with pytest.raises(UnknownScope, match="there are: Another, Harbor Advisers"):
        selectors.firm(None)
    with pytest.raises(UnknownScope, match="no firm 'Nobody'"):
        selectors.firm("Nobody")


def test_a_household_is_found_by_id_public_id_or_name_inside_its_firm_only(firm):
    adams = make_household(firm, "Adams")
    for key in (str(adams.pk), str(adams.public_id), "Adams"):
        assert selectors.household(firm, key) == adams
    other = make_firm("Another")
    for key in (str(adams.pk), str(uuid4()), "Nobody"):
        with pytest.raises(UnknownScope, match="Another has no household"):
            selectors.household(other, key)
