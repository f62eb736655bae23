"""The effect of a version on many households: computed bit by bit, kept while it holds, the same as at once."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.test import Client

from accounts.models import Household
from lots.types import EntryKind
from rebalancing.model_changes import version_effects
from rebalancing.model_changes.change_previews import preview
from rebalancing.model_changes.recipes import ExitRule
from rebalancing.model_changes.universe_drafts import ListedChange
from rebalancing.model_changes.universe_selectors import planned
from rebalancing.models import ModelAssignment, ModelVersion, VersionEffect
from tests.factories import book, make_account, make_household, set_price
from tests.rebalancing.model_changes.test_universe_changes import OUT, draft, ready
from tests.rebalancing.test_services import DAY, LONG_AGO, Desk, desk, drifted

pytestmark = pytest.mark.django_db
__all__ = ["desk", "drifted", "ready"]  # fixtures


@pytest.fixture
def version(ready: Desk) -> ModelVersion:
    """A draft that takes AAA out, of a model that three households follow; one of them cannot be weighed."""
    for name, shares in (("Baker", "100"), ("Clark", "")):
        household = make_household(ready.household.firm, name)
        ModelAssignment.objects.create(household=household, model=ready.model)
        account = make_account(household, f"T-{name}")
        if shares:
            book(account, EntryKind.CASH_IN, LONG_AGO, amount="9000")
            book(account, EntryKind.BUY, LONG_AGO, ready.securities["AAA"], shares, amount="9000")
    return draft(ready, *OUT)


def compute(version: ModelVersion, *, seconds: float = 0) -> int:
    return version_effects.compute_more(version, planned(version), seconds=seconds)


def found(version: ModelVersion) -> version_effects.Computed:
    return version_effects.computed(version, planned(version))


def test_it_is_computed_household_by_household_and_comes_to_the_same(version: ModelVersion) -> None:
    assert (found(version).to_come, found(version).oldest) == (3, None)
    seen = []
    for left in (2, 1, 0):
        assert compute(version) == left
        seen.append((found(version).to_come, [row.name for row in found(version).preview.rows]))
    assert seen == [
        (2, ["Baker"]),
        (1, ["Baker", "Clark"]),
        (0, ["Baker", "Clark", "Miller"]),
    ]
    assert found(version).preview == preview(planned(version), DAY)
    assert found(version).preview.sold == D(10_000) + D(56_000)
    assert found(version).preview.unknown == 1
    assert compute(version) == 0


def test_what_is_booked_or_priced_afterwards_is_computed_again(
    version: ModelVersion, ready: Desk
) -> None:
    assert compute(version, seconds=60) == 0
    ready.buy(ready.ira, "AAA", "10", "1000", day=date(2022, 12, 20))
    assert [row.name for row in found(version).preview.rows] == ["Baker", "Clark"]
    assert compute(version, seconds=60) == 0
    set_price(ready.securities["AAA"], DAY, "101")
    assert (found(version).to_come, found(version).preview.sold) == (3, D(0))
    assert compute(version, seconds=60) == 0
    assert found(version).preview == preview(planned(version), DAY)
    assert VersionEffect.objects.count() == 3


def test_another_draft_has_figures_of_its_own(version: ModelVersion, ready: Desk) -> None:
    assert compute(version, seconds=60) == 0
    other = draft(ready, ListedChange("BBB", rule=ExitRule.HOLD))
    assert found(other).to_come == 3


def test_the_page_says_what_is_to_come_and_goes_on(version: ModelVersion, ready: Desk) -> None:
    browser = Client()
    browser.force_login(ready.user)
    path = f"/models/versions/{version.public_id}/effect/"
    empty = browser.get(path).content.decode()
    assert "0 of 3 households are computed, 3 are to come" in empty
    assert "load delay" in empty
    for _ in range(3):
        shown = browser.post(path, HTTP_HX_REQUEST="true").content.decode()
    assert "All 3 households are computed. The oldest figures are of" in shown
    assert "load delay" not in shown
    assert "<html" not in shown
    before = VersionEffect.objects.order_by("pk").first()
    assert before is not None
    browser.post(path, {"again": "1"})
    assert not VersionEffect.objects.filter(pk=before.pk).exists()
    Household.objects.filter(name="Clark").update(name="Clark & Sons")
    assert "Clark &amp; Sons" in browser.post(path, follow=True).content.decode()


def test_a_change_that_is_not_written_looks_at_the_first_households(
    version: ModelVersion, ready: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rebalancing.model_changes.change_previews.MOST_HOUSEHOLDS", 2)
    assert [row.name for row in preview(planned(version), DAY).rows] == ["Baker", "Clark"]
    browser = Client()
    browser.force_login(ready.user)
    file = {"text": "symbol,weight,effective_date\nBBB,1,2022-12-29\n", "name": "b.csv"}
    path = f"/models/{ready.model.pk}/constituents/"
    shown = browser.post(path, {**file, "exit_rule": "sell", "steps": "1"}).content.decode()
    assert "Only the first 2 of 3 households are looked at; the draft's page" in shown
