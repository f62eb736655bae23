"""What the optimiser refuses: bad input by field, and limits that contradict each other by name."""

from dataclasses import replace

import numpy as np
import pytest

from rebalancing.errors import BadProblem, Infeasible
from rebalancing.optimizer import solve
from tests.rebalancing.optimizer.households import (
    ST_GAINS,
    assert_proven,
    household,
    one_security,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": np.array([np.nan])}, r"weights holds nan at 0"),
        ({"weights": np.array([0.3, 0.3])}, "position_account has shape|may_buy has shape"),
        ({"targets": np.array([[0.6]])}, "targets has 2 dimensions"),
        ({"cash": np.array([np.inf])}, "cash holds inf"),
        ({"cost_rates": np.array([-0.001])}, "cost_rates.*negative"),
        ({"specific_variance": np.array([-1.0])}, "specific_variance.*negative"),
        ({"impact": np.array([-1.0])}, "impact.*negative"),
        ({"factor_loadings": np.zeros(1)}, "factor_loadings has 1 dimensions"),
        ({"factor_loadings": np.full((1, 2), np.nan)}, "factor_loadings holds nan"),
        ({"lot_position": np.array([1])}, "lot_position points outside"),
        ({"lot_position": np.array([0.0])}, "lot_position holds float64"),
        ({"position_account": np.array([-1])}, "position_account points outside"),
        ({"lot_sellable": np.array([0.7])}, "lot_sellable.*more than the lot"),
        ({"lot_weight": np.array([0.9]), "lot_sellable": np.array([0.9])}, "position 0 exceed"),
        ({"upper": np.array([-0.1])}, r"lower\[0\] is above upper"),
        ({"buy_floor": np.array([0.2, 0.1])}, "buy_floor has shape"),
        ({"buy_floor": np.array([-0.1])}, "buy_floor.*negative"),
        ({"buy_floor": np.array([np.inf])}, "buy_floor holds inf"),
        ({"buy_cap": np.array([-0.1])}, "buy_cap.*negative"),
        (
            {"buy_floor": np.array([0.2]), "buy_cap": np.array([0.1])},
            r"buy_floor\[0\] is above buy",
        ),
        ({"sell_floor": np.array([0.7])}, r"sell_floor\[0\] is above lot_sellable\[0\]"),
        ({"sell_floor": np.array([np.nan])}, "sell_floor holds nan"),
        ({"cash_min": np.array([2.0])}, r"cash_min\[0\] is above cash_max"),
        ({"may_buy": np.array([2])}, "may_buy"),
        ({"risk_aversion": -1.0}, "risk_aversion"),
        ({"risk_aversion": np.nan}, "risk_aversion"),
        ({"min_trade": "much"}, "min_trade"),
        ({"weights": np.array(["a"])}, "weights does not hold numbers"),
        ({"tax": None}, "TaxSchedule"),
    ],
)
def test_a_bad_problem_names_the_field(changes, words):
    with pytest.raises(BadProblem, match=words) as refused:
        one_security(**changes)
    assert refused.value.code == "bad_problem"


def test_arrays_of_a_problem_are_its_own():
    weights = np.array([0.6])
    problem = one_security(weights=weights)
    weights[0] = 0.9
    assert problem.weights[0] == 0.6
    with pytest.raises(ValueError, match="read-only"):
        problem.weights[0] = 0.5


def two_accounts(**changes):
    """One security held at a loss in a taxable account, beside an account with cash."""
    values = {
        "weights": [0.5, 0.0], "cash": [0.0, 0.5], "cash_min": [0.0, 0.0], "cash_max": [1.0, 1.0],
        "may_buy": [True, True], "lot_weight": [0.5], "lot_sellable": [0.5], "lot_gain": [-0.5],
        "lot_is_long": [False], "lot_is_taxable": [True], "lot_position": [0], "targets": [0.5],
        "lower": [0.0], "upper": [1.0], "tax": ST_GAINS, "risk_aversion": 1.0,
    }  # fmt: skip
    return household(1, n=1, accounts=2, lots=1, **{**values, **changes})


GAIN = {"gains": (0.5,), "tax": ST_GAINS}
CASES = {
    "cash floor": (
        one_security(gains=(0.0,), cash=[0.0], cash_min=[0.7]), "cash floor of account 0",
        "what may be sold",
    ),
    "cash ceiling": (
        one_security(gains=(0.0,), cash_max=[0.1], may_buy=[False]), "cash ceiling of account 0",
        "what may be bought",
    ),
    "lower bound": (
        one_security(gains=(0.0,), lower=[0.8], may_buy=[False]), "lower bound of security 0",
        "what may be bought",
    ),
    "upper bound": (
        one_security(gains=(0.0,), upper=[0.5], lot_sellable=[0.05]), "upper bound of security 0",
        "what may be sold",
    ),
    "short-term gain cap": (
        one_security(**{**GAIN, "tax": replace(ST_GAINS, max_st_gain=0.0)}, cash_min=[0.5]),
        "short-term gain cap", "cash floor of account 0",
    ),
    "long-term gain cap": (
        one_security(
            **{**GAIN, "tax": replace(ST_GAINS, max_lt_gain=0.01)}, cash_min=[0.5],
            lot_is_long=[True],
        ),
        "long-term gain cap", "cash floor of account 0",
    ),
    "tax cap": (
        one_security(**{**GAIN, "tax": replace(ST_GAINS, max_tax=0.001)}, cash_min=[0.5]),
        "tax cap", "cash floor of account 0",
    ),
    "a floor of a blocked buy": (
        one_security(gains=(0.0,), may_buy=[False], buy_floor=[0.1]),
        "least to buy of security 0 in account 0", "what may be bought",
    ),
    "a floor of a buy without cash": (
        one_security(gains=(0.0,), lot_sellable=[0.0], buy_floor=[0.5]),
        "cash floor of account 0|least to buy of security 0 in account 0", "",
    ),
    "a cap of a buy": (
        one_security(gains=(0.0,), lower=[0.7], buy_cap=[0.05]),
        "lower bound of security 0|most to buy of security 0 in account 0", "",
    ),
    "a floor of a sale": (
        one_security(gains=(0.0,), lower=[0.5], sell_floor=[0.3], may_buy=[False]),
        "lower bound of security 0|least to sell of lot 0 of security 0 in account 0", "",
    ),
    "floors that wash each other": (
        two_accounts(sell_floor=[0.3], buy_floor=[0.0, 0.1]),
        "least to buy of security 0 in account 1", "wash-sale rule for security 0",
    ),
    "a sale that washes what must be held": (
        two_accounts(cash_min=[0.2, 0.0], lower=[0.5]), "lower bound of security 0|cash floor of account 0",
        "wash-sale rule for security 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_infeasible_names_the_least_relaxation_and_what_is_in_the_way(case):
    """Each named limit, relaxed by what is said, gives an answer; by a tenth less it does not."""
    problem, conflict, against = CASES[case]
    with pytest.raises(Infeasible, match=conflict) as refused:
        solve(problem)
    error = refused.value
    assert error.code == "infeasible"
    assert len(error.conflicts) == len(error.relaxations) == 1
    assert "short by" in error.conflicts[0]
    assert against in "; ".join([*error.conflicts, *error.against])
    assert against in str(error)
    (relaxation,) = error.relaxations
    relaxed = relaxation.applied_to(problem)
    assert_proven(relaxed, solve(relaxed))
    with pytest.raises(Infeasible):
        solve(replace(relaxation, amount=0.9 * relaxation.amount).applied_to(problem))


def test_contradictory_floors_are_both_named():
    problem, _, _ = CASES["floors that wash each other"]
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    named = [*refused.value.conflicts, *refused.value.against]
    assert any("least to buy of security 0 in account 1" in name for name in named)
    assert any("least to sell of lot 0 of security 0 in account 0" in name for name in named)
    assert all(name in str(refused.value) for name in named)


@pytest.mark.parametrize("seed", range(8))
def test_relaxing_everything_that_is_named_gives_an_answer(seed):
    """Random households with several limits too tight at once."""
    random = np.random.default_rng(seed)
    problem = household(seed, n=5, lots=20)
    problem = problem.replace(
        tax=replace(problem.tax, max_st_gain=-0.01 * random.random(), max_tax=-0.002),
        cash_min=problem.cash + 0.1 * random.random(3), cash_max=np.ones(3),
        lower=problem.targets * 0.9, upper=np.ones(5),
        sell_floor=problem.lot_sellable * (random.random(20) < 0.2),
    )  # fmt: skip
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert refused.value.relaxations
    relaxed = problem
    for relaxation in refused.value.relaxations:
        relaxed = relaxation.applied_to(relaxed)
    assert_proven(relaxed, solve(relaxed))
    shorter = problem
    for relaxation in refused.value.relaxations:
        shorter = replace(relaxation, amount=0.95 * relaxation.amount).applied_to(shorter)
    with pytest.raises(Infeasible):
        solve(shorter)


def test_limits_are_named_by_the_rows_of_the_problem_as_given():
    """The search sorts accounts by what they hold; a message must not."""
    problem = household(2, n=4, lots=16)
    floors = problem.cash_min.copy()
    floors[1] = 2.0
    with pytest.raises(Infeasible, match="cash floor of account 1"):
        solve(problem.replace(cash_min=floors, cash_max=np.full(3, 3.0)))


def test_a_minimum_no_trade_can_reach_is_named():
    problem = one_security(
        weight=0.6, gains=(0.2,), cash=[0.001], cash_min=[0.002], min_trade=0.5,
        lot_sellable=[0.1], may_buy=[False],
    )  # fmt: skip
    with pytest.raises(Infeasible) as refused:
        solve(problem)
    assert refused.value.conflicts == ("smallest trade",)
