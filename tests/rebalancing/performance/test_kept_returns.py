"""What a model would have returned is kept from one household to the next: never the returns of older weights."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal as D

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Firm
from accounts.one_look import one_look
from rebalancing import selectors
from rebalancing.model_changes.recipes import Recipe
from rebalancing.models import ModelVersion, ModelVersionWeight, ModelWeight, TargetModel
from rebalancing.performance.market import (
    Floats,
    market,
    past_weights,
    returns_of_model,
    year_of_days,
)
from rebalancing.performance.model_returns import model_returns
from securities.models import Price, Security
from securities.selectors import facts_stamp
from tests.factories import make_firm, make_security, make_user

DAY = date(2022, 12, 30)
BEGUN = date(2022, 12, 12)

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Firm:
    """AAA moves every day, BBB and CCC each in their own way."""
    firm = make_firm(pinned_date=DAY)
    model = TargetModel.objects.create(firm=firm, name="Core")
    for place, symbol in enumerate(("AAA", "BBB", "CCC")):
        security = make_security(firm, symbol)
        Price.objects.bulk_create(
            Price(security=security, day=day, close=D(100 + (row * (place + 3)) % (7 + place)))
            for row, day in enumerate(year_of_days(DAY))
        )
        if symbol != "CCC":
            ModelWeight.objects.create(model=model, security=security, weight=D("0.4"))
    return firm


def _model(firm: Firm) -> TargetModel:
    return TargetModel.objects.get(firm=firm, name="Core")


def kept(firm: Firm) -> Floats:
    with one_look():
        return returns_of_model(firm.pk, _model(firm).pk, DAY).returns


def anew(firm: Firm) -> Floats:
    """Outside a look nothing is remembered."""
    frame, weights = market(firm.pk, DAY), past_weights(_model(firm).pk, DAY)
    return model_returns(weights, frame.days, frame.rows, frame.returns).returns


def _draft(firm: Firm) -> ModelVersion:
    """A version has AAA give half of its weight to CCC."""
    version = ModelVersion.objects.create(
        model=_model(firm), number=1, recipe=Recipe.FIXED, as_of=BEGUN, reason="The committee.",
        author="research",
    )  # fmt: skip
    aaa, ccc = _named(firm, "AAA"), _named(firm, "CCC")
    rows = (aaa, "0.4", "0.2"), (_named(firm, "BBB"), "0.4", "0.4"), (ccc, "0", "0.2")
    ModelVersionWeight.objects.bulk_create(
        ModelVersionWeight(version=version, security=security, before=D(before), after=D(after))
        for security, before, after in rows
    )
    return version


def _publish(firm: Firm) -> None:
    """As a night does, in its only step."""
    version = _draft(firm)
    version.state, version.decided_by, version.decided_at = (
        "published",
        make_user(firm),
        timezone.now(),
    )
    version.begun_on = version.last_step_on = BEGUN
    version.steps_done = 1
    version.save()
    model, aaa, ccc = version.model, _named(firm, "AAA"), _named(firm, "CCC")
    ModelWeight.objects.filter(model=model, security=aaa).update(weight=D("0.2"))
    ModelWeight.objects.create(model=model, security=ccc, weight=D("0.2"))


def _put_right(firm: Firm) -> None:
    """The version had taken BBB from 0.5, and the day is told anew."""
    ModelVersionWeight.objects.filter(security__symbol="BBB").update(before=D("0.5"))


def _move_version(firm: Firm) -> None:
    day = date(2022, 12, 20)
    ModelVersion.objects.filter(model=_model(firm)).update(begun_on=day, last_step_on=day)


CHANGES: dict[str, Callable[[Firm], object]] = {
    "a weight": lambda firm: ModelWeight.objects.filter(security__symbol="AAA").update(
        weight=D("0.5")
    ),
    "a name comes": lambda firm: ModelWeight.objects.create(
        model=_model(firm), security=_named(firm, "CCC"), weight=D("0.1")
    ),
    "a name goes": lambda firm: ModelWeight.objects.filter(security__symbol="BBB").delete(),
    "a set-up file": lambda firm: TargetModel.objects.filter(firm=firm).update(weights_since=BEGUN),
    "a version": _publish,
}
AFTER_A_VERSION: dict[str, Callable[[Firm], object]] = {
    "its weights": _put_right,
    "its day": _move_version,
    "its last weight goes": lambda firm: ModelVersionWeight.objects.all().delete(),
}


@pytest.mark.parametrize("change", [*CHANGES, *AFTER_A_VERSION])
def test_the_next_look_has_the_weights_as_they_are(firm: Firm, change: str) -> None:
    if change in AFTER_A_VERSION:
        _publish(firm)
    before = kept(firm)
    np.testing.assert_array_equal(before, anew(firm))
    others = make_firm("Pier Advisers")
    stamp = facts_stamp(others.pk)
    (CHANGES | AFTER_A_VERSION)[change](firm)
    after = kept(firm)
    np.testing.assert_array_equal(after, anew(firm))
    assert not np.array_equal(after, before, equal_nan=True)
    assert facts_stamp(others.pk) == stamp


def test_a_draft_changes_nothing_that_is_kept(firm: Firm) -> None:
    """A monthly review drafts for all models while other workers look at households."""
    stamp = facts_stamp(firm.pk)
    version = _draft(firm)
    ModelVersion.objects.filter(pk=version.pk).update(state="superseded")
    assert facts_stamp(firm.pk) == stamp


def test_a_version_that_is_taken_out_of_the_past_is_seen(firm: Firm) -> None:
    _publish(firm)
    kept(firm)
    rows = ModelVersion.objects.filter(model=_model(firm))
    rows.update(state="draft", begun_on=None, last_step_on=None, steps_done=0)
    np.testing.assert_array_equal(kept(firm), anew(firm))


def test_weights_that_a_look_knew_before_its_stamp_are_not_kept_under_it(firm: Firm) -> None:
    """The look asked for the targets, then the model changed, then the look came to its performance."""
    with one_look():
        selectors.targets(_model(firm).pk)
        CHANGES["a weight"](firm)
        returns_of_model(firm.pk, _model(firm).pk, DAY)
    np.testing.assert_array_equal(kept(firm), anew(firm))


def test_households_of_one_model_ask_for_it_once_however_many_models_there_are(firm: Firm) -> None:
    models = [TargetModel.objects.create(firm=firm, name=f"Model {row}") for row in range(40)]
    for model in models:
        ModelWeight.objects.create(model=model, security=_named(firm, "AAA"), weight=D("0.9"))

    def look(model: TargetModel) -> None:
        with one_look():
            returns_of_model(firm.pk, model.pk, DAY)

    for model in models:
        look(model)
    with CaptureQueriesContext(connection) as asked:
        for model in models:
            look(model)
    assert len(asked) == 2 * len(models), "the two stamps alone"


def test_every_table_that_the_returns_of_a_model_ask_is_watched(firm: Firm) -> None:
    _publish(firm)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'facts_after%'"
        )
        watched = {row[0] for row in cursor.fetchall()}
    with CaptureQueriesContext(connection) as asked:
        anew(firm)
    tables = {
        name for query in asked for name in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])
    }
    assert tables - {"securities_price"} <= watched  # prices have a stamp of their own
    assert "rebalancing_modelversionweight" in tables


def _named(firm: Firm, symbol: str) -> Security:
    return Security.objects.get(firm=firm, symbol=symbol)
