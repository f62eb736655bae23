"""One later tax in the objective and in the verdict: what is found is what is judged."""

from dataclasses import replace
from decimal import Decimal as D
from random import Random

import numpy as np
import pytest

from lots.types import Term
from proposals.types import Side
from rebalancing.errors import RebalancingError
from rebalancing.optimizer import Problem, solve
from rebalancing.policies.policy import Horizon
from rebalancing.trades import arrays, later_tax, measures
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState
from tests.rebalancing.states import LIMITS, TAX, account, lot, random_state, risk, state

RATE = 0.14611135  # 23.8 % in ten years at 5 % a year


def problem_of(found: HouseholdState) -> Problem:
    return arrays.build(found, risk(len(universe(found))))[0]


def household(*lots: tuple[int, str, str], cash: str = "0", **changes: object) -> HouseholdState:
    """Lots of (security, shares, basis) in one taxable account, every share at $100; S1 and S2 are wanted alike."""
    values: dict[str, object] = {
        "accounts": (account(1, cash),),
        "lots": tuple(
            lot(security, shares, basis, opening=number)
            for number, (security, shares, basis) in enumerate(lots, start=1)
        ),
        "prices": {1: "100", 2: "100"},
        "targets": {1: "0.49", 2: "0.49"},
    }
    return state(**{**values, **changes})  # type: ignore[arg-type]


# What the problem is told --------------------------------------------------------------------------


def test_a_loss_owes_at_the_rate_of_the_verdict_and_a_gain_saves_at_it() -> None:
    found = household((1, "500", "60000"), (2, "500", "30000"), tax=replace(TAX, short=D(90_000)))
    assert float(later_tax.rate(found)) == RATE
    told = problem_of(found).later_tax
    assert told is not None
    assert told == pytest.approx([0.2 * RATE, -0.4 * RATE])


@pytest.mark.parametrize(("term", "expected"), [(Term.SHORT, 0.12), (Term.LONG, 0.12)])
def test_a_gain_saves_no_more_than_it_may_cost_this_year(term: Term, expected: float) -> None:
    """The year can end beyond what it can use of losses: there a dollar of gain costs the 12 cents of a carried one."""
    found = household((1, "500", "90000"), (2, "500", "30000"))
    found = replace(found, lots=(found.lots[0], replace(found.lots[1], term=term)))
    told = problem_of(found).later_tax
    assert told is not None
    assert told == pytest.approx([0.8 * RATE, -0.4 * expected])
    lower = problem_of(replace(found, tax=replace(TAX, carried_loss_value=D("0.02")))).later_tax
    assert lower is not None
    assert lower == pytest.approx([0.8 * RATE, -0.4 * 0.02])


def test_what_owes_nothing_later_has_none() -> None:
    """An IRA, shares that will be given away, and a small gain that may turn out a loss, as its tax is left out too."""
    ira = household(
        accounts=(account(1, is_taxable=False),),
        lots=(
            lot(1, "500", "30000", opening=1, is_taxable=False),
            lot(2, "500", "60000", opening=2, is_taxable=False),
        ),
    )
    assert problem_of(ira).later_tax is None
    given = household((1, "500", "60000"), limits=replace(LIMITS, taxable_sale_chance=D(0)))
    assert problem_of(given).later_tax is None
    both = (account(1), account(2, is_taxable=False))
    lots = (
        lot(1, "500", "30000", opening=1),
        lot(2, "500", "30000", opening=2, account=2, is_taxable=False),
        lot(2, "10", "999.90", opening=3),
    )
    mixed = problem_of(household(accounts=both, lots=lots))
    assert mixed.later_tax is not None
    # Lots by account: the third stands beside the first.
    assert mixed.later_tax == pytest.approx([-0.4 * RATE, 1e-9 * RATE, 0.0], abs=1e-15)


# What is found -------------------------------------------------------------------------------------


def test_a_loss_whose_later_tax_outweighs_what_it_saves_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Losses beyond the limit are carried at 12 cents and owe 14.6: the old objective sold them for the 12."""
    held = household(
        (1, "470", "94000"), (2, "500", "49000"), cash="3000", tax=replace(TAX, short=D(-3000))
    )
    model = risk(2)
    now = best_trades(held, model)
    assert not [one for one in now.trades if one.side is Side.SELL and one.gain < 0]
    monkeypatch.setattr(later_tax, "counted", lambda problem, _: problem)
    before = best_trades(held, model)
    assert [one for one in before.trades if one.side is Side.SELL and one.gain < 0]
    assert before.worth.avoided - before.worth.cost < now.worth.avoided - now.worth.cost
    assert not before.worth.is_worth_it


def test_a_gain_that_costs_less_now_than_later_is_not_sold_to_raise_its_basis() -> None:
    """Against carried losses a gain costs 12 cents and would save 14.6 later: that is harvesting gains, not this."""
    held = household(
        (1, "490", "9800"), (2, "490", "9800"), cash="2000", tax=replace(TAX, long=D(-90_000))
    )
    model = risk(2)
    assert best_trades(held, model).trades == ()
    problem, _ = arrays.build(held, model)
    uncapped = solve(problem.replace(later_tax=-RATE * problem.taxed_gain))
    assert uncapped.sells.sum() > 0.9  # nearly all is sold and bought back
    assert not solve(problem).sells.any()


# What is judged ------------------------------------------------------------------------------------


@pytest.mark.parametrize("horizon", [Horizon.ONE, Horizon.BY_NAME])
@pytest.mark.parametrize("seed", range(30))
def test_avoided_less_cost_is_what_the_objective_falls_by(seed: int, horizon: Horizon) -> None:
    """T40, later tax among it; but for gains credited with less, and small gains that are counted as no gain at all."""
    found = random_state(Random(seed))
    found = replace(found, limits=replace(found.limits, horizon=horizon))
    model = risk(len(universe(found)))
    try:
        figures = best_trades(found, model)
    except RebalancingError:
        return
    problem, index = arrays.build(found, model)
    fall = measures.objective((), problem, index) - measures.objective(
        figures.trades, problem, index
    )
    _, sells = measures._as_fractions(figures.trades, index)
    exact = np.array([
        0.0 if not one.is_taxable
        else float(1 - one.basis / (one.quantity * found.prices[one.security]))
        for one in index.lots
    ])  # fmt: skip
    assert np.all((exact == problem.taxed_gain) | (np.abs(problem.taxed_gain) < 1e-8))
    if problem.later_tax is not None:
        held_back = (RATE * problem.taxed_gain + problem.taxed_later) @ sells
        assert held_back >= -1e-15
        fall += D(float(held_back)) * index.value
    small = sum(abs(exact - problem.taxed_gain) * sells) * float(index.value)
    verdict = figures.worth.avoided - figures.worth.cost
    assert float(verdict) == pytest.approx(float(fall), abs=0.05 + 0.41 * small)


def test_without_a_gain_held_back_the_verdict_is_the_objective() -> None:
    """Tax now and later, both ways: an overweight name with a gain, another with a loss that is worth taking."""
    held = household(
        (1, "600", "57000"), (2, "200", "30000"), cash="20000", tax=replace(TAX, short=D(90_000))
    )
    model = risk(2)
    figures = best_trades(held, model)
    assert figures.worth.later_tax != 0
    problem, index = arrays.build(held, model)
    fall = measures.objective((), problem, index) - measures.objective(
        figures.trades, problem, index
    )
    verdict = figures.worth.avoided - figures.worth.cost
    assert float(verdict) == pytest.approx(float(fall), abs=0.02)
    blind = problem.replace(later_tax=None)
    missed = measures.objective((), blind, index) - measures.objective(figures.trades, blind, index)
    assert float(missed - fall) == pytest.approx(float(figures.worth.later_tax), abs=0.02)
