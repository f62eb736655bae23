"""What the quarterly review says of a model's universe: what came and left, what waits, what is still held (F18, F19).

Pure Decimal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rebalancing.mandates.rule_words import per_cent
from rebalancing.model_changes.recipes import ExitRule, VersionState
from rebalancing.model_changes.universe_facts import OpenExit, UniverseChange
from rebalancing.reviews.types import FindingState, NewFinding, Topic, Unit
from rebalancing.telling.amounts import dollars
from rebalancing.types import CENT

_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseFacts:
    """A model's universe since its last quarterly review.

    ``since`` is the first day that no earlier review told of, ``day`` the review's. ``changes`` are universe changes
    and reconstitutions of that time, and older ones that are open or have lapsed without a newer one.
    """

    since: date
    day: date
    changes: Sequence[UniverseChange]
    exits: Sequence[OpenExit]


def of_universe(facts: UniverseFacts) -> Iterator[NewFinding]:
    """How many changes there were, each of them, and the names that left and are still held."""
    yield _count(facts)
    for change in facts.changes:
        yield _change(change, facts.day)
    for left in facts.exits:
        yield _exit(left)


def _count(facts: UniverseFacts) -> NewFinding:
    begun = [
        one for one in facts.changes if one.begun_on is not None and one.begun_on >= facts.since
    ]
    added = {symbol for one in begun for symbol in one.added}
    deleted = {symbol for one in begun for symbol in one.deleted}
    told = f"Since {facts.since} no universe change or reconstitution came into force."
    if begun:
        told = (
            f"Since {facts.since} {_many(len(begun), 'change')} of the universe came into force: "
            f"{_many(len(added), 'name')} in, {_many(len(deleted), 'name')} out."
        )
    return NewFinding(
        topic=Topic.UNIVERSE,
        key="changes",
        state=FindingState.NOTE,
        sentence=told,
        unit=Unit.COUNT,
        value=Decimal(len(begun)),
    )


def _change(change: UniverseChange, day: date) -> NewFinding:
    state, stands = _stands(change, day)
    leaves = [
        f"{symbol} {per_cent(weight)}{_rule(change, symbol)}"
        for symbol, weight in sorted(change.deleted.items())
    ]
    comes = [f"{symbol} {per_cent(weight)}" for symbol, weight in sorted(change.added.items())]
    return NewFinding(
        topic=Topic.UNIVERSE,
        key=f"version {change.number}",
        state=state,
        sentence=f"{change.kind.told.capitalize()} of {change.drafted_on} by {change.author}: {stands} Comes in: "
        f"{_some(comes)}. Leaves: {_some(leaves)}. One-way turnover {per_cent(change.turnover)}.",
        value=change.turnover,
        version=change.id,
    )


def _rule(change: UniverseChange, symbol: str) -> str:
    rule = change.exit_rules.get(symbol)
    return "" if rule is None else f" ({rule.label})"


def _stands(change: UniverseChange, day: date) -> tuple[FindingState, str]:
    """Where the version stands, as one sentence; what a person should look at is flagged."""
    if change.state is VersionState.LAPSED:
        return FindingState.FLAGGED, f"it has lapsed. {change.lapse}"
    if change.state is VersionState.DRAFT:
        return FindingState.FLAGGED, "a draft that waits for a decision."
    if change.state is VersionState.SCHEDULED:
        late = change.effective_on is not None and change.effective_on <= day
        told = f"published, and to be in force from {change.effective_on}"
        if late:
            return FindingState.FLAGGED, f"{told}, which no night has done."
        return FindingState.NOTE, f"{told}."
    if change.state is VersionState.WITHDRAWN:
        done = f" after step {change.steps_done} of {change.steps}" if change.steps_done else ""
        return FindingState.NOTE, f"withdrawn{done}."
    steps = ""
    if change.steps > 1:
        steps = f", step {change.steps_done} of {change.steps} taken"
    return FindingState.NOTE, f"in force since {change.begun_on}{steps}."


def _exit(left: OpenExit) -> NewFinding:
    one = left.households == 1
    who = f"{left.households:,} household{' still holds' if one else 's still hold'}"
    worth = f"{who} it, which has no price"
    if left.dollars is not None and left.gain is not None:
        kind = "loss" if left.gain < 0 else "gain"
        worth = (
            f"{who} {dollars(left.dollars)} of it, with an unrealised {kind} of {dollars(abs(left.gain))} in taxable "
            "accounts"
        )
    state = FindingState.NOTE
    if left.dollars is None:
        state = FindingState.UNKNOWN
    elif left.rule is ExitRule.SELL:
        state = FindingState.FLAGGED
    return NewFinding(
        topic=Topic.EXITS,
        key=left.symbol,
        state=state,
        sentence=f"{left.symbol} left the model on {left.since} ({left.rule.label}); {worth}.",
        unit=Unit.DOLLARS,
        value=None if left.dollars is None else left.dollars.quantize(CENT),
        version=left.version,
    )


def _some(names: Sequence[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
