"""Universe changes on the real database: drafted, published, scheduled, stepped, lapsed, and what pages show."""

from datetime import date
from decimal import Decimal as D
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.errors import NotAllowed
from accounts.models import AuditEvent, User
from accounts.types import Role
from harvesting.models import SubstituteMapping
from proposals.models import Proposal
from proposals.types import ProposalKind, Side
from rebalancing import selectors
from rebalancing.model_changes import published, version_steps
from rebalancing.model_changes.change_previews import preview
from rebalancing.model_changes.recipes import ExitRule, Freed, VersionKind, VersionState
from rebalancing.model_changes.universe_drafts import (
    BadUniverse,
    ListedChange,
    draft_reconstitution,
    draft_universe_change,
)
from rebalancing.model_changes.universe_selectors import changes_between, exits, planned
from rebalancing.model_changes.version_decisions import (
    AnotherUnderWay,
    NotADraft,
    publish,
    withdraw,
)
from rebalancing.model_changes.version_effects import measure_some
from rebalancing.model_changes.version_steps import apply_due
from rebalancing.models import (
    Mandate,
    MandateRule,
    ModelExit,
    ModelVersion,
    ModelWeight,
    TargetModel,
)
from scans.operations import operations
from scans.services import open_run
from tests.factories import make_firm, make_household, make_security, make_user
from tests.rebalancing.test_services import DAY, Desk, desk, drifted, give_history

pytestmark = pytest.mark.django_db
__all__ = ["desk", "drifted"]  # fixtures

NEXT, THIRD = date(2022, 12, 29), date(2022, 12, 30)
AFTER_NEW_YEAR = date(2023, 1, 3)  # the trading day after THIRD
OUT = (ListedChange("AAA", rule=ExitRule.SELL), ListedChange("DDD", D("0.40"), note="Cheaper"))


@pytest.fixture
def ready(drifted: Desk) -> Desk:
    """The drifted household of the model AAA, BBB, CCC; DDD has a history and may come in."""
    security = make_security(drifted.household.firm, "DDD")
    give_history(security, Random(9))
    drifted.securities["DDD"] = security
    return drifted


def draft(desk: Desk, *rows: ListedChange, on: date = DAY, steps: int = 1) -> ModelVersion:
    found = draft_universe_change(
        user=desk.user,
        model=desk.model,
        rows=rows or OUT,
        freed=Freed.OTHERS,
        effective_on=on,
        steps=steps,
        reason="The committee's list",
    )
    assert found.version is not None
    return found.version


def weights(desk: Desk) -> dict[str, D]:
    names = {one.pk: symbol for symbol, one in desk.securities.items()}
    return {names[one]: weight for one, weight in selectors.targets(desk.model.pk).items()}


def night(desk: Desk, day: date) -> list[ModelVersion]:
    return apply_due(firm_id=desk.household.firm_id, as_of=day, actor="night")


def trades(desk: Desk, symbol: str) -> list[Any]:
    result = desk.examine()
    assert result.draft is not None, result.detail
    return [one for one in result.draft.trades if one.security == desk.securities[symbol].pk]


OLD = {"AAA": D("0.4"), "BBB": D("0.3"), "CCC": D("0.27")}
NEW = {"BBB": D("0.3"), "CCC": D("0.27"), "DDD": D("0.40")}


# From a draft to trades


def test_a_published_deletion_is_sold_out_and_the_proposal_says_why(ready: Desk) -> None:
    version = draft(ready)
    assert weights(ready) == OLD
    assert "UNIVERSE" not in ready.examine().draft.reasons  # type: ignore[union-attr]
    publish(user=ready.user, version=version)
    assert weights(ready) == NEW
    result = ready.examine()
    assert result.draft is not None
    assert result.draft.reasons[0] == "UNIVERSE"
    sales, purchases = trades(ready, "AAA"), trades(ready, "DDD")
    assert sum(one.quantity for one in sales) == 560
    assert {one.reason for one in (*sales, *purchases)} == {"UNIVERSE"}
    assert {one.side for one in purchases} == {Side.BUY}
    told = str(result.draft.explanation["lines"])
    assert "by version 1 of Core (universe change) the target of AAA is 0.0 %" in told
    event = AuditEvent.objects.get(action="model.published")
    assert '"AAA":"sell"' in event.payload


@pytest.mark.parametrize(("rule", "shares"), [(ExitRule.NO_GAINS, 260), (ExitRule.HOLD, 0)])
def test_gains_are_kept_or_everything_is(ready: Desk, rule: ExitRule, shares: int) -> None:
    version = draft(ready, ListedChange("AAA", rule=rule), ListedChange("DDD", D("0.40")))
    publish(user=ready.user, version=version)
    result = ready.examine()
    found = result.draft.trades if result.draft else ()
    key = ready.securities["AAA"].pk
    assert sum(one.quantity for one in found if one.security == key) == shares


def test_an_exit_ends_when_the_name_comes_back(ready: Desk) -> None:
    publish(user=ready.user, version=draft(ready))
    assert set(published.exits(ready.model.pk, DAY)) == {ready.securities["AAA"].pk}
    back = (ListedChange("DDD", rule=ExitRule.HOLD), ListedChange("AAA", D("0.40")))
    publish(user=ready.user, version=draft(ready, *back))
    assert set(published.exits(ready.model.pk, DAY)) == {ready.securities["DDD"].pk}
    assert ModelExit.objects.filter(ended_on=None).count() == 1


def test_a_change_is_over_with_the_first_rebalance_filled_after_it(ready: Desk) -> None:
    publish(user=ready.user, version=draft(ready))
    assert len(published.changes(ready.model.pk, DAY, followed_on=DAY)) == 2
    assert published.changes(ready.model.pk, NEXT, followed_on=NEXT) == {}
    assert published.changes(ready.model.pk, DAY, followed_on=None).keys() == {
        ready.securities["AAA"].pk, ready.securities["DDD"].pk,
    }  # fmt: skip


# Waiting, steps, lapses


def test_a_version_waits_for_its_day_and_the_first_night_on_it_applies_it(ready: Desk) -> None:
    version = publish(user=ready.user, version=draft(ready, on=THIRD))
    assert version.state == VersionState.SCHEDULED
    assert (weights(ready), night(ready, NEXT)) == (OLD, [])
    run = open_run(firm_id=ready.household.firm_id, as_of=AFTER_NEW_YEAR, wake_workers=False)
    assert run.business_date == AFTER_NEW_YEAR  # THIRD had no night: the first on or after it
    version.refresh_from_db()
    assert (version.state, version.begun_on) == (VersionState.PUBLISHED, AFTER_NEW_YEAR)
    assert weights(ready) == NEW
    assert AuditEvent.objects.filter(action="model.step_taken").count() == 1


def test_steps_move_the_weights_one_a_trading_day_to_the_digit(ready: Desk) -> None:
    version = publish(user=ready.user, version=draft(ready, steps=3))
    third = D("0.4") / 3
    assert weights(ready)["DDD"].quantize(D("1e-8")) in (D("0.13333333"), D("0.13333334"))
    assert abs(weights(ready)["AAA"] - 2 * third) < D("1e-8")
    assert sum(weights(ready).values()) == D("0.97")
    assert night(ready, DAY) == []  # the day's step is taken
    assert night(ready, AFTER_NEW_YEAR) == [version]  # two nights were missed: both steps
    assert weights(ready) == NEW
    assert night(ready, date(2023, 1, 4)) == []


def test_a_model_that_was_changed_meanwhile_is_left_alone_loudly(ready: Desk) -> None:
    version = publish(user=ready.user, version=draft(ready, on=NEXT))
    ModelWeight.objects.filter(model=ready.model, security__symbol="CCC").update(weight=D("0.25"))
    open_run(firm_id=ready.household.firm_id, as_of=NEXT, wake_workers=False)
    version.refresh_from_db()
    assert version.state == VersionState.LAPSED
    assert weights(ready)["CCC"] == D("0.25")
    assert not ModelExit.objects.exists()
    assert AuditEvent.objects.filter(action="model.lapsed").count() == 1
    told = [one.sentence for one in operations(ready.user, timezone.now()).alarms]
    assert any("was not applied: somebody has changed the model since" in one for one in told)
    draft(ready, on=THIRD)  # somebody has taken it up: the alarm has done its work
    told = [one.sentence for one in operations(ready.user, timezone.now()).alarms]
    assert not any("was not applied" in one for one in told)


def test_a_version_that_fails_stops_no_night_and_is_an_alarm(
    ready: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(user=ready.user, version=draft(ready, on=NEXT))
    monkeypatch.setattr(version_steps, "step_weights", lambda *_: 1 / 0)
    run = open_run(firm_id=ready.household.firm_id, as_of=NEXT, wake_workers=False)
    version.refresh_from_db()
    assert (run.items.count(), version.state, weights(ready)) == (1, VersionState.SCHEDULED, OLD)
    told = [one.sentence for one in operations(ready.user, timezone.now()).alarms]
    assert any("Core 1 of a model was to move on" in one for one in told)


def test_two_versions_under_way_are_refused_and_one_may_be_taken_back(ready: Desk) -> None:
    first = publish(user=ready.user, version=draft(ready, on=NEXT))
    second = draft(ready, ListedChange("BBB", rule=ExitRule.HOLD), on=THIRD)
    with pytest.raises(AnotherUnderWay, match="Core 1 waits for 2022-12-29: withdraw it first"):
        publish(user=ready.user, version=second)
    assert withdraw(user=ready.user, version=first).state == VersionState.WITHDRAWN
    assert night(ready, THIRD) == []
    publish(user=ready.user, version=second)
    with pytest.raises(NotADraft, match="is scheduled"):
        publish(user=ready.user, version=second)


def test_steps_may_be_stopped_and_what_still_weighs_something_has_not_left(ready: Desk) -> None:
    version = publish(user=ready.user, version=draft(ready, steps=4))
    other = draft(ready, ListedChange("BBB", rule=ExitRule.HOLD))
    with pytest.raises(AnotherUnderWay, match="step 1 of 4: stop it first"):
        publish(user=ready.user, version=other)
    withdraw(user=ready.user, version=version)
    assert published.exits(ready.model.pk, DAY) == {}
    assert night(ready, NEXT) == []
    assert weights(ready)["AAA"] == D("0.3")
    with pytest.raises(NotADraft, match="nothing left to withdraw"):
        withdraw(user=ready.user, version=version)


def test_rows_that_cannot_be_are_named_and_nothing_is_drafted(ready: Desk) -> None:
    with pytest.raises(BadUniverse) as refused:
        draft(
            ready,
            ListedChange("XXX", D("0.1")),
            ListedChange("AAA", D("0.1")),
            ListedChange("DDD", rule=ExitRule.SELL),
        )
    assert set(refused.value.rows) == {0, 1, 2}
    assert "cannot leave" in refused.value.rows[2]
    ready.user = make_user(ready.household.firm, "sam", role=Role.OPERATIONS)
    with pytest.raises(NotAllowed):
        draft(ready)
    assert not ModelVersion.objects.exists()


# Files


FILE = b"symbol,weight_percent,effective_date\nBBB,50.00,2022-12-29\nDDD,50.00,2022-12-29\n"


def imported(desk: Desk, file: bytes = FILE) -> Any:
    return draft_reconstitution(
        model=desk.model, file=file, name="index.csv", rule=ExitRule.NO_GAINS, author="test"
    )


def test_a_file_makes_one_draft_however_often_it_comes(ready: Desk) -> None:
    first, again = imported(ready), imported(ready)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.version == again.version
    assert ModelVersion.objects.count() == 1
    version = publish(user=ready.user, version=first.version)
    assert imported(ready).version == version  # it waits
    night(ready, NEXT)
    assert weights(ready) == {"BBB": D("0.485"), "DDD": D("0.485")}  # the cash stays
    assert imported(ready).version is None  # nothing to change any more
    rules = dict(ModelExit.objects.values_list("security__symbol", "rule"))
    assert rules == {"AAA": "no_gains", "CCC": "no_gains"}


def test_the_command_drafts_or_says_what_it_would(
    ready: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "index.csv"
    path.write_bytes(FILE)
    call_command("import_constituents", str(path), "--model", "Core", "--dry-run")
    assert "1 come, 2 leave, 1 weigh otherwise" in capsys.readouterr().out
    assert not ModelVersion.objects.exists()
    call_command("import_constituents", str(path), "--model", "Core", "--exit-rule", "hold")
    version = ModelVersion.objects.get()
    assert (version.kind, version.effective_on) == (VersionKind.RECONSTITUTION, NEXT)
    assert set(version.weights.exclude(exit_rule="").values_list("exit_rule", flat=True)) == {
        "hold"
    }


# What is told before and after


def test_the_preview_tells_tax_wash_conflicts_and_names_without_a_price(ready: Desk) -> None:
    make_security(ready.household.firm, "EEE")
    bare = draft(ready, ListedChange("AAA", rule=ExitRule.SELL), ListedChange("EEE", D("0.4")))
    found = preview(planned(bare), DAY)
    assert found.without_price == ("EEE",)
    assert "No price of the last 5 days: EEE" in found.rows[0].why_not
    ready.buy(ready.ira, "AAA", "10", "1000", day=date(2022, 12, 20))
    found = preview(planned(draft(ready)), DAY)
    assert found.sold == 57_000
    assert found.short_gain == 0
    assert found.long_gain == 30_000 - 24_000 + 26_000 - 28_600
    assert found.tax == D("0.20") * 3400
    (conflict,) = found.rows[0].conflicts
    assert "shares of AAA at a loss cannot be sold before 2023-01-20" in conflict.told


def dry_run(day: date) -> str:
    out = StringIO()
    call_command("scan", "--as-of", str(day), "--dry-run", stdout=out)
    return out.getvalue()


def rows_of_models() -> list[Any]:
    tables: tuple[Any, ...] = (ModelVersion, ModelWeight, ModelExit, AuditEvent, Proposal)
    return [list(table._base_manager.order_by("pk").values()) for table in tables]


def test_a_dry_run_proposes_what_the_night_does_that_brings_a_version_into_force(
    ready: Desk,
) -> None:
    publish(user=ready.user, version=draft(ready, on=NEXT))
    before = rows_of_models()
    assert "night gives" not in dry_run(DAY)  # not yet
    said = dry_run(NEXT)
    assert said.startswith("The night gives Core the weights of its version 1.\n")
    assert rows_of_models() == before
    call_command("scan", "--as-of", str(NEXT), stdout=StringIO())
    proposed = Proposal.objects.get(kind=ProposalKind.REBALANCE)
    assert "UNIVERSE" in proposed.reasons
    assert f"rebalance: {proposed.sentence}\n" in said
    sold = {trade.security.symbol for trade in proposed.trades.filter(side=Side.SELL)}
    assert "AAA" in sold


def test_a_dry_run_says_that_a_version_would_lapse_and_lets_it_be(ready: Desk) -> None:
    version = publish(user=ready.user, version=draft(ready, on=NEXT))
    ModelWeight.objects.filter(model=ready.model).update(weight=D("0.3"))
    before = rows_of_models()
    assert dry_run(NEXT).startswith("Version 1 of Core lapses: ")
    assert rows_of_models() == before
    version.refresh_from_db()
    assert version.state == VersionState.SCHEDULED


def test_a_dry_run_takes_the_step_that_is_due_and_no_step_twice(ready: Desk) -> None:
    publish(user=ready.user, version=draft(ready, steps=2))
    assert "night gives" not in dry_run(DAY)  # its first step was taken with the publication
    assert dry_run(NEXT).startswith("The night gives Core the weights of its version 1.\n")
    assert selectors.targets(ready.model.pk)[ready.securities["AAA"].pk] == D("0.2")


def test_exits_and_changes_are_there_for_the_quarter(ready: Desk) -> None:
    version = draft(ready, ListedChange("AAA", rule=ExitRule.HOLD), ListedChange("DDD", D("0.4")))
    publish(user=ready.user, version=version)
    firm_id = ready.household.firm_id
    (one,) = exits(firm_id, DAY)
    assert (one.symbol, one.rule, one.since, one.households) == ("AAA", ExitRule.HOLD, DAY, 1)
    assert one.dollars == 56_000
    assert one.gain == 56_000 - 24_000 - 28_600
    (change,) = changes_between(firm_id, date(2022, 10, 1), date(2022, 12, 31))
    assert (change.added, change.deleted) == ({"DDD": D("0.4")}, {"AAA": D("0.4")})
    assert change.exit_rules == {"AAA": ExitRule.HOLD}
    assert changes_between(firm_id, date(2023, 1, 1), date(2023, 3, 31)) == ()
    elsewhere = TargetModel.objects.create(firm=ready.household.firm, name="Income")
    assert exits(firm_id, DAY, model_id=elsewhere.pk) == ()
    assert exits(firm_id, DAY, model_id=ready.model.pk) == (one,)
    year = (date(2022, 1, 1), date(2022, 12, 31))
    assert changes_between(firm_id, *year, model_id=elsewhere.pk) == ()
    assert changes_between(firm_id, *year, model_id=ready.model.pk) == (change,)
    other = make_firm("Other")
    assert exits(other.pk, DAY) == ()
    assert changes_between(other.pk, date(2022, 10, 1), date(2022, 12, 31)) == ()


# Pages


@pytest.fixture
def browser(ready: Desk) -> Client:
    client = Client()
    client.force_login(ready.user)
    return client


def typed(*rows: dict[str, str], **values: str) -> dict[str, str]:
    found = {"rows-TOTAL_FORMS": str(len(rows)), "rows-INITIAL_FORMS": "0"}
    for at, row in enumerate(rows):
        found |= {f"rows-{at}-{name}": value for name, value in row.items()}
    when = {"effective_on": "2022-12-29", "steps": "1", "freed": "others", "reason": "Committee"}
    return {**found, **when, **values}


LEAVES = {"action": "delete", "symbol": "aaa", "exit_rule": "sell", "note": "Too dear"}
COMES = {"action": "add", "symbol": "DDD", "weight": "40 %"}


def test_a_list_typed_by_hand_becomes_a_draft_that_is_published(
    ready: Desk, browser: Client
) -> None:
    path = f"/models/{ready.model.pk}/universe-change/"
    assert browser.get(path).status_code == 200
    answer = browser.post(path, typed(LEAVES, COMES, {"action": "add"}), follow=True)
    version = ModelVersion.objects.get()
    page = answer.content.decode()
    assert "Publish for 29 December 2022" in page
    assert "leaves: sell out" in page
    assert "Too dear" in page
    path = f"/models/versions/{version.public_id}/effect/"
    assert "1 is still to come. A worker measures it" in browser.get(path).content.decode()
    measure_some(version.pk)
    effect = browser.get(path).content.decode()
    assert "What it meets" in effect
    assert "in the 1 household that is measured." in effect
    assert "still to come" not in effect
    decision = f"/models/versions/{version.public_id}/decision/"
    answer = browser.post(decision, {"decision": "publish"}, follow=True)
    assert "waits: the first night on or after 2022-12-29" in answer.content.decode()
    listed = browser.get(f"/models/{ready.model.pk}/").content.decode()
    assert "scheduled" in listed.lower()
    assert "Core" in browser.get("/models/").content.decode()


def test_what_was_typed_stays_where_it_is_refused(ready: Desk, browser: Client) -> None:
    path = f"/models/{ready.model.pk}/universe-change/"
    wrong = {**LEAVES, "symbol": "ZZZ"}
    answer = browser.post(path, typed(wrong, {**COMES, "weight": "lots"}, reason=""))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="ZZZ"' in page
    assert 'value="lots"' in page
    assert "Give a weight in per cent" in page
    answer = browser.post(path, typed(wrong, COMES))
    assert answer.status_code == 422
    assert "ZZZ is no known symbol" in answer.content.decode()
    answer = browser.post(path, typed(LEAVES, more="1"))
    assert answer.content.decode().count('value="Too dear"') == 1
    assert not ModelVersion.objects.exists()


def test_a_file_is_looked_at_before_anything_is_written(ready: Desk, browser: Client) -> None:
    SubstituteMapping.objects.create(
        firm=ready.household.firm, security=ready.securities["BBB"], author=ready.user, rank=1,
        substitute=ready.securities["DDD"], reason="Alike", reviewed_on=DAY,
    )  # fmt: skip
    path = f"/models/{ready.model.pk}/constituents/"
    asked = {"exit_rule": "no_gains", "steps": "1"}
    upload = SimpleUploadedFile("index.csv", FILE)
    page = browser.post(path, {**asked, "file": upload}).content.decode()
    assert "Nothing is written yet" in page
    assert "1 name comes in, 2 leave, 1 weighs otherwise" in page
    assert "DDD comes into the model: it is bought for itself" in page
    assert not ModelVersion.objects.exists()
    given = {**asked, "text": FILE.decode(), "name": "index.csv", "draft": "1"}
    assert "Publish for 29 December" in browser.post(path, given, follow=True).content.decode()
    assert ModelVersion.objects.count() == 1
    bad = SimpleUploadedFile("bad.csv", FILE.replace(b"DDD", b"NOP"))
    answer = browser.post(path, {**asked, "file": bad})
    assert answer.status_code == 422
    assert "line 3, column symbol" in answer.content.decode()


def test_another_firm_finds_nothing(ready: Desk) -> None:
    version = draft(ready)
    stranger: User = make_user(make_firm("Other"), "eve", role=Role.ADVISER)
    client = Client()
    client.force_login(stranger)
    for path in ("", "universe-change/", "constituents/"):
        assert client.get(f"/models/{ready.model.pk}/{path}").status_code == 404
    assert client.get(f"/models/versions/{version.public_id}/effect/").status_code == 404
    assert b"Core" not in client.get("/models/").content


# What a draft by hand does to mandates


def test_a_draft_by_hand_tells_which_mandates_its_weights_break(
    ready: Desk, browser: Client
) -> None:
    firm = ready.household.firm
    stone = make_household(firm, "Stone")  # follows nothing: its rules are not asked
    for name, whose, high, is_hard in (
        ("House", {}, "0.35", False),
        ("Core", {"model": ready.model}, "0.41", True),
        ("Miller", {"household": ready.household}, "0.38", True),
        ("Stone", {"household": stone}, "0.01", True),
    ):
        mandate = Mandate.objects.create(firm=firm, name=name, **whose)
        MandateRule.objects.create(
            mandate=mandate, key="name", kind="single_name", high=D(high), is_hard=is_hard
        )
    version = draft(ready, ListedChange("AAA", rule=ExitRule.SELL), ListedChange("DDD", D("0.45")))
    found = preview(planned(version), DAY).broken

    assert [(one.rule, one.whose, one.is_hard, one.is_old) for one in found] == [
        ("Core/name", "", True, False),
        ("House/name", "", False, False),
        ("Miller/name", ready.household.name, True, False),
    ]
    assert found[0].sentence == (
        "Largest single name 45.00 % (DDD) is outside at most 41 %, by 4.00 %."
    )
    page = browser.get(f"/models/versions/{version.public_id}/effect/").content.decode()
    assert "The new weights themselves do not keep to mandates." in page
    assert "House/name (reported only): Largest single name 45.00 %" in page
    assert f"{ready.household.name}, Miller/name: Largest single name 45.00 %" in page


def test_what_the_present_weights_break_too_is_told_and_what_is_kept_is_not(ready: Desk) -> None:
    mandate = Mandate.objects.create(firm=ready.household.firm, name="House")
    rules = (("cash", "cash", "0.50"), ("name", "single_name", "0.39"), ("risk", "volatility", "9"))
    for key, kind, high in rules:
        MandateRule.objects.create(mandate=mandate, key=key, kind=kind, high=D(high))
    version = draft(ready)  # 40 % of DDD in the place of 40 % of AAA
    (found,) = preview(planned(version), DAY).broken
    assert (found.rule, found.is_old) == ("House/name", True)
