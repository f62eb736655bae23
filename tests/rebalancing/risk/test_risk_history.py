"""What is done with bad histories: gaps, splits that nobody booked, silence, nonsense; and what is guessed then."""

import datetime as dt
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancing.errors import BadReturns
from rebalancing.risk import NamedFactors, RiskModel, check, estimate, from_factor_returns
from rebalancing.risk.history import day_weights, suspects
from tests.rebalancing.risk.test_risk import factor_returns

SPLIT = 0.5 * 1.004 - 1.0  # two for one, and 0.4 % on the day


def spoiled(at, value, *, days=400, n=8):
    returns, _ = factor_returns(days=days, n=n)
    returns[at] = value
    return returns


@pytest.mark.parametrize(
    "value",
    [SPLIT, 1.0 / 3.0 - 1.0, 0.1 * 0.99 - 1.0, 3.0 * 1.01 - 1.0, 9.5, -0.96],
)
def test_what_looks_like_a_split_that_nobody_booked_is_named(value):
    returns = spoiled((200, 3), value)
    assert suspects(returns) == [(200, 3)]
    model = estimate(returns)
    assert model.guessed == (3,)
    assert "column 3 jumps by" in model.notes[-1]
    assert "row 200" in model.notes[-1]


def test_a_mistype_that_is_taken_back_is_named_though_it_has_no_split_s_size():
    returns, _ = factor_returns(days=400, n=8)
    returns[200, 3], returns[201, 3] = 0.70, 1.0 / 1.70 - 1.0
    assert suspects(returns) == [(200, 3), (201, 3)]


@pytest.mark.parametrize("value", [-0.29, -0.42, 0.32])
def test_a_crash_that_is_no_split_is_a_crash(value):
    returns = spoiled((200, 3), value)
    model = estimate(returns)
    assert model.guessed == ()
    assert model.volatility()[3] > estimate(factor_returns(days=400, n=8)[0]).volatility()[3]


def test_a_jump_that_somebody_has_checked_counts():
    returns = spoiled((200, 3), SPLIT)
    model = estimate(returns, trusted={(200, 3)})
    assert model.guessed == ()
    np.testing.assert_allclose(model.volatility(), returns.std(axis=0, ddof=1) * np.sqrt(252))


def test_a_history_that_ended_is_out_of_date_and_the_day_is_named():
    returns = spoiled((slice(380, None), 2), np.nan)
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=at) for at in range(400)]
    model = estimate(returns, longest_silence=10, days=days)
    assert model.guessed == (2,)
    assert f"has no return after {days[379]}" in model.notes[-1]
    assert estimate(returns, longest_silence=20, days=days).guessed == ()


def test_a_guess_is_never_quieter_than_the_median_of_its_peers():
    """Loadings of many signs have a median near nothing: the specific variance makes up for it."""
    random = np.random.default_rng(8)
    loadings = 0.3 * random.choice([-1.0, 1.0], size=(40, 1))
    returns = (
        random.standard_normal((500, 1)) @ loadings.T + 0.02 * random.standard_normal((500, 40))
    ) / 16
    returns[:, 0] = np.nan
    volatility = estimate(returns, factors=1).volatility()
    assert volatility[0] >= np.median(volatility[1:]) > 0.25


def test_a_guess_is_made_from_the_asset_class_where_enough_of_it_is_known():
    returns, _ = factor_returns(days=500, n=30)
    returns[:, :10] *= 0.1  # bonds
    returns[:, 0] = returns[:, 29] = np.nan
    classes = ["fixed_income"] * 10 + ["us_equity"] * 20
    model = estimate(returns, classes=classes)
    volatility = model.volatility()
    assert model.guessed == (0, 29)
    assert "its asset class" in model.notes[-1]
    assert np.median(volatility[1:10]) <= volatility[0] < 0.1
    assert volatility[29] >= np.median(volatility[10:29])


def test_the_only_one_of_its_class_is_guessed_from_all_and_high():
    returns, _ = factor_returns(days=500, n=30)
    returns[:, 1:25] *= 0.1
    returns[:, 0] = np.nan
    classes = ["us_equity"] + ["fixed_income"] * 29
    volatility = estimate(returns, classes=["us_equity", *classes[1:]]).volatility()
    assert np.square(volatility[0]) >= np.quantile(np.square(volatility[1:]), 0.9) * (1 - 1e-12)


def nasty(random, days, n):
    """Returns with whatever a price feed may do to them."""
    returns = 0.01 * random.standard_normal((days, n)) + 0.01 * random.standard_normal((days, 1))
    for column in range(n):
        match random.integers(0, 9):
            case 0:
                returns[:, column] = returns[:, random.integers(0, n)]  # a duplicate
            case 1:
                returns[:, column] = 0.0
            case 2:
                returns[random.random(days) < random.random(), column] = np.nan
            case 3:
                returns[:, column] = np.nan
            case 4:
                returns[random.integers(0, days), column] = 10.0 ** random.integers(0, 200)
            case 5:
                returns[:, column] = returns[
                    :, random.integers(0, n)
                ] + 1e-9 * random.standard_normal(days)
            case 6:
                returns[: random.integers(0, days), column] = np.nan
    return np.maximum(returns, -1.0)


def sound(model: RiskModel) -> None:
    assert np.isfinite(model.loadings).all()
    assert (model.specific_variance > 0.0).all()
    sigma = model.covariance()
    assert np.linalg.eigvalsh(sigma).min() > -1e-12 * np.abs(sigma).max()
    np.linalg.cholesky(sigma + 1e-13 * np.abs(sigma).max() * np.eye(len(sigma)))
    known = np.setdiff1d(np.arange(len(sigma)), model.guessed)
    for row in model.guessed:
        assert model.volatility()[row] >= np.median(model.volatility()[known]) * (1 - 1e-12)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    days=st.integers(1, 200),
    n=st.integers(1, 14),
    half_life=st.sampled_from([None, 3.0, 40.0, np.inf]),
)
def test_whatever_comes_in_the_model_is_positive_definite_or_refused(seed, days, n, half_life):
    random = np.random.default_rng(seed)
    returns = nasty(random, days, n)
    factors = nasty(random, days, 3)
    for make in (
        lambda: estimate(returns, half_life=half_life),
        lambda: from_factor_returns(returns, factors, factors=("A", "B", "C"), half_life=half_life),
    ):
        with suppress(BadReturns):
            sound(make())


def test_day_weights_halve():
    np.testing.assert_allclose(day_weights(5, 2.0), [0.25, 0.5**1.5, 0.5, 0.5**0.5, 1.0])
    np.testing.assert_array_equal(day_weights(3, None), [1.0, 1.0, 1.0])


# How much of a household the model covers


def gappy_model():
    returns, _ = factor_returns(days=300, n=4)
    returns[:, 1] = np.nan
    return estimate(returns)


def test_a_covered_household_is_told_how_far():
    found = check(gappy_model(), np.array([0.5, 0.05, 0.2, 0.25]))
    assert found.coverage == pytest.approx(0.95)
    assert found.notes == ("histories cover 95.0% of the weight",)


def test_too_little_history_is_refused_with_the_gap_and_what_to_do():
    with pytest.raises(BadReturns, match=r"covers 70\.0%.*column 1 has 0 returns.*Load") as refused:
        check(gappy_model(), np.array([0.3, 0.3, 0.2, 0.2]))
    assert refused.value.code == "bad_returns"
    assert check(gappy_model(), np.array([0.3, 0.3, 0.2, 0.2]), minimum_coverage=0.7).notes


def test_a_household_without_gaps_has_nothing_to_be_told():
    assert check(gappy_model(), np.array([0.5, 0.0, 0.5, 0.0])).coverage == 1.0
    model = estimate(factor_returns(days=300, n=4)[0])
    assert check(model, np.ones(4)).notes == ()


# Some of a model's securities


def test_a_part_of_a_model_is_the_same_model():
    returns, _ = factor_returns(days=300, n=6)
    returns[:, 1] = np.nan
    whole = estimate(returns)
    part = whole.take([4, 1, 0])
    np.testing.assert_array_equal(
        part.covariance(), whole.covariance()[np.ix_([4, 1, 0], [4, 1, 0])]
    )
    assert part.guessed == (1,)
    assert part.notes[-1].startswith("column 1 has 0 returns")
    assert whole.take([0, 2]).guessed == ()
    assert part.remarks == whole.remarks


def test_a_part_keeps_the_betas_of_its_securities():
    named = NamedFactors(np.arange(6.0).reshape(3, 2), np.eye(2))
    model = RiskModel(named.betas, np.ones(3), 0, factors=("A", "B"), named=named)
    part = model.take([2, 0])
    np.testing.assert_array_equal(part.exposures(np.array([1.0, -1.0])), [4.0, 4.0])


def test_most_of_what_comes_in_is_not_refused():
    """So that the property above is about models, not about refusals."""
    made = 0
    for seed in range(40):
        with suppress(BadReturns):
            estimate(nasty(np.random.default_rng(seed), 150, 8))
            made += 1
    assert made > 30
