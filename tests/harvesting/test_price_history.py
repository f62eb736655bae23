"""Volatilities and pair figures against plain arithmetic, and what is stored against what is computed."""

import statistics as plain
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from accounts.models import Firm
from harvesting import price_history
from harvesting.figures import (
    ASSUMED_TRACKING_ERROR,
    ASSUMED_VOLATILITY,
    MINIMUM_OBSERVATIONS,
)
from harvesting.models import PairStatistic, SubstituteMapping
from harvesting.statistics import Refreshed, refresh_statistics
from harvesting.types import PairFigures
from securities.calendar import trading_days
from securities.models import CorporateAction, Price, PriceStatistic, Security
from tests.factories import make_firm, make_security, make_user

TODAY = date(2022, 12, 28)
DAYS = trading_days(TODAY, 253)
YEAR = 252**0.5


def closes(step: float, *, start: float = 100, phase: int = 0) -> list[Decimal]:
    """A close for each of ``DAYS``: up and down by turns, never by the same fraction twice running."""
    price, found = start, []
    for place in range(len(DAYS)):
        move = step * ((place + phase) % 7 - 3) / 3
        price *= 1 + move
        found.append(round(Decimal(price), 6))
    return found


def priced(security: Security, prices: Sequence[Decimal], days: Sequence[date] = DAYS) -> Security:
    Price.objects.bulk_create(
        Price(security=security, day=day, close=close)
        for day, close in zip(days, prices[-len(days) :], strict=True)
    )
    return security


def returns(prices: Sequence[Decimal]) -> list[float]:
    return [float(after / before) - 1 for before, after in pairwise(prices)]


def rounded(value: float) -> Decimal:
    return round(Decimal(value), 8)


@pytest.fixture
def firm(db: None) -> Firm:
    return make_firm(pinned_date=TODAY)


def test_volatility_is_the_sample_deviation_of_a_year_of_daily_returns(firm: Firm) -> None:
    prices = closes(0.02)
    aaa = priced(make_security(firm), prices)
    expected = rounded(plain.stdev(returns(prices)) * YEAR)
    assert price_history.volatilities(firm.pk, TODAY, [aaa.pk]) == {aaa.pk: expected}


def test_pair_figures_are_plain_arithmetic(firm: Firm) -> None:
    first, second = closes(0.02), closes(0.015, phase=2)
    aaa = priced(make_security(firm, "AAA"), first)
    bbb = priced(make_security(firm, "BBB"), second)
    one, other = returns(first), returns(second)
    apart = [b - a for a, b in zip(one, other, strict=True)]
    found = price_history.pair_figures(firm.pk, TODAY, [(aaa.pk, bbb.pk)])
    assert found == {
        (aaa.pk, bbb.pk): PairFigures(
            tracking_error=rounded(plain.stdev(apart) * YEAR),
            correlation=rounded(plain.correlation(one, other)),
            beta=rounded(plain.linear_regression(one, other).slope),
            observations=252,
        )
    }


def test_a_booked_split_is_no_move(firm: Firm) -> None:
    """Ten for one between two closes; the same path without it has the same figures."""
    prices = closes(0.02)
    whole = priced(make_security(firm, "AAA"), prices)
    cut = [
        close if day < DAYS[100] else close / 10 for day, close in zip(DAYS, prices, strict=True)
    ]
    split = priced(make_security(firm, "BBB"), cut)
    CorporateAction.objects.create(
        security=split, kind="split", effective_on=DAYS[100], ratio=Decimal(10)
    )
    found = price_history.statistics(firm.pk, TODAY, [whole.pk, split.pk], [(whole.pk, split.pk)])
    assert found.volatilities[split.pk] == pytest.approx(
        found.volatilities[whole.pk], abs=Decimal("0.00001")
    )
    assert found.pairs[whole.pk, split.pk].tracking_error < Decimal("0.00002")


def test_the_day_of_a_spin_off_is_left_out(firm: Firm) -> None:
    prices = closes(0.02)
    prices[100:] = [close / 2 for close in prices[100:]]
    aaa = priced(make_security(firm, "AAA"), prices)
    CorporateAction.objects.create(
        security=aaa, kind="spin_off", effective_on=DAYS[100], ratio=Decimal(1),
        to_security=make_security(firm, "SPIN"), basis_fraction=Decimal("0.5"),
    )  # fmt: skip
    moves = returns(prices)
    del moves[99]
    found = price_history.statistics(firm.pk, TODAY, [aaa.pk], []).volatility[aaa.pk]
    assert (found.annual, found.observations) == (rounded(plain.stdev(moves) * YEAR), 251)


@pytest.mark.parametrize(
    ("observations", "assumed"), [(MINIMUM_OBSERVATIONS, False), (MINIMUM_OBSERVATIONS - 1, True)]
)
def test_too_short_a_history_is_assumed_and_says_so(
    firm: Firm, observations: int, *, assumed: bool
) -> None:
    days = DAYS[-(observations + 1) :]
    aaa = priced(make_security(firm, "AAA"), closes(0.02), days)
    bbb = priced(make_security(firm, "BBB"), closes(0.01, phase=3))
    found = price_history.statistics(firm.pk, TODAY, [aaa.pk], [(aaa.pk, bbb.pk)])
    volatility, figures = found.volatility[aaa.pk], found.pairs[aaa.pk, bbb.pk]
    assert (volatility.observations, figures.observations) == (observations, observations)
    assert (volatility.is_assumed, figures.is_assumed) == (assumed, assumed)
    assert (volatility.annual == ASSUMED_VOLATILITY) is assumed
    assert (figures.tracking_error == ASSUMED_TRACKING_ERROR) is assumed


def test_a_missing_close_leaves_out_two_returns_and_a_later_one_counts_nothing(firm: Firm) -> None:
    prices = closes(0.02)
    aaa = priced(make_security(firm, "AAA"), prices)
    aaa.prices.filter(day=DAYS[50]).delete()
    aaa.prices.create(day=date(2022, 12, 29), close=Decimal(5))
    found = price_history.statistics(firm.pk, TODAY, [aaa.pk], []).volatility[aaa.pk]
    moves = returns(prices)
    del moves[49:51]
    assert (found.annual, found.observations) == (rounded(plain.stdev(moves) * YEAR), 250)


def test_a_price_that_never_moves_correlates_with_nothing(firm: Firm) -> None:
    aaa = priced(make_security(firm, "AAA"), [Decimal(10)] * 253)
    bbb = priced(make_security(firm, "BBB"), closes(0.01))
    found = price_history.pair_figures(firm.pk, TODAY, [(aaa.pk, bbb.pk), (aaa.pk, aaa.pk)])
    figures = found[aaa.pk, bbb.pk]
    assert (figures.correlation, figures.beta) == (Decimal(0), Decimal(0))
    assert figures.tracking_error == price_history.volatilities(firm.pk, TODAY, [bbb.pk])[bbb.pk]
    assert found[aaa.pk, aaa.pk].tracking_error == 0


def test_another_firms_security_has_no_figures_but_assumed_ones(firm: Firm) -> None:
    other = make_firm("Other")
    aaa = priced(make_security(other, "AAA"), closes(0.01))
    bbb = priced(make_security(firm, "BBB"), closes(0.01))
    refresh_statistics(firm_id=other.pk, as_of=TODAY)
    found = price_history.statistics(firm.pk, TODAY, [aaa.pk], [(bbb.pk, aaa.pk)])
    assert found.volatility[aaa.pk].is_assumed
    assert found.pairs[bbb.pk, aaa.pk].is_assumed


# What the night stores


def mapped(firm: Firm, security: Security, substitute: Security) -> None:
    author = firm.users.first() or make_user(firm)
    SubstituteMapping.objects.create(
        firm=firm, security=security, substitute=substitute, rank=1, reason="Similar.",
        author=author, reviewed_on=TODAY,
    )  # fmt: skip


def test_the_night_stores_what_would_be_computed_and_is_read_in_two_queries(
    firm: Firm, django_assert_num_queries
) -> None:
    securities = [
        priced(make_security(firm, f"S{place}"), closes(0.01 + place / 300, phase=place))
        for place in range(5)
    ]
    young = priced(make_security(firm, "YOUNG"), closes(0.02), DAYS[-10:])
    ids = [one.pk for one in (*securities, young)]
    pairs = [(ids[0], ids[1]), (ids[2], ids[5])]
    for first, second in ((0, 1), (2, 5)):
        mapped(firm, (*securities, young)[first], (*securities, young)[second])
    live = price_history.statistics(firm.pk, TODAY, ids, pairs)
    one_by_one = {
        security: price_history.volatilities(firm.pk, TODAY, [security])[security]
        for security in ids
    }
    assert one_by_one == live.volatilities

    assert refresh_statistics(firm_id=firm.pk, as_of=TODAY) == Refreshed(6, 2)
    with django_assert_num_queries(2):
        assert price_history.statistics(firm.pk, TODAY, ids, pairs) == live
    refresh_statistics(firm_id=firm.pk, as_of=TODAY)
    assert (PriceStatistic.objects.count(), PairStatistic.objects.count()) == (6, 2)


def test_figures_of_another_day_are_not_taken_for_todays(firm: Firm) -> None:
    prices = closes(0.02)
    aaa = priced(make_security(firm, "AAA"), prices)
    bbb = priced(make_security(firm, "BBB"), closes(0.01))
    mapped(firm, aaa, bbb)
    refresh_statistics(firm_id=firm.pk, as_of=DAYS[-2])
    PriceStatistic.objects.update(annual_volatility=9)
    PairStatistic.objects.update(beta=9)
    found = price_history.statistics(firm.pk, TODAY, [aaa.pk], [(aaa.pk, bbb.pk)])
    assert found.volatilities[aaa.pk] == rounded(plain.stdev(returns(prices)) * YEAR)
    assert found.pairs[aaa.pk, bbb.pk].beta < 9


def test_a_pair_that_is_no_longer_mapped_is_not_kept(firm: Firm) -> None:
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    mapped(firm, aaa, bbb)
    refresh_statistics(firm_id=firm.pk, as_of=DAYS[-2])
    SubstituteMapping.objects.update(ended_on=DAYS[-2])
    assert refresh_statistics(firm_id=firm.pk, as_of=TODAY) == Refreshed(2, 0)
    assert not PairStatistic.objects.exists()


def test_no_figure_is_a_float() -> None:
    with pytest.raises(TypeError, match="beta is a float"):
        PairFigures(Decimal(1), Decimal(1), 0.5, 252)  # type: ignore[arg-type]
