"""Names that left the household's model: what harvest, swap-back and gain harvest make of each exit rule (F18)."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.locks import lock_household
from accounts.models import Firm, Household, User
from harvesting import selectors, services
from harvesting.gain_services import examine_gains, store_gains
from harvesting.gains import GainOutcome
from harvesting.mappings import map_substitute
from harvesting.models import HarvestPolicy, SubstituteMapping
from harvesting.reproduction import reproduced
from harvesting.types import Outcome
from proposals import services as proposal_services
from proposals.errors import StaleProposal
from proposals.models import Proposal, Restriction
from proposals.types import ProposalKind, RestrictionKind, Side
from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.model_changes.universe_drafts import ListedChange, draft_universe_change
from rebalancing.model_changes.version_decisions import publish
from rebalancing.models import ModelAssignment, ModelWeight, TargetModel
from securities.models import Security
from tests import factories
from tests.harvesting.test_gain_services import desk, gain, look
from tests.harvesting.test_pair_services import (
    DUE,
    MONDAY,
    Back,
    approved,
    back,
    swap_back,
)
from tests.harvesting.test_services import TODAY, Scene, scene
from tests.proposals.desk import Desk

pytestmark = pytest.mark.django_db
__all__ = ["back", "desk", "gain", "scene"]  # fixtures

VERSION = "version 1 of Core (universe change)"
LEFT = f"left the model on {TODAY} by {VERSION}"


def follow(firm: Firm, household: Household, *securities: Security) -> TargetModel:
    model = TargetModel.objects.create(firm=firm, name="Core")
    for security in securities:
        ModelWeight.objects.create(model=model, security=security, weight=D("0.2"))
    ModelAssignment.objects.create(household=household, model=model)
    return model


def change(user: User, model: TargetModel, row: ListedChange, day: date) -> None:
    """A person's list of one row, drafted and published on ``day``."""
    Firm.objects.update(pinned_date=day)
    fresh = TargetModel.objects.select_related("firm").get(pk=model.pk)
    drafted = draft_universe_change(
        user=User.objects.get(pk=user.pk),
        model=fresh,
        rows=[row],
        freed=Freed.OTHERS,
        effective_on=day,
        steps=1,
        reason="The committee's list",
    )
    assert drafted.version is not None
    publish(user=User.objects.get(pk=user.pk), version=drafted.version)


def leave(
    user: User, model: TargetModel, security: Security, rule: ExitRule, day: date = TODAY
) -> None:
    change(user, model, ListedChange(security.symbol, rule=rule), day)


def left_scene(scene: Scene, symbol: str, rule: ExitRule) -> TargetModel:
    """The scene's household follows a model of all four names; one of them leaves."""
    model = follow(scene.firm, scene.household, *scene.security.values())
    leave(scene.user, model, scene.security[symbol], rule)
    return model


# The harvest


def test_a_name_that_is_held_is_not_harvested(scene: Scene) -> None:
    lot = scene.buy(scene.taxable, "AAA")
    other = scene.buy(scene.taxable, "BBB")
    left_scene(scene, "AAA", ExitRule.HOLD)
    result = scene.examine()
    findings = {one.opening: one for one in result.findings}
    assert findings[lot.pk].outcome is Outcome.RESTRICTED
    assert findings[lot.pk].detail == f"AAA {LEFT}, and its exit rule holds it."
    assert findings[other.pk].outcome is Outcome.TAKE
    assert {one.security for one in result.draft.trades if one.side is Side.SELL} == {
        scene.security["BBB"].pk
    }


@pytest.mark.parametrize("rule", [ExitRule.SELL, ExitRule.NO_GAINS])
def test_a_loss_on_a_name_that_is_sold_is_taken(scene: Scene, rule: ExitRule) -> None:
    lot = scene.buy(scene.taxable, "AAA")
    left_scene(scene, "AAA", rule)
    assert scene.outcomes() == {lot.pk: Outcome.TAKE}


def told_cost(scene: Scene) -> tuple[str, list[str]]:
    """K of the one lot sold: 7.98 (5 bp of 8,000 and of 159 x 50), 11.97 with half a swap back; and what is told."""
    proposal = scene.store()
    assert proposal is not None
    assert reproduced(proposal.public_id).differences == ()
    (row,) = proposal.explanation["candidates"]
    told = [one for one in proposal.explanation["assumptions"] if "no swap back" in one]
    return row["terms"]["cost"], told


def test_no_swap_back_is_counted_for_a_name_that_left(scene: Scene) -> None:
    scene.buy(scene.taxable, "AAA")
    left_scene(scene, "AAA", ExitRule.SELL)
    told = f"AAA {LEFT}: it is not bought back, and no swap back is counted for it."
    assert told_cost(scene) == ("7.98", [told])


@pytest.mark.parametrize(("days", "cost"), [(31, "7.98"), (32, "11.97")])
def test_nor_for_one_that_stops_trading_before_day_32(scene: Scene, days: int, cost: str) -> None:
    """It could go back on day 31: a name that trades on that day for the last time can be bought back."""
    scene.buy(scene.taxable, "AAA")
    ends = TODAY + timedelta(days=days)
    Security.objects.filter(pk=scene.security["AAA"].pk).update(delisted_on=ends)
    told = f"AAA no longer trades from {ends}: it is not bought back, and no swap back is counted for it."
    assert told_cost(scene) == (cost, [told] if days == 31 else [])


@pytest.mark.parametrize(
    ("kind", "days", "cost"),
    [
        (RestrictionKind.MUST_SELL, None, "7.98"),
        (RestrictionKind.NO_BUY, 31, "7.98"),
        (RestrictionKind.NO_BUY, 30, "11.97"),
    ],
)
def test_nor_for_one_that_must_not_be_bought_then(
    scene: Scene, kind: RestrictionKind, days: int | None, cost: str
) -> None:
    scene.buy(scene.taxable, "AAA")
    Restriction.objects.create(
        firm=scene.firm, household=scene.household, security=scene.security["AAA"], kind=kind,
        since=TODAY, until=None if days is None else TODAY + timedelta(days=days), reason="The client's wish.",
        author=scene.user,
    )  # fmt: skip
    assert told_cost(scene)[0] == cost


def test_an_order_to_sell_goes_before_a_rule_that_holds(scene: Scene) -> None:
    lot = scene.buy(scene.taxable, "AAA")
    left_scene(scene, "AAA", ExitRule.HOLD)
    Restriction.objects.create(
        firm=scene.firm, household=scene.household, security=scene.security["AAA"],
        kind=RestrictionKind.MUST_SELL, since=TODAY, reason="The client's wish.", author=scene.user,
    )  # fmt: skip
    assert scene.outcomes() == {lot.pk: Outcome.TAKE}


def test_another_households_model_and_one_left_behind_bind_nobody(scene: Scene) -> None:
    lot = scene.buy(scene.taxable, "AAA")
    left_scene(scene, "AAA", ExitRule.HOLD)
    ModelAssignment.objects.update(household=factories.make_household(scene.firm, "Baker"))
    assert scene.outcomes() == {lot.pk: Outcome.TAKE}


@pytest.mark.parametrize("rule", list(ExitRule))
def test_what_left_the_model_stands_in_for_nothing(scene: Scene, rule: ExitRule) -> None:
    scene.buy(scene.taxable, "AAA")
    left_scene(scene, "CCC", rule)
    # Nothing is left behind DDD: what the window may cost is another test's matter.
    HarvestPolicy.objects.create(firm=scene.firm, window_fraction=D(0))
    proposal = scene.store()
    assert [one.security.symbol for one in proposal.trades.filter(side=Side.BUY)] == ["DDD"]
    assert (
        f"The mapping AAA -> CCC is passed over, CCC {LEFT}." in proposal.explanation["assumptions"]
    )
    assert reproduced(proposal.public_id).differences == ()


def test_a_loss_whose_substitutes_have_all_left_says_so(scene: Scene) -> None:
    scene.buy(scene.taxable, "AAA")
    model = left_scene(scene, "CCC", ExitRule.SELL)
    leave(scene.user, model, scene.security["DDD"], ExitRule.HOLD)
    (finding,) = scene.examine().findings
    assert finding.outcome is Outcome.SUBSTITUTE_BLOCKED
    assert f"the mapping AAA -> CCC is passed over, CCC {LEFT}" in finding.detail
    assert "DDD left the model on 2022-12-28 by version 2 of Core" in finding.detail


def own_list(scene: Scene, symbol: str, substitute: str) -> SubstituteMapping:
    return SubstituteMapping.objects.create(
        firm=scene.firm, household=scene.household, security=scene.security[symbol],
        substitute=scene.security[substitute], rank=1, reason="Theirs.", author=scene.user,
        reviewed_on=TODAY,
    )  # fmt: skip


def test_the_households_own_list_leads_to_it_all_the_same_and_says_so(scene: Scene) -> None:
    scene.buy(scene.taxable, "AAA")
    left_scene(scene, "CCC", ExitRule.SELL)
    own_list(scene, "AAA", "CCC")
    proposal = scene.store()
    assert [one.security.symbol for one in proposal.trades.filter(side=Side.BUY)] == ["CCC"]
    told = f"CCC {LEFT}; the household's own list of substitutes names it all the same."
    assert told in proposal.explanation["assumptions"]
    assert reproduced(proposal.public_id).differences == ()
    approve(scene.user, proposal)


def test_who_maps_it_for_the_household_is_told(scene: Scene) -> None:
    left_scene(scene, "CCC", ExitRule.SELL)
    user = User.objects.get(pk=scene.user.pk)
    asked: dict[str, Any] = {
        "user": user,
        "security_id": scene.security["DDD"].pk,
        "substitute_id": scene.security["CCC"].pk,
        "rank": 1,
        "reason": "Theirs.",
    }
    told = f"CCC {LEFT}: the household's own list leads to it all the same."
    assert map_substitute(**asked, household=scene.household.public_id).warnings == (told,)
    assert map_substitute(**asked).warnings == ()


# Approval


def approve(user: User, proposal: Proposal) -> Proposal:
    return proposal_services.approve(
        user=User.objects.get(pk=user.pk),
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
    )


def refused(user: User, proposal: Proposal) -> list[str]:
    with pytest.raises(StaleProposal) as refusal:
        approve(user, proposal)
    return [str(one) for one in refusal.value.moved]


@pytest.mark.parametrize(
    ("symbol", "rule", "told"),
    [
        ("AAA", ExitRule.HOLD, f"AAA {LEFT}, and its exit rule holds it"),
        ("CCC", ExitRule.HOLD, f"CCC {LEFT}: it is not to be bought"),
        ("CCC", ExitRule.SELL, f"CCC {LEFT}: it is not to be bought"),
    ],
)
def test_a_harvest_is_not_approved_once_a_name_of_it_has_left(
    scene: Scene, symbol: str, rule: ExitRule, told: str
) -> None:
    scene.buy(scene.taxable, "AAA")
    model = follow(scene.firm, scene.household, *scene.security.values())
    Firm.objects.update(pinned_date=TODAY)
    proposal = scene.store()
    leave(scene.user, model, scene.security[symbol], rule)
    assert refused(scene.user, proposal) == [f"{symbol} in the model: not left \u2192 {told}"]


def test_a_loss_on_a_name_that_is_sold_is_approved(scene: Scene) -> None:
    scene.buy(scene.taxable, "AAA")
    model = follow(scene.firm, scene.household, *scene.security.values())
    proposal = scene.store()
    leave(scene.user, model, scene.security["AAA"], ExitRule.SELL)
    assert approve(scene.user, proposal).status == "approved"


def test_a_swap_back_is_not_approved_once_the_original_has_left(back: Back) -> None:
    model = follow(back.firm, back.household, back.old, back.sub)
    back.stand_at(MONDAY)
    back.night(MONDAY)
    leave(back.adviser, model, back.old, ExitRule.SELL, MONDAY)
    told = f"OLD left the model on {MONDAY} by {VERSION}: it is not to be bought"
    assert refused(back.adviser, swap_back(back)) == [f"OLD in the model: not left \u2192 {told}"]


def test_a_swap_back_out_of_a_substitute_that_left_is_approved(back: Back) -> None:
    """Shares that stand in go back: a rule that holds them is for what the model itself had."""
    model = follow(back.firm, back.household, back.old, back.sub)
    leave(back.adviser, model, back.sub, ExitRule.HOLD, MONDAY)
    back.stand_at(MONDAY)
    assert back.night(MONDAY).reason == "swap_back_proposed"
    assert approved(back, swap_back(back)).status == "approved"


# The swap-back


@pytest.mark.parametrize("rule", list(ExitRule))
def test_what_left_the_model_is_not_bought_back(back: Back, rule: ExitRule) -> None:
    model = follow(back.firm, back.household, back.old, back.sub)
    leave(back.adviser, model, back.old, rule, TODAY)
    left = f"OLD {LEFT}: it is not bought back, what stands in for it stays."
    day = DUE - timedelta(days=1)
    back.stand_at(day)
    back.night(day)
    assert (back.row().state, back.row().reason) == ("waiting", f"Day 30 of 31: {left}")
    back.stand_at(MONDAY)
    assert back.night(MONDAY).draft is None
    assert (back.row().state, back.row().reason) == ("keep", left)
    assert not Proposal.objects.filter(kind=ProposalKind.SWAP_BACK).exists()
    browser = Client()
    browser.force_login(back.adviser)
    assert left in browser.get("/swap-backs/", {"tab": "kept"}).content.decode()


def test_a_name_that_came_in_again_is_bought_back(back: Back) -> None:
    model = follow(back.firm, back.household, back.old, back.sub)
    leave(back.adviser, model, back.old, ExitRule.SELL, TODAY)
    change(back.adviser, model, ListedChange("OLD", weight=D("0.1")), DUE)
    back.stand_at(MONDAY)
    assert back.night(MONDAY).reason == "swap_back_proposed"


# Gains


@pytest.mark.parametrize("rule", list(ExitRule))
def test_a_gain_on_a_name_that_left_is_not_taken_because_it_would_be_bought_back(
    desk: Desk, gain: Any, rule: ExitRule
) -> None:
    model = follow(desk.firm, desk.household, gain.security, desk.sub)
    with transaction.atomic():
        lock_household(desk.household.pk)
        proposal = store_gains(result=examine_gains(household_id=desk.household.pk, as_of=TODAY))
    assert proposal is not None
    leave(desk.adviser, model, gain.security, rule)
    result = look(desk)
    assert result.draft is None
    (finding,) = [one for one in result.findings if one.outcome is GainOutcome.RESTRICTED]
    assert finding.detail == f"AAA {LEFT}: it is not bought back."
    assert f"AAA {LEFT}: it is not to be bought" in " ".join(refused(desk.adviser, proposal))


def test_the_households_own_list_alone_counts_as_by_hand(scene: Scene) -> None:
    own_list(scene, "AAA", "DDD")
    HarvestPolicy.objects.create(firm=scene.firm)
    aaa, ddd = scene.security["AAA"].pk, scene.security["DDD"].pk
    assert selectors.own_substitutes(scene.household.pk, TODAY, {aaa}) == {(aaa, ddd)}
    assert services.examine(household_id=scene.household.pk, as_of=TODAY).draft is None
