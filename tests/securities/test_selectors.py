from datetime import date
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Firm
from securities import selectors
from securities.identity import Clique
from securities.models import IdenticalMember, IdenticalOverride, PriceStatistic, Security
from securities.types import Quote, SpreadOf, SpreadSource, TradingFacts
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


def test_identical_cliques_follow_the_dates_of_the_members(
    firm: Firm, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    aaa, bbb, ccc, ddd = (make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC", "DDD"))
    user = make_user(firm)
    make_identical_group(user, aaa, bbb, name="One")
    ended = make_identical_group(user, ccc, ddd, name="Two")
    IdenticalMember.objects.filter(group=ended, security=ddd).update(ended_on=date(2024, 1, 2))
    foreign = make_firm("Other")
    make_identical_group(
        make_user(foreign, "eve"), make_security(foreign, "AAA"), make_security(foreign, "BBB")
    )

    with django_assert_num_queries(3):
        found = selectors.identical_cliques(firm.pk, same_index=True)

    assert found == (
        Clique((aaa.pk, bbb.pk)),
        Clique((ccc.pk, ddd.pk), None, date(2024, 1, 2)),
    )


def test_funds_on_one_index_are_identical_where_the_firm_reads_it_so(firm: Firm) -> None:
    aaa, bbb, ccc = (make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC"))
    make_security(firm, "DDD")  # follows nothing, like many others
    for fund, index in ((aaa, "S&P 500"), (bbb, "S&P 500"), (ccc, "Russell 1000")):
        Security.objects.filter(pk=fund.pk).update(tracks_index=index)

    assert selectors.identical_cliques(firm.pk, same_index=True) == (Clique((aaa.pk, bbb.pk)),)
    assert selectors.identical_cliques(firm.pk, same_index=False) == ()


def test_the_newest_word_on_a_pair_counts(firm: Firm) -> None:
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    author = make_user(firm)
    make_identical_group(author, aaa, bbb)
    for is_identical in (True, False):
        IdenticalOverride.objects.create(
            firm=firm,
            first=aaa,
            second=bbb,
            is_identical=is_identical,
            author=author,
            reason="Why.",
        )

    assert selectors.identical_overrides(firm.pk) == {(aaa.pk, bbb.pk): False}
    assert selectors.identical_cliques(firm.pk, same_index=True) == ()


def test_symbols_are_those_of_the_firm(firm: Firm) -> None:
    aaa = make_security(firm, "AAA")
    make_security(make_firm("Other"), "ZZZ")

    assert selectors.symbols(firm.pk) == {aaa.pk: "AAA"}
    assert selectors.security_ids(firm.pk) == {"AAA": aaa.pk}


def own(symbol: str) -> SpreadSource:
    return SpreadSource(SpreadOf.SECURITY, symbol)


def test_trading_facts_know_a_volatility_from_its_night_on(
    firm: Firm, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    Security.objects.filter(pk=aaa.pk).update(average_daily_volume=Decimal(500))
    PriceStatistic.objects.create(
        security=aaa, as_of=date(2024, 1, 3), annual_volatility=Decimal("0.2"), observations=60
    )
    spread = Decimal("0.0005")
    with django_assert_num_queries(1):
        found = selectors.trading_facts(firm.pk, date(2024, 1, 3))
    assert found == {
        aaa.pk: TradingFacts(spread, Decimal(500), Decimal("0.2"), own("AAA")),
        bbb.pk: TradingFacts(spread, None, None, own("BBB")),
    }
    earlier = selectors.trading_facts(firm.pk, date(2024, 1, 2))
    assert earlier[aaa.pk] == TradingFacts(spread, Decimal(500), None, own("AAA"))


def test_a_firm_is_found_by_name_or_number(firm: Firm) -> None:
    assert selectors.firm_named(firm.name) == firm
    assert selectors.firm_named(str(firm.pk)) == firm
    assert selectors.firm_named("nobody") is None
    assert selectors.firm_named("9" * 30) is None
    assert selectors.only_firm() == firm
    make_firm("Other")
    assert selectors.only_firm() is None
