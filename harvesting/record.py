"""The record of a harvest: everything it was decided from, as one canonical text, and that read again. Pure.

Nothing else decides: ``harvesting.reproduction`` makes the same decision of the text alone, whatever has become of the
prices, lots, policies and mappings since. What the tax engine said of the household's ledger that night (``washing``,
``deferred`` and what they block) is part of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from accounts.canonical import canonical_text
from accounts.errors import LotwiseError
from accounts.typed_values import plain_values, read_values
from harvesting.types import ZERO, Book, Plan, Surroundings

FORMAT = 2  # 1 named the inputs for people and could not be read again


class UnreadableRecord(LotwiseError):
    """A record of another format, or of a version whose inputs were other ones."""

    code = "unreadable_record"


@dataclass(frozen=True, slots=True)
class Record:
    """``deferred``: dollars that the engine found deferred in the end, by strategic wash sales."""

    book: Book
    around: Surroundings
    deferred: Decimal = ZERO


def text_of(book: Book, around: Surroundings, plan: Plan) -> str:
    """``around`` is what the plan was found in, the engine's objections included."""
    securities = _concerned(book, around)
    kept = replace(
        book,
        prices={one: book.prices[one] for one in securities if one in book.prices},
        symbols={one: book.symbols[one] for one in securities if one in book.symbols},
        delisted={one: book.delisted[one] for one in securities if one in book.delisted},
    )
    return canonical_text(
        {
            "format": FORMAT,
            "taken": [[*one.sale.key, one.sale.quantity] for one in plan.candidates],
            **_mapping(Record(kept, _near(around, securities), plan.deferred)),
        }
    )


def read(text: str) -> Record:
    """Raises UnreadableRecord."""
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']}")
        record: Record = read_values(Record, values)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as reason:
        raise UnreadableRecord(
            f"This record cannot be read by this version of Lotwise ({reason!r}): use the version that wrote it."
        ) from reason
    return record


def _mapping(record: Record) -> dict[str, object]:
    values = plain_values(record)
    assert isinstance(values, dict)
    return values


def _concerned(book: Book, around: Surroundings) -> list[int]:
    """What is held, may be bought instead, or was bought; the firm's other securities decide nothing here."""
    found = {lot.security for lot in book.lots}
    found.update(*around.substitutes.values())
    found.update(one.security for one in around.purchases)
    return sorted(found)


def _near(around: Surroundings, securities: list[int]) -> Surroundings:
    """Without the figures of securities that are not concerned, nor those that no cost follows from."""
    costs = around.costs
    with_impact = [one for one in securities if one in costs.daily_volumes]
    return replace(
        around,
        costs=replace(
            costs,
            half_spreads=_of(costs.half_spreads, securities),
            volatilities=_of(costs.volatilities, with_impact),
            daily_volumes=_of(costs.daily_volumes, securities),
        ),
        volatilities=_of(around.volatilities, securities),
    )


def _of(figures: Mapping[int, Decimal], securities: list[int]) -> dict[int, Decimal]:
    return {one: figures[one] for one in securities if one in figures}
