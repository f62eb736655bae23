"""Recipes against closed forms, optimality conditions and limits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rebalancing.errors import BadProblem, Infeasible
from rebalancing.model_changes.model_weights import Band, Task, risk_contributions, weights
from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.return_views import View
from rebalancing.risk import RiskModel

Floats = NDArray[np.float64]


def model(loadings: Floats, own: Floats) -> RiskModel:
    return RiskModel(loadings=loadings, specific_variance=own, observations=504)


def diagonal(*variances: float) -> RiskModel:
    return model(np.zeros((len(variances), 1)), np.array(variances))


def task(risk: RiskModel, **more: object) -> Task:
    n = len(risk.specific_variance)
    values: dict[str, object] = {
        "risk": risk,
        "names": [f"S{at}" for at in range(n)],
        "reference": np.full(n, 1.0 / n),
        "total": 1.0,
        "lower": np.zeros(n),
        "upper": np.ones(n),
    }
    return Task(**{**values, **more})  # type: ignore[arg-type]


def any_risk(seed: int, n: int = 12) -> RiskModel:
    rng = np.random.default_rng(seed)
    return model(rng.normal(0.1, 0.1, (n, 3)), rng.uniform(0.005, 0.2, n))


# Minimum variance


def test_uncorrelated_names_weigh_inversely_to_their_variance() -> None:
    found = weights(Recipe.MINIMUM_VARIANCE, task(diagonal(0.04, 0.01, 0.02)))
    inverse = np.array([25.0, 100.0, 50.0])
    assert found == pytest.approx(inverse / inverse.sum(), abs=1e-8)


def test_two_correlated_names_have_the_textbook_weights() -> None:
    # sigma1 = 0.2, sigma2 = 0.3, correlation 0.25: w1 = (s2^2 - r s1 s2) / (s1^2 + s2^2 - 2 r s1 s2)
    shared = 0.25 * 0.2 * 0.3
    risk = model(np.full((2, 1), np.sqrt(shared)), np.array([0.04 - shared, 0.09 - shared]))
    found = weights(Recipe.MINIMUM_VARIANCE, task(risk))
    assert found[0] == pytest.approx((0.09 - shared) / (0.13 - 2 * shared), abs=1e-9)
    assert found.sum() == pytest.approx(1.0, abs=1e-10)


def test_a_name_that_only_adds_variance_gets_nothing() -> None:
    """Highly correlated with a calmer one: the free optimum would sell it short."""
    risk = model(np.array([[0.10], [0.40]]), np.array([0.0001, 0.0001]))
    assert weights(Recipe.MINIMUM_VARIANCE, task(risk)) == pytest.approx([1.0, 0.0], abs=1e-7)


@pytest.mark.parametrize("recipe", [Recipe.MINIMUM_VARIANCE, Recipe.RISK_PARITY, Recipe.EQUAL])
def test_identical_names_weigh_the_same_and_leave_the_cash(recipe: Recipe) -> None:
    risk = model(np.full((5, 1), 0.15), np.full(5, 0.03))
    assert weights(recipe, task(risk, total=0.97)) == pytest.approx([0.194] * 5, abs=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_no_feasible_step_lowers_the_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    risk = any_risk(seed)
    limits = task(risk, total=0.98, upper=np.full(12, 0.2), lower=np.full(12, 0.01))
    found = weights(Recipe.MINIMUM_VARIANCE, limits)
    best = risk.variance(found)
    for _ in range(300):
        other = np.clip(found + rng.normal(0, 0.02, 12), 0.01, 0.2)
        other = np.clip(other * 0.98 / other.sum(), 0.01, 0.2)
        if abs(other.sum() - 0.98) < 1e-12:
            assert risk.variance(other) >= best - 1e-12


def test_bands_of_groups_are_kept_and_bind() -> None:
    energy = np.array([True, True, False, False])
    risk = diagonal(0.01, 0.01, 0.04, 0.04)
    free = weights(Recipe.MINIMUM_VARIANCE, task(risk))
    assert free[energy].sum() == pytest.approx(0.8, abs=1e-8)
    bound = weights(Recipe.MINIMUM_VARIANCE, task(risk, bands=(Band("energy", energy, high=0.5),)))
    assert bound == pytest.approx([0.25] * 4, abs=1e-8)


def test_variances_of_very_different_size_are_no_trouble() -> None:
    found = weights(Recipe.MINIMUM_VARIANCE, task(diagonal(1e-6, 1.0, 1e-4)))
    inverse = np.array([1e6, 1.0, 1e4])
    assert found == pytest.approx(inverse / inverse.sum(), abs=1e-7)


# Risk parity


def test_two_names_weigh_inversely_to_their_volatility_whatever_their_correlation() -> None:
    for shared in (0.0, 0.01, 0.03):
        risk = model(np.full((2, 1), np.sqrt(shared)), np.array([0.04 - shared, 0.09 - shared]))
        found = weights(Recipe.RISK_PARITY, task(risk))
        assert found == pytest.approx([0.6, 0.4], abs=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_every_name_contributes_the_same_risk(seed: int) -> None:
    risk = any_risk(seed, n=20)
    found = weights(Recipe.RISK_PARITY, task(risk, total=0.98))
    parts = risk_contributions(risk, found)
    assert parts / parts.sum() == pytest.approx(np.full(20, 0.05), abs=1e-8)
    assert parts.sum() == pytest.approx(risk.variance(found), rel=1e-12)
    assert found.sum() == pytest.approx(0.98, abs=1e-12)


def test_names_at_a_bound_stay_there_and_the_others_contribute_equally() -> None:
    risk = any_risk(5, n=10)
    free = weights(Recipe.RISK_PARITY, task(risk))
    upper = np.ones(10)
    upper[int(np.argmax(free))] = free.max() / 2
    found = weights(Recipe.RISK_PARITY, task(risk, upper=upper))
    at_bound = int(np.argmax(free))
    assert found[at_bound] == pytest.approx(upper[at_bound])
    parts = np.delete(risk_contributions(risk, found), at_bound)
    assert parts == pytest.approx(np.full(9, parts.mean()), rel=1e-7)
    assert found.sum() == pytest.approx(1.0, abs=1e-10)


def test_parity_that_breaks_a_band_of_a_group_is_refused_by_name() -> None:
    band = Band("energy", np.array([True, True, False]), high=0.5)
    with pytest.raises(Infeasible, match="highest weight of energy"):
        weights(Recipe.RISK_PARITY, task(diagonal(0.04, 0.04, 0.04), bands=(band,)))


# Mean-variance


def test_without_views_the_present_weights_are_the_best() -> None:
    reference = np.random.default_rng(2).dirichlet(np.ones(12))
    found = weights(Recipe.MEAN_VARIANCE, task(any_risk(2), reference=reference))
    assert found == pytest.approx(reference, abs=1e-6)


@pytest.mark.parametrize("price", [0.5, 2.5, 10.0])
def test_without_views_they_are_at_every_price_of_risk(price: float) -> None:
    """The prior and the objective have one price, or the model would creep with every draft."""
    reference = np.random.default_rng(5).dirichlet(np.ones(12)) * 0.97
    asked = task(
        any_risk(5), reference=reference, total=float(reference.sum()), market_risk_price=price
    )
    found = weights(Recipe.MEAN_VARIANCE, asked)
    assert found == pytest.approx(reference, abs=1e-9)
    again = weights(Recipe.MEAN_VARIANCE, replace(asked, reference=found))
    assert again == pytest.approx(reference, abs=1e-9)


def test_a_sober_view_is_no_sale_at_the_markets_price_of_risk() -> None:
    """He and Litterman's 2.5; at the price of active risk the same 8 % is far below what is implied."""
    risk, view = diagonal(0.09, 0.09, 0.09), (View(0, 0.08, 0.5),)
    asked = task(risk, views=view)
    assert asked.market_risk_price == 2.5
    assert weights(Recipe.MEAN_VARIANCE, asked)[0] > 1 / 3  # 2.5 * 0.09 / 3 = 7.5 % is implied
    dear = replace(asked, market_risk_price=10.0)
    # 30 % is implied: half of the way to 8 % sells 11 % / (10 * 0.09) of it, what that frees being shared.
    sold = 0.11 / (10.0 * 0.09) * 2 / 3
    assert weights(Recipe.MEAN_VARIANCE, dear)[0] == pytest.approx(1 / 3 - sold, abs=1e-8)


def test_a_view_moves_its_name_by_what_the_conditions_say() -> None:
    """Uncorrelated, inside all bounds: w = (mu - nu) / (lambda sigma^2), nu from the sum."""
    risk, views = diagonal(0.04, 0.04), (View(0, 0.05, 1.0), View(1, 0.03, 1.0))
    found = weights(Recipe.MEAN_VARIANCE, task(risk, views=views, market_risk_price=5.0))
    # The difference of the weights is (0.05 - 0.03) / (5 * 0.04) = 0.1.
    assert found == pytest.approx([0.55, 0.45], abs=1e-8)


def test_a_better_view_gives_more_weight() -> None:
    risk, at = any_risk(3), 4
    implied = 2.5 * (risk.covariance() @ np.full(12, 1 / 12))[at]
    found = [
        weights(Recipe.MEAN_VARIANCE, task(risk, views=(View(at, implied + more, 0.5),)))[at]
        for more in (-0.01, 0.0, 0.01)
    ]
    assert found[0] < found[1] < found[2]


# Market value


def test_names_weigh_by_their_market_value() -> None:
    values = np.array([2e12, 1e12, 1e12])
    given = task(diagonal(0.01, 0.04, 0.09), market_values=values, total=0.96)
    assert weights(Recipe.MARKET_VALUE, given) == pytest.approx([0.48, 0.24, 0.24], abs=1e-15)
    bound = replace(given, upper=np.array([0.45, 1.0, 1.0]))
    with pytest.raises(
        Infeasible, match=r"market value weights break: highest weight of S0 \(by 3"
    ):
        weights(Recipe.MARKET_VALUE, bound)


@pytest.mark.parametrize("values", [None, [1.0], [1.0, 0.0, 1.0], [1.0, np.nan, 1.0]])
def test_market_values_that_make_no_sense_are_refused(values: Any) -> None:
    given = task(
        diagonal(0.01, 0.04, 0.09), market_values=None if values is None else np.array(values)
    )
    with pytest.raises(BadProblem, match=r"arket.value"):
        weights(Recipe.MARKET_VALUE, given)


# Refusals


def test_limits_that_cannot_be_kept_are_named_with_what_is_missing() -> None:
    with pytest.raises(Infeasible) as found:
        weights(Recipe.MINIMUM_VARIANCE, task(diagonal(0.04, 0.04), upper=np.array([0.3, 0.3])))
    assert "short by 40.00 %" in str(found.value)
    assert all(name.startswith("highest weight of S") for name in found.value.conflicts)


def test_equal_weights_above_a_limit_are_refused_and_not_bent() -> None:
    with pytest.raises(Infeasible, match="equal weights break: highest weight of S1"):
        weights(Recipe.EQUAL, task(diagonal(0.04, 0.04), upper=np.array([1.0, 0.4])))


def test_a_name_without_room_has_no_parity() -> None:
    with pytest.raises(Infeasible, match="S1 may have none"):
        weights(Recipe.RISK_PARITY, task(diagonal(0.04, 0.04), upper=np.array([1.0, 0.0])))


def test_fixed_weights_stay() -> None:
    reference = np.array([0.7, 0.3])
    assert weights(Recipe.FIXED, task(diagonal(0.04, 0.04), reference=reference)) == pytest.approx(
        reference
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reference": np.array([0.5])}, "2 finite numbers"),
        ({"upper": np.array([np.nan, 1.0])}, "2 finite numbers"),
        ({"lower": np.array([-0.1, 0.0])}, "long only"),
        ({"total": 0.0}, "cannot sum"),
        ({"total": 1.2}, "cannot sum"),
        ({"market_risk_price": 0.0}, "market_risk_price"),
        ({"views": (View(7, 0.1, 0.5),)}, "view of row 7"),
        ({"views": (View(0, float("nan"), 0.5),)}, "view of row 0"),
        ({"risk": diagonal(0.04, 0.04, 0.04)}, "2 names"),
        ({"risk": diagonal(0.04, 0.0)}, "specific variance"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadProblem, match=told):
        weights(Recipe.MINIMUM_VARIANCE, replace(task(diagonal(0.04, 0.04)), **change))
