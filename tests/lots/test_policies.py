"""The switches in force, and the identical groups under them."""

from datetime import date

import pytest

from accounts.models import Firm, User
from lots import selectors
from lots.models import TaxPolicy, Transaction
from lots.types import (
    DatedGroup,
    EntryKind,
    IndexFundPolicy,
    Membership,
    OlderLotPolicy,
    Policy,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)
from securities.models import IdenticalMember, Security
from tests.factories import (
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
)

pytestmark = pytest.mark.django_db

OTHER_VIEWS = Policy(
    index_funds=IndexFundPolicy.DISTINCT_UNLESS_LISTED,
    spouse=SpousePolicy.TAXPAYER_ONLY,
    tacking=TackingPolicy.SUM,
    sold_replacement=SoldReplacementPolicy.LITERAL_ACQUIRED,
    older_lot=OlderLotPolicy.ONLY_NEWER_THAN_SOLD,
    tax_deferred=TaxDeferredPolicy.IRA_AND_ROTH_ONLY,
)


@pytest.fixture
def firm() -> Firm:
    return make_firm(pinned_date=date(2024, 12, 31))


@pytest.fixture
def author(firm: Firm) -> User:
    return make_user(firm)


def decide(author: User, switches: Policy) -> TaxPolicy:
    """A row as it stands in the table, without what follows from it."""
    assert author.firm is not None
    return TaxPolicy.objects.create(
        firm=author.firm,
        index_funds=switches.index_funds,
        spouse=switches.spouse,
        tacking=switches.tacking,
        sold_replacement=switches.sold_replacement,
        older_lot=switches.older_lot,
        tax_deferred=switches.tax_deferred,
        author=author,
        reason="Our counsel's reading.",
    )


def test_a_firm_without_a_decision_has_the_cautious_defaults(firm: Firm) -> None:
    assert selectors.policy(firm.pk) == Policy()


def test_the_newest_decision_of_the_firm_is_in_force(firm: Firm, author: User) -> None:
    decide(author, Policy())
    decide(author, OTHER_VIEWS)
    decide(make_user(make_firm("Other"), "eve"), Policy(tacking=TackingPolicy.DATE))

    assert selectors.policy(firm.pk) == OTHER_VIEWS
    assert selectors.ledger(make_household(firm).pk).policy == OTHER_VIEWS


def test_the_ledger_has_dated_groups_where_members_have_dates(firm: Firm, author: User) -> None:
    aaa, bbb, ccc = (make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC"))
    group = make_identical_group(author, aaa, bbb)
    IdenticalMember.objects.create(group=group, security=ccc, since=date(2024, 5, 1))

    last = date(2024, 4, 30)
    assert selectors.identical_groups(firm.pk) == (
        DatedGroup((Membership(str(aaa.pk), None, last), Membership(str(bbb.pk), None, last))),
        DatedGroup(
            tuple(Membership(str(one.pk), date(2024, 5, 1), None) for one in (aaa, bbb, ccc))
        ),
    )


def test_index_funds_are_a_group_of_the_ledger_unless_the_firm_reads_u1_otherwise(
    firm: Firm, author: User
) -> None:
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    Security.objects.filter(firm=firm).update(tracks_index="S&P 500")

    assert selectors.identical_groups(firm.pk) == (frozenset({str(aaa.pk), str(bbb.pk)}),)
    assert selectors.identical_groups(firm.pk, OTHER_VIEWS) == ()
    decide(author, OTHER_VIEWS)
    assert selectors.identical_groups(firm.pk) == ()
    assert selectors.identical_sets(firm.pk, date(2024, 6, 3)) == ()


def test_a_trade_treats_as_one_what_was_or_will_be_in_its_window(firm: Firm, author: User) -> None:
    """A membership that ended on 1 May reaches trades through 31 May, day 30, and no later."""
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    group = make_identical_group(author, aaa, bbb)
    group.members.filter(security=bbb).update(since=date(2024, 3, 1), ended_on=date(2024, 5, 1))
    both = (frozenset({aaa.pk, bbb.pk}),)

    assert selectors.identical_sets(firm.pk, date(2024, 1, 30)) == ()
    assert selectors.identical_sets(firm.pk, date(2024, 1, 31)) == both
    assert selectors.identical_sets(firm.pk, date(2024, 5, 31)) == both
    assert selectors.identical_sets(firm.pk, date(2024, 6, 1)) == ()


def test_a_renamed_or_merged_security_is_treated_as_its_successor(firm: Firm, author: User) -> None:
    """AAA and BBB are identical; BBB was renamed CCC, and DDD was merged into EEE on 3 June."""
    aaa, bbb, ccc, ddd, eee = (make_security(firm, 3 * letter) for letter in "ABCDE")
    make_identical_group(author, aaa, bbb)
    account = make_account(make_household(firm))
    for kind, old, new in ((EntryKind.RENAME, bbb, ccc), (EntryKind.MERGE, ddd, eee)):
        Transaction.objects.create(
            account=account, external_id=kind, kind=kind, security=old, to_security=new,
            trade_date=date(2024, 6, 3), quantity=1, content_sha256="0" * 64,
        )  # fmt: skip
    one_name, merged = frozenset({aaa.pk, bbb.pk, ccc.pk}), frozenset({ddd.pk, eee.pk})

    assert selectors.identical_sets(firm.pk, date(2024, 5, 3)) == (one_name,)
    assert selectors.identical_sets(firm.pk, date(2024, 5, 4)) == (one_name, merged)
    assert selectors.identical_sets(firm.pk, date(2025, 5, 4)) == (one_name, merged)


def test_sets_are_merged_for_those_who_need_them_apart() -> None:
    sets = (frozenset({1, 2}), frozenset({2, 3}), frozenset({8, 9}))

    assert selectors.merged_sets(sets) == (frozenset({1, 2, 3}), frozenset({8, 9}))
