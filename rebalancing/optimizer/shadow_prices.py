"""What a little more of a budget would buy, in the trade's unit: basis points of tracking error."""

from __future__ import annotations

import math

from rebalancing.errors import BadProblem
from rebalancing.optimizer.problem import Problem
from rebalancing.optimizer.solution import Solution
from rebalancing.optimizer.subproblem import BASIS_POINTS, CAPS


def tracking_bought(problem: Problem, solution: Solution, cap: str, amount: float) -> float:
    """Basis points of yearly tracking error worth as much as `amount` more of a cap.

    "One more $1,000 of gain buys x bp of tracking": `cap` is one of max_st_gain, max_lt_gain,
    max_net_gain and max_tax, `amount` the $1,000 as a fraction of V. The fall of the objective that the shadow
    price promises is told as if it were active risk alone, at the problem's own price of risk: all
    of the tracking error that is left, where the fall is worth more than that. Good for amounts
    small beside the cap. Raises BadProblem where the cap is not set.
    """
    if cap not in CAPS or cap not in solution.shadow_prices:
        raise BadProblem(f"There is no cap {cap!r} on this problem, so it has no price.")
    fall = solution.shadow_prices[cap] * amount
    if problem.risk_aversion == 0.0 or fall <= 0.0:
        return 0.0
    left = max(solution.active_risk**2 - fall / problem.risk_aversion, 0.0)
    return (solution.active_risk - math.sqrt(left)) * BASIS_POINTS
