"""Trades that keep the rules also in whole shares. Knows no database."""

from collections.abc import Callable
from dataclasses import replace

from rebalancing.errors import RebalancingError
from rebalancing.mandates.mandate_checks import MandateCheck
from rebalancing.telling.figures import Figures
from rebalancing.types import HouseholdState

ROUNDS = 4  # of trades that miss a rule before they are left at that
Solve = Callable[[HouseholdState], Figures]


def keeping(check: MandateCheck, solve: Solve) -> Solve:
    """``solve`` once more wherever its whole shares miss a rule on several securities together by a little.

    What is missed after the last round is for whoever judges the trades. Raises what ``solve`` raises the first time.
    """

    def kept(state: HouseholdState) -> Figures:
        figures, joint = solve(state), state.joint
        for _ in range(ROUNDS):
            tighter = check.tightened(joint, figures) if joint else None
            if tighter is None:
                break
            joint = tighter
            try:
                figures = solve(replace(state, joint=joint))
            except RebalancingError:
                break
        return figures

    return kept
