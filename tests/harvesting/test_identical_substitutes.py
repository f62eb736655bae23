"""The database keeps a substitute from being identical to what it replaces, from whichever side it comes."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Conflict
from accounts.models import User
from harvesting.models import SubstituteMapping
from lots import services
from securities.models import IdenticalMember, Security
from tests.factories import (
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def author() -> User:
    return make_user(make_firm(pinned_date=date(2024, 12, 31)))


@pytest.fixture
def pair(author: User) -> tuple[Security, Security]:
    assert author.firm is not None
    return make_security(author.firm, "AAA"), make_security(author.firm, "BBB")


def stand_in(author: User, pair: tuple[Security, Security]) -> None:
    """BBB for AAA."""
    with transaction.atomic():
        SubstituteMapping.objects.create(
            firm=pair[0].firm, security=pair[0], substitute=pair[1], rank=1, reason="Similar.",
            author=author, reviewed_on=date(2024, 1, 2),
        )  # fmt: skip


def say(author: User, pair: tuple[Security, Security], *, identical: bool) -> None:
    first, second = pair
    services.override_pair(
        user=author, first_id=first.pk, second_id=second.pk, is_identical=identical, reason="Why."
    )


def test_members_of_one_group_do_not_stand_in_for_each_other(
    author: User, pair: tuple[Security, Security]
) -> None:
    make_identical_group(author, *pair)
    with pytest.raises(IntegrityError, match="substantially identical"):
        stand_in(author, pair)


def test_a_member_that_has_left_may_stand_in(author: User, pair: tuple[Security, Security]) -> None:
    make_identical_group(author, *pair)
    member = IdenticalMember.objects.get(security=pair[1])
    services.leave_group(
        user=author, member_id=member.pk, ended_on=date(2024, 5, 1), reason="Another index."
    )
    stand_in(author, pair)


def test_a_substitute_does_not_join_the_group_of_what_it_replaces(
    author: User, pair: tuple[Security, Security]
) -> None:
    stand_in(author, pair)
    group = make_identical_group(author, pair[0])
    with pytest.raises(Conflict, match="strike the substitute first"):
        services.join_group(
            user=author, group_id=group.pk, security_id=pair[1].pk, since=None, reason="Why."
        )


def test_a_pair_that_is_named_distinct_may_stand_in_although_a_group_holds_both(
    author: User, pair: tuple[Security, Security]
) -> None:
    make_identical_group(author, *pair)
    say(author, pair, identical=False)
    stand_in(author, pair)
    with pytest.raises(Conflict, match="the other's substitute: strike it first"):
        say(author, pair, identical=True)


def test_a_pair_that_is_named_identical_does_not_stand_in(
    author: User, pair: tuple[Security, Security]
) -> None:
    say(author, pair, identical=True)
    with pytest.raises(IntegrityError, match="substantially identical"):
        stand_in(author, pair)


def test_a_mapping_that_has_ended_stands_in_nobodys_way(
    author: User, pair: tuple[Security, Security]
) -> None:
    stand_in(author, pair)
    SubstituteMapping.objects.update(ended_on=date(2024, 12, 30))
    say(author, pair, identical=True)
    with pytest.raises(IntegrityError, match="substantially identical"), transaction.atomic():
        SubstituteMapping.objects.update(ended_on=None)


def test_a_households_own_substitute_is_not_identical_either(
    author: User, pair: tuple[Security, Security]
) -> None:
    make_identical_group(author, *pair)
    with pytest.raises(IntegrityError, match="substantially identical"), transaction.atomic():
        SubstituteMapping.objects.create(
            firm=pair[0].firm, household=make_household(pair[0].firm), security=pair[0],
            substitute=pair[1], rank=1, reason="Similar.", author=author,
            reviewed_on=date(2024, 1, 2), since=date(2030, 1, 2),
        )  # fmt: skip
