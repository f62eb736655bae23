"""One stock and its twins as a household of the finder: windows, new money, the swap back."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from harvesting.backtest.household import StockHousehold
from harvesting.backtest.market import COHORTS, Frequency
from harvesting.backtest.method import Rules, Setup, SwapBack
from harvesting.backtest.run import run
from tests.harvesting.backtest.prices import history

BOUGHT = date(2020, 1, 2)
ONE = Setup(frequency=Frequency.DAILY, twins=2)
TWO = replace(ONE, twins=3)
MOST = Decimal(10) ** 9


def household(setup: Setup) -> StockHousehold:
    """Bought at $100."""
    return StockHousehold(setup, "AAA", price=Decimal(100), day=BOUGHT)


def look(one: StockHousehold, price: str, day: date, *, volatility: str = "0") -> tuple[int, int]:
    """(harvests, blocked) after a scan."""
    one.scan(price=Decimal(price), day=day, volatility=Decimal(volatility))
    return one.tally.harvests, one.tally.blocked


def test_one_substitute_is_blocked_through_day_30_and_taken_on_day_31():
    one = household(ONE)
    sold = BOUGHT + timedelta(days=10)

    assert look(one, "90", sold) == (1, 0)
    assert look(one, "80", sold + timedelta(days=30)) == (1, 1)
    assert look(one, "80", sold + timedelta(days=31)) == (2, 1)


def test_a_second_substitute_takes_the_money_inside_the_window():
    one = household(TWO)
    sold = BOUGHT + timedelta(days=10)

    assert look(one, "90", sold) == (1, 0)
    assert look(one, "80", sold + timedelta(days=1)) == (2, 0)
    assert look(one, "70", sold + timedelta(days=2)) == (2, 1)


def test_the_tax_saved_is_reinvested():
    one = household(ONE)
    look(one, "90", BOUGHT + timedelta(days=10))

    saved = MOST / 10 * Decimal("0.35")
    assert one.worth(Decimal(90)) == pytest.approx(MOST * Decimal("0.9") + saved, abs=1)


def test_a_loss_that_only_reaches_the_threshold_is_left_alone():
    one = household(replace(ONE, threshold=Decimal("0.05")))

    assert look(one, "95", BOUGHT + timedelta(days=10)) == (0, 0)
    assert look(one, "94.999", BOUGHT + timedelta(days=11)) == (1, 0)


@pytest.mark.parametrize(
    ("rules", "saved"), [(Rules.METHOD, Decimal("0.15")), (Rules.OURS, Decimal("0.35"))]
)
def test_day_366_of_a_leap_year_is_long_term_for_the_method_and_short_for_the_law(rules, saved):
    """Bought on 2 January 2020, sold on 2 January 2021."""
    one = household(replace(ONE, rules=rules))
    look(one, "90", date(2021, 1, 2))

    assert one.worth(Decimal(90)) == pytest.approx(MOST * Decimal("0.9") + MOST / 10 * saved, abs=1)


def test_a_recent_purchase_blocks_the_method_and_goes_along_under_our_rules():
    """T21: new money on a day on which the older lot is no loss."""
    for rules, expected in ((Rules.METHOD, (0, 1, 0)), (Rules.OURS, (1, 0, 1))):
        one = household(replace(TWO, rules=rules, contribution=Decimal("0.01")))
        one.contribute(price=Decimal(80), day=BOUGHT + timedelta(days=50))
        harvests, blocked = look(one, "85", BOUGHT + timedelta(days=60))
        assert (harvests, blocked, one.tally.along) == expected


def test_new_money_never_buys_what_a_loss_forbids():
    one = household(replace(ONE, contribution=Decimal("0.01")))
    sold = BOUGHT + timedelta(days=10)
    look(one, "90", sold)
    one.contribute(price=Decimal(90), day=sold + timedelta(days=5))

    bought = [entry.security for entry in one.entries.values() if entry.kind == "buy"]
    assert bought == ["1", "2", "2"]


def test_the_window_is_priced_with_one_substitute_and_free_with_two_open():
    """Term O at 100 % volatility is 4 % of the money: more than 35 % of a loss of 5 %."""
    priced = replace(ONE, rules=Rules.OURS, window_fraction=Decimal(1))
    day = BOUGHT + timedelta(days=10)
    for setup, harvests in (
        (priced, 0),
        (replace(priced, twins=3), 1),
        (replace(priced, twins=3, always_priced=True), 0),
    ):
        one = household(setup)
        assert look(one, "95", day, volatility="1")[0] == harvests
        assert one.tally.unpaid == 1 - harvests


def test_the_timer_goes_home_on_day_31_and_pays_the_tax():
    one = household(replace(ONE, rules=Rules.OURS, swap_back=SwapBack.TIMER))
    sold = BOUGHT + timedelta(days=10)
    look(one, "90", sold)
    before = one.worth(Decimal(99))
    one.swap_back(price=Decimal(99), day=sold + timedelta(days=30))
    assert one.tally.swaps == 0

    one.swap_back(price=Decimal(99), day=sold + timedelta(days=31))

    assert one.tally.swaps == 1
    gain = before * 9 / 99
    assert one.worth(Decimal(99)) == pytest.approx(
        before - gain * Decimal("0.35"), rel=Decimal("1e-6")
    )


def test_the_quick_look_drops_nothing(monkeypatch):
    setup = Setup(frequency=Frequency.QUARTERLY, twins=2, threshold=Decimal("0.05"))
    quick = run(history(), COHORTS[1], setup)
    monkeypatch.setattr(StockHousehold, "may_have_a_loss", lambda self, price: True)

    assert run(history(), COHORTS[1], setup) == quick
