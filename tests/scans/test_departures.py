"""A universe change in the night that brings it: harvest and rebalance both keep to the exit rule (F18)."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from accounts.models import Firm, Household, User
from accounts.types import Role
from harvesting.models import HarvestFinding
from proposals.models import Proposal, ProposedTrade
from proposals.types import ProposalKind, Side
from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.model_changes.universe_drafts import ListedChange, draft_universe_change
from rebalancing.model_changes.version_decisions import publish
from rebalancing.models import ModelAssignment, ModelWeight, RebalancePolicy, TargetModel
from scans import services
from securities import calendar
from tests import factories
from tests.scans.conftest import NIGHT

pytestmark = pytest.mark.django_db

BEFORE = calendar.previous_business_date(NIGHT)


@pytest.fixture
def following(firm: Firm, add_household: Callable[..., Household]) -> Household:
    """The household holds 100 AAA of its model at a loss; BBB stands in for it; OTHER is in the model too."""
    household = add_household()
    other = factories.make_security(firm, "OTHER")
    for day in (BEFORE, NIGHT):
        factories.set_price(other, day, "40")
    model = TargetModel.objects.create(firm=firm, name="Core")
    for symbol, weight in (("AAA", "0.3"), ("BBB", "0.2"), ("OTHER", "0.1")):
        ModelWeight.objects.create(
            model=model, security=firm.securities.get(symbol=symbol), weight=Decimal(weight)
        )
    ModelAssignment.objects.create(household=household, model=model)
    RebalancePolicy.objects.create(firm=firm)
    return household


def scheduled(firm: Firm, symbol: str, rule: ExitRule) -> None:
    """Published on the day before, to be in force from the night on."""
    Firm.objects.update(pinned_date=BEFORE)
    user = factories.make_user(firm, "committee", role=Role.ADVISER)
    drafted = draft_universe_change(
        user=User.objects.get(pk=user.pk),
        model=TargetModel.objects.select_related("firm").get(),
        rows=[ListedChange(symbol, rule=rule)],
        freed=Freed.OTHERS,
        effective_on=NIGHT,
        steps=1,
        reason="The committee's list",
    )
    assert drafted.version is not None
    assert publish(user=User.objects.get(pk=user.pk), version=drafted.version).state == "scheduled"


def scan(firm: Firm) -> str:
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    return str(run.items.get().reason)


LEFT = f"left the model on {NIGHT} by version 1 of Core (universe change)"


def test_the_night_neither_harvests_nor_sells_what_its_new_version_holds(
    firm: Firm, following: Household
) -> None:
    scheduled(firm, "AAA", ExitRule.HOLD)
    assert scan(firm).startswith("all_passed_over+")
    finding = HarvestFinding.objects.get()
    assert (finding.outcome, finding.detail) == (
        "restricted",
        f"AAA {LEFT}, and its exit rule holds it.",
    )
    assert not ProposedTrade.objects.filter(side=Side.SELL, security__symbol="AAA").exists()


def test_the_night_takes_the_loss_of_a_name_that_is_sold_and_nobody_buys_it(
    firm: Firm, following: Household
) -> None:
    scheduled(firm, "AAA", ExitRule.SELL)
    assert scan(firm).startswith("harvest_proposed+")
    harvest = Proposal.objects.get(kind=ProposalKind.HARVEST)
    assert [one.security.symbol for one in harvest.trades.all()] == ["AAA", "BBB"]
    assert not ProposedTrade.objects.filter(side=Side.BUY, security__symbol="AAA").exists()


def test_the_night_moves_no_loss_into_a_name_that_its_new_version_lets_go(
    firm: Firm, following: Household
) -> None:
    scheduled(firm, "BBB", ExitRule.SELL)
    assert scan(firm).startswith("all_passed_over+")
    finding = HarvestFinding.objects.get()
    assert finding.outcome == "substitute_blocked"
    assert f"the mapping AAA -> BBB is passed over, BBB {LEFT}" in finding.detail
    assert not ProposedTrade.objects.filter(side=Side.BUY, security__symbol="BBB").exists()
