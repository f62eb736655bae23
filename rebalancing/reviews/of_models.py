"""What the quarterly review says of a model and of the firm's risk model, made of facts: pure Decimal (F18).

A model is looked at as a portfolio that follows itself to the cent: nothing of it is active.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from rebalancing.mandates.rule_words import per_cent
from rebalancing.mandates.rules import Portfolio, RuleFinding, State
from rebalancing.reviews import weekly
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit, note
from rebalancing.telling.amounts import dollars
from rebalancing.types import CENT, ZERO

NEAR = Decimal("0.1")  # of a limit: so near it is flagged
LONGEST_TRADE = Decimal(5)  # trading days; more to leave a name is flagged
_NAMED = 10
COVERAGE = "coverage"  # the key of the line about how much of what is held has a history


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFacts:
    """Prices of a model's names on a day; symbols."""

    never: Sequence[str]  # no price at all
    stale: Mapping[str, date]  # the last price is older than the policy allows
    maximum_age_days: int
    guessed: Mapping[str, str]  # no usable history -> why; the risk model guesses


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """Shares that the firm holds of a model's names, and shares that trade on a day; by symbol."""

    held: Mapping[str, Decimal]
    volumes: Mapping[str, Decimal]  # of which it is known
    slice_above: Decimal  # the part of a day's volume that an order may be


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFacts:
    """The newest version of a model's weights, whatever became of it."""

    number: int
    state: str
    as_of: date
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerFacts:
    """Who follows a model. ``unpriced`` are symbols that they hold and that have no price: their dollars lack."""

    households: int
    dollars: Decimal
    unpriced: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskModelFacts:
    """The firm's risk model on a day; without one ``why_none`` says why.

    ``coverage``: the part of what the firm holds, in dollars, whose risk rests on a usable history.
    """

    method: str
    source: str
    estimated_to: date | None
    day: date
    maximum_staleness_days: int
    coverage: Decimal
    minimum_coverage: Decimal
    guessed: Sequence[str]
    why_none: str = ""


def of_weights(portfolio: Portfolio) -> Iterator[NewFinding]:
    """Names and cash, volatility and factor exposures, and concentration."""
    names = sum(weight > ZERO for weight in portfolio.weights.values())
    yield note(
        Topic.WEIGHTS,
        "cash",
        portfolio.cash,
        f"{names} name{'' if names == 1 else 's'} weigh {per_cent(1 - portfolio.cash)}, "
        f"{per_cent(portfolio.cash)} stays in cash.",
    )
    largest = sorted(
        portfolio.weights.items(), key=lambda row: (-row[1], portfolio.symbols[row[0]])
    )
    told = ", ".join(
        f"{portfolio.symbols[one]} {per_cent(weight)}" for one, weight in largest[:_NAMED]
    )
    if largest:
        yield note(Topic.WEIGHTS, "largest", largest[0][1], f"Its largest weights: {told}.")
    yield from _risk(portfolio)
    yield from weekly.concentration(portfolio)


def of_rules(rules: Sequence[RuleFinding], symbols: Mapping[int, str]) -> Iterator[NewFinding]:
    """Each rule of the firm and the model; one that is kept by a hair is flagged."""
    for found in rules:
        line = weekly.of_rule(found, symbols)
        if found.state is State.INSIDE and is_near(found):
            line = replace(
                line,
                state=FindingState.FLAGGED,
                sentence=f"{line.sentence} It is within {per_cent(NEAR)} of the limit.",
            )
        yield line


def is_near(found: RuleFinding) -> bool:
    """Whether a value inside is within ``NEAR`` of the size of a limit that is not zero."""
    value = found.value
    if value is None:
        return False
    return any(
        abs(value - limit) <= abs(limit) * NEAR
        for limit in (found.rule.low, found.rule.high)
        if limit is not None and limit != ZERO
    )


def of_prices(facts: PriceFacts) -> Iterator[NewFinding]:
    """Names without a price, with an old one, or without a history that risk can be estimated from."""
    stale = [f"{symbol} of {day}" for symbol, day in sorted(facts.stale.items())]
    guessed = [f"{symbol} ({why})" for symbol, why in sorted(facts.guessed.items())]
    for key, names, none, some in (
        ("no price", sorted(facts.never), "Every name has a price", "No price of"),
        (
            "old price",
            stale,
            f"No price is older than {facts.maximum_age_days} days",
            f"The last price is older than {facts.maximum_age_days} days",
        ),
        (
            "no history",
            guessed,
            "Every name has a usable price history",
            "The risk model guesses, for want of a history,",
        ),
    ):
        joint = " " if some.endswith(("of", ",")) else ": "
        yield note(
            Topic.PRICES,
            key,
            Decimal(len(names)),
            f"{some}{joint}{_some(names)}." if names else f"{none}.",
            unit=Unit.COUNT,
            state=FindingState.FLAGGED if names else FindingState.INSIDE,
        )


def of_volume(facts: VolumeFacts) -> Iterator[NewFinding]:
    """How long the firm would take to leave each name, trading no more a day than its policy lets an order be."""
    unknown = sorted(facts.held.keys() - facts.volumes.keys())
    if unknown:
        yield note(
            Topic.VOLUME,
            "not known",
            Decimal(len(unknown)),
            f"No daily volume is on record of {_some(unknown)}: how long they take to trade is not known.",
            unit=Unit.COUNT,
            state=FindingState.UNKNOWN,
        )
    days = {
        symbol: trading_days(shares, facts.volumes[symbol], facts.slice_above)
        for symbol, shares in facts.held.items()
        if symbol in facts.volumes
    }
    halted = sorted(symbol for symbol, one in days.items() if one is None)
    known = {symbol: one for symbol, one in days.items() if one is not None}
    slow = sorted(
        (symbol for symbol, one in known.items() if one > LONGEST_TRADE),
        key=lambda symbol: (-known[symbol], symbol),
    )
    if halted:
        yield note(
            Topic.VOLUME,
            "no trading",
            Decimal(len(halted)),
            f"The daily volume on record is 0: {_some(halted)} cannot be traded.",
            unit=Unit.COUNT,
            state=FindingState.FLAGGED,
        )
    if not known:
        return
    longest = max(known, key=lambda symbol: (known[symbol], symbol))
    at = f"at {per_cent(facts.slice_above)} of a day's volume"
    told = f"The firm's shares of each name are traded within {LONGEST_TRADE} days {at}; {longest} takes longest"
    if slow:
        said = _some([f"{symbol} {_days(known[symbol])}" for symbol in slow])
        told = f"More than {LONGEST_TRADE} days to trade the firm's shares {at}: {said}"
    yield NewFinding(
        topic=Topic.VOLUME,
        key="days to trade",
        state=FindingState.FLAGGED if slow else FindingState.INSIDE,
        sentence=f"{told}.",
        unit=Unit.DAYS,
        value=known[longest],
        high=LONGEST_TRADE,
        by=max(known[longest] - LONGEST_TRADE, ZERO),
    )


def trading_days(shares: Decimal, volume: Decimal, part: Decimal) -> Decimal | None:
    """Days to trade shares at so much of a day's volume, to a tenth; None where nothing trades."""
    a_day = volume * part
    return None if a_day <= ZERO else (shares / a_day).quantize(Decimal("0.1"))


def of_version(newest: VersionFacts | None, recipe: str) -> Iterator[NewFinding]:
    """Which version of the weights is the newest, and what became of it."""
    how = recipe.replace("_", " ")
    if newest is None:
        told = f"Its weights have no version on record; its recipe is {how}."
    else:
        told = (
            f"The newest version of its weights is number {newest.number} ({newest.state}), of {newest.as_of}, "
            f"by {newest.by}; its recipe is {how}."
        )
    number = None if newest is None else Decimal(newest.number)
    yield note(Topic.VERSION, "newest", number, told, unit=Unit.COUNT)


def of_followers(facts: FollowerFacts) -> Iterator[NewFinding]:
    """How many households follow the model, and with how much."""
    lacks = f", without {_some(facts.unpriced)}, which has no price" if facts.unpriced else ""
    one = facts.households == 1
    yield note(
        Topic.FOLLOWERS,
        "households",
        Decimal(facts.households),
        f"{facts.households} household{' follows' if one else 's follow'} it.",
        unit=Unit.COUNT,
    )
    yield note(
        Topic.FOLLOWERS,
        "dollars",
        facts.dollars.quantize(CENT),
        f"{'It is' if one else 'They are'} worth {dollars(facts.dollars)}, shares and cash{lacks}.",
        unit=Unit.DOLLARS,
    )


def of_risk_model(facts: RiskModelFacts) -> Iterator[NewFinding]:
    """How the firm estimates risk, from when, and how much of what it holds rests on a history."""
    method = facts.method.replace("_", " ")
    if facts.why_none:
        yield note(
            Topic.RISK_MODEL,
            "method",
            None,
            f"The firm's risk model ({method}) cannot be estimated: {facts.why_none}",
            state=FindingState.UNKNOWN,
        )
        return
    yield note(Topic.RISK_MODEL, "method", None, f"The risk model is {method}: {facts.source}.")
    yield from _staleness(facts)
    under = facts.coverage < facts.minimum_coverage
    without = f"; guessed: {_some(facts.guessed)}" if facts.guessed else ""
    yield NewFinding(
        topic=Topic.RISK_MODEL,
        key=COVERAGE,
        state=FindingState.FLAGGED if under else FindingState.INSIDE,
        sentence=f"Histories cover {per_cent(facts.coverage)} of what the firm holds; "
        f"{per_cent(facts.minimum_coverage)} is asked for{without}.",
        value=facts.coverage,
        low=facts.minimum_coverage,
        by=max(facts.minimum_coverage - facts.coverage, ZERO),
    )


def _staleness(facts: RiskModelFacts) -> Iterator[NewFinding]:
    if facts.estimated_to is None:
        return
    age = (facts.day - facts.estimated_to).days
    most = facts.maximum_staleness_days
    yield NewFinding(
        topic=Topic.RISK_MODEL,
        key="age",
        state=FindingState.FLAGGED if age > most else FindingState.INSIDE,
        sentence=f"It ends on {facts.estimated_to}, {age} day{'' if age == 1 else 's'} before the review; "
        f"{most} are allowed.",
        unit=Unit.DAYS,
        value=Decimal(age),
        high=Decimal(most),
        by=Decimal(max(age - most, 0)),
    )


def _risk(portfolio: Portfolio) -> Iterator[NewFinding]:
    risk = portfolio.risk
    if risk is None:
        yield note(
            Topic.RISK,
            "risk model",
            None,
            f"Risk and factor exposures are not known: {portfolio.why_no_risk}",
            state=FindingState.UNKNOWN,
        )
        return
    yield note(
        Topic.RISK,
        "volatility",
        risk.volatility,
        f"Volatility is {per_cent(risk.volatility)} a year.",
    )
    for factor, own in risk.exposures.items():
        yield note(Topic.FACTOR, factor, own, f"Exposure to {factor}: {per_cent(own)}.")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _days(days: Decimal) -> str:
    return f"{days:,} days"
