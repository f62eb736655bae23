"""Additions and deletions of a model's names: the new weights, what differs, and the steps on the way (F18, F19).

Pure Decimal. Weights are fractions of a household's value, by security; what they leave below 1 is cash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from accounts.canonical import decimal_text
from lots.rounding import spread
from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.types import ONE, ZERO

WEIGHT = Decimal("0.00000001")  # weights are stored to this


class BadChange(ValueError):
    """The list of changes has no weights that could be a model's; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Addition:
    """A name that comes in, with its weight."""

    security: int
    weight: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A name that leaves, and what becomes of its shares."""

    security: int
    rule: ExitRule
    note: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a version changes: securities with their weights, before and after."""

    added: Mapping[int, Decimal]
    deleted: Mapping[int, Decimal]  # with the weight they had
    changed: Mapping[int, tuple[Decimal, Decimal]]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.deleted or self.changed)


def changed_weights(
    before: Mapping[int, Decimal],
    additions: Sequence[Addition],
    deletions: Sequence[Deletion],
    freed: Freed,
) -> dict[int, Decimal]:
    """The weights after a list of changes, each to eight decimals.

    With ``Freed.OTHERS`` the names that stay share what is left over in proportion, and give what is too much, so that
    the sum and the cash stay. With ``Freed.CASH`` they keep their weights. Raises BadChange.
    """
    gone = {one.security for one in deletions}
    coming = {one.security: one.weight for one in additions}
    for security in gone:
        if before.get(security, ZERO) <= ZERO:
            raise BadChange("A name that is not in the model cannot leave it.")
    if len(coming) != len(additions) or len(gone) != len(deletions) or gone & coming.keys():
        raise BadChange("A name stands in the list twice.")
    if any(before.get(security, ZERO) > ZERO for security in coming):
        raise BadChange("A name that is in the model already cannot be added to it.")
    room = sum(before.values(), ZERO) - sum(coming.values(), ZERO)
    staying = {security: weight for security, weight in before.items() if security not in gone}
    kept = sum(staying.values(), ZERO)
    if before and freed is Freed.OTHERS:
        staying = _in_proportion(staying, room, kept)
    elif before and kept > room:
        raise BadChange(
            f"The additions weigh {_per_cent(kept - room)} more than what leaves: give them less, delete more, or let "
            "the names that stay give it."
        )
    found = {security: weight for security, weight in {**staying, **coming}.items() if weight > 0}
    if sum(found.values(), ZERO) > ONE:
        raise BadChange("The weights come to more than 100 %.")
    if not found:
        raise BadChange("Nothing is left in the model: a household needs something to go to.")
    return found


def _in_proportion(
    staying: Mapping[int, Decimal], room: Decimal, kept: Decimal
) -> dict[int, Decimal]:
    if not staying:
        if room == ZERO:
            return {}
        raise BadChange(
            f"No name stays that could {'take' if room > ZERO else 'give'} the {_per_cent(abs(room))} between what "
            "leaves and what comes: make the additions weigh as much, or leave the rest to cash."
        )
    if room <= ZERO:
        raise BadChange(
            "The additions weigh as much as the whole model or more: nothing would be left to the names that stay."
        )
    return shared(staying, room, of=kept)


def shared(
    weights: Mapping[int, Decimal], total: Decimal, *, of: Decimal | None = None
) -> dict[int, Decimal]:
    """Weights in the same proportions that make ``total`` exactly; largest remainders first.

    ``of`` is their sum. Raises BadChange for a total with more than eight decimals.
    """
    if total != total.quantize(WEIGHT):
        raise BadChange(f"{total} has more than eight decimals.")
    scale = Fraction(total) / Fraction(sum(weights.values(), ZERO) if of is None else of)
    order = sorted(weights)
    exact = spread(total, [Fraction(weights[one]) * scale for one in order], WEIGHT)
    return dict(zip(order, exact, strict=True))


def difference(before: Mapping[int, Decimal], after: Mapping[int, Decimal]) -> Difference:
    """What comes, what leaves and what weighs otherwise; names that weigh nothing are not there."""
    was = {security: weight for security, weight in before.items() if weight > ZERO}
    becomes = {security: weight for security, weight in after.items() if weight > ZERO}
    return Difference(
        added={one: becomes[one] for one in sorted(becomes.keys() - was.keys())},
        deleted={one: was[one] for one in sorted(was.keys() - becomes.keys())},
        changed={
            one: (was[one], becomes[one])
            for one in sorted(was.keys() & becomes.keys())
            if was[one] != becomes[one]
        },
    )


def turnover(before: Mapping[int, Decimal], after: Mapping[int, Decimal]) -> Decimal:
    """One-way turnover of the model: half of all changes of weight, cash among them."""
    names = before.keys() | after.keys()
    moves = [after.get(one, ZERO) - before.get(one, ZERO) for one in names]
    return (sum(map(abs, moves), ZERO) + abs(sum(moves, ZERO))) / 2


def step_weights(
    before: Mapping[int, Decimal], after: Mapping[int, Decimal], step: int, of: int
) -> dict[int, Decimal]:
    """The weights after the step (1 to ``of``) of a move in equal steps; names that weigh nothing are left out.

    Each step's weights have eight decimals and the sum that lies as far between the two sums; step 0 is ``before``, the
    last is ``after``, both to the digit. Raises ValueError for a step that is none.
    """
    if not 0 <= step <= of or of < 1:
        raise ValueError(f"Step {step} of {of} is none.")
    if step in (0, of):
        exact = dict(before if step == 0 else after)
    else:
        names = sorted(before.keys() | after.keys())
        way = Fraction(step, of)
        parts = [_between(before.get(one, ZERO), after.get(one, ZERO), way) for one in names]
        total = _between(sum(before.values(), ZERO), sum(after.values(), ZERO), way)
        units = floor(total / Fraction(WEIGHT))  # what is cut goes to cash
        found = spread(units * WEIGHT, parts, WEIGHT)
        exact = dict(zip(names, found, strict=True))
    return {security: weight for security, weight in exact.items() if weight > ZERO}


def _between(start: Decimal, end: Decimal, way: Fraction) -> Fraction:
    return Fraction(start) + (Fraction(end) - Fraction(start)) * way


def _per_cent(weight: Decimal) -> str:
    return f"{decimal_text(weight * 100)} %"
