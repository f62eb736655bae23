"""SciPy's SLSQP on the lots problem: one variable a purchase and one a lot, with exact derivatives.

It has no either-or, so the sides are chosen before: a name is harvested where its losses save more than a round trip
costs, at the rates the year stands at. With the sides known it is as exact as its tolerance; what it takes grows with
the cube of the variables.
"""

import numpy as np

from benchmarks.rebalance.fixed_sides import FixedSides, with_sides
from benchmarks.rebalance.regions import of_trades, rates_of_lots
from rebalancing.optimizer import Problem
from rebalancing.optimizer.objective import cash_after, evaluate
from rebalancing.optimizer.problem import FloatArray, summed

TOLERANCE = 1e-10
ITERATIONS = 1000


def by_rule(problem: Problem) -> FixedSides:
    """Harvest every group whose best loss saves more than selling and buying again costs."""
    region = of_trades(problem, np.zeros(len(problem.lot_weight)))
    round_trip = 2.0 * problem.cost_rates[problem.position_security[problem.lot_position]]
    saves = rates_of_lots(problem, region) < -round_trip
    chosen = problem.lot_is_loss & (problem.lot_sellable > 0.0) & saves
    groups = problem.groups[problem.position_security[problem.lot_position[chosen]]]
    return with_sides(problem, frozenset(groups.tolist()), region)


def solve(fixed: FixedSides, *, in_region: bool) -> tuple[FloatArray, FloatArray]:
    """Buys (m,) and sells (L,) with the sides fixed, from no trade on.

    ``in_region``: stay in the tax region, as the convex solvers must; else the whole tax with its kinks.
    Raises RuntimeError where SLSQP reports a failure.
    """
    from scipy.optimize import LinearConstraint, minimize

    search = _Search(fixed, in_region=in_region)
    found = minimize(
        search.value,
        np.zeros(search.width),
        jac=search.gradient,
        method="SLSQP",
        bounds=[(0.0, float(most)) for most in search.most],
        constraints=[LinearConstraint(search.rows, -np.inf, search.limits)],
        options={"ftol": TOLERANCE, "maxiter": ITERATIONS},
    )
    if not found.success:
        raise RuntimeError(f"SLSQP: {found.message}")
    return search.trades(np.clip(found.x, 0.0, search.most))


class _Search:
    """The open trades as one vector, the objective in fractions of V, its gradient, and linear limits."""

    def __init__(self, fixed: FixedSides, *, in_region: bool) -> None:
        self._fixed, self._in_region = fixed, in_region
        problem = fixed.problem
        self._bought, self._sold = np.flatnonzero(fixed.buy_max), np.flatnonzero(fixed.sell_max)
        self.most = np.concatenate([fixed.buy_max[self._bought], fixed.sell_max[self._sold]])
        self.width = len(self.most)
        position = np.concatenate([self._bought, problem.lot_position[self._sold]])
        self._security = problem.position_security[position]
        self._sign = np.concatenate([np.ones(len(self._bought)), -np.ones(len(self._sold))])
        self._cost = problem.cost_rates[self._security]
        self.rows, self.limits = self._linear_limits(problem.position_account[position])

    def trades(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        problem = self._fixed.problem
        buys, sells = np.zeros(len(problem.weights)), np.zeros(len(problem.lot_weight))
        buys[self._bought], sells[self._sold] = x[: len(self._bought)], x[len(self._bought) :]
        return buys, sells

    def value(self, x: FloatArray) -> float:
        buys, sells = self.trades(x)
        found = evaluate(self._fixed.problem, buys, sells)
        if not self._in_region:
            return found.objective
        return found.objective - found.tax + float(self._tax_rates(x) @ x)

    def gradient(self, x: FloatArray) -> FloatArray:
        problem = self._fixed.problem
        active = problem.start - problem.targets
        active = active + summed(self._security, self._sign * x, len(active))
        exposure = problem.factor_loadings @ (problem.factor_loadings.T @ active)
        marginal = 2.0 * problem.risk_aversion * (exposure + problem.specific_variance * active)
        return np.asarray(
            self._sign * marginal[self._security] + self._cost + self._tax_rates(x)
        )  # fmt: skip

    def _tax_rates(self, x: FloatArray) -> FloatArray:
        """Tax per dollar of each trade at x: none of a purchase."""
        problem = self._fixed.problem
        _, sells = self.trades(x)
        region = self._fixed.region if self._in_region else of_trades(problem, sells)
        return np.concatenate(
            [np.zeros(len(self._bought)), rates_of_lots(problem, region)[self._sold]]
        )

    def _linear_limits(self, account: FloatArray) -> tuple[FloatArray, FloatArray]:
        """rows @ x <= limits: bounds that can bind, every account's cash, and the region."""
        problem = self._fixed.problem
        none = self.trades(np.zeros(self.width))
        cash = cash_after(problem, *none)
        flow = -self._sign - self._cost
        rows, limits = [], []
        for one in range(len(cash)):
            row = np.where(account == one, flow, 0.0)
            rows += [row, -row]
            limits += [problem.cash_max[one] - cash[one], cash[one] - problem.cash_min[one]]
        for security in range(len(problem.targets)):
            row = np.where(self._security == security, self._sign, 0.0)
            start = problem.start[security]
            rows += [row, -row]
            limits += [problem.upper[security] - start, start - problem.lower[security]]
        if self._in_region:
            gain = np.concatenate([np.zeros(len(self._bought)), problem.taxed_gain[self._sold]])
            long = np.concatenate(
                [np.zeros(len(self._bought), np.bool_), problem.lot_is_long[self._sold]]
            )
            tax = problem.tax
            for a, b, limit in self._fixed.region.within:
                rows.append(np.where(long, b, a) * gain)
                limits.append(limit - a * tax.st_realised - b * tax.lt_realised)
        table, ends = np.array(rows), np.array(limits)
        reach = np.maximum(table * self.most, 0.0).sum(axis=1)
        binding = np.isfinite(ends) & (reach > ends)
        return table[binding], ends[binding]
