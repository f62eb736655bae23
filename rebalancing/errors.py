"""What can go wrong between a household's numbers and a proposal, in words for people.

Every class has a stable `code`; every message says what is wrong, where, and what to do.
"""

from __future__ import annotations

from typing import Any


class RebalancingError(Exception):
    """Base of everything this room refuses to do; `advice` says what the reader can change."""

    code = "rebalancing_error"
    advice = "See the message."

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        self.message = message
        if advice is not None:
            self.advice = advice
        super().__init__(f"{message} {self.advice}")


class BadProblem(RebalancingError):
    """An input has the wrong shape, a NaN, a negative rate or an index out of range."""

    code = "bad_problem"
    advice = "Correct the named input and build the problem again."


class Infeasible(RebalancingError):
    """No trades satisfy every constraint; `conflicts` names the smallest set found to relax.

    `relaxations` says the same in numbers (`rebalancing.optimizer.conflicts.Relaxation`), `against`
    names the other limits that stand in the way.
    """

    code = "infeasible"
    advice = "Relax one of the constraints named here, or change the account they belong to."

    def __init__(
        self,
        message: str,
        *,
        conflicts: tuple[str, ...] = (),
        against: tuple[str, ...] = (),
        relaxations: tuple[Any, ...] = (),
        advice: str | None = None,
    ) -> None:
        self.conflicts, self.against, self.relaxations = conflicts, against, relaxations
        super().__init__(message, advice=advice)


class Unbounded(RebalancingError):
    """The objective falls without end: some buy is rewarded and nothing limits it."""

    code = "unbounded"
    advice = "Give every account a finite cash floor, or every security a finite upper bound."


class Inaccurate(RebalancingError):
    """The solver stopped without a solution that our own residual check accepts."""

    code = "inaccurate"
    advice = (
        "Nothing was proposed. Look for inputs of very different size "
        "(a tiny position beside a huge one, an extreme risk price) and solve again."
    )


class SolverTimeout(RebalancingError):
    """The time limit passed before a proven solution was found."""

    code = "solver_timeout"
    advice = "Raise the time limit or solve the household again when the machine is less busy."


class TooFarFromBest(RebalancingError):
    """The search was cut short and what it found may be too far from the best possible trades."""

    code = "too_far_from_best"
    advice = (
        "Nothing was proposed. Look again when the machine is less busy; if it stays so, the household "
        "has more accounts, lots or restrictions than the time allows for."
    )


class BadReturns(RebalancingError):
    """A return history cannot carry a risk model."""

    code = "bad_returns"
    advice = "Load a longer price history, or leave the securities named here out of the estimate."
