"""The part of a problem that is left once sides and tax region are known: convex, the same for everybody."""

from dataclasses import dataclass

import numpy as np

from benchmarks.rebalance.regions import Region, of_trades
from rebalancing.optimizer import Problem, Solution
from rebalancing.optimizer.problem import FloatArray
from rebalancing.optimizer.sides import largest_buys


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
        buy_max=np.where(harvest, 0.0, largest_buys(problem)),
        sell_max=np.where(on_buy_side, 0.0, problem.lot_sellable),
        region=region,
    )
