"""What trading cost against what was expected: signs, parts, sums, standard errors, and what they suggest (F12)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.year_tax import TaxPosition, year_tax
from proposals.budgets import Gains
from proposals.calibration import Finding, SpreadRow, spreads_by_class, spreads_by_security
from proposals.calibration import commissions as of_custodians
from proposals.cost_bars import cost_bars
from proposals.costs import Commission, TradeCost
from proposals.execution_costs import TradedOrder, bp, standard_error, tax_of_difference
from proposals.types import Side
from securities.types import SpreadOf, SpreadSource
from tests.proposals.order_sums import (
    commissions,
    day_sums,
    grouped,
    in_force,
    months,
    spreads,
    sums_of,
)

DAY = date(2026, 11, 2)
ORDER = TradedOrder(
    order=1,
    day=DAY,
    custodian="Example Custody",
    security=7,
    asset_class="us_equity",
    side=Side.BUY,
    ordered=D(100),
    filled=D(100),
    reference_price=D(50),
    paid=D(5005),
    fees=D("4.95"),
    half_spread=D("0.0005"),
    expected=TradeCost(commission=D("4.95"), spread=D("2.50"), impact=D("0.50")),
    schedule=Commission(per_order=D("4.95")),
)
shares = st.decimals(min_value="0.01", max_value=10**6, places=4)
prices = st.decimals(min_value="0.01", max_value=10**4, places=4)


def test_an_order_in_figures() -> None:
    assert ORDER.dollars == D(5000)
    assert ORDER.slippage == D(5)
    assert bp(ORDER.slippage, ORDER.dollars) == D(10)
    assert ORDER.average_price == D("50.05")
    assert (ORDER.expected_commission, ORDER.expected_trading) == (D("4.95"), D(3))
    assert sums_of([ORDER]).beyond_impact == D("4.50")


@given(filled=shares, reference=prices, off=st.decimals("-0.9", "0.9", places=4))
def test_a_purchase_filled_above_and_a_sale_filled_below_both_cost(
    filled: D, reference: D, off: D
) -> None:
    paid = filled * reference * (1 + off)
    bought = replace(ORDER, ordered=filled, filled=filled, reference_price=reference, paid=paid)
    sold = replace(bought, side=Side.SELL)
    assert bought.slippage == -sold.slippage
    assert (bought.slippage > 0) == (off > 0)
    assert (sold.slippage > 0) == (off < 0)


@given(ordered=shares, part=st.integers(1, 100))
def test_spread_and_impact_count_by_the_part_that_was_filled(ordered: D, part: int) -> None:
    filled = ordered * part / 100
    whole = replace(ORDER, ordered=ordered, filled=ordered)
    some = replace(whole, filled=filled)
    assert whole.expected_trading == D(3)
    assert some.expected_trading is not None
    assert abs(some.expected_trading - D(3) * part / 100) < D("1e-20")


def test_the_commission_of_a_part_is_the_schedules_while_that_still_holds() -> None:
    part = replace(ORDER, filled=D(40))
    assert part.expected_commission == D("4.95")  # a ticket is charged however little is filled
    assert replace(part, schedule=Commission(per_order=D("6.95"))).expected_commission == D("1.98")
    assert replace(part, schedule=None).expected_commission == D("1.98")
    a_share = TradeCost(commission=D("0.5"), spread=D(0), impact=D(0))
    by_share = replace(part, expected=a_share, schedule=Commission(per_share=D("0.005")))
    assert by_share.expected_commission == D("0.2")


def test_a_part_that_ends_on_half_a_cent_is_exactly_that() -> None:
    """4.95 x 34 / 220 is 0.765; by the part first, 34 / 220 = 0.1545..., it would be a little less."""
    part = replace(ORDER, ordered=D(220), filled=D(34), schedule=None)
    assert part.expected_commission == D("0.765")


def test_nothing_is_expected_where_nobody_kept_it() -> None:
    unknown = replace(ORDER, expected=None)
    assert (unknown.expected_commission, unknown.expected_trading) == (None, None)
    assert unknown.slippage == ORDER.slippage


# Standard errors

slippages = st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=40)


@given(costs=slippages)
def test_with_equal_dollars_a_day_each_it_is_the_textbooks(costs: list[int]) -> None:
    points = [(DAY + timedelta(days=i), D(1000), D(cost) / 100) for i, cost in enumerate(costs)]
    found = standard_error(day_sums(points))
    assert found is not None
    in_bp = np.array(costs) / 100 / 1000 * 1e4
    assert float(found) == pytest.approx(
        np.std(in_bp, ddof=1) / np.sqrt(len(costs)), rel=1e-9, abs=1e-12
    )


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(1, 10**6), st.integers(-10_000, 10_000)),
        min_size=2,
        max_size=40,
    )
)
def test_orders_weigh_by_their_dollars_and_those_of_a_day_count_once(
    rows: list[tuple[int, int, int]],
) -> None:
    found = standard_error(
        day_sums(
            (DAY + timedelta(days=day), D(dollars), D(cost) / 100) for day, dollars, cost in rows
        )
    )
    days, dollars, costs = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    costs = costs / 100
    clusters = len(set(days))
    if clusters < 2:
        assert found is None
        return
    residuals = costs - costs.sum() / dollars.sum() * dollars
    sums = np.array([residuals[days == day].sum() for day in sorted(set(days))])
    expected = np.sqrt(clusters / (clusters - 1) * (sums**2).sum()) / dollars.sum() * 1e4
    assert found is not None
    assert float(found) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_thirty_orders_of_one_day_are_one_observation_of_the_market() -> None:
    assert standard_error(day_sums((DAY, D(1000), D(i)) for i in range(30))) is None
    assert standard_error(day_sums([])) is None


def test_days_that_all_cost_the_same_a_dollar_have_no_error_at_all() -> None:
    """The difference of large squares leaves nothing of itself behind."""
    points = [
        (DAY + timedelta(days=i), D(10**9) + i, (D(10**9) + i) * D("0.00070001")) for i in range(9)
    ]
    assert standard_error(day_sums(points)) == 0


# Months


def test_a_month_holds_the_orders_whose_first_fill_it_saw_the_others_apart() -> None:
    later = replace(ORDER, day=date(2026, 12, 1), paid=D(4990), fees=D(5))
    before = replace(ORDER, expected=None, paid=D(5010), fees=D(1))
    cheap = replace(ORDER, day=DAY + timedelta(days=7), paid=D(4995), fees=D("4.95"))

    december, november = months([ORDER, later, before, cheap])

    assert (december.first, november.first) == (date(2026, 12, 1), date(2026, 11, 1))
    assert december.others is None
    known, others = november.expected, november.others
    assert known is not None
    assert (known.orders, known.dollars, known.fees) == (2, D(10000), D("9.90"))
    assert (known.slippage_bp, known.expected_trading_bp) == (D(0), D(6))
    assert (known.expected_commission, known.expected_commission_bp) == (D("9.90"), D("9.90"))
    assert known.error_bp == D(10)  # 10 bp above and below, a day each
    assert others is not None
    assert (others.orders, others.slippage_bp, others.expected_trading_bp) == (1, D(20), None)
    assert others.expected_commission_bp is None


def test_the_bars_hang_on_one_line_at_zero() -> None:
    gained = replace(ORDER, day=date(2026, 12, 1), paid=D(4950), fees=D(0))
    unknown = replace(ORDER, day=date(2026, 10, 1), expected=None)
    drawn = cost_bars(months([ORDER, gained, unknown]))
    december, november = drawn.rows  # October has no expectation
    assert (december.label, november.label) == ("Dec 2026", "Nov 2026")
    assert december.realised == D(-100)
    assert december.expected == november.expected == D("15.9")
    zero = float(drawn.zero_x)
    assert float(december.realised_x) + float(december.realised_width) == pytest.approx(
        zero, abs=0.11
    )
    assert (float(december.expected_x), float(november.realised_x)) == (zero, zero)
    assert december.error_from == ""
    assert cost_bars([]).rows == ()


# What the past year suggests


def test_a_custodian_who_charges_what_its_schedule_says_has_no_other_rate() -> None:
    (row,) = commissions([ORDER, replace(ORDER, fees=D("4.96"))])
    assert (row.orders, row.expected, row.fees) == (2, D("9.90"), D("9.91"))
    assert not row.differs
    assert (row.implied_bp, row.implied_per_order) == (None, None)


def test_a_custodian_who_charges_otherwise_shows_what_it_charges() -> None:
    other = replace(ORDER, custodian="Another", fees=D("7.00"))
    another, example = commissions(
        [ORDER, other, replace(other, fees=D("5.00")), replace(ORDER, expected=None)]
    )
    assert (another.custodian, example.orders) == ("Another", 1)
    assert (another.implied_bp, another.implied_per_order) == (D(12), D(6))


def test_too_much_on_one_order_does_not_make_up_for_too_little_on_another() -> None:
    (row,) = commissions([replace(ORDER, fees=D("3.95")), replace(ORDER, fees=D("5.95"))])
    assert row.expected == row.fees
    assert row.differs


def orders(count: int, *, days: int, slippage: str, noise: str = "0.5") -> list[TradedOrder]:
    """Orders of $5,000 whose slippage a day is ``slippage`` dollars and, in turn, the noise more or less."""
    return [
        replace(
            ORDER,
            day=DAY + timedelta(days=i % days),
            paid=D(5000) + D(slippage) + (D(noise) if i % days % 2 else -D(noise)),
        )
        for i in range(count)
    ]


def verdict(rows: list[TradedOrder]) -> Finding:
    return spreads(rows)[0].finding


def of_class(rows: list[TradedOrder]) -> SpreadRow:
    """The one asset class of the orders."""
    securities = grouped(rows, lambda one: one.security)
    (row,) = spreads_by_class(
        {"us_equity": sums_of(rows)},
        {key: sums_of(group) for key, group in securities.items()},
        {key: in_force(group[0]) for key, group in securities.items()},
    )
    return row


def test_a_half_spread_is_suggested_where_the_orders_are_many_and_agree() -> None:
    row = of_class(orders(30, days=10, slippage="8.00"))
    assert (row.name, row.orders, row.days, row.in_force_bp) == ("us_equity", 30, 10, D(5))
    assert row.realised_bp == D(15)  # $8.00 less the $0.50 of impact, of $5,000
    assert row.finding is Finding.DIFFERS
    assert row.suggested == D("0.00150000")


def test_few_orders_few_days_and_small_differences_suggest_nothing() -> None:
    assert verdict(orders(29, days=10, slippage="8.00")) is Finding.FEW_ORDERS
    assert verdict(orders(30, days=9, slippage="8.00")) is Finding.FEW_DAYS
    assert verdict(orders(30, days=10, slippage="3.00")) is Finding.AGREES  # 5 bp beyond the impact
    assert verdict(orders(30, days=10, slippage="8.00", noise="60")) is Finding.AGREES
    row = of_class(orders(30, days=10, slippage="3.00"))
    assert row.suggested is None


def test_no_half_spread_below_zero_is_suggested() -> None:
    row = of_class(orders(30, days=10, slippage="-8.00"))
    assert row.finding is Finding.DIFFERS
    assert row.suggested == 0


def test_where_the_half_spread_in_force_comes_from_is_told_where_it_is_one_place() -> None:
    default = SpreadSource(SpreadOf.ASSET_CLASS, "us_equity", DAY)
    rows = [replace(one, spread_source=default) for one in orders(4, days=2, slippage="8.00")]
    row = of_class(rows)
    assert row.source == default
    aapl = SpreadSource(SpreadOf.SECURITY, "AAPL")
    rows[0] = replace(rows[0], security=8, half_spread=D("0.0009"), spread_source=aapl)
    row = of_class(rows)
    assert row.source is None
    assert row.in_force_bp == D(6)  # of four orders of $5,000 three count 5 bp, one 9


def test_orders_without_an_expectation_suggest_nothing() -> None:
    unknown = [replace(one, expected=None) for one in orders(30, days=10, slippage="8.00")]
    sums = {"Example Custody": sums_of(unknown)}
    assert spreads_by_security({7: sums_of(unknown)}, {7: in_force(unknown[0])}) == []
    assert spreads_by_class(sums, {7: sums_of(unknown)}, {7: in_force(unknown[0])}) == []
    assert of_custodians(sums) == []


# Tax

dollars = st.decimals(-50_000, 50_000, places=2)


@given(short=dollars, long=dollars, more_short=dollars, more_long=dollars)
def test_the_tax_of_the_difference_is_the_years_with_it_less_the_years_without(
    short: D, long: D, more_short: D, more_long: D
) -> None:
    year = TaxPosition(
        short_rate=D("0.35"), long_rate=D("0.15"), ordinary_rate=D("0.35"), loss_limit=D(3000),
        carried_loss_value=D("0.12"), short=short, long=long,
    )  # fmt: skip
    booked = Gains(D(700), D(-300))
    expected = Gains(booked.short - more_short, booked.long - more_long)
    assert tax_of_difference(year, expected=expected, booked=booked) == (
        year_tax(year, short=short, long=long)
        - year_tax(year, short=short - more_short, long=long - more_long)
    )


def test_a_gain_larger_than_expected_costs_at_the_years_own_rate() -> None:
    year = TaxPosition(
        short_rate=D("0.35"), long_rate=D("0.15"), ordinary_rate=D("0.35"), loss_limit=D(3000),
        carried_loss_value=D("0.12"), short=D(-2000), long=D(10000),
    )  # fmt: skip
    told = tax_of_difference(year, expected=Gains(short=D(-400)), booked=Gains(short=D(-300)))
    assert told == D(15)  # $100 less of short-term loss against long-term gain: 15 %, not 35 %
