"""Submitting, superseding and expiring, on the real database."""

import itertools
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from accounts.canonical import sha256_of
from accounts.errors import Conflict
from accounts.models import AuditEvent
from accounts.selectors import audit_fault
from lots.types import EntryKind
from proposals import selectors, services
from proposals.errors import BadDraft, HouseholdBusy
from proposals.models import Proposal
from proposals.transitions import may_move
from proposals.types import ProposalKind, Status
from proposals.version import LOTWISE_VERSION
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def test_a_draft_becomes_a_pending_proposal_with_its_canonical_content(desk: Desk):
    proposal = desk.submit()
    assert (proposal.status, proposal.version) == ("pending", 1)
    assert proposal.expires_on == date(2023, 1, 2)
    assert proposal.content_sha256 == sha256_of(proposal.content)
    assert proposal.inputs_sha256 == sha256_of('{"prices":"2022-12-28"}')
    assert proposal.code_version == LOTWISE_VERSION
    content = json.loads(proposal.content)
    assert content["tax_profile"]["federal_ordinary_rate"] == "0.35"
    assert content["tax_profile"]["U3_tacking"] == "union"
    assert [trade["quantity"] for trade in content["trades"]] == ["20", "19"]
    assert selectors.draft_trades(proposal) == (desk.sale(), desk.purchase())
    assert proposal.explanation == {
        "candidates": [{"lot": desk.lot.pk, "loss": "400"}],
        "half_spreads": [
            {"security": "OLD", "half_spread_bp": "5", "source": "OLD's own"},
            {"security": "SUB", "half_spread_bp": "5", "source": "SUB's own"},
        ],
    }
    event = AuditEvent.objects.get(action="proposal.submitted")
    assert event.subject == f"proposal {proposal.public_id}"


def test_the_caller_must_hold_a_transaction(transactional_db):
    desk = make_desk()
    with pytest.raises(TransactionManagementError):
        services.submit(draft=desk.draft())


def test_the_same_content_again_adds_no_row(desk: Desk):
    first = desk.submit()
    events = AuditEvent.objects.count()
    assert desk.submit() == first
    assert (Proposal.objects.count(), AuditEvent.objects.count()) == (1, events)


def test_a_new_draft_supersedes_the_pending_one_of_its_kind(desk: Desk):
    first = desk.submit()
    second = desk.submit(desk.sale("10"), desk.purchase("9"))
    first.refresh_from_db()
    assert (first.status, second.status) == ("superseded", "pending")
    assert (first.version, second.version) == (1, 2)


def test_supersede_pending_touches_one_kind_only(desk: Desk):
    harvest = desk.submit(desk.sale("10"), desk.purchase("9"))
    factories.book(desk.ira, EntryKind.CASH_IN, TODAY, amount="1000")
    rebalance = desk.submit(
        desk.purchase("1", account=desk.ira.pk, pair=0), kind=ProposalKind.REBALANCE
    )
    with transaction.atomic():
        ended = services.supersede_pending(
            household_id=desk.household.pk, kind=ProposalKind.REBALANCE, as_of=TODAY
        )
    harvest.refresh_from_db()
    rebalance.refresh_from_db()
    assert ended == 1
    assert (harvest.status, rebalance.status) == ("pending", "superseded")


def test_an_approved_proposal_of_the_kind_keeps_the_household_busy(desk: Desk):
    desk.approved(desk.sale("10"), desk.purchase("9"))
    with pytest.raises(HouseholdBusy, match="harvest proposal of 2022-12-28 is approved"):
        desk.submit(desk.sale("5"), desk.purchase("4"))


def test_a_bad_draft_writes_nothing(desk: Desk):
    with pytest.raises(BadDraft) as refused:
        desk.submit(desk.sale("21"), desk.purchase("20"))
    assert [problem.code for problem in refused.value.problems] == ["oversold"]
    assert not Proposal.objects.exists()


def test_a_loss_bought_back_in_the_ira_ten_days_ago_is_refused(desk: Desk):
    factories.book(desk.ira, EntryKind.BUY, TODAY - timedelta(days=10), desk.old, "5", amount="400")
    with pytest.raises(BadDraft, match=r"\$100.00 of it for ever"):
        desk.submit()


def test_tonights_rebalance_must_not_buy_what_tonights_harvest_sells(desk: Desk):
    desk.submit()
    with pytest.raises(BadDraft, match="OLD must not be bought before 2023-01-28"):
        desk.submit(
            desk.purchase("1", security=desk.old.pk, account=desk.ira.pk, pair=0),
            kind=ProposalKind.REBALANCE,
        )


def test_tonights_rebalance_cannot_sell_the_shares_of_tonights_harvest(desk: Desk):
    desk.submit()
    with pytest.raises(BadDraft, match="20 of them are reserved by other proposals"):
        desk.submit(desk.sale("1", pair=0), kind=ProposalKind.REBALANCE)


def test_an_earlier_nights_pending_proposal_of_another_kind_does_not_stand_in_the_way(desk: Desk):
    yesterday = TODAY - timedelta(days=1)
    desk.submit(desk.sale("20", pair=0), kind=ProposalKind.REBALANCE, as_of=yesterday)
    assert desk.submit().status == "pending"


@pytest.mark.parametrize(("days", "status"), [(0, "pending"), (1, "expired")])
def test_a_pending_proposal_expires_after_its_last_day(desk: Desk, days, status):
    proposal = desk.submit()
    ended = services.expire(firm_id=desk.firm.pk, as_of=proposal.expires_on + timedelta(days=days))
    proposal.refresh_from_db()
    assert (ended, proposal.status) == (days, status)


def test_another_firms_proposals_do_not_expire(desk: Desk):
    proposal = desk.submit()
    other = factories.make_firm("Other")
    assert services.expire(firm_id=other.pk, as_of=date(2024, 1, 1)) == 0
    proposal.refresh_from_db()
    assert proposal.status == "pending"


def test_every_move_outside_the_table_is_refused(desk: Desk):
    proposal = desk.submit()
    for current, target in itertools.product(Status, Status):
        Proposal.objects.filter(pk=proposal.pk).update(status=current)
        if may_move(current, target):
            services.move(proposal.pk, current, target)
        else:
            with pytest.raises(Conflict):
                services.move(proposal.pk, current, target)
        proposal.refresh_from_db()
        assert proposal.status == (target if may_move(current, target) else current)


def test_a_move_that_comes_second_is_a_conflict(desk: Desk):
    proposal = desk.submit()
    services.move(proposal.pk, Status.PENDING, Status.REJECTED)
    with pytest.raises(Conflict, match="not pending any more"):
        services.move(proposal.pk, Status.PENDING, Status.APPROVED)


def test_the_audit_chain_holds_over_a_life(desk: Desk):
    desk.ordered()
    actions = list(
        AuditEvent.objects.filter(action__regex="proposal|order").values_list("action", flat=True)
    )
    assert actions == [
        "proposal.submitted",
        "proposal.approved",
        "orders.exported",
    ]
    assert audit_fault(desk.firm) is None


def test_shares_finer_than_stored_are_cut_not_raised(desk: Desk):
    proposal = desk.submit(desk.sale("10.123456789"), desk.purchase("10"))
    assert proposal.trades.get(ordinal=1).quantity == Decimal("10.12345678")
