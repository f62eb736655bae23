"""Default deny: nobody sees another firm's rows, and a model that does not say whose it is cannot be shown."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.http import Http404

from accounts import access
from accounts.access import Action
from accounts.errors import NotAllowed
from accounts.models import Household
from accounts.selectors import business_date, market_date
from accounts.types import Role
from tests.factories import make_firm, make_household, make_user

OURS = ("accounts", "securities", "lots", "proposals", "harvesting", "rebalancing", "scans")


def test_every_model_of_ours_says_whose_it_is():
    silent = [
        model.__name__
        for model in apps.get_models()
        if model._meta.app_label in OURS and not hasattr(model, "firm_path")
    ]
    assert silent == []


@pytest.mark.django_db
def test_every_way_to_the_firm_can_be_asked():
    user = make_user(make_firm())
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            list(access.visible(user, model)[:1])


@pytest.mark.django_db
def test_a_foreign_household_answers_like_one_that_does_not_exist():
    mine, theirs = make_firm("Mine"), make_firm("Theirs")
    user, foreign = make_user(mine), make_household(theirs)
    own = make_household(mine)
    assert access.visible_or_404(user, Household, own.public_id) == own
    answers = []
    for public_id in (foreign.public_id, uuid4()):
        with pytest.raises(Http404) as refusal:
            access.visible_or_404(user, Household, public_id)
        answers.append(str(refusal.value))
    assert answers[0] == answers[1]


@pytest.mark.django_db
def test_a_user_without_a_firm_or_deactivated_sees_nothing():
    firm = make_firm()
    make_household(firm)
    nobody = make_user(None, "nobody")
    gone = make_user(firm, "gone")
    gone.is_active = False
    assert not access.visible(nobody, Household).exists()
    assert not access.visible(gone, Household).exists()


@pytest.mark.django_db
def test_a_model_that_does_not_say_whose_it_is_cannot_be_shown():
    with pytest.raises(TypeError, match="firm_path"):
        access.visible(make_user(make_firm()), ContentType)


@pytest.mark.django_db
def test_roles_permit_what_they_are_for():
    firm = make_firm()
    users = {role: make_user(firm, role.value, role=role) for role in Role}
    allowed = {
        action: {role for role, user in users.items() if access.may(user, action)}
        for action in Action
    }
    assert allowed[Action.DECIDE] == {Role.ADVISER, Role.APPROVER}
    assert allowed[Action.IMPORT] == {Role.OPERATIONS, Role.ADVISER, Role.API_CLIENT}
    assert allowed[Action.TRADE] == {Role.OPERATIONS, Role.ADVISER}
    assert allowed[Action.SCAN] == {Role.OPERATIONS, Role.ADVISER}
    with pytest.raises(NotAllowed, match="role"):
        access.require(users[Role.API_CLIENT], Action.DECIDE)


def test_an_evening_in_new_york_is_still_that_day():
    assert market_date(datetime(2027, 1, 1, 1, 30, tzinfo=UTC)) == date(2026, 12, 31)


@pytest.mark.django_db
def test_a_pinned_firm_stands_still():
    assert business_date(make_firm(pinned_date=date(2022, 12, 28))) == date(2022, 12, 28)
