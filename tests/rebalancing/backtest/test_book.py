"""Lots, washes, netting and the yearly tax, each reckoned by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from rebalancing.backtest.book import HALF_SPREAD, START, Book, Lots, settle
from tests.rebalancing.backtest.markets import market

DAY = date(2020, 1, 2)


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def test_the_lot_with_the_least_tax_per_dollar_is_sold_first():
    lots = Lots()
    lots.open(10, 50.0, DAY)  # long: (100 - 50) x 15 % = 7.50
    lots.open(10, 80.0, after(390))  # short: (100 - 80) x 35 % = 7.00
    lots.open(10, 60.0, after(391))  # short: 14.00

    sold = lots.sell(15, 100.0, after(400))

    assert (sold.short, sold.long) == (10 * 20, 5 * 50)
    assert lots.shares.tolist() == [5, 10]


def test_a_year_to_the_day_is_still_short():
    lots = Lots()
    lots.open(1, 50.0, DAY)

    assert lots.is_long(date(2021, 1, 2)).tolist() == [False]
    assert lots.is_long(date(2021, 1, 3)).tolist() == [True]


@pytest.mark.parametrize(("gap", "allowed"), [(30, -40.0 + 24.0), (31, -40.0)])
def test_a_purchase_within_thirty_days_after_a_loss_takes_it_back_share_by_share(gap, allowed):
    lots = Lots()
    lots.open(10, 100.0, DAY, replaces=False)
    loss = lots.sell(10, 96.0, after(100))

    undone = lots.buy(6, 90.0, after(100 + gap))

    assert loss.short + undone.short == pytest.approx(allowed)
    assert lots.basis.tolist() == [pytest.approx(94.0 if gap == 30 else 90.0)]


def test_a_purchase_within_thirty_days_before_takes_the_loss_once():
    lots = Lots()
    lots.open(10, 100.0, DAY, replaces=False)
    lots.buy(4, 90.0, after(80))

    first = lots.sell(5, 96.0, after(100))  # 4 of 5 shares are replaced already
    second = lots.sell(5, 96.0, after(100))

    assert first.short == pytest.approx(-4.0)
    assert second.short == pytest.approx(-20.0)
    assert lots.basis.tolist() == [pytest.approx(94.0)]


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        (100, 100, (50.0, 0, 0)),
        (100, -40, (21.0, 0, 0)),
        (-40, 100, (9.0, 0, 0)),
        (-100, 40, (0, -60, 0)),
        (40, -100, (0, 0, -60)),
        (-10, -20, (0, -10, -20)),
    ],
)
def test_a_year_is_netted_and_what_is_left_is_carried_with_its_term(short, long, expected):
    assert settle(short, long) == pytest.approx(expected)


@pytest.mark.parametrize("rest", [0.0, -2.3e-13, 2.3e-13])
def test_what_floats_leave_of_a_washed_loss_decides_no_rate(rest):
    book = Book(market((10.0, 10.0), (20.0, 10.0)))
    book.year.short, book.year.long = rest, 3_000.0
    assert book.marginal_rates() == pytest.approx((0.35, 0.15))

    book.year.short, book.year.long = 3_000.0, rest
    assert book.marginal_rates() == pytest.approx((0.35, 0.15))


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        (100, 100, (0.35, 0.15)),
        (-40, 100, (0.15, 0.15)),
        (100, -40, (0.35, 0.35)),
        (-100, 40, (0.0, 0.0)),
        (40, -100, (0.0, 0.0)),
    ],
)
def test_one_more_dollar_costs_the_rate_of_the_gain_that_is_left(short, long, expected):
    book = Book(market((10.0, 10.0), (20.0, 10.0)))
    book.year.short, book.year.long = short, long
    assert book.marginal_rates() == pytest.approx(expected)


def test_a_year_is_paid_for_on_the_first_trading_day_of_the_next():
    days = [date(2020, 12, 29), date(2020, 12, 30), date(2020, 12, 31), date(2021, 1, 4)]
    book = Book(market((10.0, 10.0), (20.0, 10.0), (20.0, 10.0), (20.0, 10.0), days=days))
    for day in (1, 2):
        book.begin_day(day)
        if day == 1:
            book.trade(day, np.array([2 / 3, 1 / 3]), np.array([0.5, 0.5]))
    spread = 250_000 * HALF_SPREAD * (1 + (1 - HALF_SPREAD) / (1 + HALF_SPREAD))
    assert book.values().sum() == pytest.approx(1.5 * START - spread)

    book.begin_day(3)

    tax = 0.35 * (125_000 - 250_000 * HALF_SPREAD)  # the spread of the sale nets against the gain
    paid = tax / (1 - HALF_SPREAD)
    assert book.values().sum() == pytest.approx(1.5 * START - spread - paid)


def test_at_the_end_everything_is_sold_and_taxed_by_its_term():
    book = Book(market((10.0, 10.0), (20.0, 10.0)))
    book.begin_day(1)

    found = book.finish()

    proceeds = 1.5 * START * (1 - HALF_SPREAD)
    gain = proceeds - START
    assert (found.cost, found.tax, found.drag_bp) == (0, 0, 0)
    assert found.value == pytest.approx(1.5 * START)
    assert found.after_tax == pytest.approx(proceeds - 0.35 * gain)
