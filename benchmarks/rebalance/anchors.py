"""The two simple functions everybody starts from, written as a textbook would: no lots, no tax, weights only.

``threshold_rebalance`` brings everything back as soon as one name has drifted too far. ``optimal_rebalance`` weighs
active variance against costs with SciPy's SLSQP, its derivatives and tolerances left at their defaults: cost has a
kink at no trade, which SLSQP does not know, and a tolerance of 1e-6 is large beside what there is to gain. Both are
kept this way on purpose: they are what the optimiser is measured against.
"""

import numpy as np

from benchmarks.rebalance.instances import WithoutLots
from rebalancing.optimizer import Problem, TaxSchedule, solve
from rebalancing.optimizer.problem import FloatArray

BAND = 0.05  # points of weight
_ALL = 1.0


def threshold_rebalance(
    current: FloatArray, target: FloatArray, *, band: float = BAND
) -> FloatArray:
    """(n,) weights after trading: the target where any name is more than ``band`` away from it, else as they are."""
    if np.max(np.abs(current - target)) > band:
        return target.copy()
    return current.copy()


def optimal_rebalance(
    current: FloatArray,
    target: FloatArray,
    covariance: FloatArray,
    cost_rates: FloatArray,
    *,
    risk_aversion: float = 1.0,
) -> FloatArray:
    """(n,) weights after trading that minimise ``value``, between 0 and 1 and summing to 1, as SLSQP finds them.

    Raises RuntimeError where SLSQP reports a failure.
    """
    from scipy.optimize import minimize

    found = minimize(
        lambda weights: value(
            weights, current, target, covariance, cost_rates, risk_aversion=risk_aversion
        ),
        current,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(current),
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1.0},
    )
    if not found.success:
        raise RuntimeError(f"SLSQP: {found.message}")
    return np.asarray(found.x, dtype=np.float64)


def value(
    weights: FloatArray,
    current: FloatArray,
    target: FloatArray,
    covariance: FloatArray,
    cost_rates: FloatArray,
    *,
    risk_aversion: float = 1.0,
) -> float:
    """lambda (w - target)' Sigma (w - target) + sum of cost x |w - current|."""
    active = weights - target
    return float(
        risk_aversion * (active @ covariance @ active) + cost_rates @ np.abs(weights - current)
    )


def as_problem(account: WithoutLots, *, risk_aversion: float = 1.0) -> Problem:
    """The same problem for the optimiser, exactly: what it minimises is ``value`` plus ``cost_rates @ current``.

    The optimiser pays costs out of cash, the anchors do not: so costs go where no cash is paid. Holding a name is
    charged its cost (buying adds it, selling saves it), and selling is charged twice the cost as a tax.
    """
    size = len(account.current)
    index = np.arange(size)
    return Problem(
        weights=account.current,
        targets=account.target,
        cash=np.zeros(1),
        cash_min=np.zeros(1),
        cash_max=np.zeros(1),
        factor_loadings=account.loadings,
        specific_variance=account.specific_variance,
        cost_rates=np.zeros(size),
        lower=np.zeros(size),
        upper=np.ones(size),
        may_buy=np.ones(size, dtype=np.bool_),
        lot_weight=account.current,
        lot_sellable=account.current,
        lot_gain=2.0 * account.cost_rates,
        lot_is_long=np.zeros(size, dtype=np.bool_),
        lot_is_taxable=np.ones(size, dtype=np.bool_),
        lot_position=index,
        position_account=np.zeros(size, dtype=np.int64),
        position_security=index,
        tax=TaxSchedule(_ALL, _ALL, 0.0, 0.0, 0.0, _ALL, _ALL),
        risk_aversion=risk_aversion,
        location_cost=account.cost_rates,
    )


def weights_of(problem: Problem) -> FloatArray:
    """(n,) weights after the optimiser's trades of an account without lots."""
    solution = solve(problem)
    return np.asarray(problem.weights + solution.buys - solution.sells)
