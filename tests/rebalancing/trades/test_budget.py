"""A rebalance inside a yearly budget of gains: literal states, the real optimiser."""

from dataclasses import replace
from decimal import Decimal as D
from random import Random

import pytest

from lots.types import LotRow, Term
from proposals.budgets import Budget, Gains, Limit, Usage, excesses, gains_of
from proposals.types import Side
from rebalancing.errors import RebalancingError
from rebalancing.household.restrictions import why_kept
from rebalancing.telling.figures import Figures
from rebalancing.trades import budget
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.gain_prices import gain_prices
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState, Kept
from tests.rebalancing.states import DAY, TAX, account, lot, random_state, risk, state

LONG_AGO = DAY.replace(year=DAY.year - 3)
RECENT = DAY.replace(month=6)


def rows_of(found: HouseholdState) -> dict[tuple[int, int], LotRow]:
    """The lots as they are booked; terms as the state says."""
    return {
        one.key: LotRow(
            opening=one.opening,
            part=one.part,
            account=one.account,
            security=one.security,
            acquired=LONG_AGO if one.term is Term.LONG else RECENT,
            holding_start=LONG_AGO if one.term is Term.LONG else RECENT,
            quantity=one.quantity,
            basis=one.basis,
        )
        for one in found.lots
    }


def usage(found: HouseholdState, **limits: str) -> Usage:
    given = {f"{name}_limit": D(value) for name, value in limits.items()}
    return Usage(
        budget=replace(Budget(year=DAY.year), **given),  # type: ignore[arg-type]
        accounts=frozenset(one.id for one in found.accounts if one.is_taxable),
        tax=TAX,
    )


def bounded(found: HouseholdState, limits: Usage | None) -> budget.Bounded:
    model = risk(len(universe(found)))

    def solve(one: HouseholdState) -> Figures:
        return best_trades(one, model)

    return budget.within(found, limits, rows_of(found), solve)


def drifted(times: int = 1) -> HouseholdState:
    """$100,000 with 60 % in S1 against a target of 40 %; its lots gain 80, 50 and 20 dollars a share."""
    rows = ((1, 200, 4000), (1, 200, 10000), (1, 200, 16000), (2, 370, 37000))
    return state(
        accounts=(account(cash=str(3000 * times)),),
        lots=tuple(
            lot(security, str(shares * times), str(basis * times), opening=opening)
            for opening, (security, shares, basis) in enumerate(rows, start=1)
        ),
        prices={1: "100", 2: "100"},
        targets={1: "0.40", 2: "0.57"},
    )


def gains(found: budget.Bounded, limits: Usage) -> Gains:
    return gains_of(found.figures.trades, rows_of(found.state), accounts=limits.accounts, as_of=DAY)


def test_a_rebalance_beyond_the_limit_is_made_smaller_until_it_fits():
    found = drifted()
    free = bounded(found, None)
    assert free.figures.long_gain > D(2000)
    limits = usage(found, long="2000")
    inside = bounded(found, limits)
    assert inside.is_bound
    assert not inside.left_over
    assert D(0) < gains(inside, limits).long <= D(2000)
    # nearly all of what is left is used: a share gains 20
    assert gains(inside, limits).long > D(1900)
    assert {trade.opening for trade in inside.figures.trades if trade.side is Side.SELL} == {3}
    assert free.figures.risk_after < inside.figures.risk_after < inside.figures.risk_before


def test_the_explanation_says_which_limit_bound_and_by_how_much():
    found = drifted()
    limits = usage(found, long="2000")
    inside = bounded(found, limits)
    told = budget.explanation(inside)
    assert told is not None
    rows = told["rows"]
    assert isinstance(rows, list)
    (row,) = rows
    (excess,) = inside.broken
    assert (row["limit"], row["most"]) == ("long-term gain", "2000.00")
    assert row["over"] == f"{excess.over:.2f}"
    assert row["these_trades"] == f"{inside.figures.long_gain:.2f}"
    assert budget.sentence(inside).startswith(
        " Bound by the long-term gain budget of $2,000.00 (by $"
    )


def test_a_thousand_dollars_more_of_gain_buys_so_much_tracking():
    """F35: what the optimiser's price promises is what a budget that much larger brings, in basis points.

    Less what the thousand dollars cost in tax of this year and save later.
    """
    found, model = drifted(times=20), risk(2)
    limits = usage(found, long="40000")
    prices = gain_prices(found, model, limits)
    assert not isinstance(prices, str)
    assert set(prices) == {Limit.LONG}
    tight, wide = (bounded(found, usage(found, long=most)).figures for most in ("40000", "41000"))
    bought = (tight.risk_after - wide.risk_after) * 10_000
    assert bought == pytest.approx(D("6.91"), abs=D("0.01"))
    # a dollar of gain takes 69.5 cents of tracking away, for 23.8 of tax now less 14.6 later
    assert prices[Limit.LONG] == pytest.approx(bought * D("0.868"), abs=D("0.05"))
    told = budget.explanation(bounded(found, limits), prices)
    assert told is not None
    assert f" $1,000 more long-term gain would buy {prices[Limit.LONG]} basis points" in str(
        told["sentence"]
    )
    loose = gain_prices(found, model, usage(found, long="90000"))
    assert loose == {Limit.LONG: D("0.00")}


def test_a_thousand_dollars_more_of_tax_buys_so_much_tracking():
    """Where $1,000 more tax would be paid: what the price promises, beside what such a budget brings."""
    found, model = drifted(times=20), risk(2)
    limits = usage(found, tax="9000")
    prices = gain_prices(found, model, limits)
    assert not isinstance(prices, str)
    assert set(prices) == {Limit.TAX}
    tight, wide = (bounded(found, usage(found, tax=most)).figures for most in ("9000", "10000"))
    bought = (tight.risk_after - wide.risk_after) * 10_000
    assert D(0) < prices[Limit.TAX] < bought  # less the tax itself
    told = budget.explanation(bounded(found, limits), prices)
    assert told is not None
    assert "$1,000 more tax would buy" in str(told["sentence"])


def test_the_price_of_a_band_rules_budget_is_against_what_it_aims_at():
    found = drifted(times=20)
    elsewhere = replace(found, aims={1: D("0.5"), 2: D("0.47")})
    limits = usage(found, long="20000")
    prices = gain_prices(elsewhere, risk(2), limits)
    assert not isinstance(prices, str)
    assert prices[Limit.LONG] > 0
    told = budget.explanation(bounded(elsewhere, limits), prices)
    assert told is not None
    assert "basis points of tracking error against what the band rule aims at." in str(
        told["sentence"]
    )


def test_a_price_that_is_not_known_says_why():
    found = drifted()
    limits = usage(found, long="2000")
    nobodys = replace(limits, accounts=frozenset())
    assert gain_prices(found, risk(2), nobodys) == "an account is taxed on another return"
    unknown = replace(usage(found, tax="500"), tax=None, why_no_tax="there is no tax profile")
    assert gain_prices(found, risk(2), unknown) == "there is no tax profile"
    told = budget.explanation(bounded(found, limits), "the trades are the band rule's")
    assert told is not None
    assert str(told["sentence"]).endswith(
        " What $1,000 more would buy is not known: the trades are the band rule's."
    )


def test_a_budget_that_does_not_bind_changes_nothing():
    found = drifted()
    free, wide = bounded(found, None), bounded(found, usage(found, long="100000", tax="100000"))
    assert wide.figures.trades == free.figures.trades
    assert (wide.is_bound, budget.explanation(wide), budget.sentence(wide)) == (False, None, "")


def test_a_budget_of_nothing_leaves_no_gain():
    found = drifted()
    limits = usage(found, long="0")
    inside = bounded(found, limits)
    assert gains(inside, limits).long <= 0
    assert budget.why_not(inside).startswith("The long-term gain budget of 2022 is $0.00")
    held = [one for one in inside.state.lots if one.sellable < one.quantity]
    assert held
    assert {why_kept(one, inside.state) for one in held} == {Kept.BUDGET.value}
    by_policy = bounded(found, usage(found, factor="0"))
    held = [one for one in by_policy.state.lots if one.sellable < one.quantity]
    assert {why_kept(one, by_policy.state) for one in held} == {Kept.FACTOR.value}


def test_a_tax_limit_makes_the_dearest_sales_smaller_first_T15():
    """A small short-term gain at 40.8 % costs less than a large long-term gain at 23.8 %: dollars decide."""
    found = drifted()
    lots = (*found.lots[:2], replace(found.lots[2], term=Term.SHORT), found.lots[3])
    found = replace(found, lots=lots)
    limits = usage(found, tax="300")
    inside = bounded(found, limits)
    assert not inside.left_over
    assert inside.figures.worth.tax <= D(300)
    assert inside.figures.trades
    # short-term at 20 a share is 8.16 of tax a share, long-term at 50 is 11.90, at 80 19.04
    assert {trade.opening for trade in inside.figures.trades if trade.side is Side.SELL} == {3}


def test_the_other_term_is_left_as_sellable_as_it_was():
    """Short-term at 10 a share is 2.62 of tax now and later, less than long-term at 50: it is wanted first."""
    found = drifted()
    small = replace(found.lots[2], term=Term.SHORT, basis=D(18_000))
    lots = (*found.lots[:2], small, found.lots[3])
    found = replace(found, lots=lots)
    inside = bounded(found, usage(found, short="0"))
    assert not inside.left_over
    kept = {one.opening: one.sellable for one in inside.state.lots}
    assert (kept[1], kept[2], kept[4]) == (D(200), D(200), D(370))
    assert kept[3] < 200


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_household_its_trades_fit_or_there_is_a_reason(seed):
    rng = Random(seed)
    found = random_state(rng)
    limits = usage(found, short=str(rng.randrange(0, 3000)), tax=str(rng.randrange(0, 3000)))
    try:
        inside = bounded(found, limits)
    except RebalancingError:
        return
    if inside.left_over:
        assert budget.why_not(inside)
    else:
        assert not excesses(limits, gains(inside, limits))
