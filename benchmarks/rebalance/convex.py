"""The lots problem as anybody would write it in cvxpy: vectors, a dense covariance, one model after the other.

Three ways of the either-or of a wash sale: given (``solve_fixed``), left out (``solve_plain``: its trades break the
rule, its value is only a bound), or a binary a group, for SCIP (``solve_with_scip``). Every tax region that can be
reached is a model of its own and the best one counts, so netting is exact. The binaries have big-M limits, and no
perspective cones: those are ours.
"""

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.rebalance.fixed_sides import FixedSides, most_bought
from benchmarks.rebalance.regions import Region, rates_of_lots, reachable
from rebalancing.optimizer import Problem
from rebalancing.optimizer.problem import FloatArray, IntArray

BASIS_POINTS = 1e4
PERCENT = 100.0
_OF_THE_PROCESSOR = 1
_STOPPED = ("optimal", "optimal_inaccurate")
_CLOSED = 1e-4  # basis points by which SCIP may stop early


@dataclass(frozen=True)
class Found:
    """Trades, the value the solver claims for them and its bound, in fractions of V; ``proven`` within its gap."""

    buys: FloatArray
    sells: FloatArray
    claimed: float
    bound: float
    proven: bool


def solve_fixed(fixed: FixedSides) -> Found:
    """One convex model. Raises RuntimeError where Clarabel has no answer."""
    model = _Model(fixed.problem, fixed.region, fixed.buy_max, fixed.sell_max, dense=True)
    return model.solved()


def solve_plain(problem: Problem) -> Found:
    """The relaxation without the either-or: what it sells at a loss it may buy back."""
    found = []
    for region in reachable(problem):
        model = _Model(problem, region, most_bought(problem), problem.lot_sellable, dense=True)
        try:
            found.append(model.solved())
        except RuntimeError:  # nothing ends in that region
            continue
    return min(found, key=lambda one: one.claimed)


def solve_with_scip(problem: Problem, *, seconds: float) -> Found | None:
    """Branch and bound over a binary a group, ``seconds`` of the processor in all; None where none were found in it."""
    deadline = time.process_time() + seconds
    regions = reachable(problem)
    found: list[Found] = []
    proven, bound = True, np.inf
    for place, region in enumerate(regions):
        left = (deadline - time.process_time()) / (len(regions) - place)
        model = _Model(problem, region, most_bought(problem), problem.lot_sellable, dense=False)
        model.decide()
        answer = model.branched(max(left, 0.1))
        if answer is None:
            proven = proven and model.is_empty
            bound = bound if model.is_empty else -np.inf
            continue
        found.append(answer)
        proven, bound = proven and answer.proven, min(bound, answer.bound)
    if not found:
        return None
    best = min(found, key=lambda one: one.claimed)
    return Found(best.buys, best.sells, best.claimed, bound, proven)


class _Model:
    """Weights in per cent and the objective in basis points for SCIP, whose tolerances are absolute; else fractions."""

    def __init__(
        self,
        problem: Problem,
        region: Region,
        buy_max: FloatArray,
        sell_max: FloatArray,
        *,
        dense: bool,
    ) -> None:
        import cvxpy as cp  # takes seconds

        self._cp: Any = cp
        self._problem = problem
        self._scale = 1.0 if dense else PERCENT
        self._buy_max, self._sell_max = buy_max * self._scale, sell_max * self._scale
        self._buys: Any = cp.Variable(len(buy_max))
        self._sells: Any = cp.Variable(len(sell_max))
        self._limits: list[Any] = [
            self._buys >= 0.0,
            self._buys <= self._buy_max,
            self._sells >= 0.0,
            self._sells <= self._sell_max,
        ]
        self.is_empty = False
        self._bound_holdings()
        self._bound_cash()
        self._objective = self._risk(dense=dense) + self._linear(region)

    def solved(self) -> Found:
        """With Clarabel."""
        model = self._cp.Problem(self._cp.Minimize(self._objective), self._limits)
        model.solve(solver=self._cp.CLARABEL)
        if model.status not in _STOPPED:
            raise RuntimeError(f"Clarabel: {model.status}")
        return self._found(float(model.value), float(model.value), proven=True)

    def decide(self) -> None:
        """A binary for every group that may be bought and sold at a loss, and every trade with a smallest size."""
        self._decide_trades()
        problem = self._problem
        ranks = np.arange(problem.group_count)
        loss = problem.lot_is_loss & (self._sell_max > 0.0)
        bought = np.isin(ranks, problem.position_group[self._buy_max > 0.0])
        either = np.flatnonzero(bought & np.isin(ranks, problem.lot_group[loss]))
        if not len(either):
            return
        harvest = self._cp.Variable(len(either), boolean=True)
        place = np.full(len(ranks), -1)
        place[either] = np.arange(len(either))
        at = np.flatnonzero(place[problem.position_group] >= 0)
        side = harvest[place[problem.position_group[at]]]
        self._limits.append(self._buys[at] <= self._cp.multiply(self._buy_max[at], 1.0 - side))
        lots = np.flatnonzero(loss & (place[problem.lot_group] >= 0))
        side = harvest[place[problem.lot_group[lots]]]
        self._limits.append(self._sells[lots] <= self._cp.multiply(self._sell_max[lots], side))

    def _decide_trades(self) -> None:
        problem, size = self._problem, len(self._problem.weights)
        smallest = self._scale * problem.min_trade
        if not smallest:
            return
        bought, sold = (self._cp.Variable(size, boolean=True) for _ in range(2))
        sells = _incidence(problem.lot_position, size) @ self._sells
        most_sold = np.bincount(problem.lot_position, self._sell_max, size)
        self._limits += [
            self._buys >= smallest * bought,
            self._buys <= self._cp.multiply(self._buy_max, bought),
            sells >= smallest * sold,
            sells <= self._cp.multiply(most_sold, sold),
            bought + sold <= 1,
        ]

    def branched(self, seconds: float) -> Found | None:
        """With SCIP on one thread."""
        cp = self._cp
        unit = BASIS_POINTS / self._scale  # of the objective: basis points
        model = cp.Problem(cp.Minimize(unit * self._objective), self._limits)
        options = {
            "limits/time": seconds,
            "timing/clocktype": _OF_THE_PROCESSOR,
            "limits/absgap": _CLOSED,
            "numerics/feastol": 1e-7,
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", UserWarning
                )  # of a gap or a time limit, which are asked for
                model.solve(solver=cp.SCIP, scip_params=options)
        except cp.SolverError:
            return None
        if model.status not in _STOPPED:
            self.is_empty = model.status == "infeasible"
            return None
        scip = model.solver_stats.extra_stats["model"]
        offset = float(model.value) - scip.getObjVal()
        bound = (scip.getDualbound() + offset) / BASIS_POINTS
        return self._found(
            float(model.value) / BASIS_POINTS, bound, proven=scip.getStatus() in ("optimal", "gaplimit")
        )  # fmt: skip

    def _found(self, claimed: float, bound: float, *, proven: bool) -> Found:
        """Trades without the solver's dust: inside their limits, one-sided where that was asked for."""
        buys = np.clip(self._buys.value, 0.0, self._buy_max) / self._scale
        sells = np.clip(self._sells.value, 0.0, self._sell_max) / self._scale
        return Found(buys, sells, claimed, bound, proven)

    def _active(self) -> Any:
        """(n,) active weights after the trades."""
        problem, scale = self._problem, self._scale
        size = len(problem.targets)
        bought = _incidence(problem.position_security, size) @ self._buys
        sold = _incidence(problem.position_security[problem.lot_position], size) @ self._sells
        return scale * (problem.start - problem.targets) + bought - sold

    def _bound_holdings(self) -> None:
        problem, scale, active = self._problem, self._scale, self._active()
        for bound, way in ((problem.upper, 1.0), (problem.lower, -1.0)):
            at = np.flatnonzero(np.isfinite(bound))
            if len(at):
                limit = scale * way * (bound - problem.targets)[at]
                self._limits.append(way * active[at] <= limit)

    def _bound_cash(self) -> None:
        problem, scale = self._problem, self._scale
        rate = problem.cost_rates[problem.position_security]
        accounts = len(problem.cash)
        by_lot = problem.position_account[problem.lot_position]
        raised = self._cp.multiply(1.0 - rate[problem.lot_position], self._sells)
        spent = self._cp.multiply(1.0 + rate, self._buys)
        end = (
            scale * problem.cash
            + _incidence(by_lot, accounts) @ raised
            - _incidence(problem.position_account, accounts) @ spent
        )
        self._limits += [end >= scale * problem.cash_min, end <= scale * problem.cash_max]

    def _risk(self, *, dense: bool) -> Any:
        """In the unit of the weights: lambda d' Sigma d / scale."""
        cp, problem, active = self._cp, self._problem, self._active()
        price = problem.risk_aversion / self._scale
        if dense:
            loadings = problem.factor_loadings
            covariance = loadings @ loadings.T + np.diag(problem.specific_variance)
            return price * cp.quad_form(active, cp.psd_wrap(covariance))
        own = cp.multiply(np.sqrt(problem.specific_variance), active)
        return price * (
            cp.sum_squares(problem.factor_loadings.T @ active) + cp.sum_squares(own)
        )  # fmt: skip

    def _linear(self, region: Region) -> Any:
        """Costs, and the tax of one region with the limits that keep the year inside it."""
        problem, scale, tax = self._problem, self._scale, self._problem.tax
        long = problem.lot_is_long
        short_total = (
            scale * tax.st_realised + np.where(long, 0.0, problem.taxed_gain) @ self._sells
        )
        long_total = scale * tax.lt_realised + np.where(long, problem.taxed_gain, 0.0) @ self._sells
        self._limits += [
            a * short_total + b * long_total <= scale * limit for a, b, limit in region.within
        ]
        before = tax.year_tax(tax.st_realised, tax.lt_realised)
        constant = (
            region.short * tax.st_realised + region.long * tax.lt_realised + region.constant - before
        )  # fmt: skip
        rate = problem.cost_rates[problem.position_security]
        per_lot = rate[problem.lot_position] + rates_of_lots(problem, region)
        return rate @ self._buys + per_lot @ self._sells + scale * constant


def _incidence(rows: IntArray, count: int) -> sparse.csr_array:
    """(count, len(rows)) matrix that sums entries by row."""
    size = len(rows)
    return sparse.csr_array((np.ones(size), (rows, np.arange(size))), shape=(count, size))
