"""Substitutes are decided by a person for a reason, dated, reviewed and audited; nothing is deleted."""

import json
from datetime import date
from typing import Any

import pytest
from django.http import Http404

from accounts.errors import Conflict, NotAllowed
from accounts.models import AuditEvent, Firm, User
from accounts.types import Role
from harvesting import selectors
from harvesting.mappings import (
    Decided,
    SubstituteRefused,
    end_mapping,
    map_substitute,
    review_mapping,
)
from harvesting.models import SubstituteMapping
from lots.services import set_policy
from lots.types import IndexFundPolicy, Policy
from proposals.models import Restriction
from securities.models import Security
from tests.factories import (
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
    set_price,
)

pytestmark = pytest.mark.django_db

TODAY = date(2022, 12, 28)
YESTERDAY, TOMORROW = date(2022, 12, 27), date(2022, 12, 29)


class Desk:
    """A firm that stands at ``TODAY``, with three priced securities and a household."""

    def __init__(self) -> None:
        self.firm = make_firm(pinned_date=TODAY)
        self.user = make_user(self.firm)
        self.household = make_household(self.firm)
        self.aaa, self.bbb, self.ccc = (self.security(name) for name in ("AAA", "BBB", "CCC"))

    def security(self, symbol: str) -> Security:
        security = make_security(self.firm, symbol)
        set_price(security, TODAY, "50")
        return security

    def map(self, substitute: Security | None = None, rank: int = 1, **others: Any) -> Decided:
        given: dict[str, Any] = {
            "user": self.user, "security_id": self.aaa.pk, "reason": "Comparable business.",
            "substitute_id": (substitute or self.bbb).pk, "rank": rank, **others,
        }  # fmt: skip
        return map_substitute(**given)

    def refused(self, substitute: Security | None = None, rank: int = 1, **others: Any) -> Any:
        with pytest.raises(SubstituteRefused) as refusal:
            self.map(substitute, rank, **others)
        return refusal.value.problems

    def ranked(self, day: date = TODAY) -> tuple[int, ...]:
        found = selectors.substitutes(self.firm.pk, self.household.pk, day, [self.aaa.pk])
        return found.get(self.aaa.pk, ())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def events(firm: Firm) -> list[tuple[str, dict[str, Any]]]:
    rows = AuditEvent.objects.filter(firm=firm).order_by("sequence")
    return [(row.action, json.loads(row.payload)["facts"]) for row in rows]


def test_a_mapping_begins_today_and_is_audited(desk: Desk) -> None:
    row = desk.map(valid_until=date(2023, 12, 28)).mapping
    assert (row.since, row.reviewed_on, row.author) == (TODAY, TODAY, desk.user)
    assert (desk.ranked(), desk.ranked(YESTERDAY)) == ((desk.bbb.pk,), ())
    ((action, facts),) = events(desk.firm)
    assert action == "substitute.mapped"
    assert facts == {
        "household": None, "security": "AAA", "substitute": "BBB", "rank": 1, "author": "ada",
        "reason": "Comparable business.", "since": "2022-12-28", "ended_on": None,
        "reviewed_on": "2022-12-28", "valid_until": "2023-12-28",
    }  # fmt: skip


def test_a_households_list_goes_before_the_firms(desk: Desk) -> None:
    desk.map(desk.bbb)
    desk.map(desk.ccc, household=desk.household.public_id)
    other = make_household(desk.firm, "Jones")
    assert desk.ranked() == (desk.ccc.pk, desk.bbb.pk)
    assert selectors.substitutes(desk.firm.pk, other.pk, TODAY, [desk.aaa.pk]) == {
        desk.aaa.pk: (desk.bbb.pk,)
    }


def test_past_its_review_a_mapping_is_not_used_and_says_so(desk: Desk) -> None:
    """N12."""
    desk.map(valid_until=TOMORROW)
    assert desk.ranked(TOMORROW) == (desk.bbb.pk,)
    found = selectors.mapped(desk.firm.pk, desk.household.pk, date(2022, 12, 30), [desk.aaa.pk])
    assert (found.ranked, found.refused) == (
        {},
        {desk.aaa.pk: ("the mapping AAA -> BBB was to be reviewed by 2022-12-29",)},
    )


def test_itself_is_refused(desk: Desk) -> None:
    assert desk.refused(desk.aaa) == {"substitute": "AAA cannot stand in for itself."}


def test_what_is_substantially_identical_is_refused(desk: Desk) -> None:
    make_identical_group(desk.user, desk.aaa, desk.bbb)
    assert desk.refused() == {
        "substitute": "BBB is substantially identical to AAA: the swap would be a wash sale."
    }


def test_funds_on_one_index_are_refused_or_permitted_with_a_warning(desk: Desk) -> None:
    """U1: identical by default; distinct where the firm reads it so, and then somebody is told."""
    Security.objects.filter(symbol__in=["AAA", "BBB"]).update(tracks_index="S&P 500", is_fund=True)
    assert "substantially identical" in desk.refused()["substitute"]
    reading = Policy(index_funds=IndexFundPolicy.DISTINCT_UNLESS_LISTED)
    set_policy(user=desk.user, policy=reading, reason="Counsel.")
    assert desk.map().warnings == (
        "AAA and BBB follow one index, S&P 500. The firm reads such funds as distinct (U1); the Internal Revenue "
        "Service may not.",
    )
    assert desk.map(desk.ccc, 2).warnings == ()


def test_an_unknown_security_is_refused(desk: Desk) -> None:
    foreign = make_security(make_firm("Other"), "BBB")
    assert set(desk.refused(foreign)) == {"substitute"}
    assert set(desk.refused(security_id=0)) == {"security"}


def test_without_a_price_nothing_stands_in(desk: Desk) -> None:
    desk.bbb.prices.update(day=TOMORROW)
    assert desk.refused() == {"substitute": "BBB has no price: import its prices first."}


def test_what_no_longer_trades_is_refused(desk: Desk) -> None:
    Security.objects.filter(pk=desk.bbb.pk).update(delisted_on=TODAY)
    assert desk.refused() == {"substitute": "BBB no longer trades since 2022-12-28."}


def restrict(desk: Desk, **others: Any) -> None:
    Restriction.objects.create(**{
        "firm": desk.firm, "security": desk.bbb, "kind": "no_buy", "since": date(2022, 1, 1),
        "reason": "An employer's stock.", "author": desk.user, **others,
    })  # fmt: skip


def test_what_the_firm_must_not_buy_is_refused(desk: Desk) -> None:
    restrict(desk)
    text = "BBB is restricted, not to be bought: An employer's stock."
    assert desk.refused() == {"substitute": text}


def test_a_households_restriction_stops_its_own_list_only(desk: Desk) -> None:
    restrict(desk, household=desk.household)
    assert set(desk.refused(household=desk.household.public_id)) == {"substitute"}
    desk.map()


@pytest.mark.parametrize(
    "others", [{"until": YESTERDAY}, {"since": TOMORROW}, {"kind": "no_sell"}], ids=str
)
def test_a_restriction_of_other_days_or_of_sales_stops_nothing(
    desk: Desk, others: dict[str, Any]
) -> None:
    restrict(desk, **others)
    desk.map()


def test_a_rank_or_a_pair_is_taken_once_in_a_list(desk: Desk) -> None:
    desk.map(desk.bbb)
    assert desk.refused(desk.ccc) == {
        "rank": "Rank 1 of AAA is BBB: end that first, or take another rank."
    }
    assert desk.refused(desk.bbb, 2) == {
        "substitute": "BBB is mapped for AAA already, as rank 1: end that first."
    }
    desk.map(desk.bbb, household=desk.household.public_id)


@pytest.mark.parametrize(
    ("others", "fields"),
    [
        ({"reason": " "}, {"reason"}),
        ({"reason": "x" * 2001}, {"reason"}),
        ({"rank": 0}, {"rank"}),
        ({"rank": 21}, {"rank"}),
        ({"since": YESTERDAY}, {"since"}),
        ({"valid_until": YESTERDAY}, {"valid_until"}),
        ({"since": date(2023, 2, 1), "valid_until": date(2023, 1, 31)}, {"valid_until"}),
        ({"reason": "", "rank": 0, "since": YESTERDAY}, {"reason", "rank", "since"}),
    ],
    ids=str,
)
def test_every_problem_is_named_at_its_field(
    desk: Desk, others: dict[str, Any], fields: set[str]
) -> None:
    assert set(desk.refused(**others)) == fields
    assert (SubstituteMapping.objects.count(), events(desk.firm)) == (0, [])


def test_a_review_renews_the_mapping_and_the_chain_keeps_the_old_words(desk: Desk) -> None:
    row = desk.map(valid_until=TODAY).mapping
    Firm.objects.update(pinned_date=TOMORROW)
    second = make_user(desk.firm, "bea", role=Role.APPROVER)
    assert desk.ranked(TOMORROW) == ()
    second.refresh_from_db()
    done = review_mapping(
        user=User.objects.get(username="bea"), mapping_id=row.pk, reason="Still comparable.",
        valid_until=date(2023, 6, 30),
    )  # fmt: skip
    assert desk.ranked(TOMORROW) == (desk.bbb.pk,)
    assert (done.mapping.author, done.mapping.reviewed_on) == (second, TOMORROW)
    action, facts = events(desk.firm)[-1]
    assert action == "substitute.reviewed"
    assert (facts["old"]["author"], facts["old"]["reviewed_on"]) == ("ada", "2022-12-28")
    assert (facts["new"]["author"], facts["new"]["reason"]) == ("bea", "Still comparable.")


def test_a_review_looks_at_the_pair_again(desk: Desk) -> None:
    row = desk.map().mapping
    desk.bbb.prices.all().delete()
    with pytest.raises(SubstituteRefused, match="BBB has no price"):
        review_mapping(user=desk.user, mapping_id=row.pk, reason="Still.")


def test_an_ended_mapping_is_not_used_from_today_on_and_stays_on_record(desk: Desk) -> None:
    row = desk.map().mapping
    SubstituteMapping.objects.update(since=date(2022, 1, 3))
    end_mapping(user=desk.user, mapping_id=row.pk, reason="Merged.")
    assert (desk.ranked(), desk.ranked(YESTERDAY)) == ((), (desk.bbb.pk,))
    assert events(desk.firm)[-1][1]["why"] == "Merged."
    for act in (end_mapping, review_mapping):
        with pytest.raises(Conflict, match="ended on 2022-12-27 already"):
            act(user=desk.user, mapping_id=row.pk, reason="Again.")
    desk.map()  # the rank and the pair are free again


@pytest.mark.parametrize("since", [TODAY, date(2023, 5, 1)])
def test_one_that_has_not_been_used_is_taken_back(desk: Desk, since: date) -> None:
    row = desk.map(since=since).mapping
    end_mapping(user=desk.user, mapping_id=row.pk, reason="A slip.")
    row.refresh_from_db()
    assert row.ended_on is not None
    assert row.ended_on < since
    assert [desk.ranked(day) for day in (YESTERDAY, TODAY, since)] == [(), (), ()]


def test_only_who_decides_may_and_only_over_the_own_firm(desk: Desk) -> None:
    row = desk.map().mapping
    clerk = make_user(desk.firm, "otto", role=Role.OPERATIONS)
    other = make_firm("Other", pinned_date=TODAY)
    stranger = make_user(other, "eve")
    with pytest.raises(NotAllowed):
        desk.map(desk.ccc, 2, user=clerk)
    for act in (end_mapping, review_mapping):
        with pytest.raises(NotAllowed):
            act(user=clerk, mapping_id=row.pk, reason="No.")
        with pytest.raises(Http404):
            act(user=stranger, mapping_id=row.pk, reason="No.")
    theirs = make_household(other, "Theirs")
    with pytest.raises(Http404):
        desk.map(desk.ccc, 2, household=theirs.public_id)
    assert SubstituteMapping.objects.count() == 1
