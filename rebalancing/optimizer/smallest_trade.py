"""No trade below the smallest one: which small trades are left out, and which are made larger.

What the search found without that rule is rounded (`rounding`); then what is left of the gap says where
better choices may be (`exchanges`), and where it stays wide at which prices (`price_ascent`).
"""

from __future__ import annotations

from rebalancing.optimizer.exchanges import WORTH, begun_anew, exchanged
from rebalancing.optimizer.proof import Proof
from rebalancing.optimizer.rounding import Step, decided, never_large_enough, rounded
from rebalancing.optimizer.sides import Candidate, Search

_TRIES = 60  # convex problems at most to get rid of trades below the minimum
_WIDE = 1e-4  # fractions of V, 1 bp: a gap worth looking for better prices for


def large_enough(search: Search, best: Candidate) -> Step | None:
    """Trades of at least the minimum; None where there seem to be none.

    Raises SolverTimeout where the time is up before there are any.
    """
    assert best.piece is not None
    whole = search.subproblem(best.piece, best.sides)
    hopeless = never_large_enough(search.problem, whole)
    start = decided(search, whole, best.sides, fewer=hopeless) if hopeless else None
    step = rounded(search, *(start or (whole, best)), search.calls + _TRIES)
    if not search.problem.min_trade:
        return step
    return _improved(search, (whole, best), step)


def _improved(search: Search, unrounded: Step, step: Step | None) -> Step | None:
    """The best step found from there, and the search's bound raised as far as it pays.

    Without a step it is nothing traded that the bound has to come up to, if that is allowed.
    """
    proof = Proof(search)
    if step is None:
        nothing = search.no_trade()
        worth = None if nothing is None else nothing.objective
        proof.extend(unrounded, worth)
    else:
        proof.extend(step)
        worth = step[1].objective
        if worth > search.bound + WORTH:
            proof.extend(unrounded, worth)
            step = exchanged(search, step, proof)
            worth = step[1].objective
    if worth is None or worth <= search.bound + _WIDE:
        return step
    proof.ascend(worth)
    return begun_anew(search, step, proof) if worth > search.bound + _WIDE else step
