"""The monthly review of one household: its year, what is open, what new weights of its model would cost (F15, F16)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rebalancing.model_changes.new_weights_effect import Effect
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit
from rebalancing.telling.amounts import dollars
from rebalancing.types import CENT, ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit of the year's budget of gains and what is used of it, open proposals included; None: not known."""

    name: str
    most: Decimal
    used: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyFacts:
    """The household's year so far; dollars, losses negative."""

    year: int
    short_realised: Decimal
    long_realised: Decimal
    carried: (
        Mapping[str, Decimal] | None
    )  # term -> loss brought into the year; None: no tax profile
    limits: tuple[LimitUse, ...]
    unreconciled: tuple[str, ...]
    no_buys: tuple[str, ...]  # symbols
    no_loss_sales: tuple[str, ...]
    swap_backs: tuple[str, ...]  # "AAA as BBB"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWeights:
    """What going to the model's draft would do, beside what going to its present weights would."""

    model: str
    drafted: Effect
    present: Effect
    tax: Decimal | None  # of going to the draft, this year; None: not known


def findings(facts: MonthlyFacts) -> tuple[NewFinding, ...]:
    """The lines of the household's year."""
    return (
        *_gains(facts),
        *_carried(facts),
        *_budget(facts),
        *_open(facts),
    )


def of_new_weights(found: NewWeights) -> NewFinding:
    """One line: the estimated tax of the draft, with the dollars sold."""
    drafted, present = found.drafted, found.present
    tax = "not known, there is no tax profile" if found.tax is None else dollars(found.tax)
    return NewFinding(
        topic=Topic.NEW_WEIGHTS,
        key=found.model,
        state=FindingState.NOTE,
        sentence=f"Going to the drafted weights of {found.model} would sell {dollars(drafted.sold)} (to the present "
        f"ones {dollars(present.sold)}) with a short-term gain of {dollars(drafted.short_gain)} and a long-term one "
        f"of {dollars(drafted.long_gain)}; tax of this year, estimated: {tax}.",
        unit=Unit.DOLLARS,
        value=None if found.tax is None else found.tax.quantize(CENT),
    )


def _gains(facts: MonthlyFacts) -> Iterator[NewFinding]:
    for term, amount in (("short", facts.short_realised), ("long", facts.long_realised)):
        yield _dollars(
            Topic.GAINS,
            f"{term} term",
            amount,
            f"Booked {term}-term gains of {facts.year}, net of losses and after wash sales: {dollars(amount)}.",
        )


def _carried(facts: MonthlyFacts) -> Iterator[NewFinding]:
    if facts.carried is None:
        yield NewFinding(
            topic=Topic.CARRIED_LOSSES,
            key="tax profile",
            state=FindingState.UNKNOWN,
            sentence=f"There is no tax profile of {facts.year}: losses brought into it are not known.",
            unit=Unit.DOLLARS,
        )
        return
    for term, amount in facts.carried.items():
        yield _dollars(
            Topic.CARRIED_LOSSES,
            f"{term} term",
            amount,
            f"{term.capitalize()}-term losses brought into {facts.year}: {dollars(amount)}.",
        )


def _budget(facts: MonthlyFacts) -> Iterator[NewFinding]:
    for limit in facts.limits:
        if limit.used is None:
            state, told = FindingState.UNKNOWN, "what is used is not known"
        else:
            over = limit.used > limit.most
            state = FindingState.FLAGGED if over else FindingState.INSIDE
            told = f"{dollars(limit.used)} is used, open proposals included"
        yield NewFinding(
            topic=Topic.BUDGET,
            key=limit.name,
            state=state,
            sentence=f"The {limit.name} budget of {facts.year} is {dollars(limit.most)}; {told}.",
            unit=Unit.DOLLARS,
            value=limit.used,
            high=limit.most,
            by=max((limit.used or ZERO) - limit.most, ZERO),
        )


def _open(facts: MonthlyFacts) -> Iterator[NewFinding]:
    if facts.unreconciled:
        yield _count(
            Topic.RECONCILIATION,
            "accounts",
            facts.unreconciled,
            f"Lots do not add up to the custodian's: {'. '.join(facts.unreconciled)}.",
            FindingState.FLAGGED,
        )
    else:
        yield _count(
            Topic.RECONCILIATION,
            "accounts",
            (),
            "Lots add up wherever positions of the custodian were loaded.",
            FindingState.INSIDE,
        )
    for key, names in (("no buys", facts.no_buys), ("no loss sales", facts.no_loss_sales)):
        told = ", ".join(names) or "none"
        yield _count(Topic.WINDOWS, key, names, f"Open windows, {key}: {told}.")
    told = ", ".join(facts.swap_backs) or "none"
    yield _count(Topic.SWAP_BACKS, "pairs", facts.swap_backs, f"Substitutes that stand in: {told}.")


def _dollars(topic: Topic, key: str, amount: Decimal, sentence: str) -> NewFinding:
    return NewFinding(
        topic=topic,
        key=key,
        state=FindingState.NOTE,
        sentence=sentence,
        unit=Unit.DOLLARS,
        value=amount.quantize(CENT),
    )


def _count(
    topic: Topic,
    key: str,
    names: tuple[str, ...],
    sentence: str,
    state: FindingState = FindingState.NOTE,
) -> NewFinding:
    return NewFinding(
        topic=topic,
        key=key,
        state=state,
        sentence=sentence,
        unit=Unit.COUNT,
        value=Decimal(len(names)),
    )
