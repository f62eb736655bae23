"""Our optimiser in the three ways it is measured: as it is, searching on for the truth, and one convex step alone."""

from collections.abc import Callable
from unittest import mock

import numpy as np

from benchmarks.rebalance.fixed_sides import FixedSides
from rebalancing.optimizer import Problem, Solution, conic, sides, solve
from rebalancing.optimizer.problem import FloatArray
from rebalancing.optimizer.subproblem import Status, Subproblem
from rebalancing.optimizer.tax_schedule import Piece, reachable

MANY_NODES = 2_000


def solve_to_the_end(problem: Problem) -> Solution:
    """Branch and bound with many more nodes than a proposal is given: the reference, and the better bound."""
    with mock.patch.object(sides, "NODES", MANY_NODES):
        return solve(problem)


def fixed_step(fixed: FixedSides) -> Callable[[], tuple[FloatArray, FloatArray]]:
    """The convex problem with its sides known, from arrays to buys (m,) and sells (L,); RuntimeError if it fails."""
    problem = fixed.problem
    step = Subproblem(
        problem=problem,
        piece=_piece_of(fixed),
        buy_max=fixed.buy_max,
        sell_max=fixed.sell_max,
        buy_min=np.zeros_like(fixed.buy_max),
        sell_min=np.zeros_like(fixed.sell_max),
    )

    def run() -> tuple[FloatArray, FloatArray]:
        outcome = conic.solve_conic(step, None)
        if outcome.status is not Status.OPTIMAL:
            raise RuntimeError(f"the fixed step is {outcome.status.value}")
        return outcome.buys, outcome.sells

    return run


def _piece_of(fixed: FixedSides) -> Piece:
    """The convex piece of the tax that covers a region: the one whose value is the region's all over it."""
    problem = fixed.problem
    box = problem.gain_box(problem.lot_sellable)
    for piece in reachable(problem.tax, box):
        if any(
            (plane.short, plane.long, plane.constant)
            == (fixed.region.short, fixed.region.long, fixed.region.constant)
            for plane in piece.planes
        ):
            return piece
    raise ValueError(f"no piece of the tax covers the region {fixed.region.name!r}")
