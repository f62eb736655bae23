"""How much of a household a risk model rests on histories for, and how much on guesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import FloatArray
from rebalancing.risk.model import RiskModel

MINIMUM_COVERAGE = 0.8
_NAMED = 5  # securities that a refusal names


@dataclass(frozen=True, slots=True)
class Findings:
    """The share of the weight that has a usable history, and what to tell about it."""

    coverage: float
    notes: tuple[str, ...]


def check(
    model: RiskModel, weights: FloatArray, *, minimum_coverage: float = MINIMUM_COVERAGE
) -> Findings:
    """How far the model covers ``weights`` (n,), at least 0, of any sum: what a household holds or should hold.

    Raises BadReturns where less than ``minimum_coverage`` of the weight has a history; it names the heaviest gaps.
    """
    sizes = np.abs(np.asarray(weights, dtype=np.float64))
    total = float(sizes.sum())
    guessed = list(model.guessed)
    if total <= 0.0 or not guessed:
        return Findings(1.0, ())
    coverage = 1.0 - float(sizes[guessed].sum()) / total
    if coverage < minimum_coverage:
        gaps = sorted(zip(guessed, model.reasons, strict=True), key=lambda gap: -sizes[gap[0]])
        named = "; ".join(f"column {row} {why.split(':')[0]}" for row, why in gaps[:_NAMED])
        more = f"; and {len(gaps) - _NAMED} more" if len(gaps) > _NAMED else ""
        raise BadReturns(
            f"The risk model covers {coverage:.1%} of the weight, at least {minimum_coverage:.1%} is asked for: "
            f"{named}{more}.",
            advice="Load their prices, book the split, or import the prices as checked; or lower minimum_coverage in "
            "the firm's risk setting.",
        )
    return Findings(coverage, (f"histories cover {coverage:.1%} of the weight",))
