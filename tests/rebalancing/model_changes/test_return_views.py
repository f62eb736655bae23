"""Black and Litterman's views against hand calculations, their limits, and whatever hypothesis comes up with."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancing.errors import BadProblem
from rebalancing.model_changes.model_weights import _quadratic, weights
from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.return_views import View, implied, of_views, posterior
from tests.rebalancing.model_changes.test_model_weights import any_risk, diagonal, model, task

# Two names: volatility 20 and 30 %, covariance 0.015; Sigma = [[0.04, 0.015], [0.015, 0.09]].
SHARED = 0.015
TWO = model(np.full((2, 1), np.sqrt(SHARED)), np.array([0.04 - SHARED, 0.09 - SHARED]))
HALVES = np.array([0.5, 0.5])


def test_the_prior_is_what_the_weights_imply() -> None:
    # 2 * (0.04 + 0.015) / 2 and 2 * (0.015 + 0.09) / 2
    assert implied(TWO, HALVES, 2.0) == pytest.approx([0.055, 0.105], abs=1e-15)


@pytest.mark.parametrize("confidence", [0.25, 0.5, 0.9, 1.0])
def test_one_absolute_view_by_hand(confidence: float) -> None:
    """Its own return goes the part c of the way, the other by beta 0.015 / 0.04 of that."""
    found = posterior(TWO, implied(TWO, HALVES, 2.0), [View(0, 0.08, confidence)])
    moved = confidence * (0.08 - 0.055)
    assert found.returns == pytest.approx([0.055 + moved, 0.105 + 0.375 * moved], abs=1e-15)
    # Of the uncertainty of the first name the part c is gone.
    assert found.uncertainty[0, 0] == pytest.approx(0.04 * (1 - confidence), abs=1e-15)
    assert found.uncertainty[1, 1] == pytest.approx(0.09 - confidence * 0.015**2 / 0.04, abs=1e-15)


def test_one_relative_view_by_hand() -> None:
    """The first beats the second by 2 %: implied is -5 %, the difference's variance 0.04 + 0.09 - 2 * 0.015 = 0.1."""
    found = posterior(TWO, implied(TWO, HALVES, 2.0), [View(0, 0.02, 0.5, over=1)])
    # Surprise 0.07, half of it: Sigma p = (0.025, -0.075), so 0.035 * 0.25 and 0.035 * -0.75.
    assert found.returns == pytest.approx([0.055 + 0.00875, 0.105 - 0.02625], abs=1e-15)
    assert of_views(found.returns, [View(0, 0.02, 0.5, over=1)]) == pytest.approx([-0.015])


def test_two_views_on_three_names_by_hand() -> None:
    """Uncorrelated 4, 9 and 1 %^2 a year; the first returns 6 % (c 1/2), the second beats the third by 3 % (c 1/4)."""
    risk, prior = diagonal(0.04, 0.09, 0.01), np.array([0.02, 0.05, 0.01])
    found = posterior(risk, prior, [View(0, 0.06, 0.5), View(1, 0.03, 0.25, over=2)])
    # View 2: surprise 0.03 - 0.04 = -0.01, a quarter of it, shared 9 to 1 by variance.
    assert found.returns == pytest.approx([0.04, 0.05 - 0.00225, 0.01 + 0.00025], abs=1e-15)


def test_correlated_views_follow_the_formula_written_out() -> None:
    """The published formula, with tau 0.05 and inverses, against ours without either."""
    risk, tau = any_risk(4, n=5), 0.05
    sigma, prior = risk.covariance(), implied(risk, np.full(5, 0.2), 3.0)
    views = [View(0, 0.12, 0.3), View(1, 0.01, 0.8, over=3), View(4, 0.02, 0.55)]
    picks = np.array([[1, 0, 0, 0, 0], [0, 1, 0, -1, 0], [0, 0, 0, 0, 1]], dtype=float)
    wanted = np.array([0.12, 0.01, 0.02])
    own = np.diag(picks @ (tau * sigma) @ picks.T)
    omega = np.diag([(1 - one.confidence) / one.confidence for one in views] * own)
    inverse = np.linalg.inv
    precision = inverse(tau * sigma) + picks.T @ inverse(omega) @ picks
    mean = inverse(precision) @ (inverse(tau * sigma) @ prior + picks.T @ inverse(omega) @ wanted)
    found = posterior(risk, prior, views)
    assert found.returns == pytest.approx(mean, abs=1e-12)
    assert tau * found.uncertainty == pytest.approx(inverse(precision), abs=1e-12)


def test_confidence_near_zero_leaves_the_prior_and_one_meets_the_view() -> None:
    risk = any_risk(6, n=6)
    prior = implied(risk, np.full(6, 1 / 6), 5.0)
    views = [View(0, 0.3, 1.0), View(2, 0.05, 1.0, over=4), View(5, -0.2, 1.0)]
    certain = posterior(risk, prior, views)
    assert of_views(certain.returns, views) == pytest.approx([0.3, 0.05, -0.2], abs=1e-12)
    faint = [View(one.row, one.spread, 1e-8, over=one.over) for one in views]
    assert posterior(risk, prior, faint).returns == pytest.approx(prior, abs=1e-7)
    mixed = [views[0], View(2, 0.05, 1e-6, over=4)]
    assert posterior(risk, prior, mixed).returns[0] == pytest.approx(0.3, abs=1e-12)


def test_without_views_the_weights_are_those_of_before_to_the_last_byte() -> None:
    for seed in range(6):
        risk = any_risk(seed)
        reference = np.random.default_rng(seed).dirichlet(np.ones(12)) * 0.97
        given_task = task(
            risk, reference=reference, total=float(reference.sum()), market_risk_price=7.0
        )
        found = weights(Recipe.MEAN_VARIANCE, given_task)
        marginal = (
            risk.loadings @ (risk.loadings.T @ reference) + risk.specific_variance * reference
        )
        before = _quadratic(given_task, 7.0 * marginal / 7.0)
        assert found.tobytes() == before.tobytes()


def test_a_view_that_says_what_is_implied_changes_nothing() -> None:
    reference = np.random.default_rng(9).dirichlet(np.ones(12))
    risk = any_risk(9)
    prior = implied(risk, reference, 2.5)
    views = (View(3, float(prior[3]), 1.0), View(5, float(prior[5] - prior[8]), 0.5, over=8))
    found = weights(Recipe.MEAN_VARIANCE, task(risk, reference=reference, views=views))
    assert found == pytest.approx(reference, abs=1e-6)


def test_a_relative_view_shifts_weight_from_one_name_to_the_other() -> None:
    """He and Litterman: free of limits only the names of the view move, by the same amount."""
    risk = any_risk(2)
    found = weights(Recipe.MEAN_VARIANCE, task(risk, views=(View(1, 0.01, 0.2, over=7),)))
    moved = found - 1 / 12
    assert moved[1] == pytest.approx(-moved[7], abs=1e-8)
    assert np.delete(moved, [1, 7]) == pytest.approx(np.zeros(10), abs=1e-8)


@pytest.mark.parametrize(
    ("views", "told"),
    [
        ([View(3, 0.1, 0.5)], "none of 2 names"),
        ([View(-1, 0.1, 0.5)], "none of 2 names"),
        ([View(0, 0.1, 0.5, over=2)], "none of 2 names"),
        ([View(1, 0.1, 0.5, over=1)], "none of 2 names"),
        ([View(0, 8.0, 0.5)], "return of 8.0"),
        ([View(0, float("inf"), 0.5)], "return of inf"),
        ([View(0, 0.1, 0.0)], "confidence 0.0"),
        ([View(0, 0.1, 1.01)], "confidence 1.01"),
        ([View(0, 0.1, float("nan"))], "confidence nan"),
        ([View(0, 0.1, 0.5), View(0, 0.2, 0.5)], "follows from the others"),
        ([View(0, 0.1, 0.5, over=1), View(1, 0.1, 0.5, over=0)], "follows from the others"),
        ([View(0, 0.1, 0.5), View(1, 0.1, 0.5), View(0, 0.1, 0.5, over=1)], "3 views on 2 names"),
    ],
)  # fmt: skip
def test_views_that_make_no_sense_are_refused(views: list[View], told: str) -> None:
    with pytest.raises(BadProblem, match=told):
        posterior(TWO, np.zeros(2), views)


def test_a_circle_of_relative_views_is_refused() -> None:
    views = [View(0, 0.1, 0.5, over=1), View(1, 0.1, 0.5, over=2), View(0, 0.1, 0.5, over=2)]
    with pytest.raises(BadProblem, match="follows from the others"):
        posterior(any_risk(1, n=4), np.zeros(4), views)


@st.composite
def situations(draw: Any) -> tuple[Any, Any, list[View]]:
    """A risk model of 2 to 8 names, weights, and independent views: a forest over the names and cash."""
    n = draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([1e-3, 1.0, 10.0]))
    risk = model(size * rng.normal(0.1, 0.1, (n, 3)), size**2 * rng.uniform(1e-4, 0.2, n))
    order, views = list(rng.permutation(n)), []
    for place, row in enumerate(order):
        if draw(st.booleans()):
            other = draw(st.integers(-1, place - 1))
            spread = draw(st.floats(-0.5, 0.5, allow_nan=False))
            confidence = draw(st.floats(1e-8, 1.0))
            over = None if other < 0 else int(order[other])
            views.append(View(int(row), spread, confidence, over=over))
    return risk, rng.dirichlet(np.ones(n)), views


@settings(max_examples=150, deadline=None)
@given(situations())
def test_the_posterior_is_finite_and_its_uncertainty_never_grows(case: Any) -> None:
    risk, held, views = case
    prior = implied(risk, held, 4.0)
    found = posterior(risk, prior, views)
    sigma = risk.covariance()
    size = float(np.linalg.eigvalsh(sigma)[-1])
    assert np.all(np.isfinite(found.returns))
    assert np.all(np.isfinite(found.uncertainty))
    assert np.linalg.eigvalsh(found.uncertainty)[0] >= -1e-10 * size
    assert np.linalg.eigvalsh(sigma - found.uncertainty)[0] >= -1e-10 * size
    said, was = of_views(found.returns, views), of_views(prior, views)
    if len(views) == 1:
        (view,) = views
        assert said[0] == pytest.approx(was[0] + view.confidence * (view.spread - was[0]), abs=1e-9)
