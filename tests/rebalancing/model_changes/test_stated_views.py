"""Views on the real database: stated, refused, ended, and what a draft makes of them."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Firm, User
from accounts.types import Role
from rebalancing import selectors
from rebalancing.model_changes import stated_views
from rebalancing.model_changes.recipe_drafts import NotDrafted, StrayView, draft, draft_now
from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.stated_views import BadView, end_view, state_view
from rebalancing.model_changes.view_words import Stated
from rebalancing.models import (
    ModelVersion,
    ModelWeight,
    RebalancePolicy,
    ReturnView,
    RiskSetting,
    TargetModel,
)
from rebalancing.risk_data.risk_models import risk_of
from tests.factories import make_user
from tests.rebalancing.model_changes.test_model_versions import approver, firm, limit, model
from tests.rebalancing.test_services import DAY

pytestmark = pytest.mark.django_db
__all__ = ["approver", "firm", "model"]  # fixtures

State = Callable[..., ReturnView]


@pytest.fixture
def state(model: TargetModel, approver: User) -> State:
    """States a view on a model that makes mean-variance weights."""
    model.recipe = Recipe.MEAN_VARIANCE
    model.save()

    def stated(symbol: str = "AAA", **more: Any) -> ReturnView:
        return state_view(
            user=approver, model=model, new=a_view(symbol, **more), reason="New products."
        )

    return stated


def a_view(symbol: str = "AAA", **more: Any) -> Stated:
    values: dict[str, Any] = {
        "over": None, "yearly_return": D("0.08"), "confidence": D("0.5"), "since": DAY, "until": None,
    }  # fmt: skip
    return Stated(symbol=symbol, **{**values, **more})


def weight_of(version: ModelVersion, symbol: str) -> D:
    return dict(version.weights.values_list("security__symbol", "after"))[symbol]


def test_a_view_changes_the_draft_which_keeps_what_it_was_made_with(
    model: TargetModel, state: State
) -> None:
    assert draft(model=model, as_of=DAY, author="test") is None
    row = state("BBB", over="AAA", yearly_return=D("0.02"), confidence=D("0.6"))
    version = draft(model=model, as_of=DAY, author="test")
    assert version is not None
    assert version.reason == f"Mean variance with 1 view by the prices up to {DAY}."
    assert weight_of(version, "BBB") > D("0.30")
    assert weight_of(version, "CCC") == D("0.07")  # not in the view: He and Litterman
    (record,) = version.views
    assert record["view"] == "BBB beats AAA by 2.00 % a year"
    assert (record["confidence"], record["author"]) == ("0.6", row.author.username)
    # The figures are those of the formula, by the firm's own risk model.
    rows = list(version.weights.order_by("security_id"))
    targets = selectors.targets(model.pk)
    sigma = risk_of(model.firm_id, DAY, sorted(targets)).covariance()
    prior = 2.5 * sigma @ np.array([float(targets[one]) for one in sorted(targets)])
    assert version.market_risk_price == D("2.5")
    pick = np.array([-1.0, 1.0, 0.0])
    surprise = 0.02 - pick @ prior
    after = prior + 0.6 * surprise / (pick @ sigma @ pick) * (sigma @ pick)
    assert [float(one.implied_return or 9) for one in rows] == pytest.approx(prior, abs=1e-7)
    assert [float(one.expected_return or 9) for one in rows] == pytest.approx(after, abs=1e-7)
    assert float(record["implied"]) == pytest.approx(pick @ prior, abs=1e-7)
    assert float(record["expected"]) == pytest.approx(pick @ after, abs=1e-7)


def test_the_market_and_not_the_policy_says_what_weights_imply(
    firm: Firm, model: TargetModel, state: State
) -> None:
    state("BBB", confidence=D("0.4"))
    RebalancePolicy.objects.update_or_create(
        firm=firm, household=None, model=None, defaults={"risk_aversion": D(70)}
    )
    first = draft(model=model, as_of=DAY, author="test")
    assert first is not None
    RiskSetting.objects.update_or_create(firm=firm, defaults={"market_risk_price": D(5)})
    second = draft(model=model, as_of=DAY, author="test")
    assert second is not None
    assert [one.market_risk_price for one in (first, second)] == [D("2.5"), D(5)]
    implied = [
        [float(row.implied_return or 9) for row in one.weights.order_by("security_id")]
        for one in (first, second)
    ]
    assert implied[1] == pytest.approx([2 * one for one in implied[0]], abs=1e-7)
    assert ModelVersion.objects.get(pk=first.pk).state == "superseded"


def test_without_a_view_the_weights_stay_at_any_price(
    firm: Firm, model: TargetModel, state: State
) -> None:
    for price in ("0.5", "2.5", "40"):
        RiskSetting.objects.update_or_create(firm=firm, defaults={"market_risk_price": D(price)})
        assert draft(model=model, as_of=DAY, author="test") is None


def test_the_same_draft_again_is_the_same_until_a_view_changes(
    model: TargetModel, state: State, approver: User
) -> None:
    row = state(confidence=D(1))
    first = draft(model=model, as_of=DAY, author="test")
    assert draft(model=model, as_of=DAY, author="test") == first
    end_view(user=approver, view=row)
    assert draft(model=model, as_of=DAY, author="test") is None
    state("AAA", confidence=D("0.4"))
    second = draft(model=model, as_of=DAY, author="test")
    assert first is not None
    assert second is not None
    assert second.number == first.number + 1
    assert first.views[0]["confidence"] == "1"  # what was used stays on record


def test_a_view_counts_in_its_time_alone(model: TargetModel, state: State) -> None:
    state(since=DAY + timedelta(days=1))
    assert draft(model=model, as_of=DAY, author="test") is None
    state("BBB", since=DAY - timedelta(days=30), until=DAY - timedelta(days=1))
    assert draft(model=model, as_of=DAY, author="test") is None
    state("CCC", since=DAY - timedelta(days=30), until=DAY)
    version = draft(model=model, as_of=DAY, author="test")
    assert version is not None
    assert [one["view"] for one in version.views] == ["CCC returns 8.00 % a year more than cash"]


def test_weights_with_views_stay_within_the_mandate(
    firm: Firm, model: TargetModel, state: State
) -> None:
    limit(firm, "security", security=firm.securities.get(symbol="BBB"), high=D("0.35"))
    state("BBB", over="AAA", yearly_return=D("0.5"), confidence=D(1))
    version = draft(model=model, as_of=DAY, author="test")
    assert version is not None
    assert weight_of(version, "BBB") == D("0.35")
    assert sum(row.after for row in version.weights.all()) == D("0.97")


@pytest.mark.parametrize(
    ("symbol", "more", "field", "told"),
    [
        ("ZZZ", {}, "symbol", "'ZZZ' is no name of the model"),
        ("AAA", {"over": "ZZZ"}, "over", "'ZZZ' is no name of the model"),
        ("AAA", {"over": "AAA"}, "over", "cannot beat itself"),
        ("AAA", {"yearly_return": D(8)}, "yearly_return", "800 % a year is beyond 50 %"),
        ("AAA", {"yearly_return": D("0.50001")}, "yearly_return", "50.001 % a year is beyond 50 %"),
        ("AAA", {"over": "BBB", "yearly_return": D("-0.02")}, "yearly_return", "better one first"),
        ("AAA", {"confidence": D(0)}, "confidence", "above 0 %"),
        ("AAA", {"confidence": D("1.01")}, "confidence", "at most 100 %"),
        ("AAA", {"until": DAY - timedelta(days=1)}, "until", "before the first day"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    state: State, symbol: str, more: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(BadView, match=told) as found:
        state(symbol, **more)
    assert found.value.fields[0][0] == field
    assert not ReturnView.objects.exists()


def test_a_pair_has_one_view_at_a_time_whichever_is_named_first(state: State) -> None:
    state("AAA", over="BBB", until=DAY + timedelta(days=9))
    with pytest.raises(BadView, match=r"AAA beats BBB by 8.00 % a year\. End it first"):
        state("BBB", over="AAA", since=DAY + timedelta(days=9))
    state("BBB", over="AAA", since=DAY + timedelta(days=10))
    with pytest.raises(BadView, match="End it first"):
        state("AAA", over="BBB", since=DAY - timedelta(days=400), until=DAY)


def test_views_that_follow_from_each_other_are_refused_also_when_they_meet_later(
    state: State,
) -> None:
    state("AAA", over="BBB", since=DAY + timedelta(days=30))
    state("BBB", over="CCC")
    with pytest.raises(BadView, match=f"From {DAY + timedelta(days=30)} on: .*follows from"):
        state("AAA", over="CCC")
    state("AAA", over="CCC", until=DAY + timedelta(days=29))
    state("CCC", yearly_return=D(0))
    with pytest.raises(BadView, match="4 views on 3 names"):
        state("AAA", yearly_return=D(0))


def test_only_who_decides_states_and_ends_a_view_and_both_are_audited(
    firm: Firm, model: TargetModel, state: State
) -> None:
    row = state()
    reader = make_user(firm, "olga", role=Role.OPERATIONS)
    for refused in (
        lambda: state_view(user=reader, model=model, new=a_view("BBB"), reason="No."),
        lambda: end_view(user=reader, view=row),
        lambda: draft_now(user=reader, model=model),
    ):
        with pytest.raises(NotAllowed):
            refused()
    end_view(user=row.author, view=row)
    row.refresh_from_db()
    assert row.until == DAY - timedelta(days=1)
    with pytest.raises(BadView, match="has ended on"):
        end_view(user=row.author, view=row)
    actions = AuditEvent.objects.filter(action__startswith="model.view").values_list("action")
    assert [action for (action,) in actions] == ["model.view_stated", "model.view_ended"]


def test_a_model_of_another_recipe_takes_no_view(model: TargetModel, approver: User) -> None:
    with pytest.raises(BadView, match="recipe is mean_variance"):
        state_view(user=approver, model=model, new=a_view(), reason="Why not.")


def test_a_view_about_a_name_that_has_left_stops_the_draft(
    model: TargetModel, state: State
) -> None:
    state("CCC")
    ModelWeight.objects.filter(model=model, security__symbol="CCC").delete()
    with pytest.raises(StrayView, match="does not have CCC any more"):
        draft(model=model, as_of=DAY, author="test")


def test_a_refusal_of_the_recipe_is_told_to_who_asks(
    firm: Firm, model: TargetModel, state: State, approver: User
) -> None:
    limit(firm, "volatility", high=D("0.01"))
    with pytest.raises(NotDrafted, match=r"no new weights\. The new weights break the mandate"):
        draft_now(user=approver, model=model)


@pytest.mark.parametrize(
    "values",
    [
        {"confidence": D(0)},
        {"confidence": D("1.1")},
        {"yearly_return": D("0.6")},
        {"yearly_return": D("-0.6")},
        {"until": date(2000, 1, 1)},
        {"reason": ""},
    ],
)
def test_the_database_itself_refuses_absurd_views(
    model: TargetModel, approver: User, values: dict[str, Any]
) -> None:
    base: dict[str, Any] = {
        "model": model, "security": model.firm.securities.get(symbol="AAA"), "yearly_return": D("0.1"),
        "confidence": D("0.5"), "since": DAY, "reason": "Why.", "author": approver,
    }  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        ReturnView.objects.create(**{**base, **values})
    ReturnView.objects.create(**base)
    with pytest.raises(IntegrityError, match="return_view_once"), transaction.atomic():
        ReturnView.objects.create(**base)


def test_the_page_states_ends_and_drafts(client: Client, model: TargetModel, state: State) -> None:
    client.force_login(User.objects.get())
    page = f"/models/{model.pk}/"
    shown = client.get(page).content.decode()
    assert "Nobody has a view" in shown
    priced = "2.5: a market with a volatility of 16 % a year returns 6.40 % more than cash"
    assert priced in shown
    typed = {
        "symbol": "AAA", "over": "BBB", "yearly_return": "2.5 %", "confidence": "40",
        "since": DAY.isoformat(), "until": "", "reason": "They gain market share.",
    }  # fmt: skip
    refused = client.post(f"{page}views/", {**typed, "confidence": "0"})
    assert refused.status_code == 422
    assert "Confidence is above 0 %" in refused.content.decode()
    assert "They gain market share." in refused.content.decode()
    assert client.post(f"{page}views/", {**typed, "since": ""}).status_code == 422
    later = {**typed, "symbol": "CCC", "over": "", "since": "2099-01-05"}
    told = client.post(f"{page}views/", later, follow=True).content.decode()
    assert "drafts use it from" in told
    assert "the next draft uses it" not in told
    ReturnView.objects.all().delete()
    assert (
        "the next draft uses it"
        in client.post(f"{page}views/", typed, follow=True).content.decode()
    )
    row = ReturnView.objects.get()
    assert (row.yearly_return, row.confidence) == (D("0.025"), D("0.4"))
    assert "AAA beats BBB by 2.50 % a year" in client.get(page).content.decode()
    drafted = client.post(f"{page}draft/", follow=True).content.decode()
    assert "Views it was made with" in drafted
    assert "With the views" in drafted
    assert f"at the market’s price of risk, {priced}" in drafted
    ModelVersion.objects.update(market_risk_price=None)
    older = ModelVersion.objects.get()
    assert "older drafts" in client.get(f"/models/versions/{older.public_id}/").content.decode()
    assert client.post(f"{page}views/{row.pk}/end/").status_code == 302
    assert stated_views.in_force(model.pk, DAY) == []
    assert "already" in client.post(f"{page}draft/", follow=True).content.decode()
