"""What a draft does to every household: measured, stored, summed, measured again; a page for any number of them."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal as D
from random import Random
from typing import Any

import numpy as np
import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import NotAllowed
from accounts.types import Role
from lots.types import EntryKind
from proposals.types import Side
from rebalancing import tasks
from rebalancing.model_changes import change_previews, effect_sums, version_effects
from rebalancing.model_changes.change_previews import findings, preview
from rebalancing.model_changes.model_versions import NewVersion, stored
from rebalancing.model_changes.new_weights_effect import dollars_traded
from rebalancing.model_changes.pages import effect_page
from rebalancing.model_changes.recipes import ExitRule, Freed, VersionKind
from rebalancing.model_changes.universe_drafts import ListedChange, draft_universe_change
from rebalancing.model_changes.universe_selectors import planned
from rebalancing.model_changes.version_decisions import publish
from rebalancing.model_changes.version_effects import NotOpen, measure_again, measure_some, to_come
from rebalancing.models import ModelAssignment, ModelVersion, VersionEffect
from rebalancing.risk_data.risk_models import risk_of
from scans import hints
from securities.models import Price, Security
from tests.factories import book, make_account, make_household, make_security, make_user
from tests.rebalancing.states import account, lot, state
from tests.rebalancing.test_services import DAY, LONG_AGO, Desk, desk, drifted, give_history

pytestmark = pytest.mark.django_db
__all__ = ["desk", "drifted"]  # fixtures

BEFORE = {"AAA": D("0.4"), "BBB": D("0.3"), "CCC": D("0.27")}


def draft_of(desk: Desk, **after: str) -> ModelVersion:
    """A draft of the desk's model with the weights given; a name that is left out leaves and is held."""
    pks = {symbol: security.pk for symbol, security in desk.securities.items()}
    new = NewVersion(
        kind=VersionKind.UNIVERSE,
        before={pks[one]: weight for one, weight in BEFORE.items()},
        after={pks[one]: D(weight) for one, weight in after.items()},
        as_of=DAY,
        reason="The committee's list.",
        exit_rules={pks[one]: ExitRule.HOLD for one in BEFORE.keys() - after.keys()},
    )
    return stored(desk.model, new, author="test")[0]


def another(desk: Desk, name: str, *, dollars: str = "1000") -> ModelAssignment:
    """One more household of the model, with cash alone."""
    household = make_household(desk.household.firm, name)
    account = make_account(household, f"T-{name}")
    book(account, EntryKind.CASH_IN, LONG_AGO, amount=dollars)
    return ModelAssignment.objects.create(household=household, model=desk.model)


def test_one_household_by_hand(drifted: Desk) -> None:
    """$100,000: AAA 56 %, BBB 21 %, CCC 20 %, cash 3 %; the draft wants 30, 40 and 27 %."""
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    assert measure_some(version.pk) == 0
    row = VersionEffect.objects.get()
    assert (row.value, row.as_of, row.why_not) == (D(100_000), DAY, "")
    assert (row.sold, row.bought) == (D(26_000), D(26_000))  # BBB 19,000 and CCC 7,000
    assert row.out_present == 3  # bands: a fifth of the target, at most five points
    assert row.out_before == 3
    ids = sorted(one.pk for one in drifted.securities.values())
    sigma = risk_of(drifted.model.firm_id, DAY, ids).covariance()
    for named, targets in (
        (row.error_present, [0.4, 0.3, 0.27]), (row.error_before, [0.3, 0.4, 0.27]),
    ):  # fmt: skip
        active = np.array([0.56, 0.21, 0.20]) - np.array(targets)
        assert float(named or 9) == pytest.approx(np.sqrt(active @ sigma @ active), abs=1e-7)
    assert row.error_after == pytest.approx(D(0), abs=D("0.00000001"))
    # $26,000 of AAA: the lot with the loss (260 at $110) first.
    assert (row.long_gain, row.short_gain) == (D(-2_600), D(0))


def test_what_restrictions_hold_is_still_off_after_the_trades(drifted: Desk) -> None:
    version = draft_of(drifted, BBB="0.4", CCC="0.57")
    measure_some(version.pk)
    row = VersionEffect.objects.get()
    # AAA is held: 56 % of the household; nothing is sold, so nothing but the cash could buy, and the model wants 3 %.
    assert (row.sold, row.bought) == (D(0), D(0))
    assert row.error_after == row.error_before
    assert row.error_after is not None
    assert row.error_after > D("0.05")


def test_purchases_share_the_money_there_is() -> None:
    """$2,000: 1 is held with $1,400, of which only $400 may be sold; 10 % are to stay in cash."""
    held = lot(1, "14", "900", opening=1, sellable="4")
    owned = state(
        accounts=(account(cash="600"),),
        lots=(held,),
        prices={1: "100", 2: "10", 3: "10"},
        targets={1: "0.3", 2: "0.4", 3: "0.2"},
    )
    # Wanted: -800, +800 and +400; there is $400 from the sale and $400 of cash, two thirds of $1,200.
    traded = dollars_traded(owned)
    assert traded[1] == D(-400)
    assert traded[2] == pytest.approx(D(800) * 800 / 1200)
    assert traded[3] == pytest.approx(D(400) * 800 / 1200)


@pytest.fixture
def leaving(drifted: Desk) -> ModelVersion:
    """A draft that sells AAA out in four households: one has a window open, one cannot be weighed, one has no AAA."""
    give_history(make_security(drifted.household.firm, "DDD"), Random("DDD"))
    drifted.buy(drifted.ira, "AAA", "10", "1000", day=date(2022, 12, 20))
    for name, shares in (("Baker", "100"), ("Clark", ""), ("Dunn", "")):
        household = make_household(drifted.household.firm, name)
        ModelAssignment.objects.create(household=household, model=drifted.model)
        account = make_account(household, f"T-{name}")
        if name != "Clark":
            book(account, EntryKind.CASH_IN, LONG_AGO, amount="9000")
        if shares:
            book(account, EntryKind.BUY, LONG_AGO, drifted.securities["AAA"], shares, amount="9000")
    return drafted(drifted, ListedChange("AAA", rule=ExitRule.SELL), ListedChange("DDD", D("0.4")))


def drafted(desk: Desk, *rows: ListedChange) -> ModelVersion:
    """A universe change of the firm's committee."""
    version = draft_universe_change(
        user=desk.user, model=desk.model, rows=list(rows), freed=Freed.OTHERS,
        effective_on=DAY, steps=1, reason="Out.",
    ).version  # fmt: skip
    assert version is not None
    return version


def test_what_workers_measure_comes_to_what_is_estimated_at_once(leaving: ModelVersion) -> None:
    assert measure_some(leaving.pk) == 0
    at_once, found = preview(planned(leaving), DAY), effect_sums.sums(leaving)
    assert (found.followers, found.measured, found.known) == (4, 4, 3)
    assert (found.sold, found.conflicts) == (at_once.sold, at_once.conflicts)
    assert (found.short_gain, found.long_gain) == (at_once.short_gain, at_once.long_gain)
    assert (found.tax, found.tax_present) == (at_once.tax, at_once.tax_now)
    assert found.sold == D(10_000) + D(57_000)
    wanted = effect_sums.shares_wanted(leaving)
    by_hand: dict[tuple[int, Side], D] = {}
    for row in at_once.rows:
        for security, shares in row.wanted.items():
            key = security, Side.BUY if shares > 0 else Side.SELL
            by_hand[key] = by_hand.get(key, D(0)) + abs(shares)
    assert wanted == {key: shares for key, shares in by_hand.items() if shares}
    aaa = Security.objects.get(symbol="AAA").pk
    assert wanted[aaa, Side.SELL] == D(670)
    assert findings(planned(leaving), DAY, wanted).large == at_once.large


def test_what_it_meets_is_summed_over_the_measured_and_its_households_are_named(
    leaving: ModelVersion, drifted: Desk
) -> None:
    ticks: Iterator[float] = iter(range(100))
    assert measure_some(leaving.pk, seconds=1.5, clock=lambda: next(ticks)) == 3  # Miller alone
    found = effect_sums.sums(leaving)
    assert (found.measured, found.to_come, found.conflicts, found.conflicting) == (1, 3, 1, 1)
    (row,) = effect_sums.conflicting(leaving)
    assert row.household == drifted.household
    assert row.preview is not None
    assert "shares of AAA at a loss cannot be sold" in row.preview["conflicts"][0]["told"]
    before = effect_sums.shares_wanted(leaving)
    assert measure_some(leaving.pk) == 0
    after = effect_sums.shares_wanted(leaving)
    assert all(after[key] >= shares for key, shares in before.items())
    assert (effect_sums.sums(leaving).conflicts, effect_sums.conflicting(leaving).count()) == (1, 1)
    ModelAssignment.objects.filter(household=drifted.household).delete()  # follows nothing now
    aaa = Security.objects.get(symbol="AAA").pk
    assert effect_sums.shares_wanted(leaving)[aaa, Side.SELL] == D(100)
    assert effect_sums.conflicting(leaving).count() == 0


def test_orders_of_all_households_together_are_large(leaving: ModelVersion) -> None:
    Security.objects.filter(symbol="AAA").update(average_daily_volume=3_300)
    assert effect_page(leaving)["found"].large == ()  # type: ignore[attr-defined]  # nobody is measured
    measure_some(leaving.pk)
    # Miller's 570 shares are 17 % of a day's volume, with Baker's 100 they are 20.3 %: over the model's slice_above.
    (told,) = effect_page(leaving)["found"].large  # type: ignore[attr-defined]
    assert told.startswith("The sale of 670 AAA is 20.3 % of a day's volume")


def test_a_household_is_assembled_once_for_all_of_its_figures(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    seen = []
    real = change_previews.present_and_planned

    def counted(*asked: Any) -> Any:
        seen.append(asked)
        return real(*asked)

    for module in (version_effects, change_previews):
        monkeypatch.setattr(module, "present_and_planned", counted)
    measure_some(version.pk)
    assert len(seen) == 1
    kept = VersionEffect.objects.get().preview
    assert kept is not None
    changed = {str(drifted.securities[one].pk) for one in ("AAA", "BBB")}  # CCC weighs what it did
    assert kept["wanted"].keys() == changed


def test_another_draft_has_figures_of_its_own(leaving: ModelVersion, drifted: Desk) -> None:
    measure_some(leaving.pk)
    other = drafted(drifted, ListedChange("BBB", rule=ExitRule.HOLD))
    assert effect_sums.sums(other).to_come == 4
    assert effect_sums.shares_wanted(other) == {}


def test_the_page_of_what_it_meets_says_who_is_to_come_and_writes_nothing(
    client: Client, leaving: ModelVersion, drifted: Desk
) -> None:
    client.force_login(drifted.user)
    path = f"/models/versions/{leaving.public_id}/effect/"
    text = client.get(path).content.decode()
    assert "No household has been measured yet. 4 are still to come. A worker measures them" in text
    assert "Wash conflicts and large orders are told once households are measured." in text
    assert not VersionEffect.objects.exists()
    assert client.post(path).status_code == 405
    measure_some(leaving.pk)
    text = client.get(path).content.decode()
    assert "4 of 4 households have been measured" in text
    assert "1 wash conflict in 1 of the 3 households that are measured." in text
    assert "shares of AAA at a loss cannot be sold" in text
    part = client.get(path, HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in part
    assert "Measure all again" not in part  # the part above it on the version's page has the button
    answer = client.post(
        f"/models/versions/{leaving.public_id}/measure/", {"back": "effect"}, follow=True
    )
    assert answer.request["PATH_INFO"] == path
    assert "4 are still to come" in answer.content.decode()


def test_a_change_that_is_not_written_looks_at_the_first_households(
    client: Client, leaving: ModelVersion, drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rebalancing.model_changes.change_previews.MOST_HOUSEHOLDS", 2)
    assert [row.name for row in preview(planned(leaving), DAY).rows] == ["Baker", "Clark"]
    client.force_login(drifted.user)
    file = {"text": "symbol,weight,effective_date\nBBB,1,2022-12-29\n", "name": "b.csv"}
    path = f"/models/{drifted.model.pk}/constituents/"
    shown = client.post(path, {**file, "exit_rule": "sell", "steps": "1"}).content.decode()
    assert "Only the first 2 of 4 households are looked at; workers measure all" in shown


def test_sums_are_over_all_households_and_unknown_ones_are_told(drifted: Desk) -> None:
    another(drifted, "Stone", dollars="50000")
    empty = make_household(drifted.household.firm, "Empty")
    ModelAssignment.objects.create(household=empty, model=drifted.model)
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    found = effect_sums.sums(version)
    assert (found.followers, found.measured, found.to_come, found.error_before) == (3, 0, 3, None)
    measure_some(version.pk)
    found = effect_sums.sums(version)
    assert (found.measured, found.to_come, found.unknown, found.without_tax) == (3, 0, 1, 1)
    assert found.value == D(150_000)
    assert (found.sold, found.bought) == (D(26_000), D(26_000) + D("0.97") * 50_000)
    first, second = VersionEffect.objects.exclude(value=None).order_by("-value")
    assert first.error_before is not None
    assert second.error_before is not None
    mean = (100_000 * first.error_before + 50_000 * second.error_before) / 150_000
    assert found.error_before == pytest.approx(mean)
    assert "neither shares nor cash" in VersionEffect.objects.get(household=empty).why_not


def test_one_that_fails_does_not_stop_the_others(
    drifted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    another(drifted, "Stone")
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    real = version_effects.columns_of

    def fails_once(assigned: ModelAssignment, *more: object) -> object:
        if assigned.household_id == drifted.household.pk:
            raise ZeroDivisionError
        return real(assigned, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(version_effects, "columns_of", fails_once)
    assert measure_some(version.pk) == 0
    told = dict(VersionEffect.objects.values_list("household__name", "why_not"))
    assert "ZeroDivisionError" in told[drifted.household.name]
    assert told["Stone"] == ""


def test_a_message_measures_for_a_while_and_leaves_the_rest(drifted: Desk) -> None:
    for name in ("One", "Two", "Three"):
        another(drifted, name)
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    ticks: Iterator[float] = iter(range(100))
    assert measure_some(version.pk, seconds=2.5, clock=lambda: next(ticks)) == 2
    assert VersionEffect.objects.count() == 2
    assert to_come(version).count() == 2
    assert measure_some(version.pk) == 0
    assert VersionEffect.objects.count() == 4


def test_measured_again_the_old_figures_stand_until_the_new_ones_come(drifted: Desk) -> None:
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    measure_some(version.pk)
    drifted.buy(drifted.taxable, "BBB", "100", "10000")
    assert to_come(version).count() == 0
    measure_again(user=drifted.user, version=version)
    version.refresh_from_db()
    found = effect_sums.sums(version)
    assert (found.measured, found.to_come, found.value) == (1, 1, D(100_000))
    measure_some(version.pk)
    found = effect_sums.sums(version)
    assert (found.measured, found.to_come, found.value) == (1, 0, D(110_000))
    reader = make_user(drifted.household.firm, "olga", role=Role.OPERATIONS)
    with pytest.raises(NotAllowed):
        measure_again(user=reader, version=version)


def test_nothing_is_measured_of_a_version_in_force(drifted: Desk) -> None:
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    publish(user=drifted.user, version=version)
    assert measure_some(version.pk) == 0
    assert not VersionEffect.objects.exists()
    with pytest.raises(NotOpen, match="published"):
        measure_again(user=drifted.user, version=version)


def test_a_household_that_follows_another_model_now_is_not_in_the_sums(drifted: Desk) -> None:
    left = another(drifted, "Stone")
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    measure_some(version.pk)
    left.delete()
    found = effect_sums.sums(version)
    assert (found.followers, found.measured, found.value) == (1, 1, D(100_000))


def test_without_prices_the_row_says_why(drifted: Desk) -> None:
    Price.objects.filter(security__symbol="CCC").delete()
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    measure_some(version.pk)
    assert "CCC" in VersionEffect.objects.get().why_not


@pytest.fixture
def empty_queue(server_addresses: Mapping[str, str]) -> Iterator[None]:
    """Nobody listens to the queue; it is empty before and after."""
    with redis.Redis.from_url(server_addresses["REDIS_URL"]) as client:
        client.flushdb()
        yield
        client.flushdb()


def test_a_broken_chain_is_mended_by_the_sweeper_alone(drifted: Desk, empty_queue: None) -> None:
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    assert version_effects.sweep() == []  # its message may still be on its way
    ModelVersion.objects.update(effects_asked_at=timezone.now() - timedelta(hours=1))
    assert version_effects.sweep() == [version.pk]
    assert hints.queued() == 1
    tasks.measure_effects(version.pk)
    assert VersionEffect.objects.count() == 1
    assert hints.queued() == 1  # all done: no other message was sent
    VersionEffect.objects.update(measured_at=timezone.now() - timedelta(minutes=30))
    assert version_effects.sweep() == []  # nobody is to come


def questions(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    return len(asked)


def test_the_page_asks_as_many_questions_whatever_the_number_of_households(
    client: Client, drifted: Desk
) -> None:
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    client.force_login(drifted.user)
    page = f"/models/versions/{version.public_id}/households/"
    text = client.get(page).content.decode()
    assert "No household has been measured yet. 1 is still to come." in text
    measure_some(version.pk)
    met = f"/models/versions/{version.public_id}/effect/"
    few = {one: questions(client, one) for one in (page, met)}
    text = client.get(page).content.decode()
    assert "1 of 1 households have been measured" in text
    assert "$26,000" in text
    for number in range(60):
        another(drifted, f"House {number}")
    measure_some(version.pk)
    assert {one: questions(client, one) for one in (page, met)} == few
    text = client.get(page).content.decode()
    assert "61 of 61 households" in text
    assert "Page 1 of 2" in text
    assert client.post(f"/models/versions/{version.public_id}/measure/").status_code == 302
    assert "61 are still to come" in client.get(page).content.decode()
