"""Which substitutes a change of a model's names breaks, and which names it leaves without one (F18). Pure.

A substitute should stand outside the model it stands in for: one that the model takes in is bought for itself, and one
that the model gives up is no longer followed by anybody.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from harvesting.substitutes import MappingRow


@dataclass(frozen=True, slots=True)
class Checked:
    """A mapping that a change touches, as it is told, and what is wrong with it; nothing: it stays right."""

    pair: str
    problems: tuple[str, ...]


def checked(
    rows: Iterable[MappingRow],
    *,
    added: Collection[int],
    deleted: Collection[int],
    members: Collection[int],
    symbols: Mapping[int, str],
    as_of: date,
) -> list[Checked]:
    """The mappings from or to a name that comes or leaves, those with a problem first, and new names without one.

    ``members`` are the names after the change.
    """
    touched = {*added, *deleted}
    found = [
        Checked(row.pair, tuple(_problems(row, added, deleted, members, symbols, as_of)))
        for row in rows
        if row.security in touched or row.substitute in touched
    ]
    in_force = {row.security for row in rows if row.unused_because(as_of) is None}
    bare = [
        Checked(symbols[one], (f"{symbols[one]} is new and has no substitute in force.",))
        for one in sorted(added, key=lambda one: symbols[one])
        if one not in in_force
    ]
    return sorted([*found, *bare], key=lambda one: (not one.problems, one.pair))


def _problems(
    row: MappingRow,
    added: Collection[int],
    deleted: Collection[int],
    members: Collection[int],
    symbols: Mapping[int, str],
    as_of: date,
) -> Iterable[str]:
    security, substitute = symbols[row.security], symbols[row.substitute]
    if row.substitute in deleted:
        yield f"{substitute} leaves the model and would stand in for {security} all the same."
    elif row.substitute in added:
        yield f"{substitute} comes into the model: it is bought for itself, and cannot stand in for {security} too."
    elif row.substitute in members and row.security not in deleted:
        yield f"{substitute} is in the model itself."
    if row.security in deleted:
        yield f"{security} leaves the model: nobody needs a substitute for it but who still holds it."
    why = row.unused_because(as_of)
    if why is not None:
        yield f"Not in force: {why}."
