"""What is looked at how often, and by which rule: one run of the backtest."""

from dataclasses import dataclass
from enum import StrEnum

from rebalancing.backtest.book import Book
from rebalancing.backtest.market import Market
from rebalancing.backtest.optimum import Optimum, PublishedOptimum, StudyOptimum
from rebalancing.backtest.path import Rule
from rebalancing.backtest.rules import Band, Calendar, Points, never
from rebalancing.policies.policy import Destination


class Kind(StrEnum):
    """The rules."""

    NEVER = "never"
    CALENDAR = "calendar"
    POINTS = "points"
    BAND = "band"
    STUDY = "study's optimum"  # solved to 1e-10
    PUBLISHED = "study's optimum, as published"  # cvxpy at its own tolerances
    FIXED = "one horizon"
    BY_NAME = "horizon by name"
    BY_LOT = "horizon by lot"  # the tax of lots counts, over the horizon of the spread
    TAXED = "horizon by name, with tax"  # all of it counts: what a policy can say


LOOKS = {
    1: "daily", 5: "weekly", 10: "2 weeks", 21: "monthly", 63: "quarterly", 126: "semi-annual",
    252: "annual",
}  # fmt: skip
HORIZON = 1 / 12  # years, of one horizon for all: product example, monthly


@dataclass(frozen=True, slots=True)
class Policy:
    """``number``: points or relative width as fractions, the ratio cost/lambda, or the price of risk a year."""

    kind: Kind
    every: int = 1  # trading days between looks
    number: float = 0.0
    to: Destination | None = None


def rule_of(policy: Policy, market: Market, book: Book) -> Rule:
    """The rule of a policy; only the one that counts tax looks into the book."""
    targets, number = market.targets, policy.number
    match policy.kind:
        case Kind.NEVER:
            return never
        case Kind.CALENDAR:
            return Calendar(targets)
        case Kind.POINTS:
            return Points(targets, number)
        case Kind.BAND:
            assert policy.to is not None
            return Band(targets, number, policy.to)
        case Kind.STUDY:
            return StudyOptimum(market, number)
        case Kind.PUBLISHED:
            return PublishedOptimum(market, number)
        case Kind.FIXED:
            return Optimum(market, number, horizon=HORIZON)
        case Kind.BY_NAME:
            return Optimum(market, number)
        case Kind.BY_LOT:
            return Optimum(market, number, book=book)
        case Kind.TAXED:
            return Optimum(market, number, book=book, whole_tax=True)
