"""What less or more tracking error would cost: whole solutions at other prices of risk.

Every point is solved and checked as the problem itself is. The next price of risk is the slope of
the chord across the widest gap: the solution there is the one furthest from the chord, and where
it is an end of the gap again, nothing that a price of risk could lead to lies between.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from rebalancing.errors import BadProblem, Inaccurate, SolverTimeout
from rebalancing.optimizer.condensed import Condensed, condense
from rebalancing.optimizer.objective import evaluate
from rebalancing.optimizer.problem import Problem
from rebalancing.optimizer.sides import CLOSE
from rebalancing.optimizer.solution import Solution, solve_condensed

_LEAST_POINTS = 3  # both ends and the problem's own solution
_CLOSE = 1e-6  # a gap of 0.01 bp is closed: nobody sees it on a chart
_CHEAP, _DEAR = 1e-4, 1e4  # prices of risk at the ends, unless the problem's own is near them
_FURTHER = 100.0  # from the problem's own price, at least
_SAME = 1e-7  # fractions: points this near are one
_FAILURES = 3  # gaps given up for solver trouble before the rest is left


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """One complete, checked solution: what it pays for the tracking error it leaves."""

    risk_aversion: float  # the price of risk it is the solution for
    active_risk: float  # yearly
    # tax of this year and later, trading cost and yearly location drag against no trade, fractions of V
    paid: float
    solution: Solution
    is_given: bool  # the problem as it stands


def frontier(
    problem: Problem, points: int = 7, time_limit: float | None = None
) -> tuple[FrontierPoint, ...]:
    """Solutions from the least paid to the nearest to the model, the problem's own among them.

    Sorted by falling active risk and strictly rising `paid`: a point that another one beats in both
    is dropped. The ends are risk nearly free (least tax and cost: as little trade as the limits
    allow, but for losses worth selling) and risk nearly all that counts. Fewer than `points` where
    there are no more different ones, or where `time_limit` (seconds, for all of them) has passed.
    Raises what `solve` raises for the problem's own solution, BadProblem for fewer than 3 points.
    """
    if points < _LEAST_POINTS:
        raise BadProblem(f"A frontier of {points} points: it needs {_LEAST_POINTS} or more.")
    deadline = None if time_limit is None else perf_counter() + time_limit
    walk = _Walk(condense(problem), deadline)
    walk.add(problem.risk_aversion, is_given=True)
    own = problem.risk_aversion
    for price in (min(_CHEAP, own / _FURTHER), max(_DEAR, own * _FURTHER)):
        walk.try_price(price)
    while len(walk.points) < points and walk.troubles < _FAILURES:
        gap = walk.widest_gap()
        if gap is None:
            break
        walk.fill(*gap)
    return tuple(walk.points)


class _Walk:
    """The points found so far, by falling risk, and the gaps that hold nothing."""

    def __init__(self, condensed: Condensed, deadline: float | None) -> None:
        self.condensed, self.deadline = condensed, deadline
        self.points: list[FrontierPoint] = []
        self.empty: set[tuple[float, float]] = set()  # active risks at both ends of a gap
        self.troubles = 0
        problem = condensed.original
        no_buys, no_sells = np.zeros(len(problem.weights)), np.zeros(len(problem.lot_weight))
        self.location_at_rest = evaluate(problem, no_buys, no_sells).location

    def try_price(self, price: float) -> bool:
        """Add the solution at a price of risk; False where it is no new point, or failed."""
        try:
            return self.add(price)
        except SolverTimeout:
            self.troubles = _FAILURES
        except Inaccurate:
            self.troubles += 1
        return False

    def add(self, price: float, *, is_given: bool = False) -> bool:
        solution = solve_condensed(
            self.condensed if is_given else self.condensed.at_risk_aversion(price),
            deadline=self.deadline,
            close=CLOSE if is_given else _CLOSE,
        )
        risk_cost = price * solution.active_risk**2
        paid = solution.objective - risk_cost - self.location_at_rest
        point = FrontierPoint(price, solution.active_risk, paid, solution, is_given)
        if any(_beats(other, point) for other in self.points):
            return False
        kept = [other for other in self.points if other.is_given or not _beats(point, other)]
        if any(_beats(point, other) for other in kept):
            return False  # the given solution stays, whatever noise says against it
        self.points = sorted([*kept, point], key=lambda one: -one.active_risk)
        return True

    def widest_gap(self) -> tuple[FrontierPoint, FrontierPoint] | None:
        """Neighbours furthest apart, both axes counted in the frontier's own range."""
        first, last = self.points[0], self.points[-1]
        across = max(first.active_risk - last.active_risk, _SAME)
        up = max(last.paid - first.paid, _SAME)
        gaps = [
            (np.hypot((a.active_risk - b.active_risk) / across, (b.paid - a.paid) / up), a, b)
            for a, b in zip(self.points, self.points[1:], strict=False)
            if (a.active_risk, b.active_risk) not in self.empty
        ]
        if not gaps:
            return None
        _, a, b = max(gaps, key=lambda gap: float(gap[0]))
        return a, b

    def fill(self, a: FrontierPoint, b: FrontierPoint) -> None:
        """A point between two neighbours, or the knowledge that there is none."""
        price = (b.paid - a.paid) / (a.active_risk**2 - b.active_risk**2)
        if not self.try_price(price):
            self.empty.add((a.active_risk, b.active_risk))


def _beats(one: FrontierPoint, other: FrontierPoint) -> bool:
    """Whether the second offers nothing: no less risk and no less paid, to what anybody sees."""
    return one.active_risk <= other.active_risk + _SAME and one.paid <= other.paid + _SAME
