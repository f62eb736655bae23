"""What opens a look before the policy's calendar does: a model that changed, a restriction that ended, an action (F6).

Pure. A look that counts keeps the occasions it has seen, so that none opens a second one: their days alone would not
say whether a version that a person published on a day came before or after that day's look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proposals.types import ReasonCode

FOLLOWS = "follows "  # begins the key of the model that a household follows
_SHOWN = 4  # sentences; a file of years of actions may be booked at once


@dataclass(frozen=True, slots=True)
class Occasion:
    """A fact of a household's model, restrictions or books; its ``key`` is the same every night. ``opens``: a look.

    ``code`` is the reason of a proposal that it opened; a corporate action has none.
    """

    key: str
    told: str
    opens: bool = False
    code: ReasonCode | None = None


def met(
    known: Sequence[Occasion], seen: Sequence[Occasion], *, undecided: bool
) -> tuple[Occasion, ...]:
    """The ``known`` occasions since the last look, marked where it has not ``seen`` them.

    What opened that look goes on opening where what it proposed is ``undecided``: a renewed proposal keeps its reason.
    The model that is followed is known every night, and opens where that look kept another; one that kept none, of
    a policy that looks every night, says nothing about it. One that is followed no more is no reason.
    """
    before = {one.key for one in seen}
    is_silent = not any(key.startswith(FOLLOWS) for key in before)
    now = {one.key for one in known}
    carried = {
        one.key: one
        for one in seen
        if one.opens and undecided and (one.key in now or not one.key.startswith(FOLLOWS))
    }
    found = {
        one.key: replace(
            one, opens=one.key not in before and not (is_silent and one.key.startswith(FOLLOWS))
        )
        for one in known
    }
    return tuple((found | carried).values())


def sentence(occasions: Iterable[Occasion]) -> str:
    """``Looked at before its date: the model changed on 2026-03-02.``; empty where nothing opened the look."""
    told = list(dict.fromkeys(one.told for one in occasions if one.opens))
    if not told:
        return ""
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return f"Looked at before its date: {'; '.join(told[:_SHOWN])}{more}."


def with_codes(reasons: Sequence[str], occasions: Iterable[Occasion]) -> tuple[str, ...]:
    """A proposal's reasons with the codes of what opened its look behind the first, each once.

    Where the date alone stood for a reason, it was not the date.
    """
    codes = [one.code.value for one in occasions if one.opens and one.code is not None]
    first = [one for one in reasons[:1] if not codes or one != ReasonCode.CALENDAR]
    return tuple(dict.fromkeys([*first, *codes, *reasons[1:]]))


def as_record(occasions: Iterable[Occasion]) -> list[dict[str, object]]:
    """The occasions as a look keeps them."""
    return [
        {
            "key": one.key,
            "told": one.told,
            "opens": one.opens,
            "code": None if one.code is None else one.code.value,
        }
        for one in occasions
    ]


def from_record(rows: Iterable[Mapping[str, Any]]) -> tuple[Occasion, ...]:
    """What ``as_record`` made; looks from before codes were kept have none."""
    return tuple(
        Occasion(
            row["key"],
            row["told"],
            row["opens"],
            ReasonCode(row["code"]) if row.get("code") else None,
        )
        for row in rows
    )
