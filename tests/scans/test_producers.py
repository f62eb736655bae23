"""The producers of a night: their order, what each sees, and that a new one enters in one place."""

from contextvars import Context
from dataclasses import dataclass

import pytest

from harvesting.types import HarvestResult
from lots.types import EntryKind
from proposals.models import Proposal
from proposals.types import DraftProposal, ProposalKind
from scans import household_scan, services
from scans.models import ScanItem
from scans.producers import PRODUCERS, Producer, Tonight
from scans.types import Ended
from tests.factories import book, make_account
from tests.proposals.trades import draft
from tests.scans.conftest import NIGHT


@dataclass(frozen=True)
class Found:
    """What an invented producer finds."""

    household: int
    draft: DraftProposal | None = None
    reason: str = "invented"
    detail: str = "An invented look."


def night() -> Tonight:
    return Tonight(household=1, as_of=NIGHT, is_quiet=False)


def test_losses_come_first_and_gains_last():
    assert [producer.kind for producer in PRODUCERS] == [
        ProposalKind.HARVEST,
        ProposalKind.REBALANCE,
        ProposalKind.SWAP_BACK,
        ProposalKind.GAIN_HARVEST,
    ]


def test_each_sees_the_drafts_of_those_before_it_and_what_the_harvest_said_of_each_loss():
    first, second = draft(), draft(kind=ProposalKind.REBALANCE)
    harvested = night().after(HarvestResult(1, NIGHT, first, (), "harvest_proposed", "x"))
    assert harvested.drafts == (first,)
    nothing = harvested.after(Found(1))
    assert (nothing.drafts, nothing.losses) == ((first,), harvested.losses)
    assert nothing.after(Found(1, second)).drafts == (first, second)


def invented(
    monkeypatch: pytest.MonkeyPatch, unsaid: str | None = None
) -> tuple[list[Tonight], list[Found]]:
    """What a producer that is entered last is shown, and what it is given to store."""
    shown: list[Tonight] = []
    stored: list[Found] = []

    def look(tonight: Tonight) -> Found:
        shown.append(tonight)
        return Found(tonight.household)

    last = Producer(
        kind=ProposalKind.GAIN_HARVEST,
        look=look,
        store=lambda found, pending: stored.append(found),
        unsaid=unsaid,
    )
    monkeypatch.setattr(household_scan, "PRODUCERS", (*PRODUCERS[:-1], last))
    return shown, stored


def test_a_new_kind_enters_in_one_place(firm, add_household, monkeypatch):
    adams = add_household("Adams")
    shown, stored = invented(monkeypatch)
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    assert list(services.work_through(run_id=run.pk)) == [Ended.DONE]
    item = run.items.get()
    assert item.reason == "harvest_proposed+no_model+invented"
    assert item.detail.endswith("An invented look.")
    [tonight] = shown
    assert [one.kind for one in tonight.drafts] == [ProposalKind.HARVEST]
    assert [finding.outcome for finding in tonight.losses] == ["take"]
    assert [found.household for found in stored] == [adams.pk]
    assert Proposal.objects.get().kind == ProposalKind.HARVEST


def test_what_has_nothing_to_say_is_stored_and_left_out_of_the_reason(
    firm, add_household, monkeypatch
):
    add_household("Adams")
    _, stored = invented(monkeypatch, unsaid="invented")
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    assert run.items.get().reason == "harvest_proposed+no_model"
    assert len(stored) == 1


def item_of_a_night_that_ends_with(look, firm, monkeypatch) -> ScanItem:
    last = Producer(kind=ProposalKind.GAIN_HARVEST, look=look, store=print)
    monkeypatch.setattr(household_scan, "PRODUCERS", (*PRODUCERS[:-1], last))
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    return run.items.get()


def test_an_error_beside_a_booking_is_the_booking_s_fault(firm, add_household, monkeypatch):
    """A lot in an account that was opened after the accounts were read: half of it is not known yet."""
    adams = add_household("Adams")

    def open_and_book() -> None:
        book(make_account(adams, "NEW-1"), EntryKind.CASH_IN, NIGHT, amount="100")

    def look(tonight: Tonight) -> Found:
        Context().run(open_and_book)  # somebody else, who is not looking
        raise KeyError("NEW-1")

    item = item_of_a_night_that_ends_with(look, firm, monkeypatch)
    assert services.work(item_id=item.pk) is Ended.MOVED
    item.refresh_from_db()
    assert (item.state, item.attempts) == ("ready", 0)


def test_an_error_of_its_own_is_an_attempt(firm, add_household, monkeypatch):
    add_household("Adams")

    def look(tonight: Tonight) -> Found:
        raise KeyError("nobody foresaw this")

    item = item_of_a_night_that_ends_with(look, firm, monkeypatch)
    assert services.work(item_id=item.pk) is Ended.FAILED
    item.refresh_from_db()
    assert (item.state, item.attempts) == ("ready", 1)
