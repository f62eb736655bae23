"""The factor risk model: recovers a known model, and stays positive definite on bad data."""

import datetime as dt

import numpy as np
import pytest

from rebalancing.errors import BadReturns
from rebalancing.risk import estimate
from rebalancing.risk.history import history
from rebalancing.risk.statistical import Moments


def factor_returns(*, days, n=30, factors=3, seed=1):
    """Simulated daily returns (days, n) and the yearly covariance they come from."""
    random = np.random.default_rng(seed)
    loadings = np.column_stack([
        0.15 + 0.05 * random.random(n),
        *(0.08 * random.standard_normal((factors - 1, n))),
    ])  # fmt: skip
    specific = (0.15 + 0.15 * random.random(n)) ** 2
    scores = random.standard_normal((days, factors))
    own = random.standard_normal((days, n)) * np.sqrt(specific)
    returns = (scores @ loadings.T + own) / np.sqrt(252) + 0.0003
    return returns, loadings @ loadings.T + np.diag(specific)


def active_weights(n, seed):
    random = np.random.default_rng(seed)
    return random.dirichlet(np.ones(n)) - random.dirichlet(np.ones(n))


def test_tracking_error_of_a_known_factor_model_is_recovered():
    returns, sigma = factor_returns(days=2520)
    model = estimate(returns, factors=3)
    for seed in range(20):
        active = active_weights(30, seed)
        truth = np.sqrt(active @ sigma @ active)
        assert model.tracking_error(active) == pytest.approx(truth, rel=0.07)


def test_volatility_is_annualised_and_kept_by_the_factor_cut():
    returns, _ = factor_returns(days=1000)
    model = estimate(returns)
    np.testing.assert_allclose(
        model.volatility(), returns.std(axis=0, ddof=1) * np.sqrt(252), rtol=1e-10
    )
    weekly = estimate(returns, periods_per_year=52)
    np.testing.assert_allclose(weekly.covariance() * 252 / 52, model.covariance(), rtol=1e-10)


def test_scaling_returns_scales_risk():
    returns, _ = factor_returns(days=500)
    active = active_weights(30, 3)
    small, large = estimate(returns), estimate(2.0 * returns)
    assert large.tracking_error(active) == pytest.approx(2 * small.tracking_error(active))


def test_tracking_error_of_no_active_weight_is_zero():
    model = estimate(factor_returns(days=100)[0])
    assert model.tracking_error(np.zeros(30)) == 0.0


def test_reordering_columns_reorders_the_model():
    returns, _ = factor_returns(days=500)
    order = np.random.default_rng(5).permutation(30)
    np.testing.assert_allclose(
        estimate(returns[:, order]).covariance(),
        estimate(returns).covariance()[np.ix_(order, order)],
        atol=1e-12,
    )


@pytest.mark.parametrize("noise", [10.0**-power for power in range(1, 9)])
def test_nearly_duplicated_columns_stay_positive_definite(noise):
    """Two share classes of one fund: condition numbers up to 1e16 and beyond."""
    returns, _ = factor_returns(days=400, n=6)
    twin = returns + noise * 0.01 * np.random.default_rng(2).standard_normal(returns.shape)
    model = estimate(np.hstack([returns, twin]))
    values = np.linalg.eigvalsh(model.covariance())
    assert values.min() > 1e-5
    assert np.all(model.specific_variance > 0.0)


def test_columns_of_very_different_size_keep_their_own_volatility():
    returns, _ = factor_returns(days=400, n=8)
    scale = np.array([1e-6, 1e-4, 1e-2, 1.0, 1.0, 1.0, 1.0, 1.0])
    model = estimate(returns * scale)
    np.testing.assert_allclose(
        model.volatility(), estimate(returns).volatility() * scale, rtol=1e-9
    )


def test_more_securities_than_days_is_still_positive_definite():
    returns, _ = factor_returns(days=80, n=200)
    assert np.linalg.eigvalsh(estimate(returns).covariance()).min() > 0.0


def test_gaps_are_taken_pair_by_pair():
    returns, sigma = factor_returns(days=2520)
    gappy = np.where(np.random.default_rng(4).random(returns.shape) < 0.1, np.nan, returns)
    model = estimate(gappy, factors=3)
    assert model.guessed == ()
    active = active_weights(30, 1)
    truth = np.sqrt(active @ sigma @ active)
    assert model.tracking_error(active) == pytest.approx(truth, rel=0.07)


@pytest.mark.parametrize("bad", ["missing", "short", "constant"])
def test_a_column_without_history_is_guessed_conservatively_and_named(bad):
    returns, _ = factor_returns(days=500)
    whole = estimate(returns[:, 1:])
    returns[:, 0] = {
        "missing": np.nan,
        "short": np.where(np.arange(500) < 450, np.nan, returns[:, 0]),
        "constant": 0.0,
    }[bad]
    model = estimate(returns)
    assert model.guessed == (0,)
    assert "column 0" in model.notes[-1]
    assert model.specific_variance[0] == np.quantile(whole.specific_variance, 0.9)
    np.testing.assert_array_equal(model.loadings[0], np.median(whole.loadings, axis=0))
    np.testing.assert_array_equal(model.loadings[1:], whole.loadings)


def test_the_model_says_what_it_was_estimated_from():
    start, end = dt.date(2024, 1, 2), dt.date(2024, 12, 31)
    model = estimate(factor_returns(days=250)[0], estimated_from=start, estimated_to=end)
    assert (model.observations, model.estimated_from, model.estimated_to) == (250, start, end)


@pytest.mark.parametrize(
    ("returns", "words"),
    [
        (np.full((300, 3), np.nan), "None of 3 columns"),
        (np.zeros((300, 3)), "None of 3 columns"),
        (np.full((10, 3), 0.01), "None of 3 columns"),
        (np.zeros(300), "shape"),
        (np.zeros((300, 0)), "shape"),
        (np.array([[0.0, 0.1], [0.0, np.inf]]), "column 1 on row 1"),
        (np.array([[0.0, 0.1], [-1.5, 0.0]]), "column 0 on row 1"),
    ],
)
def test_a_useless_frame_is_refused(returns, words):
    with pytest.raises(BadReturns, match=words) as refused:
        estimate(returns)
    assert refused.value.code == "bad_returns"


# Newer days counting more


def test_an_endless_half_life_weighs_all_days_alike():
    returns, _ = factor_returns(days=400)
    returns[np.random.default_rng(6).random(returns.shape) < 0.1] = np.nan
    plain, endless = estimate(returns), estimate(returns, half_life=np.inf)
    long = estimate(returns, half_life=1e9)
    np.testing.assert_array_equal(endless.covariance(), plain.covariance())
    np.testing.assert_allclose(long.covariance(), plain.covariance(), rtol=1e-5)


def test_volatility_with_a_half_life_is_the_weighted_deviation():
    returns, _ = factor_returns(days=300)
    weights = 0.5 ** (np.arange(299, -1, -1) / 40)
    expected = [
        np.sqrt(np.cov(column, aweights=weights) * 252)  # unbiased for reliability weights
        for column in returns.T
    ]
    np.testing.assert_allclose(estimate(returns, half_life=40).volatility(), expected, rtol=1e-12)


def test_a_short_half_life_follows_a_change_of_regime():
    returns, _ = factor_returns(days=600)
    returns[450:] *= 2.0
    plain, quick = estimate(returns), estimate(returns, half_life=30)
    truth = returns[450:].std(axis=0, ddof=1) * np.sqrt(252)
    assert np.abs(quick.volatility() / truth - 1).mean() < 0.15
    assert np.abs(plain.volatility() / truth - 1).mean() > 0.25


def test_fewer_effective_days_are_shrunk_more():
    returns, _ = factor_returns(days=500)
    told = [estimate(returns, half_life=life).notes[0] for life in (None, 60, 20)]
    shrunk = [float(note.split("by ")[1].rstrip("%")) for note in told]
    assert shrunk == sorted(shrunk)
    assert shrunk[0] < shrunk[2]


def test_a_half_life_of_nothing_is_refused():
    with pytest.raises(BadReturns, match="half-life"):
        estimate(factor_returns(days=100)[0], half_life=0.0)


def test_statistical_exposures_are_yearly_risk():
    model = estimate(factor_returns(days=500)[0], factors=3)
    active = active_weights(30, 2)
    exposures = model.exposures(active)
    assert model.factors == tuple(f"statistical factor {number}" for number in (1, 2, 3))
    own = model.specific_variance @ active**2
    assert exposures @ exposures + own == pytest.approx(model.variance(active))


def test_weighted_correlations_and_effective_days_are_the_usual_ones():
    returns, _ = factor_returns(days=200, n=4)
    weights = 0.5 ** (np.arange(199, -1, -1) / 25)
    seen = history(returns, half_life=25.0, shortest_history=60)
    moments = Moments(seen)
    correlation, overlap, effective = moments.correlation(seen.usable, moments.deviation)
    covariance = np.cov(returns.T, aweights=weights)
    deviation = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(correlation, covariance / np.outer(deviation, deviation), rtol=1e-10)
    np.testing.assert_array_equal(overlap, np.full((4, 4), 200))
    np.testing.assert_allclose(effective, weights.sum() ** 2 / (weights**2).sum())
