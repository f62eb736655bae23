"""Going to the model inside yearly budgets: literal households, the real optimiser, every year checked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D
from itertools import pairwise

import pytest

from lots.types import Term
from proposals.budgets import Budget, Gains, Usage
from proposals.types import (
    BuyBlock,
    RestrictionKind,
    RestrictionRow,
    Restrictions,
    SellBlock,
    Side,
    Windows,
)
from rebalancing.errors import Inaccurate
from rebalancing.household.checks import verify
from rebalancing.household.held_after import after
from rebalancing.household.state import Books, assemble
from rebalancing.telling.figures import Figures
from rebalancing.transition.schedule import (
    FREE,
    NEAR,
    Caps,
    Ending,
    Planner,
    _day_of_year,
    caps_of,
    with_limits,
)
from rebalancing.transition.tracking_first import TrackingFirst
from rebalancing.types import HouseholdState
from tests.rebalancing.legacy import LONG_AGO, books, legacy, lot, planner, risk
from tests.rebalancing.states import DAY, TAX


def limits(**given: str) -> Budget:
    dollars = {f"{name}_limit": D(most) for name, most in given.items()}
    return replace(Budget(year=DAY.year), **dollars)  # type: ignore[arg-type]


def a_year_later(found: Books) -> Books:
    day = date(2023, 12, 28)
    return replace(found, as_of=day, price_days=dict.fromkeys(found.prices, day))


def weekday_of(year: int) -> date:
    """The first weekday from 28 December on: the exchange has no holiday there."""
    day = DAY.replace(year=year)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


def two_names() -> Books:
    """$100,000: $97,000 in a name that has doubled, in two lots; the model wants another one."""
    return books(lots=(lot(1, 1, "500", "25000"), lot(2, 1, "470", "23500")), targets={2: "0.97"})


def test_going_at_once_sells_the_legacy_and_tracks_the_model() -> None:
    found = planner(two_names()).unlimited

    assert found.legacy_before == D(97_000)
    assert found.legacy_after < D(250)
    assert found.long_gain == pytest.approx(D(48_500), abs=D(150))
    assert found.tax == found.long_gain * D("0.238")
    assert found.risk_before > D("0.2")
    assert found.risk_after < D("0.001")


def test_a_quarter_of_the_gain_a_year_takes_four_years() -> None:
    """48,500 of gain in four years; each sells a quarter, whole shares, and pays 23.8 % of its gain."""
    analysis = planner(two_names()).analysis()

    shares = {column.share: column for column in analysis.columns}
    quarter = shares[D("0.25")].schedule
    assert (quarter.years, quarter.ending) == (4, Ending.FINISHED)
    assert [step.day.year for step in quarter.steps] == [2022, 2023, 2024, 2025]
    for step in quarter.steps:
        assert step.long_gain <= D(12_125)
        assert step.tax == step.long_gain * D("0.238")
    assert sum(step.legacy_sold for step in quarter.steps) > D(96_000)
    assert shares[D("0.5")].schedule.years == 2
    # 4,845 a year are 96 whole shares and a rest of $45: 9 of the 969 shares are left for an eleventh year.
    assert shares[D("0.1")].schedule.years == 11
    assert shares[D(1)].schedule.years == 1


def test_without_gains_a_legacy_of_gains_stays() -> None:
    nothing = planner(two_names()).analysis().columns[0]

    assert nothing.share == D(0)
    assert nothing.first is not None
    assert (nothing.first.long_gain, nothing.first.tax) == (D(0), D(0))
    assert (nothing.schedule.ending, nothing.schedule.years) == (Ending.STUCK, None)


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_budget_never_tracks_worse_nor_takes_longer(seed: int) -> None:
    analysis = planner(legacy(stocks=6, model=5, seed=seed)).analysis()

    firsts = [column.first for column in analysis.columns if column.first is not None]
    assert len(firsts) == len(analysis.columns)
    for smaller, larger in pairwise(firsts):
        assert larger.risk_after <= smaller.risk_after
        assert larger.tax >= smaller.tax
    years = [column.schedule.years or 99 for column in analysis.columns]
    assert years == sorted(years, reverse=True)
    assert analysis.columns[-1].first == planner(legacy(stocks=6, model=5, seed=seed)).unlimited


@pytest.mark.parametrize("seed", range(3))
def test_every_year_passes_the_checks_of_a_proposal_and_keeps_its_budget(seed: int) -> None:
    """The trades of each step are verified against the books they were made from, by their own history."""
    found = legacy(stocks=6, model=5, seed=seed)
    answers = planner(found)
    budget = limits(short="0", long="90000")
    schedule = answers.schedule(budget)

    assert len(schedule.steps) > 1
    for step in schedule.steps:
        state = answers.state_of(found)
        assert step.day == found.as_of
        assert verify(step.trades, state) == []
        gain = sum((t.gain for t in step.trades if t.side is Side.SELL), D(0))
        assert gain == step.short_gain + step.long_gain <= D(90_000)
        bought = {(t.account, t.security): t.quantity for t in step.trades if t.side is Side.BUY}
        sold = {(t.opening, t.part): t.quantity for t in step.trades if t.side is Side.SELL}
        cash = state.cash + step.sold - step.bought
        found = after(
            found,
            step.trades,
            cash={1: cash - sum((t.amount * D("0.0005") for t in step.trades), D(0))},
            day=weekday_of(step.day.year + 1),
            tax=found.tax,
        )
        held = assemble(found)
        for (_, security), quantity in bought.items():
            before = state.shares().get((1, security), D(0))
            assert held.shares()[1, security] == before + quantity
        for row in found.lots:
            if (row.opening, row.part) in sold:
                assert row.quantity > 0


def test_the_first_step_is_the_same_as_the_columns_when_the_plan_is_their_budget() -> None:
    answers = planner(legacy(stocks=6, model=5))
    half = answers.analysis().columns[3]

    assert half.budget is not None
    assert answers.schedule(half.budget) == half.schedule


def test_what_is_used_of_the_year_is_there_again_in_the_next() -> None:
    """10,000 a year, 8,000 of it realised already: 2,000 now, 10,000 in the second year."""
    found = two_names()
    used = Usage(
        budget=Budget(year=2022),
        accounts=found.on_the_return,
        realised=Gains(long=D(8_000)),
        tax=TAX,
    )
    steps = planner(found, usage=used).schedule(limits(long="10000")).steps

    assert D(1_900) < steps[0].long_gain <= D(2_000)
    assert D(9_900) < steps[1].long_gain <= D(10_000)


def test_a_budget_of_tax_is_kept_to_the_cent_with_losses_carried_in() -> None:
    """Of 20,000 carried in, 3,000 would save 37 % of income and 17,000 nothing this year.

    So 20,000 of gain cost 1,110, and 5,336 more at 23.8 % fill the budget of 2,380; next year it buys 10,000.
    """
    found = replace(two_names(), tax=replace(TAX, long=D(-20_000)))
    schedule = planner(found).schedule(limits(tax="2380"))

    first, second = schedule.steps[:2]
    assert D(25_250) < first.long_gain <= D(25_336)
    assert D(2_340) < first.tax <= D(2_380)
    assert D(9_900) < second.long_gain <= D(10_000)
    assert second.carried == D(0)


def test_losses_are_carried_on_and_save_tax_in_the_year_that_uses_them() -> None:
    """A loss of 40,000 now: 3,000 meets income at 37 % this year, the rest waits and makes gains free."""
    found = books(
        lots=(
            lot(1, 1, "400", "80000"),  # loses 40,000
            lot(2, 3, "570", "28500"),  # gains 28,500
        ),
        targets={2: "0.97"},
    )
    none = planner(found).schedule(limits(short="0", long="0"))

    first = none.steps[0]
    assert first.long_gain <= D(0)
    assert first.legacy_after < D(97_000) * D("0.5")
    # What the gain does not meet of the loss is carried, less the year's limit.
    assert first.carried == max(-first.long_gain - 3000, D(0))
    assert first.tax == max(first.long_gain, D(-3000)) * D("0.37")


def test_a_lot_grows_long_term_in_the_next_year() -> None:
    """Bought in March: a short-term gain now, a long-term gain a year later."""
    found = books(lots=(lot(1, 1, "970", "48500", acquired=date(2022, 3, 1)),), targets={2: "0.97"})
    steps = planner(found).schedule(limits(short="0", long="20000")).steps

    assert (steps[0].short_gain, steps[0].long_gain) == (D(0), D(0))
    assert steps[1].short_gain == D(0)
    assert D(19_800) < steps[1].long_gain <= D(20_000)
    assert all(t.term == Term.LONG for t in steps[1].trades if t.side is Side.SELL)


def test_an_ira_goes_to_the_model_without_any_budget() -> None:
    found = books(
        lots=(lot(1, 1, "480", "10000"), lot(2, 3, "480", "10000", account=2)),
        targets={2: "0.96"},
        cash={1: "2000", 2: "2000"},
        taxable={1: True, 2: False},
    )
    nothing = planner(found).analysis().columns[0]

    assert nothing.first is not None
    assert {t.account for t in nothing.first.trades if t.side is Side.SELL} == {2}
    assert nothing.first.legacy_sold >= D(47_500)
    assert nothing.first.tax == D(0)


def test_windows_hold_now_and_are_over_in_a_year_restrictions_hold_as_dated() -> None:
    block = BuyBlock(date(2023, 1, 20), "sold at a loss", shares=D(5))
    rows = (
        RestrictionRow(1, RestrictionKind.NO_SELL, None, DAY, date(2023, 6, 1), "Lock-up."),
        RestrictionRow(3, RestrictionKind.NO_SELL, None, DAY, None, "Promised to a museum."),
    )
    windows = Windows(
        {2: block},
        {4: SellBlock(date(2023, 1, 5), D(3), "bought", permanent=False)},
        {},
        restricted=Restrictions(rows),
        no_sell=frozenset({(1, 1), (1, 3)}),
    )
    found = books(
        lots=(lot(1, 1, "300", "15000"), lot(2, 3, "300", "15000"), lot(3, 4, "370", "40000")),
        targets={2: "0.97"},
    )
    answers = planner(found, windows=windows)
    now, later = answers.state_of(found), answers.state_of(a_year_later(found))

    assert 2 not in now.buyable
    assert 2 in later.buyable
    assert {lot.security: lot.sellable > 0 for lot in now.lots} == {1: False, 3: False, 4: False}
    assert {lot.security: lot.sellable > 0 for lot in later.lots} == {1: True, 3: False, 4: True}


def test_a_savings_plan_that_goes_on_keeps_losses_from_being_sold_in_later_years() -> None:
    endless = SellBlock(date(2023, 1, 5), D(3), "savings plan", permanent=False, is_endless=True)
    found = books(lots=(lot(1, 4, "900", "100000"),), targets={2: "0.97"})
    answers = planner(found, windows=Windows({}, {4: endless}, {}))

    [later] = answers.state_of(a_year_later(found)).lots
    assert later.sellable == D(0)


def test_a_refusal_of_the_optimiser_ends_a_schedule_with_its_reason() -> None:
    found = two_names()
    calls: list[HouseholdState] = []
    solve = TrackingFirst(risk(2), (1, 2))

    def fails_in_the_third_year(state: HouseholdState, caps: Caps) -> Figures:
        if state.as_of.year == 2024:
            raise Inaccurate("The solver stopped.")
        calls.append(state)
        return solve(state, caps)

    usage = Usage(budget=Budget(year=2022), accounts=found.on_the_return, tax=TAX)
    answers = Planner(found, Windows({}, {}, {}), usage, fails_in_the_third_year)
    schedule = answers.schedule(limits(long="5000"))

    assert len(schedule.steps) == 2
    assert schedule.ending is Ending.REFUSED
    assert schedule.why.startswith("The solver stopped.")
    assert schedule.years is None


def test_the_29th_of_february_has_a_next_year() -> None:
    leap = date(2024, 2, 29)
    base = two_names()
    found = replace(base, as_of=leap, price_days=dict.fromkeys(base.prices, leap))

    assert planner(found).schedule(limits(long="10000")).steps[1].day == date(2025, 2, 28)


def test_what_is_left_of_a_budget_counts_each_world() -> None:
    """Open gains draw at once, an open loss gives no room back, a booked loss does."""
    usage = Usage(
        budget=limits(short="1000", long="5000", tax="2000"),
        accounts=frozenset({1}),
        realised=Gains(short=D(-700), long=D(1_000)),
        committed=(Gains(short=D(300), long=D(-2_000)), Gains(long=D(500))),
        tax=TAX,
    )
    caps = caps_of(usage)

    assert caps.short == D(1_400)  # 1,000 + 700 booked - 300 open
    assert caps.long == D(3_500)  # 5,000 - 1,000 booked - 500 open; the open loss may not happen
    # -400 short against 1,500 long: 1,100 at 23.8 %
    assert caps.tax == D(2_000) - D("261.80")
    assert caps_of(None) == FREE


def test_the_tighter_of_two_limits_holds() -> None:
    usage = Usage(budget=limits(short="1000", tax="500"), accounts=frozenset({1}), tax=TAX)
    both = with_limits(usage, limits(short="2000", long="70", tax="400")).budget

    assert (both.short_limit, both.long_limit, both.tax_limit) == (D(1_000), D(70), D(400))


def test_a_step_says_what_it_is_worth_at_the_households_own_price_of_risk() -> None:
    found = two_names()
    state: HouseholdState = planner(found).state_of(found)
    figures = TrackingFirst(risk(2), (1, 2))(state, FREE)
    own = state.limits

    change = figures.risk_before**2 - figures.risk_after**2
    expected = state.value * own.risk_aversion * change * own.horizon_years
    assert figures.worth.avoided == pytest.approx(expected, rel=D("1e-12"))
    assert Caps() == FREE
    assert D("0") < NEAR < D("0.01")


def test_a_later_year_may_be_worth_more_than_the_books_hold_of_each_lot() -> None:
    """Parts of lots keep their share of the basis, and purchases their own."""
    rows: Sequence[object] = planner(two_names()).schedule(limits(long="5000")).steps
    assert len(rows) > 2
    found = two_names()
    sold = replace(found.lots[0], quantity=D(400), basis=D(20_000))  # what is left of 500 after 100
    step = planner(found).schedule(limits(long="5000")).steps[0]
    trades = [t for t in step.trades if t.side is Side.SELL]
    assert sum(t.quantity for t in trades) == D(100)
    left = after(found, step.trades, cash={1: D(0)}, day=LONG_AGO, tax=TAX).lots
    kept = [row for row in left if row.security == 1]
    assert sum(row.basis for row in kept) == D(48_500) - D(5_000)
    assert sold in kept or replace(found.lots[1], quantity=D(370), basis=D(18_500)) in kept


def test_the_days_of_later_steps_are_trading_days_of_their_years() -> None:
    """28 December is a Saturday in 2024 and a Sunday in 2025; the last day of 2022 is a Saturday, its next 2023's."""
    first = date(2023, 12, 28)
    found = [_day_of_year(first, years) for years in (1, 2, 3)]
    assert found == [date(2024, 12, 30), date(2025, 12, 29), date(2026, 12, 28)]
    assert _day_of_year(date(2021, 12, 31), 1) == date(2022, 12, 30)
    assert _day_of_year(date(2024, 7, 3), 1) == date(2025, 7, 3)
    assert _day_of_year(date(2024, 7, 4), 1) == date(2025, 7, 7)  # a holiday before a weekend
    assert _day_of_year(date(2023, 12, 28), 19).weekday() < 5  # beyond the exchange's calendar
