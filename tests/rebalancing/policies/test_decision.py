"""What a policy lets a look trade, and toward which weights: on literals, no database."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import numpy as np
import pytest

from proposals.types import Side
from rebalancing.policies import decision, drift
from rebalancing.policies.decision import Scope
from rebalancing.policies.looks import ALWAYS, Schedule
from rebalancing.policies.policy import CashFlows, Destination, PolicyKind
from rebalancing.risk import estimate
from rebalancing.trades.arrays import build
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.measures import tracking_error
from rebalancing.types import HouseholdState, Limits, Outcome
from tests.rebalancing.states import LIMITS, account, lot, risk, state

BANDS = replace(LIMITS, kind=PolicyKind.THRESHOLD, destination=Destination.HALF)
RESTING = Schedule(due=False, next_on=date(2022, 12, 30))
COOLING = Schedule(due=True, cooling_until=date(2023, 1, 5))


def household(
    weights: dict[int, str], *, cash: str, limits: Limits = BANDS, targets: str = "0.24"
) -> HouseholdState:
    """$1,000,000 in four names of one IRA, each wanted at 24 % of it."""
    lots = tuple(
        lot(name, str(D(weight) * 100), "1", opening=name, is_taxable=False)
        for name, weight in weights.items()
    )
    return state(
        accounts=(account(1, cash, is_taxable=False),),
        lots=lots,
        prices=dict.fromkeys(weights, "100"),
        targets=dict.fromkeys(weights, targets),
        limits=limits,
    )


# Look or not, trade or not


@pytest.mark.parametrize(
    ("kind", "weights", "cash", "schedule", "flows", "expected"),
    [
        (PolicyKind.THRESHOLD, "32 22 22 22", "20000", ALWAYS, CashFlows.FULL, Scope.OUTSIDE),
        (PolicyKind.OPTIMUM, "32 22 22 22", "20000", ALWAYS, CashFlows.FULL, Scope.EVERYTHING),
        (PolicyKind.THRESHOLD, "26 24 24 24", "20000", ALWAYS, CashFlows.FULL, Scope.NOTHING),
        (PolicyKind.OPTIMUM, "26 24 24 24", "20000", ALWAYS, CashFlows.FULL, Scope.NOTHING),
        (PolicyKind.CALENDAR, "26 24 24 24", "20000", ALWAYS, CashFlows.FULL, Scope.EVERYTHING),
        (PolicyKind.CALENDAR, "26 24 24 24", "20000", RESTING, CashFlows.FULL, Scope.NOTHING),
        (PolicyKind.THRESHOLD, "32 22 22 22", "20000", RESTING, CashFlows.FULL, Scope.NOTHING),
        (PolicyKind.THRESHOLD, "32 22 22 22", "20000", COOLING, CashFlows.FULL, Scope.NOTHING),
        (PolicyKind.THRESHOLD, "22 22 22 22", "120000", RESTING, CashFlows.FULL, Scope.CASH_ONLY),
        (PolicyKind.OPTIMUM, "22 22 22 22", "120000", ALWAYS, CashFlows.FULL, Scope.EVERYTHING),
        (
            PolicyKind.OPTIMUM,
            "22 22 22 22",
            "120000",
            ALWAYS,
            CashFlows.INVEST_AND_RAISE_ONLY,
            Scope.CASH_ONLY,
        ),
    ],
)
def test_the_policy_says_how_much_tonight_may_touch(
    kind: PolicyKind,
    weights: str,
    cash: str,
    schedule: Schedule,
    flows: CashFlows,
    expected: Scope,
) -> None:
    limits = replace(BANDS, kind=kind, cash_flows=flows)
    named = dict(enumerate(weights.split(), start=1))
    measured = drift.of_state(household(named, cash=cash, limits=limits))
    assert decision.scope(measured, limits, schedule) is expected


def test_nothing_has_a_reason() -> None:
    reasons = [decision.why_nothing(one) for one in (ALWAYS, RESTING, COOLING)]
    assert reasons == [Outcome.INSIDE_BANDS, Outcome.NOT_DUE, Outcome.COOLING_DOWN]


# Which names, toward which weights


@pytest.mark.parametrize(
    ("to", "expected", "together"),
    [
        (Destination.TARGET, D("0.24"), D("0.96")),  # 8 points sold, 6 are missing: 2 are cash
        (Destination.HALF, D("0.264"), D("0.98")),
        (Destination.EDGE, D("0.288"), D("0.98")),
    ],
)
def test_what_is_out_goes_to_the_destination_and_what_is_under_takes_the_rest(
    to: Destination, expected: D, together: D
) -> None:
    found = household(
        {1: "32", 2: "20", 3: "22", 4: "24"}, cash="20000", limits=replace(BANDS, destination=to)
    )
    wanted = decision.aims(found, drift.of_state(found))
    assert wanted[1] == expected
    assert wanted[4] == D("0.24")  # at its target already
    assert sum(wanted.values()) == pytest.approx(together)  # cash stays as it is
    gained = {name: wanted[name] - weight for name, weight in ((2, D("0.20")), (3, D("0.22")))}
    assert gained[2] == pytest.approx(2 * gained[3])  # in proportion to their gaps


def test_one_name_out_of_band_is_traded_with_its_offset_alone() -> None:
    """T42: not everything back to target, and names inside in the needed direction only."""
    found = household({1: "32", 2: "20", 3: "21", 4: "25"}, cash="20000")
    bounded = decision.narrowed(found, drift.of_state(found), Scope.OUTSIDE)
    figures = best_trades(bounded, risk(4))
    sides = {(trade.security, trade.side) for trade in figures.trades}
    assert sides == {(1, Side.SELL), (2, Side.BUY), (3, Side.BUY)}
    left = figures.after[1] / 1_000_000
    assert (
        D("0.264") <= left <= D("0.2652")
    )  # half a band from its target; the last dollars cost more than they bring
    everything = best_trades(found, risk(4))
    assert 4 in {trade.security for trade in everything.trades}


def test_tracking_error_is_told_against_the_model_whatever_the_trades_aim_at() -> None:
    found = household({1: "32", 2: "20", 3: "21", 4: "25"}, cash="20000")
    bounded = decision.narrowed(found, drift.of_state(found), Scope.OUTSIDE)
    _, index = build(bounded, risk(4))
    _, free_index = build(found, risk(4))
    before = tracking_error(index, bounded.holdings())
    assert before == tracking_error(free_index, found.holdings())
    assert best_trades(bounded, risk(4)).risk_before == before


def test_a_loss_is_not_sold_beyond_the_destination() -> None:
    """A loss that saves tax is sold whole; the band rule sells what is over, and leaves harvests to the harvest."""
    names = {1: "32", 2: "20", 3: "21", 4: "25"}
    found = household(names, cash="20000")
    lots = tuple(
        replace(one, is_taxable=True, basis=D(800_000)) if one.security == 1 else one
        for one in found.lots
    )
    found = replace(found, lots=lots, tax=replace(found.tax, short=D(500_000)))
    whole = best_trades(found, risk(4))
    assert whole.after.get(1, D(0)) < 240_000
    bounded = decision.narrowed(found, drift.of_state(found), Scope.OUTSIDE)
    assert best_trades(bounded, risk(4)).after[1] >= 264_000


def test_a_name_that_cannot_be_bought_is_not_waited_for() -> None:
    found = household({1: "32", 2: "20", 3: "21", 4: "25"}, cash="20000")
    found = replace(found, buyable=found.buyable - {2})
    wanted = decision.aims(found, drift.of_state(found))
    assert wanted[2] == D("0.20")
    assert wanted[3] == D("0.24")  # and it does not go beyond its own target for the other


def test_an_offset_stops_at_its_target_and_names_outside_go_further() -> None:
    """4 alone is inside: what it cannot take of the 10.4 points sold brings 2 and 3 nearer to their targets."""
    found = household({1: "38", 2: "18", 3: "19", 4: "23"}, cash="20000")
    measured = drift.of_state(found)
    wanted = decision.aims(found, measured)
    assert wanted[1] == D("0.264")
    assert wanted[4] == D("0.24")
    assert D("0.216") < wanted[2] < D("0.24")
    assert D("0.216") < wanted[3] < D("0.24")
    assert sum(wanted.values()) == pytest.approx(D("0.98"))


def test_a_deposit_is_invested_in_what_is_under_weight_without_a_sale() -> None:
    found = household({1: "24", 2: "20", 3: "16", 4: "24"}, cash="160000")
    measured = drift.of_state(found)
    figures = best_trades(decision.narrowed(found, measured, Scope.CASH_ONLY), risk(4))
    assert {trade.side for trade in figures.trades} == {Side.BUY}
    assert {trade.security for trade in figures.trades} >= {2, 3}
    # What else is bought is worth a little to the factor risk: one trade of about the smallest size, $250.
    others = [trade for trade in figures.trades if trade.security not in (2, 3)]
    assert sum(trade.quantity * trade.price for trade in others) <= 312
    assert sum(figures.cash_after.values()) <= 50_000


def test_a_need_of_cash_is_raised_without_a_purchase() -> None:
    found = household({1: "28", 2: "24", 3: "24", 4: "24"}, cash="-20000")
    measured = drift.of_state(found)
    figures = best_trades(decision.narrowed(found, measured, Scope.CASH_ONLY), risk(4))
    assert {trade.side for trade in figures.trades} == {Side.SELL}
    assert sum(figures.cash_after.values()) >= 4_900


def test_cash_above_its_band_is_spread_over_what_is_inside() -> None:
    found = household({1: "23", 2: "23", 3: "20", 4: "23"}, cash="110000")
    measured = drift.of_state(found)
    assert not any(row.breached for row in measured.rows)
    wanted = decision.aims(found, measured)
    assert sum(wanted.values()) == pytest.approx(D("0.96"))  # the model's own cash is 4 %
    assert all(wanted[row.security] >= row.weight for row in measured.rows)


def test_an_overdrawn_account_may_sell_what_it_holds_although_the_household_has_cash() -> None:
    """Cash cannot move between accounts, so the offset of a band rule must not leave one of them below nothing."""
    found = household({1: "32", 2: "20", 3: "21", 4: "25"}, cash="25000")
    found = replace(
        found,
        accounts=(*found.accounts, account(2, "-5000", is_taxable=False)),
        lots=(*found.lots, lot(4, "200", "1", opening=40, account=2, is_taxable=False)),
    )
    bounded = decision.narrowed(found, drift.of_state(found), Scope.OUTSIDE)
    figures = best_trades(bounded, risk(4))
    assert figures.cash_after[2] >= 0
    sold = {(one.account, one.security) for one in figures.trades if one.side is Side.SELL}
    assert sold == {(1, 1), (2, 4)}


def test_a_name_in_no_model_goes_whole() -> None:
    found = household({1: "24", 2: "24", 3: "24", 4: "22"}, cash="20000")
    legacy = lot(9, "400", "1", opening=9, is_taxable=False)
    found = replace(
        found,
        lots=(*found.lots, legacy),
        prices={**found.prices, 9: D(100)},
        half_spreads={**found.half_spreads, 9: D("0.0005")},
        symbols={**found.symbols, 9: "S9"},
    )
    wanted = decision.aims(found, drift.of_state(found))
    assert wanted[9] == 0


def test_a_daily_or_an_annual_covariance_gives_the_same_trades_and_the_same_verdict() -> None:
    """T40: the risk model is annual whatever it is made from; costs are paid once; the horizon stands between."""
    found = household({1: "32", 2: "20", 3: "21", 4: "25"}, cash="20000")
    daily = np.random.default_rng(7).normal(0.0, 0.006, size=(504, 4))
    annual = daily * np.sqrt(252)
    one = best_trades(found, estimate(daily, periods_per_year=252))
    other = best_trades(found, estimate(annual, periods_per_year=1))
    assert one.trades
    assert one.trades == other.trades
    assert (one.risk_before, one.worth) == (other.risk_before, other.worth)
    monthly = replace(found, limits=replace(found.limits, horizon_years=D(1) / 12))
    assert best_trades(monthly, estimate(daily)).trades != one.trades
