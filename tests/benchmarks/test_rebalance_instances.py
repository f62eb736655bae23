"""The invented accounts: the same every time, sound, and with something to decide."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.rebalance.households import household, market
from benchmarks.rebalance.instances import Year, make, make_without_lots
from rebalancing.trades import arrays


def test_the_same_seed_gives_the_same_account_and_another_seed_another():
    first, again = (make(20, seed=5, year=Year.NETTING).problem for _ in range(2))
    other = make(20, seed=6, year=Year.NETTING).problem
    assert first.lot_gain.tobytes() == again.lot_gain.tobytes()
    assert first.factor_loadings.tobytes() == again.factor_loadings.tobytes()
    assert first.tax == again.tax
    assert first.weights.tobytes() != other.weights.tobytes()


@pytest.mark.parametrize("size", [20, 100])
@pytest.mark.parametrize("year", list(Year))
def test_lots_make_up_the_account(size, year):
    problem = make(size, seed=1, year=year).problem
    lots_of = np.bincount(problem.lot_position, minlength=size)
    assert lots_of.min() >= 3
    assert lots_of.max() <= 6
    by_lots = np.bincount(problem.lot_position, problem.lot_weight, size)
    assert by_lots == pytest.approx(problem.weights, abs=1e-12)
    assert problem.weights.sum() + problem.cash.sum() == pytest.approx(1.0)
    assert (problem.lot_gain < 1.0).all()  # a basis is above nothing


def test_there_are_gains_and_losses_of_both_terms_and_names_to_decide():
    problem = make(100, seed=1, year=Year.GAINS).problem
    for long in (True, False):
        gains = problem.lot_gain[problem.lot_is_long == long]
        assert (gains > 0).any()
        assert (gains < 0).any()
    saved = -problem.lot_gain * np.where(problem.lot_is_long, 0.238, 0.408)
    worth_selling = saved > 2.0 * problem.cost_rates[problem.lot_position]
    sold = problem.lot_position[worth_selling & (problem.lot_sellable > 0.0)]
    assert 25 <= len(set(sold.tolist()) & set(np.flatnonzero(problem.may_buy).tolist())) <= 60


def test_a_year_of_gains_keeps_its_rates_whatever_is_sold():
    problem = make(100, seed=1, year=Year.GAINS).problem
    box = problem.gain_box(problem.lot_sellable)
    assert box.short_low > 0.0
    assert box.long_low > 0.0
    little = make(100, seed=1, year=Year.NETTING).problem
    box = little.gain_box(little.lot_sellable)
    assert box.short_low + box.long_low < 0.0


def test_lots_of_a_name_bought_at_the_same_time_stand_at_the_same_gain():
    """One path of the price: the younger of two lots differs from the older by what happened between them."""
    problem = make(500, seed=1, year=Year.GAINS).problem
    growth = -np.log1p(-problem.lot_gain)
    spread_within = np.mean(
        [growth[problem.lot_position == name].std() for name in range(len(problem.targets))]
    )
    assert spread_within < 0.8 * growth.std()


def test_weights_without_lots_sum_to_one_before_and_after():
    account = make_without_lots(50, seed=4)
    assert account.current.sum() == pytest.approx(1.0)
    assert account.target.sum() == pytest.approx(1.0)
    assert np.linalg.eigvalsh(account.covariance).min() > 0.0


def test_a_household_is_its_instance_in_whole_shares():
    instance, shared = make(20, seed=1, year=Year.NETTING), market(20, seed=1)
    state = household(instance, shared, value=1_000_000.0)
    assert all(lot.quantity == int(lot.quantity) for lot in state.lots)
    assert abs(state.value - 1_000_000) < 10_000
    assert state.tax.loss_limit == Decimal(3000)
    problem, index = arrays.build(state, shared.risk)
    for row, lot in enumerate(index.lots):
        gain = 1 - Fraction(lot.basis) / Fraction(lot.quantity * state.prices[lot.security])
        assert float(gain) == pytest.approx(instance.problem.lot_gain[lot.opening - 1], abs=1e-4)
        assert problem.lot_is_long[row] == instance.problem.lot_is_long[lot.opening - 1]


def test_the_markets_risk_model_is_estimated_and_positive():
    shared = market(30, seed=1)
    assert shared.risk.observations == 504
    assert not shared.risk.guessed
    assert np.linalg.eigvalsh(shared.risk.covariance()).min() > 0.0
    assert 0.1 < np.median(shared.risk.volatility()) < 0.5
