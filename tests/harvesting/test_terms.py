"""The terms of the sum, each by hand: S - D - K - O - G - X - Q - W (docs/harvesting.md)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from harvesting.economics import (
    easing,
    floors_on,
    later_rate,
    misses_the_61st_day,
    swap_back_risk,
    tracking_cost,
    window_opportunity,
)
from harvesting.types import DeferredLoss, HarvestRules, Outcome, PaidDividend, PairFigures
from lots.types import Term
from proposals.costs import Commission, TradingCosts
from tests.harvesting.books import (
    AAA,
    BBB,
    CCC,
    DDD,
    OLD,
    PLAIN,
    SPOUSE,
    TAXABLE,
    TODAY,
    around,
    book,
    bought,
    days_ago,
    lot,
    only,
    outcomes,
    plan,
    position,
)

D = Decimal
NEAR = PairFigures(
    tracking_error=D("0.03"), correlation=D("0.99"), beta=D("1.01"), observations=252
)
STATISTICS: dict[str, Any] = {
    "volatilities": {AAA: D("0.25")},
    "pairs": {(AAA, CCC): NEAR, (AAA, DDD): replace(NEAR, tracking_error=D("0.06"))},
}
DEFAULTS = replace(HarvestRules(), year_end_easing=D(1), risk_price=D(10))


def sale():
    """100 AAA for 8,000 with a long-term loss of 2,000."""
    (candidate,) = plan(book(lot(1))).candidates
    return candidate.sale


def terms(rules, **others):
    (candidate,) = plan(book(lot(1), rules=rules), around(**others)).candidates
    return candidate.terms


# D


def test_later_tax_is_the_rate_discounted_over_the_horizon():
    """23.8 % in ten years at 5 %: 0.238 / 1.05^10 = 0.238 x 0.61391325 = 14.611135 %."""
    assert later_rate(HarvestRules(), position()) == D("0.14611135")
    assert terms(DEFAULTS).later == D("292.22")


def test_a_gift_to_charity_or_heirs_lowers_it_and_a_rate_of_ones_own_replaces_it():
    half = replace(HarvestRules(), taxable_sale_chance=D("0.5"))
    assert later_rate(half, position()) == D("0.07305568")
    own = replace(HarvestRules(), future_rate=D("0.2"), horizon_years=D(0))
    assert later_rate(own, position()) == D("0.2")


# K


def test_cost_counts_both_legs_and_both_again_as_likely_as_the_swap_back():
    """5 bp of 8,000 each way is 8.00 less the share that the money does not buy; half of it again."""
    spreads = {AAA: D("0.0005"), CCC: D("0.0005")}
    (candidate,) = plan(book(lot(1), rules=DEFAULTS), around(half_spreads=spreads)).candidates
    assert candidate.trading_cost == D("7.98")  # 4.00 and 159 x 50 x 5 bp
    assert candidate.terms.cost == D("11.97")


BOTH = {AAA: D("0.0005"), BBB: D("0.0005"), CCC: D("0.0005")}
AAA_LEFT = {(TAXABLE, AAA): "AAA left the model"}


def test_what_is_never_bought_back_costs_both_legs_once():
    """4.00 of 8,000 and 3.98 of 159 x 50; the half of a swap back, 3.99, is not counted."""
    (candidate,) = plan(
        book(lot(1), rules=DEFAULTS), around(half_spreads=BOTH, stays_sold=AAA_LEFT)
    ).candidates
    assert (candidate.trading_cost, candidate.terms.cost) == (D("7.98"), D("7.98"))


def test_of_a_pair_of_two_only_what_may_go_back_pays_for_it():
    """16,000 buy 319 CCC: 8.00 and 7.975, and half of what 8,000 of BBB would pay alone, 4.00 and 3.975 (159 x 50)."""
    held = book(lot(1), lot(2, BBB), rules=DEFAULTS)
    found = plan(held, around(half_spreads=BOTH, stays_sold=AAA_LEFT))
    cost = {one.sale.lot.security: one.terms.cost for one in found.candidates}
    assert len(found.pairs) == 1
    assert found.pairs[0].cost == D("15.975")
    assert sum(cost.values()) == D("15.98") + D("3.99")
    assert min(cost[AAA], cost[BBB] - D("3.99")) == D("7.99")


def test_a_loss_is_taken_that_only_a_swap_back_that_never_comes_would_forbid():
    """20 basis points: 31.90 once, 47.85 with half a swap back; 476 - 292.22 - 31.90 = 151.88."""
    spreads = dict.fromkeys(BOTH, D("0.002"))
    rules = replace(DEFAULTS, risk_price=D(0), minimum_pair_benefit=D(140))
    held = book(lot(1), rules=rules)
    assert outcomes(plan(held, around(half_spreads=spreads))) == {1: Outcome.NO_BENEFIT}
    (candidate,) = plan(held, around(half_spreads=spreads, stays_sold=AAA_LEFT)).candidates
    assert candidate.terms.net == D("151.88")


def test_it_stays_sold_in_the_account_that_it_is_told_of():
    (candidate,) = plan(
        book(lot(1, account=SPOUSE), rules=DEFAULTS),
        around(half_spreads=BOTH, stays_sold=AAA_LEFT),
    ).candidates
    assert candidate.terms.cost == D("11.97")


def test_commission_and_impact_are_part_of_it():
    costs = TradingCosts(
        commissions={TAXABLE: Commission(per_order=D(5))},
        volatilities={AAA: D("0.252")},
        daily_volumes={AAA: D(10_000)},
    )
    (candidate,) = plan(book(lot(1), rules=PLAIN), around(costs=costs)).candidates
    # 5 + 5 of commission; 8,000 x 0.252 x sqrt(0.01 / 252) = 12.70 of impact on the sale.
    assert candidate.trading_cost == D("22.70")


# O


def test_the_window_costs_nothing_while_another_destination_is_left():
    rules = replace(PLAIN, window_fraction=D(1))
    assert terms(rules, **STATISTICS).window == 0
    left = terms(rules, substitutes={AAA: (CCC,)}, **STATISTICS)
    # 3 days of the year are left on 28 December: 0.408 x 8,000 x 0.4 x 0.25 x sqrt(3/365)
    assert left.window == D("29.59")


def test_early_in_the_year_all_31_days_count():
    rules = replace(PLAIN, window_fraction=D("0.5"))
    surroundings = around(substitutes={AAA: (CCC,)}, **STATISTICS)
    cost = window_opportunity(sale(), surroundings, rules, as_of=date(2022, 3, 1), is_last=True)
    assert round(cost, 2) == D("47.56")  # half of 0.408 x 8,000 x 0.4 x 0.25 x sqrt(31/365)


# G


def test_a_substitute_that_may_be_kept_bears_no_swap_back_risk():
    assert swap_back_risk(sale(), NEAR, around(**STATISTICS), DEFAULTS) == 0


def test_otherwise_it_is_the_lesser_of_going_back_and_staying():
    must_go_back = replace(DEFAULTS, may_keep_substitute=False, swap_back_chance=D(1))
    # going back: 95.12; staying: 10 x 0.03^2 x 8,000 = 72
    assert swap_back_risk(sale(), NEAR, around(**STATISTICS), must_go_back) == D("72")
    far = replace(NEAR, tracking_error=D("0.1"))
    cost = swap_back_risk(sale(), far, around(**STATISTICS), must_go_back)
    assert round(cost, 2) == D("95.12")


def test_what_is_never_bought_back_bears_none():
    must_go_back = replace(DEFAULTS, may_keep_substitute=False, swap_back_chance=D(1))
    surroundings = around(stays_sold=AAA_LEFT, **STATISTICS)
    assert swap_back_risk(sale(), NEAR, surroundings, must_go_back) == 0


# X


def test_tracking_is_priced_for_31_days():
    cost = tracking_cost(sale(), NEAR, around(**STATISTICS), DEFAULTS)
    assert round(cost, 4) == D("6.1151")  # 10 x 0.0009 x 8,000 x 31/365
    assert terms(DEFAULTS, **STATISTICS).tracking == D("6.12")


def test_money_parked_in_cash_tracks_with_the_securitys_own_volatility():
    """T9: without a substitute nothing is sold, unless the policy parks in cash; then the drag is in the sum."""
    none = around(substitutes={}, **STATISTICS)
    assert outcomes(plan(book(lot(1), rules=DEFAULTS), none)) == {1: Outcome.NO_SUBSTITUTE}
    small = replace(DEFAULTS, parks_in_cash=True, risk_price=D("0.2"))
    (candidate,) = plan(book(lot(1), rules=small), none).candidates
    assert candidate.substitute is None
    assert candidate.terms.tracking == D("8.49")  # 0.2 x 0.0625 x 8,000 x 31/365
    assert plan(book(lot(1), rules=small), none).pairs[0].quantity == 0


# Q


@pytest.mark.parametrize(
    ("acquired", "misses"),
    [
        (59, True),  # sold on the 59th day
        (60, True),
        (
            61,
            False,
        ),  # more than 60 days: the day of acquisition does not count, that of the sale does
        (200, False),
    ],
)
def test_a_dividend_is_qualified_from_the_61st_day(acquired, misses):
    held = lot(1, acquired=days_ago(acquired))
    assert misses_the_61st_day(held, days_ago(10), sold_on=TODAY) is misses


def test_days_before_the_121_day_period_do_not_count_and_a_later_purchase_got_no_dividend():
    """The period begins 60 days before the ex-date: an old lot sold on the ex-date has exactly 61 days of it."""
    assert not misses_the_61st_day(lot(1), TODAY, sold_on=TODAY)
    bought_after = lot(1, acquired=days_ago(10))
    assert not misses_the_61st_day(bought_after, days_ago(10), sold_on=TODAY)


def test_a_harvest_before_the_61st_day_pays_for_the_dividend():
    """T54: held 40 days, $1.20 a share received: 120 x (40.8 % - 23.8 %) = 20.40 more tax."""
    paid = (PaidDividend(AAA, days_ago(10), D("1.20")),)
    young = book(lot(1, acquired=days_ago(40)), rules=PLAIN)
    (candidate,) = plan(young, around(dividends=paid)).candidates
    assert candidate.terms.dividends == D("20.40")


def test_a_harvest_waits_for_the_61st_day_if_that_is_worth_the_floor():
    """$10 a share: 170 of tax are saved by waiting 21 days, in a year that is long enough for it."""
    paid = (PaidDividend(AAA, date(2022, 6, 1), D(10)),)
    june = date(2022, 6, 20)
    held = lot(1, acquired=june - timedelta(days=40))
    early = replace(
        book(held, rules=PLAIN),
        as_of=june,
        prices={one: replace(quote, day=june) for one, quote in book().prices.items()},
    )
    finding = only(plan(early, around(dividends=paid)), Outcome.WAIT)
    assert finding.wait_until == date(2022, 7, 11)
    assert finding.terms is not None
    assert finding.terms.dividends == D("170.00")


# W


def test_a_strategic_wash_sale_defers_the_washed_part_and_takes_the_rest():
    """10 of 100 shares were bought again: a tenth of the loss is neither saved now nor owed later."""
    group = frozenset({AAA})
    surroundings = around(
        bought(5, "10", opening=99),
        deferred={group: DeferredLoss({(1, 0): D(200)}, is_permanent=False)},
    )
    rules = replace(DEFAULTS, prices_washes=True)
    (candidate,) = plan(book(lot(1), rules=rules), surroundings).candidates
    assert candidate.deferred == D("200.00")
    assert candidate.tax_saved == D("428.40")  # 1,800 x 23.8 %
    assert candidate.terms.saved == D("476.00")
    assert candidate.terms.wash == D("476.00") - D("428.40") - D("29.22")
    assert candidate.terms.net == D("428.40") - D("263.00")


def test_what_would_be_lost_for_ever_is_never_priced():
    surroundings = around(
        bought(5, "10", opening=99),
        deferred={frozenset({AAA}): DeferredLoss({(1, 0): D(200)}, is_permanent=True)},
    )
    rules = replace(DEFAULTS, prices_washes=True)
    assert outcomes(plan(book(lot(1), rules=rules), surroundings)) == {1: Outcome.RECENT_PURCHASE}


# The sum


def test_the_terms_add_up_to_the_cent_and_the_lots_to_the_plan():
    """N5: for what is taken and for what is passed over."""
    costs = TradingCosts(half_spreads={AAA: D("0.00033"), CCC: D("0.00051")})
    paid = (PaidDividend(AAA, days_ago(3), D("0.37")),)
    lots = [
        lot(n, AAA, "33", f"{3300 + n * 7}.37", acquired=days_ago(20 + n * 9)) for n in range(1, 9)
    ]
    found = plan(
        book(*lots, rules=DEFAULTS),
        around(costs=costs, dividends=paid, tax=position(short="2000", long="700"), **STATISTICS),
    )
    assert found.candidates
    for one in found.candidates:
        parts = one.terms
        assert parts.net == parts.saved - parts.later - parts.cost - parts.window - (
            parts.swap_back + parts.tracking + parts.dividends + parts.wash
        )
        assert parts.net == round(parts.net, 2)
    assert sum(one.terms.net for one in found.candidates) == found.net
    assert sum(one.tax_saved for one in found.candidates) == found.tax_saved
    assert sum(one.trading_cost for one in found.candidates) == found.cost


def test_a_lot_that_is_not_worth_it_shows_its_sum():
    found = plan(book(lot(1), rules=DEFAULTS), around(tax=position(long="-3000")))
    finding = only(found, Outcome.NO_BENEFIT)
    assert finding.terms is not None
    # carried at 12 cents, owed later at 14.6
    assert (round(finding.terms.saved, 2), round(finding.terms.net, 2)) == (
        D("240.00"),
        D("-52.22"),
    )


# Floors


def test_the_floors_ease_in_a_line_from_october_to_december():
    rules = HarvestRules(year_end_easing=D("0.5"))
    assert easing(date(2022, 3, 1), rules) == 1
    assert easing(date(2022, 10, 1), rules) == 1
    assert easing(date(2022, 12, 1), rules) == D("0.5")
    assert easing(date(2022, 12, 31), rules) == D("0.5")
    assert round(easing(date(2022, 11, 1), rules), 4) == D("0.7459")  # 31 of 61 days
    assert floors_on(date(2022, 12, 24), rules) == (D(50), D("0.025"))


def test_a_loss_that_was_too_small_in_september_is_taken_in_december():
    rules = replace(PLAIN, year_end_easing=D("0.5"))
    small = book(lot(1, basis="8300"), rules=rules)  # 300 is 3.6 % of the basis
    assert outcomes(plan(small)) == {1: Outcome.TAKE}
    september = date(2022, 9, 20)
    before = replace(
        small,
        as_of=september,
        prices={one: replace(quote, day=september) for one, quote in small.prices.items()},
    )
    assert outcomes(plan(before)) == {1: Outcome.BELOW_FLOOR}


def test_short_term_is_by_the_calendar_never_by_365_days():
    """T18: bought on 28 December 2021, sold on 28 December 2022: one year is not more than one year."""
    (candidate,) = plan(book(lot(1, acquired=date(2021, 12, 28)))).candidates
    assert candidate.sale.term is Term.SHORT
    (candidate,) = plan(book(lot(1, acquired=date(2021, 12, 27)))).candidates
    assert candidate.sale.term is Term.LONG
    assert date(2021, 12, 27) > OLD
