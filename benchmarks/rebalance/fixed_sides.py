"""The part of a problem that is left once sides and tax region are known: convex, the same for everybody."""

from dataclasses import dataclass

import numpy as np

from benchmarks.rebalance.regions import Region, of_trades
from rebalancing.optimizer import Problem, Solution
from rebalancing.optimizer.problem import FloatArray, summed


@dataclass(frozen=True)
class FixedSides:
    """What may be bought (m,) and sold (L,) at most, in the region where the answer lies."""

    problem: Problem
    buy_max: FloatArray
    sell_max: FloatArray
    region: Region


def of_solution(problem: Problem, solution: Solution) -> FixedSides:
    """The sides and the region that a solution chose; a group it left alone keeps its losses."""
    harvested = [group for group, side in solution.sides.items() if side == "harvest"]
    return with_sides(problem, frozenset(harvested), of_trades(problem, solution.sells))


def with_sides(problem: Problem, harvested: frozenset[int], region: Region) -> FixedSides:
    """Nothing of a harvested identical group is bought, no loss of any other group is sold."""
    groups = problem.groups[problem.position_security]
    harvest = np.isin(groups, list(harvested))
    on_buy_side = ~harvest[problem.lot_position] & problem.lot_is_loss
    return FixedSides(
        problem=problem,
        buy_max=np.where(harvest, 0.0, most_bought(problem)),
        sell_max=np.where(on_buy_side, 0.0, problem.lot_sellable),
        region=region,
    )


def most_bought(problem: Problem) -> FloatArray:
    """(m,) what each position could buy with all the cash its account can raise, within its security's bound."""
    raised = summed(
        problem.position_account[problem.lot_position], problem.lot_sellable, len(problem.cash)
    )
    sold = summed(
        problem.position_security[problem.lot_position], problem.lot_sellable, len(problem.targets)
    )
    payable = (problem.cash - problem.cash_min + raised)[problem.position_account]
    room = (problem.upper - problem.start + sold)[problem.position_security]
    return np.where(problem.may_buy, np.maximum(np.minimum(payable, room), 0.0), 0.0)
