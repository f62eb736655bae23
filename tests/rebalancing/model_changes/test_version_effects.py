"""What a draft does to every household: measured, stored, summed, measured again; a page for any number of them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal as D

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
from rebalancing import tasks
from rebalancing.model_changes import effect_sums, version_effects
from rebalancing.model_changes.model_versions import NewVersion, publish, stored
from rebalancing.model_changes.new_weights_effect import dollars_traded
from rebalancing.model_changes.recipes import ExitRule, VersionKind
from rebalancing.model_changes.version_effects import NotOpen, measure_again, measure_some, to_come
from rebalancing.models import ModelAssignment, ModelVersion, VersionEffect
from rebalancing.risk_data.risk_models import risk_of
from scans import hints
from securities.models import Price
from tests.factories import book, make_account, make_household, make_user
from tests.rebalancing.states import account, lot, state
from tests.rebalancing.test_services import DAY, LONG_AGO, Desk, desk, drifted

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
    real = version_effects.figures_of

    def fails_once(assigned: ModelAssignment, *more: object) -> object:
        if assigned.household_id == drifted.household.pk:
            raise ZeroDivisionError
        return real(assigned, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(version_effects, "figures_of", fails_once)
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


def test_the_page_asks_as_many_questions_whatever_the_number_of_households(
    client: Client, drifted: Desk
) -> None:
    version = draft_of(drifted, AAA="0.3", BBB="0.4", CCC="0.27")
    client.force_login(drifted.user)
    page = f"/models/versions/{version.public_id}/households/"
    text = client.get(page).content.decode()
    assert "No household has been measured yet. 1 is still to come." in text
    measure_some(version.pk)
    with CaptureQueriesContext(
        connection,
    ) as few:
        text = client.get(page).content.decode()
    assert "1 of 1 households have been measured" in text
    assert "$26,000" in text
    for number in range(60):
        another(drifted, f"House {number}")
    measure_some(version.pk)
    with CaptureQueriesContext(connection) as many:
        text = client.get(page).content.decode()
    assert "61 of 61 households" in text
    assert "Page 1 of 2" in text
    assert len(many) == len(few)
    assert client.post(f"/models/versions/{version.public_id}/measure/").status_code == 302
    assert "61 are still to come" in client.get(page).content.decode()
