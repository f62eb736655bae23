from datetime import date
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Firm
from securities import selectors
from securities.models import IdenticalMember
from securities.types import Quote
from tests.factories import make_firm, make_identical_group, make_security, make_user, set_price

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Firm:
    return make_firm()


def test_the_newest_price_on_or_before_the_day_counts(
    firm: Firm, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    aaa, bbb, unpriced = (make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC"))
    foreign = make_security(make_firm("Other"), "AAA")
    for security in (aaa, foreign):
        set_price(security, date(2024, 1, 2), "10")
    set_price(aaa, date(2024, 1, 3), "11")
    set_price(aaa, date(2024, 1, 5), "99")
    set_price(bbb, date(2023, 12, 29), "20.5")
    set_price(unpriced, date(2024, 1, 5), "1")

    with django_assert_num_queries(1):
        quotes = selectors.latest_prices(firm.pk, date(2024, 1, 4))

    assert quotes == {
        aaa.pk: Quote(Decimal(11), date(2024, 1, 3)),
        bbb.pk: Quote(Decimal("20.5"), date(2023, 12, 29)),
    }


def test_identical_groups_have_two_or_more_active_members(firm: Firm) -> None:
    aaa, bbb, ccc, ddd = (make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC", "DDD"))
    user = make_user(firm)
    make_identical_group(user, aaa, bbb, name="One")
    ended = make_identical_group(user, ccc, ddd, name="Two")
    IdenticalMember.objects.filter(group=ended, security=ddd).update(ended_on=date(2024, 1, 2))

    assert selectors.identical_groups(firm.pk) == (frozenset({aaa.pk, bbb.pk}),)


def test_symbols_and_half_spreads_are_those_of_the_firm(firm: Firm) -> None:
    aaa = make_security(firm, "AAA", half_spread="0.0002")
    make_security(make_firm("Other"), "ZZZ")

    assert selectors.symbols(firm.pk) == {aaa.pk: "AAA"}
    assert selectors.security_ids(firm.pk) == {"AAA": aaa.pk}
    assert selectors.half_spreads(firm.pk) == {aaa.pk: Decimal("0.0002")}


def test_a_firm_is_found_by_name_or_number(firm: Firm) -> None:
    assert selectors.firm_named(firm.name) == firm
    assert selectors.firm_named(str(firm.pk)) == firm
    assert selectors.firm_named("nobody") is None
    assert selectors.firm_named("9" * 30) is None
    assert selectors.only_firm() == firm
    make_firm("Other")
    assert selectors.only_firm() is None
