"""What a household returned beside its model, as lines of its review (F15). Returns are fractions of a whole period."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rebalancing.reviews.types import FindingState, NewFinding, Topic, note
from rebalancing.telling.amounts import dollars

NOTHING_HELD = "Nothing was held."


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReturn:
    """One period; None where a return is not known, and why. ``opened``: measured from ``since``, inside the period."""

    key: str
    since: date
    until: date
    opened: bool
    own: Decimal | None
    model: Decimal | None
    why_not: str = ""
    why_no_model: str = ""

    @property
    def ahead(self) -> Decimal | None:
        """The household's return less the model's."""
        return None if self.own is None or self.model is None else self.own - self.model

    @property
    def of(self) -> str:
        """``quarter to date, since 2022-11-02``."""
        return f"{self.key}, since {self.since}" if self.opened else self.key


@dataclass(frozen=True, slots=True)
class AccountReturns:
    """An account by its number, with the periods of the household."""

    number: str
    name: str
    periods: tuple[PeriodReturn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalancingPremium:
    """What was held at the close of ``since``, before the first rebalance executed after it, and what came of it.

    Returns are fractions, dollars those at the start; None where one is not known, and why.
    """

    since: date
    until: date
    own: Decimal | None = None
    untouched: Decimal | None = None
    premium: Decimal | None = None
    dollars: Decimal | None = None
    value: Decimal | None = None
    why_not: str = ""


def of_premium(found: RebalancingPremium) -> NewFinding:
    """The line of a household that was rebalanced within the twelve months (F21)."""
    return note(Topic.PREMIUM, "12 months", found.premium, premium_sentence(found))


def premium_sentence(found: RebalancingPremium) -> str:
    """The figures in words, as a fact about the past."""
    start = f"From the close of {found.since}, before the first rebalance of the last 12 months, to {found.until}"
    if (
        found.own is None
        or found.untouched is None
        or found.premium is None
        or found.dollars is None
        or found.value is None
    ):
        return f"{start}: what rebalancing brought is not measured. {found.why_not}"
    return (
        f"{start} the household returned {signed(found.own)}; what it held then, untouched, would have returned "
        f"{signed(found.untouched)}. The rebalancing premium is {points(found.premium)}, {dollars(found.dollars)} on "
        f"the {dollars(found.value)} held then. It is a fact about the past, not a forecast."
    )


def findings(
    model: str, household: Sequence[PeriodReturn], accounts: Sequence[AccountReturns]
) -> tuple[NewFinding, ...]:
    """A line for each period of the household, and one for each account that held something."""
    return (*_of_household(model, household), *_of_accounts(accounts))


def not_measured(why: str) -> NewFinding:
    """The one line where nothing can be measured."""
    return note(Topic.PERFORMANCE, "month", None, f"Performance: {why}", state=FindingState.UNKNOWN)


def _of_household(model: str, periods: Sequence[PeriodReturn]) -> Iterator[NewFinding]:
    for one in periods:
        if one.own is None:  # that the month is not known is a gap; that prices begin late is none
            state = FindingState.UNKNOWN if one.key == "month" else FindingState.NOTE
            told = f"Return, {one.key}: not measured. {one.why_not}"
            yield note(Topic.PERFORMANCE, one.key, None, told, state=state)
            continue
        start = (
            f"from {one.since}, when it began," if one.opened else f"from the close of {one.since}"
        )
        sentence = f"Return, {one.key}, {start} to {one.until}: {signed(one.own)}; "
        if one.ahead is None or one.model is None:
            sentence += f"the model's is not known. {one.why_no_model}"
        else:
            sentence += f"{model} over the same days {signed(one.model)}, a difference of {points(one.ahead)}."
        yield note(Topic.PERFORMANCE, one.key, one.own, sentence)


def _of_accounts(accounts: Sequence[AccountReturns]) -> Iterator[NewFinding]:
    for account in accounts:
        known = [one for one in account.periods if one.own is not None]
        told = ", ".join(f"{one.of} {signed(one.own)}" for one in known if one.own is not None)
        gaps = sorted({one.why_not for one in account.periods if one.own is None})
        if not known and gaps == [NOTHING_HELD]:
            continue
        said = f"Return of {account.name} ({account.number}): {told or 'not measured'}."
        yield note(
            Topic.PERFORMANCE,
            f"account {account.number}",
            account.periods[0].own,
            " ".join([said, *(gap for gap in gaps if gap != NOTHING_HELD)]),
        )


def signed(fraction: Decimal) -> str:
    """``+3.12 %``; a minus sign where it is below zero."""
    return f"{fraction * 100:+.2f} %"


def points(fraction: Decimal) -> str:
    """``+0.24 points``, of a per cent."""
    return f"{fraction * 100:+.2f} points"
