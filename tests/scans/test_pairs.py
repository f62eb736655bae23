"""Harvest pairs in the night: after the rebalance, in its light, and in one transaction with it."""

from decimal import Decimal

import pytest

from lots.types import EntryKind
from proposals.models import HarvestedPair, Proposal
from proposals.types import ProposalKind
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy, TargetModel
from scans import services
from tests import factories
from tests.harvesting.test_pair_services import MONDAY, Back, make_back

pytestmark = pytest.mark.django_db


def follow_a_model(back: Back) -> None:
    """OLD is all the model wants; SUB stands in for it, and some cash is left."""
    factories.book(back.account, EntryKind.CASH_IN, back.harvest.as_of, amount="1960")
    model = TargetModel.objects.create(firm=back.firm, name="One")
    ModelWeight.objects.create(model=model, security=back.old, weight=Decimal("0.98"))
    ModelAssignment.objects.create(household=back.household, model=model)
    RebalancePolicy.objects.create(firm=back.firm)


def scan(back: Back) -> str:
    run = services.open_run(firm_id=back.firm.pk, as_of=MONDAY, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    return str(run.items.get().reason)


def test_a_night_proposes_the_swap_back_and_its_reason_stands_in_the_report():
    back = make_back()
    back.stand_at(MONDAY)
    assert scan(back) == "no_loss_above_floor+no_model+swap_back_proposed"
    proposal = Proposal.objects.get(kind=ProposalKind.SWAP_BACK)
    assert proposal.status == "pending"
    assert HarvestedPair.objects.get().state == "proposed"
    preview = services.preview(household_id=back.household.pk, as_of=MONDAY)
    assert [draft.kind for draft in preview.drafts] == [ProposalKind.SWAP_BACK]


def test_the_rebalance_leaves_alone_what_the_swap_back_keeps():
    """T33: a month after its window the substitute, kept for its tax, still counts as the original's weight."""
    back = make_back(tracking="0.02")
    back.stand_at(MONDAY, sub="92")
    follow_a_model(back)
    assert scan(back) == "no_loss_above_floor+inside_bands+pairs_kept"
    assert not Proposal.objects.filter(status="pending").exists()


def test_a_household_without_pairs_adds_no_reason(firm, add_household):
    household = add_household(bought_at="50")
    preview = services.preview(household_id=household.pk, as_of=firm.pinned_date)
    assert preview.reason == "no_loss_above_floor+no_model"
