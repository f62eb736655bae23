"""Decisions on tax questions: who may, why, what follows, and that the effect is seen before it stands."""

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from accounts.errors import Conflict, NotAllowed
from accounts.models import Account, AuditEvent, User
from accounts.types import Role
from lots import selectors, services
from lots.changes import Standing
from lots.models import Disposal, TaxLot, TaxPolicy
from lots.policy_points import POINTS, decided
from lots.types import EntryKind, Policy, RebuildChanges, SpousePolicy, TackingPolicy
from securities.models import IdenticalMember, IdenticalOverride, Security
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
)

pytestmark = pytest.mark.django_db

OWN_PURCHASES_ONLY = Policy(spouse=SpousePolicy.TAXPAYER_ONLY)


@pytest.fixture
def account() -> Account:
    """Ann's loss of 200 on 4 March 2024 is washed by John's purchase of 11 March, in AAA itself."""
    account = make_account(make_household(make_firm(pinned_date=date(2025, 6, 2))))
    spouse = make_account(account.household, "T-2", owner="John")
    aaa = make_security(account.firm, "AAA")
    book(account, EntryKind.BUY, date(2023, 5, 2), aaa, "10", amount="1000")
    book(account, EntryKind.SELL, date(2024, 3, 4), aaa, "10", amount="800")
    book(spouse, EntryKind.BUY, date(2024, 3, 11), aaa, "10", amount="810")
    return account


@pytest.fixture
def user(account: Account) -> User:
    return make_user(account.firm)


# Switches


def test_another_reading_is_in_force_at_once_and_everything_follows(
    account: Account, user: User
) -> None:
    assert Disposal.objects.get().disallowed == 200

    changes = services.set_policy(user=user, policy=OWN_PURCHASES_ONLY, reason=" Counsel. ")

    assert selectors.policy(account.firm_id) == OWN_PURCHASES_ONLY
    assert Disposal.objects.get().disallowed == 0
    assert TaxLot.objects.get().basis == Decimal(810)
    [year] = changes.years
    assert (year.year, year.standing) == (2024, Standing.CLOSED)
    assert (year.before.disallowed, year.after.disallowed) == (Decimal(200), Decimal(0))
    row = TaxPolicy.objects.get()
    assert (row.author, row.reason) == (user, "Counsel.")
    rebuilt = services.rebuild_lots(household_id=account.household_id)
    assert rebuilt == RebuildChanges(0, 0, 0)


def test_a_decision_is_in_the_audit_chain_with_old_and_new_values(
    account: Account, user: User
) -> None:
    services.set_policy(user=user, policy=OWN_PURCHASES_ONLY, reason="Counsel.")

    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.action, event.actor) == ("tax_policy.set", user.username)
    assert '"old":{"index_funds":"same_index_identical"' in event.payload
    assert '"spouse":"taxpayer_only"' in event.payload
    assert '"reason":"Counsel."' in event.payload
    assert f'"households_changed":[{account.household_id}]' in event.payload


def test_the_effect_of_a_reading_is_shown_without_being_written(
    account: Account, user: User
) -> None:
    effect = services.preview_policy(user=user, policy=OWN_PURCHASES_ONLY)

    [year] = effect.years
    assert (year.owner, year.change.before.short, year.change.after.short) == (
        "Ann",
        Decimal(0),
        Decimal(-200),
    )
    assert effect.alters_history
    assert Disposal.objects.get().disallowed == 200
    assert not TaxPolicy.objects.exists()
    assert services.set_policy(
        user=user, policy=OWN_PURCHASES_ONLY, reason="Seen.", shown_sha256=effect.sha256
    )


def test_an_effect_that_is_another_by_now_is_not_decided(account: Account, user: User) -> None:
    effect = services.preview_policy(user=user, policy=OWN_PURCHASES_ONLY)
    book(account, EntryKind.CASH_IN, date(2024, 4, 2), amount="1")
    spouse = account.household.accounts.get(number="T-2")
    aaa = Security.objects.get()
    book(spouse, EntryKind.SELL, date(2024, 6, 3), aaa, "10", amount="900")

    with pytest.raises(services.EffectOutdated) as outdated:
        services.set_policy(
            user=user, policy=OWN_PURCHASES_ONLY, reason="Seen.", shown_sha256=effect.sha256
        )

    assert len(outdated.value.changes.years) == 2
    assert not TaxPolicy.objects.exists()


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001])
def test_a_decision_without_a_reason_is_refused(account: Account, user: User, reason: str) -> None:
    with pytest.raises(services.ReasonMissing):
        services.set_policy(user=user, policy=OWN_PURCHASES_ONLY, reason=reason)

    assert not TaxPolicy.objects.exists()


def test_switches_that_are_in_force_are_not_decided_again(account: Account, user: User) -> None:
    with pytest.raises(Conflict, match="in force already"):
        services.set_policy(user=user, policy=Policy(), reason="Again.")


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.API_CLIENT])
def test_only_those_who_decide_set_the_switches(account: Account, role: Role) -> None:
    user = make_user(account.firm, "ops", role=role)

    for act in (
        lambda: services.set_policy(user=user, policy=OWN_PURCHASES_ONLY, reason="Mine."),
        lambda: services.preview_policy(user=user, policy=OWN_PURCHASES_ONLY),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert not TaxPolicy.objects.exists()


def test_another_firms_figures_stay(account: Account) -> None:
    other = make_firm("Other", pinned_date=date(2025, 6, 2))

    changes = services.set_policy(
        user=make_user(other, "eve"), policy=OWN_PURCHASES_ONLY, reason="Ours."
    )

    assert not changes
    assert Disposal.objects.get().disallowed == 200
    assert selectors.policy(account.firm_id) == Policy()


def test_every_switch_has_a_question_and_an_answer_to_each_value() -> None:
    switches = {one.point.field: one for one in decided(Policy())}

    assert set(switches) == set(services.policies.switches(Policy()))
    for one in switches.values():
        assert one.is_default
        assert {value for value, _ in one.point.answers} == set(type(one.value))
    assert [point.rule for point in POINTS] == ["U1", "U2", "U3", "U4", "U5", "U7"]


# The page


def fields(**changes: str) -> dict[str, str]:
    return {point.field: str(point.default) for point in POINTS} | changes


def test_the_page_shows_the_effect_before_it_decides(
    account: Account, user: User, client: Client
) -> None:
    client.force_login(user)
    answers = fields(spouse="taxpayer_only", reason="Counsel.")

    shown = client.post("/tax-policy/", answers)
    effect = shown.context["effect"]

    assert "was $200.00" in shown.content.decode()
    assert "Figures of closed or reported years change." in shown.content.decode()
    assert not TaxPolicy.objects.exists()
    done = client.post("/tax-policy/", {**answers, "shown": effect.sha256}, follow=True)
    page = done.content.decode()
    assert "No: only the taxpayer&#x27;s own purchases count" in page
    assert "Counsel." in page
    assert Disposal.objects.get().disallowed == 0


def test_the_page_refuses_what_is_incomplete(user: User, client: Client) -> None:
    client.force_login(user)

    unknown = fields(tacking="perhaps", reason="Why.")
    for answers in (fields(spouse="taxpayer_only"), {"reason": "Why."}, unknown):
        assert client.post("/tax-policy/", answers).status_code == 422
    assert client.post("/tax-policy/", fields(reason="Why.")).status_code == 409
    late = fields(tacking=TackingPolicy.SUM, reason="Why.", shown="0" * 64)
    assert client.post("/tax-policy/", late).status_code == 409
    assert not TaxPolicy.objects.exists()


# Identical securities


@pytest.fixture
def bbb(account: Account, user: User) -> Security:
    """A loss of 90 in BBB on 3 June 2024; CCC bought on the 10th, in no group yet."""
    bbb, ccc = make_security(account.firm, "BBB"), make_security(account.firm, "CCC")
    make_identical_group(user, bbb)
    book(account, EntryKind.BUY, date(2024, 1, 3), bbb, "10", amount="1000")
    book(account, EntryKind.SELL, date(2024, 6, 3), bbb, "10", amount="910")
    book(account, EntryKind.BUY, date(2024, 6, 10), ccc, "10", amount="900")
    return bbb


def disallowed_of(security: Security) -> Decimal:
    return Decimal(Disposal.objects.get(security=security).disallowed)


def join(user: User, security: Security, since: date | None) -> IdenticalMember:
    return services.join_group(
        user=user,
        group_id=IdenticalMember.objects.filter(group__firm=user.firm)[0].group_id,
        security_id=security.pk,
        since=since,
        reason="The prospectus changed.",
    )


@pytest.mark.parametrize(
    ("since", "disallowed"),
    [(None, 90), (date(2024, 6, 3), 90), (date(2024, 6, 10), 90), (date(2024, 6, 11), 0)],
)
def test_a_membership_counts_from_its_first_day(
    bbb: Security, user: User, since: date | None, disallowed: int
) -> None:
    """On the day of the sale or of the purchase: either makes the two identical for this pair of trades."""
    join(user, Security.objects.get(symbol="CCC"), since)

    assert disallowed_of(bbb) == disallowed
    assert AuditEvent.objects.order_by("-sequence")[0].action == "identical_member.joined"


def test_an_ended_membership_leaves_its_days_as_they_were(bbb: Security, user: User) -> None:
    member = join(user, Security.objects.get(symbol="CCC"), None)

    for day, disallowed in ((date(2024, 6, 3), 90), (date(2024, 6, 2), 0)):
        services.leave_group(user=user, member_id=member.pk, ended_on=day, reason="New index.")
        assert disallowed_of(bbb) == disallowed
        IdenticalMember.objects.filter(pk=member.pk).update(ended_on=None)


def test_a_membership_ends_once_and_not_in_the_future(bbb: Security, user: User) -> None:
    member = join(user, Security.objects.get(symbol="CCC"), date(2024, 6, 3))

    def leave(day: date) -> None:
        services.leave_group(user=user, member_id=member.pk, ended_on=day, reason="Why.")

    with pytest.raises(Conflict, match="still to come"):
        leave(date(2025, 6, 3))
    with pytest.raises(Conflict, match="cannot end on 2024-06-02"):
        leave(date(2024, 6, 2))
    leave(date(2025, 6, 2))
    with pytest.raises(Conflict, match="ended on 2025-06-02 already"):
        leave(date(2025, 6, 2))
    with pytest.raises(Conflict, match="say since when it belongs again"):
        join(user, member.security, None)
    assert join(user, member.security, date(2025, 6, 2)).since == date(2025, 6, 2)
    with pytest.raises(Conflict, match="end that membership first"):
        join(user, member.security, None)


def test_a_word_on_a_pair_stands_above_the_group(bbb: Security, user: User) -> None:
    ccc = Security.objects.get(symbol="CCC")
    join(user, ccc, None)

    def say(*, identical: bool) -> None:
        services.override_pair(
            user=user, first_id=ccc.pk, second_id=bbb.pk, is_identical=identical, reason="Counsel."
        )

    say(identical=False)
    assert disallowed_of(bbb) == 0
    say(identical=True)
    assert disallowed_of(bbb) == 90
    with pytest.raises(Conflict, match="said of BBB and CCC already"):
        say(identical=True)
    assert IdenticalOverride.objects.count() == 2


def test_a_pair_is_two_securities_of_the_firm(bbb: Security, user: User) -> None:
    foreign = make_security(make_firm("Other"), "ZZZ")

    def say(other: int) -> None:
        services.override_pair(
            user=user, first_id=bbb.pk, second_id=other, is_identical=True, reason="Why."
        )

    with pytest.raises(Conflict, match="name two"):
        say(bbb.pk)
    with pytest.raises(Security.DoesNotExist):
        say(foreign.pk)


def test_a_distinct_pair_inside_a_group_leaves_the_others_identical(
    bbb: Security, account: Account, user: User
) -> None:
    """BBB, CCC and DDD are one group, BBB and CCC are said to be distinct: DDD still washes both."""
    ccc, ddd = Security.objects.get(symbol="CCC"), make_security(account.firm, "DDD")
    join(user, ccc, None)
    join(user, ddd, None)
    services.override_pair(
        user=user, first_id=bbb.pk, second_id=ccc.pk, is_identical=False, reason="Counsel."
    )
    assert disallowed_of(bbb) == 0

    book(account, EntryKind.BUY, date(2024, 6, 12), ddd, "4", amount="400")

    assert disallowed_of(bbb) == 36


def test_identity_is_decided_by_those_who_decide_and_with_a_reason(
    bbb: Security, account: Account, user: User
) -> None:
    member = IdenticalMember.objects.get()
    ccc = Security.objects.get(symbol="CCC")
    clerk = make_user(account.firm, "ops", role=Role.OPERATIONS)

    def acts(actor: User, reason: str):
        yield lambda: services.join_group(
            user=actor, group_id=member.group_id, security_id=ccc.pk, since=None, reason=reason
        )
        yield lambda: services.leave_group(
            user=actor, member_id=member.pk, ended_on=date(2024, 6, 3), reason=reason
        )
        yield lambda: services.override_pair(
            user=actor, first_id=bbb.pk, second_id=ccc.pk, is_identical=True, reason=reason
        )

    for act in acts(clerk, "Mine."):
        with pytest.raises(NotAllowed):
            act()
    for act in acts(user, " "):
        with pytest.raises(services.ReasonMissing):
            act()
    assert IdenticalMember.objects.get() == member
    assert not IdenticalOverride.objects.exists()
