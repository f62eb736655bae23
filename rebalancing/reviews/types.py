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
    PERFORMANCE = "performance"
    PREMIUM = "premium"  # of rebalancing, in the past
    # What the quarterly review adds of a household,
    ASSET_CLASS = "asset_class"
    TRANSITION = "transition"
    BUDGET_LEFT = "budget_left"
    POLICY = "policy"
    RESTRICTIONS = "restrictions"
    CASH_NEEDS = "cash_needs"
    LOOKS = "looks"
    EXECUTED = "executed"
    # of a model,
    WEIGHTS = "weights"
    PRICES = "prices"
    VOLUME = "volume"
    VERSION = "version"
    UNIVERSE = "universe"
    EXITS = "exits"
    FOLLOWERS = "followers"
    # and of the firm.
    RISK_MODEL = "risk_model"
    # What the daily review adds.
    OUTCOME = "outcome"
    PROPOSALS = "proposals"
    ORDERS = "orders"
    NIGHT = "night"


class Unit(StrEnum):
    """What a figure counts."""

    FRACTION = "fraction"
    DOLLARS = "dollars"
    COUNT = "count"
    DAYS = "days"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinding:
    """One line of a review. ``key`` tells lines of one topic apart; ``by`` is how far a limit is passed.

    ``version``: the primary key of the version of a model that the line is about.
    """

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
    version: int | None = None


def not_reviewed(why: str, *, of: str = "household") -> NewFinding:
    """The one line of a household (of a model, of the firm) that could not be looked at."""
    return NewFinding(topic=Topic.NOT_REVIEWED, key=of, state=FindingState.UNKNOWN, sentence=why)


def note(
    topic: Topic,
    key: str,
    value: Decimal | None,
    sentence: str,
    *,
    unit: Unit = Unit.FRACTION,
    state: FindingState = FindingState.NOTE,
) -> NewFinding:
    """A line with a figure and no limit; ``state`` where it is more than a note."""
    return NewFinding(topic=topic, key=key, state=state, sentence=sentence, unit=unit, value=value)
