"""The optimiser's convex subproblem in cvxpy: the readable model, and the oracle of `conic`.

Written straight from the mathematics, in fractions of V, and solved by cvxpy's own route; the
direct path is held to it in tests. Never import cvxpy at the top: it takes seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rebalancing.optimizer.problem import FloatArray, IntArray
from rebalancing.optimizer.subproblem import BASIS_POINTS, Outcome, Status, Subproblem

_STATUS = {
    "optimal": Status.OPTIMAL,
    "infeasible": Status.INFEASIBLE,
    "unbounded": Status.UNBOUNDED,
    "user_limit": Status.TIMEOUT,
}
# cvxpy reports no rigorous bound; its value is trusted to this much (fractions of V).
_TRUST = 1e-8


def solve_cvxpy(sub: Subproblem, time_limit: float | None) -> Outcome:
    """One subproblem through cvxpy; the same contract as `conic.solve_conic`."""
    import cvxpy as cp

    model = _Model(cp, sub)
    program: Any = cp.Problem(cp.Minimize(BASIS_POINTS * model.objective), model.constraints)
    options = {} if time_limit is None else {"time_limit": time_limit}
    try:
        program.solve(solver=cp.CLARABEL, **options)
    except cp.SolverError:
        return model.outcome(Status.INACCURATE, -np.inf)
    status = _STATUS.get(program.status, Status.INACCURATE)
    if status is Status.TIMEOUT and time_limit is None:  # out of iterations, then
        status = Status.INACCURATE
    if status is not Status.OPTIMAL:
        return model.outcome(status, -np.inf)
    bound = float(program.value) / BASIS_POINTS - _TRUST
    return model.outcome(status if np.isfinite(bound) else Status.INACCURATE, bound)


def _incidence(rows: IntArray, count: int) -> sparse.csr_array:
    """(count, len(rows)) matrix that sums entries by row."""
    size = len(rows)
    return sparse.csr_array((np.ones(size), (rows, np.arange(size))), shape=(count, size))


class _Model:
    """Variables per side: buys only on the buy side, loss sells only on the harvest side."""

    def __init__(self, cp: Any, sub: Subproblem) -> None:
        self.cp, self.sub = cp, sub
        problem = sub.problem
        m, lots, groups = len(problem.weights), len(problem.lot_weight), np.unique(problem.groups)
        self.buys = cp.Variable(m)
        self.sells = cp.Variable(lots)
        self.gain_sells = cp.Variable(lots)  # part of the sells on the buy side
        self.z = cp.Variable(len(groups))
        self.open = np.isin(np.arange(len(groups)), sub.undecided)
        self.constraints: list[Any] = []
        self.caps: list[Any] = []
        self._limit_trades()
        self.objective = self._risk_and_impact() + self._linear() + self._tax()
        self._limit_cash_and_joint()

    def outcome(self, status: Status, bound: float) -> Outcome:
        sub = self.sub
        buys, sells = sub.buy_min, sub.sell_min
        harvest = np.full(len(sub.undecided), 0.5)
        if status is Status.OPTIMAL:
            buys = np.clip(self.buys.value, sub.buy_min, sub.buy_max)
            sells = np.clip(self.sells.value, sub.sell_min, sub.sell_max)
            harvest = np.clip(self.z.value[list(sub.undecided)], 0.0, 1.0)
        return Outcome(status, bound, buys, sells, harvest, self._cap_prices(status))

    def _cap_prices(self, status: Status) -> tuple[float, ...]:
        if status is not Status.OPTIMAL:
            return (0.0,) * len(self.caps)
        return tuple(
            0.0 if cap is None else max(float(cap.dual_value), 0.0) / BASIS_POINTS
            for cap in self.caps
        )

    def _limit_trades(self) -> None:
        sub, problem = self.sub, self.sub.problem
        buy_cap = np.where(np.isfinite(sub.buy_max), sub.buy_max, 0.0)
        bounded = np.flatnonzero(np.isfinite(sub.buy_max))
        split_buy, split_lot = self.open[problem.position_group], self.open[problem.lot_group]
        loss = problem.lot_is_loss
        on_buy_side = self.cp.multiply(split_buy, self.z[problem.position_group])
        limits = [
            self.buys >= sub.buy_min,
            self.sells >= sub.sell_min,
            self.sells <= sub.sell_max,
            self.gain_sells >= 0.0,
            self.z >= 0.0,
            self.z <= 1.0,
            self.z[np.flatnonzero(~self.open)] == 0.0,
            self.gain_sells
            <= self.cp.multiply(
                np.where(split_lot & ~loss, sub.sell_max, 0.0), 1.0 - self.z[problem.lot_group]
            ),
            self.gain_sells <= self.sells,
        ]
        if len(bounded):
            limits.append(
                self.buys[bounded] <= self.cp.multiply(buy_cap[bounded], 1.0 - on_buy_side[bounded])
            )
        split = np.flatnonzero(split_lot)
        if len(split):
            harvested = self.cp.multiply(sub.sell_max[split], self.z[problem.lot_group[split]])
            harvest_sells = (self.sells - self.gain_sells)[split]
            limits.append(harvest_sells <= harvested)
            least, z = sub.sell_min[split], self.z[problem.lot_group[split]]
            limits.append(harvest_sells >= self.cp.multiply(least, z))
            limits.append(self.gain_sells[split] >= self.cp.multiply(least, 1.0 - z))
        self.constraints += limits

    def _risk_and_impact(self) -> Any:
        """Each security's active weight, split into its two sides where undecided."""
        cp, problem = self.cp, self.sub.problem
        n = len(problem.targets)
        by_position = _incidence(problem.position_security, n)
        by_lot = _incidence(problem.position_security[problem.lot_position], n)
        split = self.open[problem.group_ranks]
        share = cp.multiply(split, self.z[problem.group_ranks])  # of the start on harvest side
        flows = (  # harvest side (unused unless split), then buy side
            -by_lot @ (self.sells - self.gain_sells),
            by_position @ self.buys - by_lot @ self.gain_sells,
        )
        whole = flows[0] + flows[1]
        start = problem.start - problem.targets
        active = start + whole
        self.after = active + problem.targets
        price = problem.risk_aversion
        exposure = problem.factor_loadings.T @ active
        own = np.sqrt(problem.specific_variance)
        closed = np.flatnonzero(~split)
        total = price * cp.sum_squares(exposure)
        total += price * cp.sum_squares(cp.multiply(own, active)[closed])
        self._limit_bounds(active, closed, None)
        total += self._impact(whole, closed, None)
        for flow, part in ((flows[0], share), (flows[1], 1.0 - share)):
            side = cp.multiply(start, part) + flow
            self._limit_bounds(side, np.flatnonzero(split), part)
            for i in np.flatnonzero(split):
                total += price * cp.quad_over_lin(own[i] * side[i], part[i])
            total += self._impact(flow, np.flatnonzero(split), part)
        return total

    def _impact(self, flow: Any, chosen: IntArray, part: Any) -> Any:
        """eta |x|^(3/2) of a net trade, or its perspective z (|x| / z)^(3/2) on one side."""
        cp, impact = self.cp, self.sub.problem.impact
        if impact is None or not len(chosen):
            return 0.0
        if part is None:
            return impact[chosen] @ cp.power(cp.abs(flow[chosen]), 1.5)
        top = cp.Variable(len(chosen))
        self.constraints.append(cp.PowCone3D(top, part[chosen], flow[chosen], 2.0 / 3.0))
        return impact[chosen] @ top

    def _limit_bounds(self, active: Any, chosen: IntArray, part: Any) -> None:
        problem = self.sub.problem
        for bound, way in ((problem.upper, 1.0), (problem.lower, -1.0)):
            kept = chosen[np.isfinite(bound[chosen])]
            if len(kept):
                limit = way * (bound - problem.targets)[kept]
                if part is not None:
                    limit = self.cp.multiply(limit, part[kept])
                self.constraints.append(way * active[kept] <= limit)

    def _linear(self) -> Any:
        """Half spreads, commissions, asset location and later tax."""
        problem = self.sub.problem
        rate = problem.cost_rates[problem.position_security]
        place: FloatArray = np.zeros(len(problem.weights))
        if problem.location_cost is not None:
            place = problem.location_cost
        per_lot = (rate - place)[problem.lot_position] + problem.taxed_later
        return (rate + place) @ self.buys + per_lot @ self.sells + float(place @ problem.weights)

    def _limit_cash_and_joint(self) -> None:
        problem = self.sub.problem
        rate = problem.cost_rates[problem.position_security]
        by_account = _incidence(problem.position_account, len(problem.cash))
        by_lot = _incidence(problem.lot_position, len(problem.weights))
        flow = self.cp.multiply(1.0 - rate, by_lot @ self.sells)
        end = problem.cash + by_account @ (flow - self.cp.multiply(1.0 + rate, self.buys))
        ceiling = np.flatnonzero(np.isfinite(problem.cash_max))
        floor = np.flatnonzero(np.isfinite(problem.cash_min))
        if len(ceiling):
            self.constraints.append(end[ceiling] <= problem.cash_max[ceiling])
        if len(floor):
            self.constraints.append(end[floor] >= problem.cash_min[floor])
        joint = problem.joint
        if len(joint):
            together = joint.weights @ self.after + joint.cash * self.cp.sum(end)
            most, least = (
                np.flatnonzero(np.isfinite(joint.high)),
                np.flatnonzero(np.isfinite(joint.low)),
            )
            self.constraints.append(together[most] <= joint.high[most])
            self.constraints.append(together[least] >= joint.low[least])

    def _tax(self) -> Any:
        """T(S, L) - T(no trade) on the piece: the largest of its planes."""
        cp, problem, tax = self.cp, self.sub.problem, self.sub.problem.tax
        long = problem.lot_is_long
        added_short = np.where(long, 0.0, problem.taxed_gain) @ self.sells
        added_long = np.where(long, problem.taxed_gain, 0.0) @ self.sells
        short, above = tax.st_realised + added_short, tax.lt_realised + added_long
        for half in self.sub.piece.within:
            self.constraints.append(half.short * short + half.long * above <= half.limit)
        planes = [p.short * short + p.long * above + p.constant for p in self.sub.piece.planes]
        total = planes[0] if len(planes) == 1 else cp.maximum(*planes)
        total = total - tax.year_tax(tax.st_realised, tax.lt_realised)
        caps = (
            (added_short, tax.max_st_gain),
            (added_long, tax.max_lt_gain),
            (total, tax.max_tax),
            (added_short + added_long, tax.max_net_gain),
        )
        self.caps = [None if cap is None else value <= cap for value, cap in caps]
        self.constraints += [limit for limit in self.caps if limit is not None]
        return total
