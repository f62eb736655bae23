"""A horizon for each security: the rule, its limits, and that the problem, the worth and the words agree on it."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest

from lots.types import Term
from rebalancing.backtest.book import HALF_SPREAD
from rebalancing.backtest.optimum import Optimum
from rebalancing.optimizer import solve
from rebalancing.policies import policy_words
from rebalancing.policies.policy import Horizon
from rebalancing.risk import RiskModel
from rebalancing.telling import explanation
from rebalancing.telling.amounts import cents
from rebalancing.trades import arrays, horizons, measures
from rebalancing.trades.best_trades import best_trades
from rebalancing.transition.schedule import Caps
from rebalancing.transition.tracking_first import TrackingFirst
from rebalancing.types import HouseholdState
from tests.rebalancing.backtest.markets import real
from tests.rebalancing.states import LIMITS, account, lot, risk, state

BY_NAME = replace(LIMITS, horizon=Horizon.BY_NAME)
UNEVEN = RiskModel(
    loadings=np.array([[0.10], [0.20], [0.30]]),
    specific_variance=np.array([0.01, 0.04, 0.16]),
    observations=504,
)


def household(
    *, is_taxable: bool = False, basis: str = "30000", **changes: object
) -> HouseholdState:
    """$100,000 in three securities of the model, off their targets, and $3,000 of cash."""
    values: dict[str, object] = {
        "accounts": (account(1, "3000", is_taxable=is_taxable),),
        "lots": tuple(
            lot(number, shares, basis, opening=number, is_taxable=is_taxable, term=Term.LONG)
            for number, shares in ((1, "450"), (2, "300"), (3, "220"))
        ),
        "prices": {1: "100", 2: "100", 3: "100"},
        "targets": {1: "0.33", 2: "0.32", 3: "0.32"},
        "limits": BY_NAME,
    }  # fmt: skip
    return state(**{**values, **changes})  # type: ignore[arg-type]


def years_of(start: HouseholdState, model: RiskModel = UNEVEN) -> np.ndarray:
    years = arrays.build(start, model)[1].years
    assert years is not None
    return years


def rule(**changes: object) -> np.ndarray:
    values: dict[str, object] = {
        "costs": np.array([0.0005]), "risk_price": 10.0, "targets": np.array([0.05]),
        "drift": np.array([0.3]), "otherwise": 1.0,
    }  # fmt: skip
    return horizons.years(**{**values, **changes})  # type: ignore[arg-type]


def test_the_rule_in_years() -> None:
    """b^3 = 3 x 0.0005 / (4 x 10 x 0.05) = 0.00075, b = 0.09086; H = 2 b^2 / (3 x 0.09)."""
    assert rule()[0] == pytest.approx(2 * 0.00075 ** (2 / 3) / 0.27)
    assert rule(drift=np.array([0.6]))[0] == pytest.approx(rule()[0] / 4)
    assert rule(costs=np.array([0.004]))[0] == pytest.approx(rule()[0] * 4)  # 8 times as dear
    assert rule(risk_price=80.0)[0] == pytest.approx(rule()[0] / 4)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"costs": np.zeros(1)}, horizons.SHORTEST),
        ({"drift": np.zeros(1)}, horizons.LONGEST),
        ({"risk_price": 1e-12}, horizons.LONGEST),
        ({"risk_price": 1e12}, horizons.SHORTEST),
        ({"targets": np.array([1e-12])}, horizons.LONGEST),
        ({"targets": np.zeros(1)}, 1.0),  # not in the model: what the policy says
        ({"targets": np.zeros(1), "otherwise": 99.0}, horizons.LONGEST),
        ({"targets": np.zeros(1), "otherwise": 0.0}, horizons.SHORTEST),
        ({"risk_price": 0.0}, 1.0),
    ],
)
def test_no_horizon_is_nothing_or_without_end(changes: dict[str, object], expected: float) -> None:
    assert rule(**changes)[0] == pytest.approx(expected)


def test_relative_volatility_is_that_of_the_return_less_the_targets() -> None:
    found = horizons.Risk(UNEVEN.loadings, UNEVEN.specific_variance)
    targets = np.array([0.5, 0.3, 0.1])  # a tenth is cash
    apart = np.eye(3) - targets
    expected = [UNEVEN.tracking_error(row) for row in apart]
    assert horizons.relative_volatility(found, targets) == pytest.approx(expected)


def test_a_quiet_security_counts_longer_than_a_lively_one() -> None:
    calm, middle, lively = years_of(household())
    assert calm > middle
    assert lively < middle


def test_the_risk_that_is_solved_is_positive_and_weighs_every_security() -> None:
    problem, index = arrays.build(household(), UNEVEN)
    covariance = problem.factor_loadings @ problem.factor_loadings.T + np.diag(
        problem.specific_variance
    )
    assert np.linalg.eigvalsh(covariance).min() > 0.0
    roots = np.sqrt(years_of(household()))
    asked = 10.0 * roots[:, None] * UNEVEN.covariance() * roots
    assert problem.risk_aversion * covariance == pytest.approx(asked)
    assert index.risk is UNEVEN


def test_with_one_horizon_for_all_it_is_the_old_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizons, "by_name", lambda problem, targets, otherwise: np.full(3, 0.25))
    ours, _ = arrays.build(household(), UNEVEN)
    monthly = replace(LIMITS, horizon_years=D("0.25"))
    theirs, index = arrays.build(household(limits=monthly), UNEVEN)
    assert ours.risk_aversion == pytest.approx(theirs.risk_aversion)
    assert ours.factor_loadings == pytest.approx(theirs.factor_loadings)
    assert ours.specific_variance == pytest.approx(theirs.specific_variance)
    assert index.years is None
    ours_found = best_trades(household(), UNEVEN)
    theirs_found = best_trades(household(limits=monthly), UNEVEN)
    assert ours_found.trades == theirs_found.trades
    assert float(ours_found.worth.avoided) == pytest.approx(
        float(theirs_found.worth.avoided), abs=0.01
    )


def test_gains_draw_every_horizon_out_and_losses_none() -> None:
    free, gains = years_of(household()), years_of(household(is_taxable=True, basis="9000"))
    assert np.all(gains > free)
    losses = household(is_taxable=True, basis="60000")
    assert years_of(losses) == pytest.approx(free)


def test_the_tax_of_a_correction_is_the_mean_over_what_is_held() -> None:
    start = household(is_taxable=True, basis="9700")
    problem, _ = arrays.build(start, UNEVEN)
    gain = 97_000 - 3 * 9_700  # dollars, at 23.8 %
    expected = problem.cost_rates + 0.238 * gain / 97_000
    assert horizons.correction_costs(problem) == pytest.approx(expected)


def test_what_is_avoided_is_what_the_solved_objective_saves() -> None:
    """T40: avoided less this year's cost and tax is the fall of the optimiser's own objective, in dollars."""
    start = household()
    problem, index = arrays.build(start, UNEVEN)
    found = best_trades(start, UNEVEN)
    fall = measures.objective((), problem, index) - measures.objective(found.trades, problem, index)
    linear = sum(trade.amount * start.half_spreads[trade.security] for trade in found.trades)
    assert found.trades
    assert float(found.worth.avoided - linear) == pytest.approx(float(fall), abs=0.01)
    assert found.worth.is_worth_it


def test_the_parts_add_up_to_what_is_avoided_and_are_told() -> None:
    start = household()
    found = best_trades(start, UNEVEN)
    assert sum(one.avoided for one in found.lasting) == found.worth.avoided
    rows = explanation.horizons(found, start.symbols)
    assert sum(D(row["dollars"]) for row in rows) == explanation_cents(found.worth.avoided)
    assert {row["name"] for row in rows} >= {
        start.symbols[trade.security] for trade in found.trades
    }
    one = best_trades(household(limits=LIMITS), UNEVEN)
    assert one.lasting == ()
    assert explanation.horizons(one, start.symbols) == []


def explanation_cents(amount: D) -> D:
    return D(cents(amount))


def test_figures_of_tracking_error_stay_yearly_and_the_bound_holds() -> None:
    start = household()
    found = best_trades(start, UNEVEN)
    _, index = arrays.build(start, UNEVEN)
    active = measures.active_weights(index, start.holdings())
    assert float(found.risk_before) == pytest.approx(UNEVEN.tracking_error(active), abs=1e-8)
    problem, _ = arrays.build(start, UNEVEN)
    assert solve(problem).bound <= solve(problem).objective + 1e-12


def test_a_transition_asks_for_the_model_and_tells_its_worth_by_name() -> None:
    start = household()
    found = TrackingFirst(UNEVEN, (1, 2, 3))(start, Caps())
    far = TrackingFirst(UNEVEN, (1, 2, 3))(household(limits=LIMITS), Caps())
    assert found.trades == far.trades
    assert found.risk_after == far.risk_after
    assert sum(one.avoided for one in found.lasting) == found.worth.avoided
    assert found.worth.per_year == far.worth.per_year


def test_the_backtests_problem_is_the_products_for_the_same_account() -> None:
    """An account that pays no tax, 20 names at 5 basis points: the study's problem and the product's."""
    study, day = Optimum(real(), 10.0), 2000
    weights = np.array([0.04, 0.06] * 10)
    study(day, weights)
    asked = study.problem(weights, study._lots(weights, day))
    numbers = range(1, 21)
    start = state(
        accounts=(account(1, "0", is_taxable=False),),
        lots=tuple(
            lot(number, str(int(weight * 1e4)), "1", opening=number, is_taxable=False)
            for number, weight in zip(numbers, weights, strict=True)
        ),
        prices=dict.fromkeys(numbers, "100"),
        targets=dict.fromkeys(numbers, "0.05"),
        limits=BY_NAME,
    )
    start = replace(start, half_spreads=dict.fromkeys(numbers, D(str(HALF_SPREAD))))
    model = RiskModel(study._risk.loadings, study._risk.specific, 503)
    ours, _ = arrays.build(start, model)
    assert ours.weights == pytest.approx(asked.weights)
    assert ours.cost_rates == pytest.approx(asked.cost_rates)
    assert ours.risk_aversion == pytest.approx(asked.risk_aversion)
    assert ours.factor_loadings == pytest.approx(asked.factor_loadings)
    assert ours.specific_variance == pytest.approx(asked.specific_variance)


@pytest.mark.parametrize(
    ("years", "words"),
    [("0.004", "1 day"), ("0.0605", "22 days"), ("0.5", "6 months"), ("2.5", "2.5 years")],
)
def test_a_span_in_words(years: str, words: str) -> None:
    assert policy_words.span(D(years)) == words


def test_the_policy_says_that_each_security_counts_by_itself() -> None:
    told = " ".join(policy_words.sentences(BY_NAME))
    assert "counted for each security by itself" in told
    assert "outside the model counts over a year" in told
    assert policy_words.over_horizon(BY_NAME) == "each security's own horizon"
    assert policy_words.over_horizon(LIMITS) == "a year"


def test_equal_securities_have_equal_horizons() -> None:
    found = years_of(household(targets={1: "0.3", 2: "0.3", 3: "0.3"}), risk(3))
    assert found == pytest.approx(np.full(3, found[0]))
