"""Words of a review, and one line of it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rebalancing.types import ZERO

QUANTUM = Decimal("0.00000001")


class FindingState(StrEnum):
    """How a line stands, the worst first."""

    BREACHED = "breached"  # a hard rule, or a band of the policy
    FLAGGED = "flagged"  # a soft rule, or something a person should look at
    UNKNOWN = "unknown"
    INSIDE = "inside"
    NOTE = "note"  # a figure without a limit


class Topic(StrEnum):
    """What a line is about."""

    NOT_REVIEWED = "not_reviewed"
    RULE = "rule"
    DRIFT = "drift"
    CASH = "cash"
    RISK = "risk"
    FACTOR = "factor"
    CONCENTRATION = "concentration"
    GAINS = "gains"
    CARRIED_LOSSES = "carried_losses"
    BUDGET = "budget"
    RECONCILIATION = "reconciliation"
    WINDOWS = "windows"
    SWAP_BACKS = "swap_backs"
    NEW_WEIGHTS = "new_weights"


class Unit(StrEnum):
    """What a figure counts."""

    FRACTION = "fraction"
    DOLLARS = "dollars"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinding:
    """One line of a review. ``key`` tells lines of one topic apart; ``by`` is how far a limit is passed."""

    topic: Topic
    key: str
    state: FindingState
    sentence: str
    unit: Unit = Unit.FRACTION
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    by: Decimal = ZERO
    is_hard: bool = False


def not_reviewed(why: str) -> NewFinding:
    """The one line of a household that could not be looked at."""
    return NewFinding(
        topic=Topic.NOT_REVIEWED, key="household", state=FindingState.UNKNOWN, sentence=why
    )
