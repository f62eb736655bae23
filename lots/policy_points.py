"""The unsettled points of the law as questions with answers, for people who decide them. Pure words."""

from dataclasses import dataclass
from enum import StrEnum

from lots.types import (
    IndexFundPolicy,
    OlderLotPolicy,
    Policy,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)


@dataclass(frozen=True, slots=True)
class Point:
    """One switch: the name of its field, the rule it belongs to, the question, and every answer in words."""

    field: str
    rule: str
    question: str
    answers: tuple[tuple[StrEnum, str], ...]  # the default first

    @property
    def default(self) -> StrEnum:
        """The cautious reading, in force where nobody decided."""
        return self.answers[0][0]

    def answer(self, value: StrEnum) -> str:
        """A value in words."""
        return next(text for known, text in self.answers if known == value)


POINTS = (
    Point(
        "index_funds",
        "U1",
        "Are funds that follow the same index substantially identical?",
        (
            (IndexFundPolicy.SAME_INDEX_IDENTICAL, "Yes: they are one group"),
            (IndexFundPolicy.DISTINCT_UNLESS_LISTED, "No: only what a group or a pair names"),
        ),
    ),
    Point(
        "spouse",
        "U2",
        "Does a purchase by the spouse wash a loss, and where does it go?",
        (
            (SpousePolicy.HOUSEHOLD_BASIS_TO_SPOUSE, "Yes: into the basis of the spouse's lot"),
            (SpousePolicy.TAXPAYER_ONLY, "No: only the taxpayer's own purchases count"),
        ),
    ),
    Point(
        "tacking",
        "U3",
        "What does a replacement lot take over of the holding period?",
        (
            (TackingPolicy.UNION, "The days held, never from before the sold lot's start"),
            (TackingPolicy.SUM, "The days held, added to its own"),
            (TackingPolicy.DATE, "The sold lot's start date, gap included"),
        ),
    ),
    Point(
        "sold_replacement",
        "U4",
        "Do shares bought in the window count if they were sold before or with the loss?",
        (
            (SoldReplacementPolicy.MUST_STILL_BE_HELD, "No: only shares still held"),
            (SoldReplacementPolicy.LITERAL_ACQUIRED, "Yes: whatever was acquired"),
        ),
    ),
    Point(
        "older_lot",
        "U5",
        "Does a lot bought in the window count if it is older than the lot sold?",
        (
            (OlderLotPolicy.OLDER_LOT_COUNTS, "Yes"),
            (OlderLotPolicy.ONLY_NEWER_THAN_SOLD, "No: only newer lots"),
        ),
    ),
    Point(
        "tax_deferred",
        "U7",
        "Do purchases in 401(k), HSA and 529 accounts take a loss away for ever, as in an IRA?",
        (
            (TaxDeferredPolicy.ALL_LIKE_IRA, "Yes"),
            (TaxDeferredPolicy.IRA_AND_ROTH_ONLY, "No: only those in an IRA or Roth IRA"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A point with the answer in force."""

    point: Point
    value: StrEnum

    @property
    def text(self) -> str:
        """The answer in words."""
        return self.point.answer(self.value)

    @property
    def is_default(self) -> bool:
        """Whether it is the cautious default."""
        return self.value == self.point.default


def decided(policy: Policy) -> tuple[Decided, ...]:
    """Every point with the policy's answer."""
    return tuple(Decided(point, getattr(policy, point.field)) for point in POINTS)


def differing(policy: Policy, other: Policy) -> tuple[tuple[Decided, Decided], ...]:
    """The points on which two policies differ, with both answers."""
    pairs = zip(decided(policy), decided(other), strict=True)
    return tuple((one, another) for one, another in pairs if one.value != another.value)
