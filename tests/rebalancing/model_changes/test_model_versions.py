"""Drafts of a model's weights on the real database: made by its recipe within the mandate, published by a person."""

from datetime import date, timedelta
from decimal import Decimal as D
from random import Random

import pytest

from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Firm, User
from accounts.types import Role
from rebalancing import selectors
from rebalancing.errors import Infeasible
from rebalancing.model_changes.recipe_drafts import NoMarketValues, NoPrices, draft
from rebalancing.model_changes.recipes import Recipe, VersionState
from rebalancing.model_changes.version_decisions import NotADraft, publish, withdraw
from rebalancing.models import Mandate, MandateRule, ModelVersion, ModelWeight, TargetModel
from securities.models import MarketValue
from tests.factories import make_firm, make_security, make_user
from tests.rebalancing.test_services import DAY, give_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Firm:
    return make_firm(pinned_date=DAY)


@pytest.fixture
def model(firm: Firm) -> TargetModel:
    """Three uncorrelated stocks of about the same volatility, held 60, 30 and 7 %."""
    found = TargetModel.objects.create(firm=firm, name="Core", recipe=Recipe.MINIMUM_VARIANCE)
    rng = Random(3)
    for symbol, weight in (("AAA", "0.60"), ("BBB", "0.30"), ("CCC", "0.07")):
        security = make_security(firm, symbol)
        give_history(security, rng)
        ModelWeight.objects.create(model=found, security=security, weight=D(weight))
    return found


@pytest.fixture
def approver(firm: Firm) -> User:
    return make_user(firm, role=Role.APPROVER)


def drafted(model: TargetModel) -> ModelVersion:
    found = draft(model=model, as_of=DAY, author="test")
    assert found is not None
    return found


def weights(version: ModelVersion) -> dict[str, D]:
    rows = version.weights.select_related("security").order_by("security__symbol")
    return {row.security.symbol: row.after for row in rows}


def limit(firm: Firm, kind: str, *, key: str = "one", **values: object) -> None:
    mandate, _ = Mandate.objects.get_or_create(firm=firm, name="House")
    MandateRule.objects.create(mandate=mandate, key=key, kind=kind, **values)


@pytest.mark.parametrize("recipe", [Recipe.EQUAL, Recipe.MINIMUM_VARIANCE, Recipe.RISK_PARITY])
def test_a_recipe_keeps_the_sum_to_the_last_digit_and_the_cash(
    model: TargetModel, recipe: Recipe
) -> None:
    model.recipe = recipe
    found = weights(drafted(model))
    assert sum(found.values()) == D("0.97")
    assert all(weight == weight.quantize(D("0.0001")) for weight in found.values())
    assert max(found.values()) < D("0.50")


def value(model: TargetModel, day: date, **dollars: str) -> None:
    for symbol, amount in dollars.items():
        security = model.firm.securities.get(symbol=symbol)
        MarketValue.objects.create(security=security, day=day, dollars=D(amount))


def test_weights_by_market_value_are_the_newest_of_one_day(model: TargetModel) -> None:
    model.recipe = Recipe.MARKET_VALUE
    value(model, DAY - timedelta(days=30), AAA="9", BBB="9", CCC="9")
    value(model, DAY - timedelta(days=1), AAA="5e12", BBB="3e12", CCC="2e12")
    value(model, DAY + timedelta(days=1), AAA="1", BBB="1", CCC="1")
    version = drafted(model)
    assert weights(version) == {"AAA": D("0.485"), "BBB": D("0.291"), "CCC": D("0.194")}
    assert version.reason == f"Market value by the market values of {DAY - timedelta(days=1)}."


def test_a_name_without_a_market_value_of_the_day_is_refused_by_name(model: TargetModel) -> None:
    model.recipe = Recipe.MARKET_VALUE
    with pytest.raises(NoMarketValues, match="import_market_values"):
        draft(model=model, as_of=DAY, author="test")
    value(model, DAY - timedelta(days=2), BBB="3")
    value(model, DAY, AAA="5")
    told = rf"no market value of {DAY} of BBB \(the newest is of 2022-12-26\), CCC \(none at all\)"
    with pytest.raises(NoMarketValues, match=told):
        draft(model=model, as_of=DAY, author="test")


def test_old_market_values_are_refused_with_the_names(model: TargetModel) -> None:
    model.recipe = Recipe.MARKET_VALUE
    value(model, DAY - timedelta(days=36), AAA="5", BBB="3", CCC="2")
    with pytest.raises(NoMarketValues, match=r"more than 35 days before .*: AAA, BBB, CCC"):
        draft(model=model, as_of=DAY, author="test")
    value(model, DAY - timedelta(days=35), AAA="5", BBB="3", CCC="2")
    assert drafted(model).recipe == "market_value"


def test_market_values_that_break_the_mandate_are_refused(firm: Firm, model: TargetModel) -> None:
    model.recipe = Recipe.MARKET_VALUE
    value(model, DAY, AAA="5", BBB="3", CCC="2")
    limit(firm, "security", security=firm.securities.get(symbol="AAA"), high=D("0.40"))
    with pytest.raises(Infeasible, match=r"market value weights break: .*AAA \(by 8.50 %\)"):
        draft(model=model, as_of=DAY, author="test")


def test_nothing_changes_for_a_fixed_model_and_for_mean_variance_without_views(
    model: TargetModel,
) -> None:
    for recipe in (Recipe.FIXED, Recipe.MEAN_VARIANCE):
        model.recipe = recipe
        assert draft(model=model, as_of=DAY, author="test") is None
    assert not ModelVersion.objects.exists()


def test_the_hard_rules_of_firm_and_model_are_kept(firm: Firm, model: TargetModel) -> None:
    free = weights(drafted(model))
    calm = max(free, key=lambda symbol: free[symbol])
    limit(firm, "security", security=firm.securities.get(symbol=calm), high=D("0.20"))
    firm.securities.exclude(symbol=calm).update(sector="Energy")
    firm.securities.filter(symbol=calm).update(sector="Other")
    found = weights(drafted(model))
    assert found[calm] <= D("0.20")
    assert sum(found.values()) == D("0.97")
    limit(firm, "sector", key="two", subject="Energy", high=D("0.5"))
    with pytest.raises(Infeasible, match="highest weight of sector Energy"):
        draft(model=model, as_of=DAY, author="test")


def test_a_rule_that_the_recipe_cannot_be_told_of_refuses_its_weights(
    firm: Firm, model: TargetModel
) -> None:
    limit(firm, "volatility", high=D("0.01"))
    with pytest.raises(Infeasible, match=r"Volatility .* is outside at most 1 %"):
        draft(model=model, as_of=DAY, author="test")


def test_the_same_draft_again_is_the_same_and_another_takes_its_place(model: TargetModel) -> None:
    first = drafted(model)
    assert drafted(model) == first
    model.recipe = Recipe.EQUAL
    second = drafted(model)
    assert second.number == first.number + 1
    first.refresh_from_db()
    assert first.state == VersionState.SUPERSEDED


def test_nothing_of_the_model_changes_before_a_person_publishes(
    model: TargetModel, approver: User
) -> None:
    before = selectors.targets(model.pk)
    version = drafted(model)
    assert selectors.targets(model.pk) == before
    publish(user=approver, version=version)
    symbols = dict(model.firm.securities.values_list("symbol", "pk"))
    assert selectors.targets(model.pk) == {
        symbols[symbol]: weight for symbol, weight in weights(version).items()
    }
    event = AuditEvent.objects.get(action="model.published")
    assert event.actor == approver.username
    with pytest.raises(NotADraft, match="is published"):
        withdraw(user=approver, version=version)


def test_a_model_that_has_changed_meanwhile_is_not_published_over(
    model: TargetModel, approver: User
) -> None:
    version = drafted(model)
    ModelWeight.objects.filter(model=model, security__symbol="CCC").update(weight=D("0.05"))
    now = selectors.targets(model.pk)
    with pytest.raises(NotADraft, match="have changed since"):
        publish(user=approver, version=version)
    assert selectors.targets(model.pk) == now


def test_a_withdrawn_draft_is_not_published(model: TargetModel, approver: User) -> None:
    version = withdraw(user=approver, version=drafted(model))
    with pytest.raises(NotADraft):
        publish(user=approver, version=version)


def test_operations_may_not_publish(model: TargetModel) -> None:
    sam = make_user(model.firm, "sam", role=Role.OPERATIONS)
    with pytest.raises(NotAllowed):
        publish(user=sam, version=drafted(model))


def test_a_name_without_a_price_is_named(model: TargetModel) -> None:
    new = make_security(model.firm, "NEW")
    ModelWeight.objects.create(model=model, security=new, weight=D("0.01"))
    with pytest.raises(NoPrices, match="no price of NEW"):
        draft(model=model, as_of=DAY, author="test")
