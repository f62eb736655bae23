"""Where the money of a harvest goes: the first substitute by rank that may be bought today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harvesting.types import Book, Surroundings


@dataclass(frozen=True, slots=True)
class Choice:
    """The substitute, or why each rank fell out, in order of rank."""

    substitute: int | None
    refused: tuple[str, ...] = ()


def choose(ranked: Sequence[int], refusals: Mapping[int, str]) -> Choice:
    """First by rank that is not refused. ``refusals``: security -> why it cannot be bought."""
    passed: list[str] = []
    for substitute in ranked:
        why = refusals.get(substitute)
        if why is None:
            return Choice(substitute, tuple(passed))
        passed.append(why)
    return Choice(None, tuple(passed))


def standing_refusals(book: Book, around: Surroundings) -> dict[int, str]:
    """Substitutes that cannot be bought whatever else is sold today: no sound price, or an open window."""
    mapped = {one for ranked in around.substitutes.values() for one in ranked}
    refusals = {}
    for security in sorted(mapped):
        symbol = book.symbol(security)
        if security not in book.prices:
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
