"""Why a household has no answer, in its own words: accounts and securities by name, dollars instead of fractions."""

import re
from decimal import ROUND_CEILING

from rebalancing.errors import Infeasible
from rebalancing.optimizer.conflicts import Relaxation
from rebalancing.telling.amounts import dollars
from rebalancing.trades import border
from rebalancing.trades.index import Index, in_words
from rebalancing.types import CENT

TOLD = 5  # limits in the way that the message lists
_FLOORS = ("lower", "cash_min", "buy_floor", "sell_floor", "joint_low")


def for_people(found: Infeasible, index: Index) -> Infeasible:
    """The same error: what is in conflict, the smallest relaxation that helps, and what stands in the way.

    ``relaxations`` become sentences' parts (``the cash floor of account A2 lower by $20.00``). Where the optimiser knew
    none, its own message is told with names.
    """
    against = tuple(_named(name, index) for name in found.against)
    if not found.relaxations:
        return Infeasible(
            _named(found.message, index),
            conflicts=tuple(_named(one, index) for one in found.conflicts),
            against=against,
            advice=found.advice,
        )
    limits = tuple(_named(one.name, index) for one in found.relaxations)
    parts = tuple(_part(one, index) for one in found.relaxations)
    message = (
        f"No trades keep every limit: {_together(limits)} cannot be met. "
        f"The smallest relaxation that helps: {_together(parts)}."
    )
    if against:
        more = f" and {len(against) - TOLD} more" if len(against) > TOLD else ""
        message += f" In the way: {', '.join(against[:TOLD])}{more}."
    return Infeasible(
        message, conflicts=limits, against=against, relaxations=parts, advice=found.advice
    )


def _part(one: Relaxation, index: Index) -> str:
    short = (border.decimal(one.amount) * index.value).quantize(CENT, rounding=ROUND_CEILING)
    way = "lower" if one.limit in _FLOORS else "higher"
    return f"{_named(one.name, index)} {way} by {dollars(short)}"


def _named(text: str, index: Index) -> str:
    """A lot has no name that people know: its security and account have."""
    return in_words(re.sub(r"lot \d+ of security", "a lot of security", text), index)


def _together(parts: tuple[str, ...]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
