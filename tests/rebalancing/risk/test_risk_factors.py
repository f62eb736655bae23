"""Regressions on given factors recover known betas, and a supplied model is taken as it is or refused."""

import datetime as dt

import numpy as np
import pytest

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import FloatArray
from rebalancing.risk import NamedFactors, RiskModel, from_factor_returns, supplied
from rebalancing.risk.factor_returns import FEWEST_TO_SHRINK
from rebalancing.risk.supplied import SPECIFIC_FLOOR, factor_root
from tests.rebalancing.risk.test_risk import active_weights

NAMES = ("Market", "Size", "Value")
OMEGA = np.array([[0.0300, 0.0060, -0.0020], [0.0060, 0.0150, 0.0010], [-0.0020, 0.0010, 0.0100]])


def world(*, days=2520, n=30, seed=2):
    """Simulated returns (days, n) and factor returns (days, 3), with the betas and the covariance behind them."""
    random = np.random.default_rng(seed)
    betas = np.column_stack([
        1.0 + 0.3 * random.standard_normal(n), 0.5 * random.standard_normal((n, 2))
    ])  # fmt: skip
    specific = (0.15 + 0.15 * random.random(n)) ** 2
    factors = random.multivariate_normal(np.zeros(3), OMEGA / 252, size=days)
    own = random.standard_normal((days, n)) * np.sqrt(specific / 252)
    return factors @ betas.T + own + 0.0003, factors, betas, specific


def named(model: RiskModel) -> NamedFactors:
    assert model.named is not None
    return model.named


def errors_of(model: RiskModel) -> FloatArray:
    errors = named(model).standard_errors
    assert errors is not None
    return errors


def sigma_of(betas, specific):
    return betas @ OMEGA @ betas.T + np.diag(specific)


def test_known_betas_are_recovered_within_their_standard_errors():
    returns, factors, betas, _ = world()
    model = from_factor_returns(returns, factors, factors=NAMES)
    off = (named(model).betas - betas) / errors_of(model)
    assert np.abs(off).max() < 4.5
    assert 0.75 < np.sqrt(np.square(off).mean()) < 1.25
    np.testing.assert_allclose(named(model).betas, betas, atol=0.25)


def test_without_shrinkage_betas_and_errors_are_those_of_least_squares():
    returns, factors, _, _ = world(n=FEWEST_TO_SHRINK - 1, days=300)
    model = from_factor_returns(returns, factors, factors=NAMES)
    design = np.column_stack([np.ones(300), factors])
    solved, squares, *_ = np.linalg.lstsq(design, returns, rcond=None)
    np.testing.assert_allclose(named(model).betas, solved[1:].T, rtol=1e-8)
    variance = squares / (300 - 4)
    inverse = np.linalg.inv(design.T @ design)
    errors = np.sqrt(np.outer(variance, np.diag(inverse)[1:]))
    np.testing.assert_allclose(errors_of(model), errors, rtol=1e-8)
    np.testing.assert_allclose(model.specific_variance, variance * 252, rtol=1e-8)
    total = np.square(returns - returns.mean(axis=0)).sum(axis=0)
    np.testing.assert_allclose(np.asarray(named(model).r_squared), 1 - squares / total, rtol=1e-8)


def test_with_a_half_life_betas_and_errors_are_those_of_weighted_least_squares():
    returns, factors, _, _ = world(n=2, days=300)
    model = from_factor_returns(returns, factors, factors=NAMES, half_life=40)
    weights = 0.5 ** (np.arange(299, -1, -1) / 40)
    design = np.column_stack([np.ones(300), factors])
    inverse = np.linalg.inv(design.T @ (weights[:, None] * design))
    solved = inverse @ design.T @ (weights[:, None] * returns)
    left = returns - design @ solved
    effective = weights.sum() ** 2 / (weights**2).sum()
    variance = weights @ left**2 / weights.sum() * effective / (effective - 4)
    sandwich = inverse @ design.T @ (weights[:, None] ** 2 * design) @ inverse
    errors = np.sqrt(np.outer(variance, np.diag(sandwich)[1:]))
    np.testing.assert_allclose(named(model).betas, solved[1:].T, rtol=1e-8)
    np.testing.assert_allclose(errors_of(model), errors, rtol=1e-8)


def test_shrinkage_brings_betas_of_a_short_history_nearer_to_the_truth():
    plain, shrunk = [], []
    for seed in range(20):
        returns, factors, betas, _ = world(days=80, seed=seed, n=40)
        model = from_factor_returns(returns, factors, factors=NAMES)
        design = np.column_stack([np.ones(80), factors])
        least = np.linalg.lstsq(design, returns, rcond=None)[0][1:].T
        shrunk.append(np.square(named(model).betas - betas).mean())
        plain.append(np.square(least - betas).mean())
    assert np.mean(shrunk) < 0.85 * np.mean(plain)


def test_the_risk_of_a_known_factor_model_is_recovered():
    returns, factors, betas, specific = world()
    model = from_factor_returns(returns, factors, factors=NAMES)
    sigma = sigma_of(betas, specific)
    for seed in range(20):
        active = active_weights(30, seed)
        truth = np.sqrt(active @ sigma @ active)
        assert model.tracking_error(active) == pytest.approx(truth, rel=0.07)
    np.testing.assert_allclose(named(model).covariance, OMEGA, atol=0.002)
    np.testing.assert_allclose(
        model.loadings @ model.loadings.T,
        named(model).betas @ named(model).covariance @ named(model).betas.T,
        atol=1e-12,
    )


def test_exposures_are_betas_by_name():
    returns, factors, betas, _ = world()
    model = from_factor_returns(returns, factors, factors=NAMES)
    active = active_weights(30, 4)
    assert model.factors == NAMES
    np.testing.assert_allclose(model.exposures(active), betas.T @ active, atol=0.05)


def test_regressions_stand_gaps_and_half_lives():
    returns, factors, betas, _ = world()
    random = np.random.default_rng(9)
    returns[random.random(returns.shape) < 0.1] = np.nan
    factors[random.random(len(factors)) < 0.05, 1] = np.nan
    model = from_factor_returns(returns, factors, factors=NAMES)
    assert model.observations == np.isfinite(factors).all(axis=1).sum()
    np.testing.assert_allclose(named(model).betas, betas, atol=0.3)
    endless = from_factor_returns(returns, factors, factors=NAMES, half_life=np.inf)
    np.testing.assert_array_equal(endless.covariance(), model.covariance())
    quick = from_factor_returns(returns, factors, factors=NAMES, half_life=60)
    assert (errors_of(quick) > errors_of(model)).all()


def test_a_factor_that_follows_from_the_others_does_no_harm():
    returns, factors, _, _ = world()
    twice = np.column_stack([factors, factors[:, 0]])
    model = from_factor_returns(returns, twice, factors=(*NAMES, "Market again"))
    assert "1 of 4 factors follow from the others" in model.notes[0]
    np.testing.assert_allclose(
        model.covariance(),
        from_factor_returns(returns, factors, factors=NAMES).covariance(),
        atol=2e-4,  # shrunk along other axes
    )
    np.testing.assert_allclose(named(model).betas[:, 0], named(model).betas[:, 3], atol=1e-6)


def test_a_security_without_history_has_betas_and_no_errors():
    returns, factors, _, _ = world(days=500)
    returns[:, 3] = np.nan
    model = from_factor_returns(returns, factors, factors=NAMES)
    others = np.delete(np.arange(30), 3)
    assert model.guessed == (3,)
    np.testing.assert_array_equal(
        named(model).betas[3], np.median(named(model).betas[others], axis=0)
    )
    assert np.isnan(errors_of(model)[3]).all()
    assert model.volatility()[3] >= np.median(model.volatility()[others])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda factors: factors.__setitem__((slice(None), 1), np.nan), "Size has 0 returns"),
        (lambda factors: factors.__setitem__((slice(None), 2), 0.0), "Value never moves"),
        (lambda factors: factors.__setitem__((250, 0), -0.5), "Market jumps by -50%"),
        (lambda factors: factors.__setitem__((slice(490, None), 0), np.nan), "no return after"),
    ],
)
def test_a_factor_that_cannot_be_used_is_refused_by_name(spoil, words):
    returns, factors, _, _ = world(days=500)
    spoil(factors)
    with pytest.raises(BadReturns, match=words) as refused:
        from_factor_returns(returns, factors, factors=NAMES, longest_silence=5)
    assert "risk setting" in str(refused.value)


def test_factors_that_are_hardly_known_on_the_same_days_are_refused():
    returns, factors, _, _ = world(days=300)
    factors[::2, 0] = np.nan
    factors[1::2, 1] = np.nan
    with pytest.raises(BadReturns, match="known on 0 days only"):
        from_factor_returns(returns, factors, factors=NAMES)


def test_malformed_factor_frames_are_refused():
    returns, factors, _, _ = world(days=100)
    with pytest.raises(BadReturns, match="same days"):
        from_factor_returns(returns, factors[:50], factors=NAMES)
    with pytest.raises(BadReturns, match="3 factor series have 2 names"):
        from_factor_returns(returns, factors, factors=NAMES[:2])


# Supplied


def given(n=12):
    random = np.random.default_rng(3)
    return random.standard_normal((n, 3)), 0.02 + 0.05 * random.random(n)


def test_a_supplied_model_is_taken_as_it_is():
    betas, specific = given()
    day = dt.date(2024, 3, 28)
    model = supplied(betas, OMEGA, specific, factors=NAMES, estimated_to=day)
    np.testing.assert_allclose(model.covariance(), sigma_of(betas, specific), atol=1e-12)
    active = active_weights(12, 1)
    np.testing.assert_allclose(model.exposures(active), betas.T @ active)
    assert (model.notes, model.source) == ((), "supplied loadings as of 2024-03-28")


def test_a_covariance_that_is_nearly_one_is_clipped_and_told():
    betas, specific = given()
    values, vectors = np.linalg.eigh(OMEGA)
    values[0] = -0.0005
    model = supplied(betas, vectors * values @ vectors.T, specific, factors=NAMES)
    assert np.linalg.eigvalsh(model.covariance()).min() > 0.0
    assert "set to zero, 1." in model.notes[0]
    np.testing.assert_allclose(
        named(model).covariance, vectors * np.maximum(values, 0) @ vectors.T, atol=1e-15
    )


@pytest.mark.parametrize(
    ("covariance", "words"),
    [
        (np.array([[0.04, 0.08], [0.08, 0.04]]), "no covariance matrix"),
        (np.array([[0.04, 0.01], [0.02, 0.04]]), "not symmetric"),
        (np.array([[0.04, np.nan], [np.nan, 0.04]]), "Market and Size is no number"),
        (np.array([[-0.04, 0.0], [0.0, -0.04]]), "no covariance matrix"),
    ],
)
def test_what_is_no_covariance_is_refused(covariance, words):
    with pytest.raises(BadReturns, match=words):
        factor_root(covariance, NAMES[:2])


def test_what_was_not_supplied_is_guessed_and_no_specific_variance_is_nothing():
    betas, specific = given()
    betas[2, 1] = np.nan
    specific[5], specific[7] = np.nan, 0.0
    model = supplied(betas, OMEGA, specific, factors=NAMES)
    assert model.guessed == (2, 5)
    assert "column 2 has no supplied loadings: median loadings" in model.notes[1]
    assert "raised to its floor: 1 of 10 securities" in model.notes[0]
    assert model.specific_variance[7] == SPECIFIC_FLOOR
    known = np.delete(np.arange(12), [2, 5])
    assert model.volatility()[2] >= np.median(model.volatility()[known]) * (1 - 1e-12)


@pytest.mark.parametrize(
    ("betas", "specific", "words"),
    [
        (np.ones((4, 2)), np.ones(4), "shapes"),
        (np.ones((4, 3)), np.ones(3), "shapes"),
        (np.ones((0, 3)), np.ones(0), "shapes"),
        (np.ones((4, 3)), np.array([0.1, -0.1, 0.1, 0.1]), "column 1 is negative"),
        (np.full((4, 3), np.nan), np.ones(4), "None of 4 securities"),
    ],
)
def test_a_useless_supplied_model_is_refused(betas, specific, words):
    with pytest.raises(BadReturns, match=words):
        supplied(betas, OMEGA, specific, factors=NAMES)
