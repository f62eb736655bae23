"""A rebalance that nothing but a factor opens has a limit on its own net gain (F17), from the night to the approval."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import transaction

from accounts.locks import lock_household
from accounts.models import Household
from lots.selectors import open_lots
from proposals import services as proposal_services
from proposals.budgets import Gains, gains_of
from proposals.types import ProposalKind, Side
from rebalancing import selectors
from rebalancing.household.state import assemble
from rebalancing.models import MandateRule, ModelWeight, RebalancePolicy
from rebalancing.policies.policy_words import sentences
from rebalancing.services import mandate_check, store
from rebalancing.types import RebalanceResult
from tests.factories import set_price
from tests.rebalancing.mandates.test_mandate_rebalance import (
    household,  # noqa: F401  # a fixture
    limit,
    look,
    security,
)
from tests.rebalancing.test_services import DAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def exposed(household: Household) -> Household:  # noqa: F811
    """Ten points of AAA more than the model wants and ten of BBB less, inside wide bands; the factor that shows it most
    has a hard limit of half of what it is. Every share has gained $10."""
    RebalancePolicy.objects.update(
        absolute_band=D("0.2"), relative_band=D(1), minimum_trade=D(50), only_if_worth_it=False
    )
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.30"))
    ModelWeight.objects.filter(security=security(household, "BBB")).update(weight=D("0.40"))
    rule = limit(household, "factor", subject="statistical factor 1", high=D(1), low=D(-1))
    assigned = selectors.assignment(household.pk)
    assert assigned is not None
    state = assemble(selectors.books(assigned, tax=selectors.UNTAXED, as_of=DAY, intentions=()))
    risk = mandate_check(assigned, state).portfolio.risk
    assert risk is not None
    name, size = max(risk.active_exposures.items(), key=lambda one: abs(one[1]))
    half = (abs(size) / 2).quantize(D("0.00000001"))
    MandateRule.objects.filter(pk=rule.pk).update(subject=name, low=-half, high=half)
    return household


def realised(found: RebalanceResult, home: Household, day: date = DAY) -> Gains:
    assert found.draft is not None, found
    lots = {(lot.opening, lot.part): lot for lot in open_lots(home.pk)}
    accounts = {account.pk for account in home.accounts.all()}
    return gains_of(found.draft.trades, lots, accounts=accounts, as_of=day)


def test_a_factor_alone_realises_no_more_than_its_limit(exposed: Household) -> None:
    free = look(exposed)
    assert free.draft is not None, free
    # The limit is cured and the exposure narrows: one reason, told once, with its evidence.
    assert free.draft.reasons[0] == "FACTOR"
    assert len(set(free.draft.reasons)) == len(free.draft.reasons)
    told = free.draft.explanation["evidence"]
    assert isinstance(told, list)
    assert "FACTOR" in [one["reason"] for one in told]
    assert free.draft.factor_gain_limit is None
    whole = realised(free, exposed)
    most = ((whole.short + whole.long) * D("0.8")).quantize(D("0.01"))
    RebalancePolicy.objects.update(factor_gain_limit=most)
    found = look(exposed)
    assert found.draft is not None, found
    gains = realised(found, exposed)
    assert D(0) < gains.short + gains.long <= most
    assert found.draft.factor_gain_limit == most
    assert "BUDGET" in found.draft.reasons
    assert f"the limit on net gain for the factor reason of ${most:,.2f}" in found.draft.sentence
    told = found.draft.explanation["budget"]
    assert isinstance(told, dict)
    assert told["sentence"].startswith("The policy's limit on gains for the factor reason binds: ")
    (row,) = told["rows"]
    assert row["limit"] == "net gain for the factor reason"
    assert D(row["price_bp"]) > 0


def test_without_any_gain_only_cash_is_left_to_trade_with(exposed: Household) -> None:
    RebalancePolicy.objects.update(factor_gain_limit=D(0))
    found = look(exposed)
    assert found.draft is not None, found
    assert {trade.side for trade in found.draft.trades} == {Side.BUY}


def test_where_nothing_fits_the_limit_the_refusal_says_it(exposed: Household) -> None:
    RebalancePolicy.objects.update(factor_gain_limit=D(0), cash_minimum=D("0.03"))
    found = look(exposed)
    assert (found.draft, found.reason) == (None, "over_budget")
    assert found.detail.startswith(
        "A rebalance for the factor reason alone may realise a net gain of $0.00, and with these trades it would be $"
    )


def test_a_rebalance_with_another_reason_is_not_bound(exposed: Household) -> None:
    RebalancePolicy.objects.update(factor_gain_limit=D(0))
    limit(exposed, "security", key="aaa", security=security(exposed, "AAA"), high=D("0.38"))
    found = look(exposed)
    assert found.draft is not None, found
    assert found.draft.factor_gain_limit is None
    assert set(found.draft.reasons) >= {"FACTOR", "MANDATE"}
    gains = realised(found, exposed)
    assert gains.short + gains.long > D(0)


def test_a_band_that_is_broken_too_is_another_reason(exposed: Household) -> None:
    RebalancePolicy.objects.update(factor_gain_limit=D(0), absolute_band=D("0.02"))
    found = look(exposed)
    assert found.draft is not None, found
    assert found.draft.factor_gain_limit is None


def test_the_approval_asks_again_at_todays_prices(exposed: Household) -> None:
    free = realised(look(exposed), exposed)
    RebalancePolicy.objects.update(factor_gain_limit=free.short + free.long)
    with transaction.atomic():
        lock_household(exposed.pk)
        proposal = store(result=look(exposed))
    assert proposal is not None
    assert proposal.kind == ProposalKind.REBALANCE
    assert proposal_services.moved_since(proposal) == ()
    set_price(security(exposed, "AAA"), DAY, "101")
    moved = [str(one) for one in proposal_services.moved_since(proposal)]
    assert any(one.startswith("limit on net gain for the factor reason: $") for one in moved), moved


def test_the_policy_says_it(exposed: Household) -> None:
    RebalancePolicy.objects.update(factor_gain_limit=D(5000))
    found = sentences(selectors.limits(exposed, exposed.assignment.model_id))
    assert (
        "A rebalance for the factor reason alone realises a net gain of $5,000.00 at most." in found
    )


def test_another_limit_since_the_night_asks_for_a_new_look(exposed: Household) -> None:
    """Also a wider one: with more room the best trades are others (T46)."""
    RebalancePolicy.objects.update(factor_gain_limit=D(5000))
    proposal = store(result=look(exposed))
    assert proposal is not None
    assert proposal_services.moved_since(proposal) == ()
    for limit_now, told in ((D(4000), "$4,000.00"), (None, "without a limit")):
        RebalancePolicy.objects.update(factor_gain_limit=limit_now)
        assert [str(one) for one in proposal_services.moved_since(proposal)] == [
            "the policy's largest gain for the factor reason alone was $5,000.00 and is now " + told
        ]
    RebalancePolicy.objects.update(factor_gain_limit=D(5000))
    assert proposal_services.moved_since(proposal) == ()
