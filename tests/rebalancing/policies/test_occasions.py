"""Events open a look before its date, once: a model that changed, a restriction that ended, a corporate action (F6)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Firm
from lots.types import EntryKind
from proposals.models import Proposal, Restriction
from proposals.selectors.desk import inbox
from proposals.services import lift_restriction, restrict
from proposals.types import ReasonCode, RestrictionKind, Status
from rebalancing.model_changes.model_versions import NewVersion, stored
from rebalancing.model_changes.recipes import VersionKind
from rebalancing.model_changes.version_decisions import publish
from rebalancing.model_changes.version_steps import apply_due
from rebalancing.models import ModelAssignment, ModelVersion, RebalanceLook, TargetModel
from rebalancing.policies import looks, occasions
from rebalancing.policies.looks import Schedule
from rebalancing.policies.occasions import Occasion, met, sentence, with_codes
from rebalancing.policies.policy import Cadence
from tests.factories import book, make_household, make_security, set_price
from tests.rebalancing.policies.test_policies_on_record import night, say
from tests.rebalancing.test_services import (  # noqa: F401 - desk and drifted are fixtures
    DAY,
    Desk,
    desk,
    drifted,
)

OCCASIONAL = (ReasonCode.UNIVERSE, ReasonCode.MODEL_CHANGE, ReasonCode.RESTRICTION)
NEXT, AFTER = date(2022, 12, 29), date(2023, 1, 3)
SPLIT, VERSION = Occasion("a", "AAA split"), Occasion("b", "the model changed")


# Pure


def stand(cadence: Cadence = Cadence.QUARTERLY, *, as_of: date = NEXT, **more: object) -> Schedule:
    values = {"last_look": DAY, **more}
    return looks.schedule(cadence=cadence, as_of=as_of, **values)  # type: ignore[arg-type]


def test_a_new_occasion_makes_a_look_due_and_a_seen_one_does_not() -> None:
    assert not stand().due
    found = stand(known=[SPLIT, VERSION], seen=[SPLIT])
    assert found.due
    assert [(one.key, one.opens) for one in found.occasions] == [("a", False), ("b", True)]
    assert occasions.sentence(found.occasions) == "Looked at before its date: the model changed."
    assert not stand(known=[SPLIT, VERSION], seen=[SPLIT, VERSION]).due


@pytest.mark.parametrize(
    ("cadence", "as_of", "last"),
    [
        (Cadence.NONE, NEXT, DAY),  # knows no looks
        (Cadence.QUARTERLY, date(2022, 12, 30), DAY),  # due by its date
        (Cadence.QUARTERLY, NEXT, None),
    ],
)
def test_where_the_date_says_it_all_an_occasion_opens_nothing(
    cadence: Cadence, as_of: date, last: date | None
) -> None:
    found = stand(cadence, as_of=as_of, last_look=last, known=[SPLIT])
    assert found.due is (cadence is not Cadence.NONE)
    assert [(one.key, one.opens) for one in found.occasions] == [("a", False)]


def test_a_model_that_is_followed_no_more_is_no_reason() -> None:
    """Given another model and given the first back before anybody decided."""
    core, growth = Occasion("follows 1", "Core"), Occasion("follows 2", "Growth")
    (seen,) = met((growth,), seen=(core,), undecided=False)
    assert seen.opens
    assert (
        sentence(met((core,), seen=(seen,), undecided=True)) == "Looked at before its date: Core."
    )


def test_another_model_than_the_last_look_saw_opens_and_the_same_or_an_unknown_one_does_not() -> (
    None
):
    core, growth = Occasion("follows 1", "Core"), Occasion("follows 2", "Growth")
    assert stand(known=[growth], seen=[core]).due
    assert not stand(known=[growth], seen=[growth]).due
    # A look from before this was kept, or of a policy that looks every night.
    found = stand(known=[growth], seen=[SPLIT])
    assert not found.due
    assert found.occasions == (growth,)


def test_a_renewed_proposal_keeps_what_opened_it_and_a_decided_one_does_not() -> None:
    opened = Occasion("a", "AAA split", opens=True)
    assert stand(undecided=True, seen=[opened]).occasions == (opened,)
    assert stand(seen=[opened]) == stand()


def test_a_cool_down_outlasts_an_occasion() -> None:
    found = stand(known=[SPLIT], executed_on=DAY, cool_down_days=9)
    assert found.is_cooling


def test_the_codes_of_what_opened_a_look_stand_behind_the_first_reason() -> None:
    version = Occasion("b", "", opens=True, code=ReasonCode.UNIVERSE)
    weights = Occasion("c", "", opens=True, code=ReasonCode.MODEL_CHANGE)
    known = replace(weights, key="d", opens=False, code=ReasonCode.RESTRICTION)
    opened = [replace(SPLIT, opens=True), version, weights, replace(weights, key="e"), known]
    assert with_codes(("DRIFT", "MODEL_CHANGE", "RISK"), opened) == (
        "DRIFT",
        "UNIVERSE",
        "MODEL_CHANGE",
        "RISK",
    )
    assert with_codes(("UNIVERSE", "DRIFT"), [version]) == ("UNIVERSE", "DRIFT")
    assert with_codes(("CALENDAR",), [weights]) == ("MODEL_CHANGE",)
    assert with_codes(("CALENDAR",), [known]) == ("CALENDAR",)
    assert with_codes(("DRIFT", "RISK"), [replace(SPLIT, opens=True)]) == ("DRIFT", "RISK")


def test_occasions_keep_their_codes_and_those_of_older_looks_have_none() -> None:
    coded = replace(VERSION, code=ReasonCode.UNIVERSE)
    assert occasions.from_record(occasions.as_record([coded, SPLIT])) == (coded, SPLIT)
    assert occasions.from_record([{"key": "a", "told": "AAA split", "opens": False}]) == (SPLIT,)


def test_many_occasions_are_counted() -> None:
    many = [Occasion(str(at), f"S{at} split", opens=True) for at in range(6)]
    assert occasions.sentence([*many, *many]).endswith("S2 split; S3 split; and 2 more.")
    assert occasions.from_record(occasions.as_record(many)) == tuple(many)


# On record


@pytest.fixture
def quarterly(drifted: Desk) -> Desk:  # noqa: F811
    """Looked at tonight, far out of band, and its proposal turned down: the next look is a quarter away."""
    say(drifted, kind="threshold", cadence="quarterly", horizon_years=D(1))
    drifted.household.firm.pinned_date = DAY
    return drifted


def turned_down(desk: Desk) -> None:  # noqa: F811
    assert night(desk, DAY).reason == "rebalance_proposed"
    assert Proposal.objects.update(status=Status.REJECTED)
    # The day after is no quarter's last: what opens a look then is no date.
    assert night(desk, NEXT).reason == "not_due"


def price(desk: Desk, day: date) -> None:  # noqa: F811
    for security in desk.securities.values():
        set_price(security, day, "100")


def publish_weights(desk: Desk, *, effective_on: date | None = None) -> ModelVersion:  # noqa: F811
    aaa, bbb, ccc = (desk.securities[one].pk for one in ("AAA", "BBB", "CCC"))
    before = {aaa: D("0.4"), bbb: D("0.3"), ccc: D("0.27")}
    new = NewVersion(
        kind=VersionKind.UNIVERSE,
        before=before,
        after={**before, aaa: D("0.3"), bbb: D("0.4")},
        as_of=DAY,
        reason="Fewer of one.",
        effective_on=effective_on,
    )
    version, _ = stored(TargetModel.objects.get(), new, author="test")
    return publish(user=desk.user, version=version)


def published_after_the_look(desk: Desk) -> str:  # noqa: F811
    publish_weights(desk)
    return f"the model changed on {DAY} (version 1 of Core (universe change))"


def lifted_after_the_look(desk: Desk) -> str:  # noqa: F811
    row = Restriction.objects.get()
    lift_restriction(user=desk.user, restriction_id=row.pk, reason="Not an insider any more.")
    return f"a restriction on BBB ended on {DAY - timedelta(days=1)} (must not be bought)"


def ended_by_itself(desk: Desk) -> str:  # noqa: F811
    Restriction.objects.update(until=DAY)
    return f"a restriction on BBB ended on {DAY} (must not be bought)"


def split_booked_late(desk: Desk) -> str:  # noqa: F811
    day = DAY - timedelta(days=9)
    book(desk.taxable, EntryKind.SPLIT, day, desk.securities["BBB"], "1")
    return f"BBB split on {day}"


def file_changed_weights(desk: Desk) -> str:  # noqa: F811
    TargetModel.objects.update(weights_since=DAY)
    return f"the model changed on {DAY} (by the set-up file)"


def given_another_model(desk: Desk) -> str:  # noqa: F811
    other = TargetModel.objects.create(firm=desk.household.firm, name="Growth")
    for row in desk.model.weights.all():
        other.weights.create(security=row.security, weight=row.weight)
    ModelAssignment.objects.update(model=other)
    return "the household was given the model Growth"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (published_after_the_look, ReasonCode.UNIVERSE),
        (lifted_after_the_look, ReasonCode.RESTRICTION),
        (ended_by_itself, ReasonCode.RESTRICTION),
        (split_booked_late, None),
        (file_changed_weights, ReasonCode.MODEL_CHANGE),
        (given_another_model, ReasonCode.MODEL_CHANGE),
    ],
)
def test_it_opens_a_look_the_next_night_and_no_other(
    quarterly: Desk, happens: Callable[[Desk], str], code: ReasonCode | None
) -> None:
    restrict(
        user=quarterly.user, security_id=quarterly.securities["BBB"].pk, kind=RestrictionKind.NO_BUY,
        reason="An insider.", since=DAY - timedelta(days=30), household_id=quarterly.household.pk,
    )  # fmt: skip
    turned_down(quarterly)
    RebalanceLook.objects.filter(day=NEXT).delete()
    why = f"Looked at before its date: {happens(quarterly)}."
    result = night(quarterly, NEXT)
    assert result.reason == "rebalance_proposed"
    assert result.detail.endswith(why)
    (pending,) = Proposal.objects.filter(status=Status.PENDING)
    assert pending.explanation["opened_by"] == why
    assert [one for one in OCCASIONAL if one in pending.reasons] == ([code] if code else [])
    for one in OCCASIONAL:
        assert list(inbox(quarterly.user, reason=one)) == ([pending] if one is code else [])
    assert RebalanceLook.objects.get(day=NEXT).counted
    # Undecided it is renewed with its reason; decided it is over, and the calendar goes on as it was.
    Proposal.objects.filter(status=Status.PENDING).update(status=Status.REJECTED)
    RebalanceLook.objects.filter(day=NEXT).update(day=date(2022, 12, 30))
    Proposal.objects.filter(as_of=NEXT).update(as_of=date(2022, 12, 30))
    price(quarterly, AFTER)
    quarterly.household.tax_profiles.update(year=AFTER.year)
    again = night(quarterly, AFTER)
    assert again.reason == "not_due"
    assert "The next look is on 2023-03-31. Tracking error" in again.detail
    assert "Looked at before its date" not in again.detail


@pytest.mark.django_db
def test_an_occasion_inside_the_bands_is_looked_at_and_left_alone(quarterly: Desk) -> None:
    say(quarterly, relative_band=D("0.9"), absolute_band=D("0.5"))
    assert night(quarterly, DAY).reason == "inside_bands"
    split_booked_late(quarterly)
    result = night(quarterly, NEXT)
    assert result.reason == "inside_bands"
    assert "Looked at before its date: BBB split on" in result.detail
    assert RebalanceLook.objects.get(day=NEXT).counted


@pytest.mark.django_db
def test_a_version_that_the_night_itself_applied_opens_one_look(quarterly: Desk) -> None:
    """Its step has the day of the look that saw it: not a second time on the next night."""
    publish_weights(quarterly, effective_on=NEXT)
    turned_down_first = night(quarterly, DAY)
    assert turned_down_first.reason == "rebalance_proposed"
    Proposal.objects.update(status=Status.REJECTED)
    assert apply_due(firm_id=quarterly.household.firm_id, as_of=NEXT, actor="schedule")
    assert f"the model changed on {NEXT}" in night(quarterly, NEXT).detail
    Proposal.objects.update(status=Status.REJECTED)
    last = RebalanceLook.objects.get(day=NEXT)
    known = [Occasion(row["key"], row["told"]) for row in last.occasions]
    assert [one.key.split()[0] for one in known] == ["follows", "version"]
    found = looks.schedule(
        cadence=Cadence.ANNUAL, as_of=NEXT + timedelta(days=200), last_look=NEXT + timedelta(days=20),
        known=known, seen=occasions.from_record(last.occasions),
    )  # fmt: skip
    assert not found.due


@pytest.mark.django_db
def test_what_concerns_others_opens_nothing(quarterly: Desk) -> None:
    firm: Firm = quarterly.household.firm
    stranger = make_security(firm, "ZZZ")
    for where, security in (
        (None, stranger),
        (make_household(firm, "Others"), quarterly.securities["AAA"]),
    ):
        Restriction.objects.create(
            firm=firm, household=where, security=security, kind="no_buy", since=DAY - timedelta(days=9),
            until=DAY, reason="-", author=quarterly.user,
        )  # fmt: skip
    turned_down(quarterly)


@pytest.mark.django_db
def test_the_drift_page_says_what_opens_the_next_look(quarterly: Desk, client: Client) -> None:
    turned_down(quarterly)
    RebalanceLook.objects.filter(day=NEXT).delete()
    publish_weights(quarterly)
    client.force_login(quarterly.user)
    shown = client.get(f"/households/{quarterly.household.public_id}/drift/").text
    assert "The next look is tonight's. Looked at before its date: the model changed on" in shown


@pytest.mark.django_db
def test_it_costs_three_queries_and_a_daily_policy_none(quarterly: Desk) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as all_of_them:
            night(quarterly, DAY)
        tables = (
            'FROM "rebalancing_modelversion"',
            'FROM "proposals_restriction"',
            'booked_at" >=',
        )
        return sum(any(one in query["sql"] for one in tables) for query in all_of_them)

    some = asked()
    say(quarterly, cadence="daily")
    assert some - asked() == 3
