"""Where the money of a harvest may go: the substitutes that count today, and what stands against each of them.

Which mappings count is the firm's policy and the household's. The household's own list goes first, by its ranks; where
those run out the firm's list follows, without what the household named already. A household cannot strike a substitute
of the firm's by a list: that is what a restriction is for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from harvesting.types import Book, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """One security's substitute on record: by the firm, or by a household for itself."""

    security: int
    substitute: int
    rank: int
    pair: str  # as it is told: "AAA -> BBB"
    is_own: bool = False  # the household's
    since: date | None = None  # first day; None = from the beginning
    ended_on: date | None = None  # last day; None = in force
    valid_until: date | None = None  # last day without another review

    def unused_because(self, as_of: date) -> str | None:
        """Why the mapping does not count on the day (N12); None = it counts."""
        if self.ended_on is not None and self.ended_on < as_of:
            return f"the mapping {self.pair} ended on {self.ended_on}"
        if self.since is not None and self.since > as_of:
            return f"the mapping {self.pair} begins on {self.since}"
        if self.valid_until is not None and self.valid_until < as_of:
            return f"the mapping {self.pair} was to be reviewed by {self.valid_until}"
        return None


@dataclass(frozen=True, slots=True)
class Mapped:
    """Substitutes by rank, and why the other mappings on record do not count."""

    ranked: Mapping[int, tuple[int, ...]]
    refused: Mapping[int, tuple[str, ...]]  # security -> a reason for each pair
    # Security -> a reason for each substitute of the firm's list that is passed over because it left the model.
    left: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    # Security -> substitutes that left the model, and that the household's own list names all the same.
    by_hand: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def in_force(
    rows: Iterable[MappingRow], as_of: date, *, left: Mapping[int, str] | None = None
) -> Mapped:
    """Which mappings count on the day, household before firm. A pair that counts somewhere has no reason to be told.

    ``left`` are the names that left the household's model, a clause each (F18): the firm's list does not lead to them.
    The household's own list does, because a person made it for this household.
    """
    gone = left or {}
    ranked: dict[int, list[int]] = {}
    unused: dict[int, dict[int, str]] = {}
    passed: dict[int, dict[int, str]] = {}
    # Of the reasons for one pair the last is kept: an ended mapping says less than one that waits for a review.
    for row in sorted(rows, key=lambda one: (not one.is_own, one.rank, one.ended_on is None)):
        why = row.unused_because(as_of)
        if why is not None:
            unused.setdefault(row.security, {})[row.substitute] = why
        elif row.substitute in gone and not row.is_own:
            passed.setdefault(row.security, {})[row.substitute] = (
                f"the mapping {row.pair} is passed over, {gone[row.substitute]}"
            )
        elif row.substitute not in ranked.setdefault(row.security, []):
            ranked[row.security].append(row.substitute)
    return Mapped(
        ranked={security: tuple(found) for security, found in ranked.items()},
        refused=_without_ranked(unused, ranked),
        left=_without_ranked(passed, ranked),
        by_hand={
            security: kept
            for security, found in ranked.items()
            if (kept := tuple(one for one in found if one in gone))
        },
    )


def _without_ranked(
    reasons: Mapping[int, Mapping[int, str]], ranked: Mapping[int, Sequence[int]]
) -> dict[int, tuple[str, ...]]:
    """The reasons for pairs that count nowhere."""
    told = {
        security: tuple(
            why
            for substitute, why in of_pairs.items()
            if substitute not in ranked.get(security, ())
        )
        for security, of_pairs in reasons.items()
    }
    return {security: whys for security, whys in told.items() if whys}


def standing_refusals(book: Book, around: Surroundings) -> dict[int, str]:
    """Substitutes that cannot be bought whatever else is sold today: no sound price, delisted, or blocked."""
    mapped = {one for ranked in around.substitutes.values() for one in ranked}
    refusals = {}
    for security in sorted(mapped):
        symbol = book.symbol(security)
        if security in book.delisted:
            refusals[security] = f"{symbol} no longer trades since {book.delisted[security]}"
        elif security not in book.prices:
            refusals[security] = f"{symbol} has no price"
        elif not book.is_fresh(security):
            refusals[security] = f"the price of {symbol} is of {book.prices[security].day}"
        elif security in around.doubtful:
            refusals[security] = around.doubtful[security]
        elif security in around.buy_blocked:
            refusals[security] = f"{symbol} is {around.buy_blocked[security]}"
    return refusals


def refusals_for(
    security: int,
    *,
    standing: Mapping[int, str],
    sold: frozenset[int],
    book: Book,
    around: Surroundings,
) -> dict[int, str]:
    """``standing`` and what follows from what is sold at a loss today: nothing identical to ``sold`` is bought."""
    own = around.group_of(security)
    refusals = dict(standing)
    for substitute in around.substitutes.get(security, ()):
        symbol = book.symbol(substitute)
        if substitute in own:
            refusals[substitute] = f"{symbol} is substantially identical to {book.symbol(security)}"
        elif substitute in sold:
            refusals.setdefault(substitute, f"{symbol} is sold at a loss in this proposal")
    return refusals
