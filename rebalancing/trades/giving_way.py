"""Rules on several securities together that no trades keep: which of them give, and how far (ADR 21)."""

from collections.abc import Sequence

import numpy as np

from rebalancing.errors import Infeasible
from rebalancing.optimizer.conflicts import JOINT, explain
from rebalancing.optimizer.problem import BoolArray, FloatArray, Problem
from rebalancing.types import JointBounds


def giving_way(problem: Problem, joint: Sequence[JointBounds], error: Infeasible) -> Problem | None:
    """The problem with its joint limits moved by the least that gives an answer; None where they are not in the way.

    A floor gives by what trading everything twice would cost as well, but no further than it is missed today: at the
    very least no money may be spent on any trade.
    """
    if not len(problem.joint):
        return None
    found = explain(problem, error, JOINT)
    if found is error:
        return None
    hopeless = _hopeless(found, joint)
    if np.any(hopeless):
        problem = _as_it_is(problem, hopeless)
        found = explain(problem, error, JOINT)
        if found is error:  # nothing else is in the way
            return problem
    burnt = 2.0 * float(problem.cost_rates.max())
    out = _outside(problem)
    given: dict[str, FloatArray] = {"low": np.zeros(len(out)), "high": np.zeros(len(out))}
    for relaxation in found.relaxations:
        rows = problem.joint.together(relaxation.row)
        if relaxation.limit == "joint_low":
            missed = np.where(rows, -out, 0.0)
            more = np.maximum(np.minimum(relaxation.amount + burnt, missed), relaxation.amount)
            given["low"] += np.where(missed > 0.0, more, 0.0)
        else:
            given["high"] += np.where(rows & (out > 0.0), relaxation.amount, 0.0)
    return problem.replace(joint_limits=problem.joint.given(**given))


def _outside(problem: Problem) -> FloatArray:
    """(r,) how far today's holdings are above the most of each limit; negative: below the least."""
    now = problem.joint.values(problem.start, float(problem.cash.sum()))
    return np.maximum(now - problem.joint.high, 0.0) - np.maximum(problem.joint.low - now, 0.0)


def _hopeless(found: Infeasible, joint: Sequence[JointBounds]) -> BoolArray:
    """(r,) limits about what may belong of rules that what belongs for certain breaks anyway."""
    broken = {joint[one.row].rule for one in found.relaxations if not joint[one.row].is_of_doubt}
    return np.array([one.is_of_doubt and one.rule in broken for one in joint], dtype=np.bool_)


def _as_it_is(problem: Problem, rows: BoolArray) -> Problem:
    """The problem with these joint limits (r,) no tighter than what is held today."""
    out = np.where(rows, _outside(problem), 0.0)
    given = problem.joint.given(low=np.maximum(-out, 0.0), high=np.maximum(out, 0.0))
    return problem.replace(joint_limits=given)
