"""One household's rebalance as one problem, solved with a proof: numpy in, numpy out.

``problem`` says what is asked and ``objective`` what an answer is worth; ``solution`` runs the search of ``sides``
over tax pieces (``tax_schedule``) and either-or sides, each step (``subproblem``) of the condensed problem a cone
program (``cone_program``, its variables ``cone_columns``, its rows ``cone_rows``) that ``conic`` solves and
``multipliers`` prove. ``smallest_trade`` rounds what is too small (``rounding``), looks for better choices
(``exchanges``) and proves how good they are (``proof``, ``security_bounds``, ``price_ascent``). ``conflicts`` explains
why there is no answer, ``shadow_prices`` what more of a budget would buy, ``frontier`` what other prices of risk would
lead to. ``model`` is the same problem in cvxpy: the oracle in tests.
"""

from rebalancing.optimizer.frontier import FrontierPoint, frontier
from rebalancing.optimizer.objective import evaluate
from rebalancing.optimizer.problem import Problem
from rebalancing.optimizer.shadow_prices import tracking_bought
from rebalancing.optimizer.solution import Side, Solution, solve
from rebalancing.optimizer.tax_schedule import TaxSchedule

__all__ = [
    "FrontierPoint",
    "Problem",
    "Side",
    "Solution",
    "TaxSchedule",
    "evaluate",
    "frontier",
    "solve",
    "tracking_bought",
]
