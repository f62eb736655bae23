"""Whether approved trades may still leave for the custodian: asked of fresh facts, just before they do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from proposals.compliance import Facts, feasible
from proposals.drafts import blocked_buys, restricted_trades, shares, unreconciled
from proposals.types import AcceptedWash, Intention, Side
from proposals.washes import NOTHING_ACCEPTED, wash_problems

ZERO = Decimal(0)


def reasons_to_hold(
    intended: Sequence[Intention], facts: Facts, *, accepted: AcceptedWash = NOTHING_ACCEPTED
) -> tuple[str, ...]:
    """Why one proposal's trades must not be ordered on ``facts.as_of``; empty = they may.

    Approval has asked more; what can happen between it and the export is that shares leave, that somebody buys, or that
    a trade is restricted. A wash sale is asked of trades that can be made, at the latest quotes; what its approval
    ``accepted`` does not hold it back.
    """
    forbidden = [problem.text for problem in restricted_trades(intended, facts)]
    if forbidden:
        return tuple(forbidden)
    reserved = facts.windows.reserved
    free = {
        key: replace(lot, quantity=lot.quantity - reserved.get(key, ZERO))
        for key, lot in facts.lots.items()
    }
    possible = feasible(intended, free)
    found = [
        *_short(intended, possible, facts),
        *(problem.text for problem in blocked_buys(intended, facts)),
        *(problem.text for problem in unreconciled(intended, facts)),
    ]
    if found:
        return tuple(found)
    return tuple(problem.text for problem in wash_problems(possible, facts, accepted=accepted))


def _short(
    intended: Sequence[Intention], possible: Sequence[Intention], facts: Facts
) -> Iterator[str]:
    """Lots of which fewer shares are free than the trades sell."""
    wanted, found = _by_lot(intended), _by_lot(possible)
    for (account, security, opening), quantity in wanted.items():
        free = found.get((account, security, opening), ZERO)
        if free < quantity:
            days = [lot.acquired for key, lot in facts.lots.items() if key[0] == opening]
            of = f"of the lot of {min(days)} " if days else ""
            yield (
                f"{shares(quantity)} {facts.symbol(security)} {of}are to be sold in "
                f"{facts.account(account)}, {shares(free)} are free."
            )


def _by_lot(trades: Sequence[Intention]) -> dict[tuple[int, int, int], Decimal]:
    found: dict[tuple[int, int, int], Decimal] = {}
    for trade in trades:
        if trade.side is Side.SELL and trade.opening is not None:
            key = (trade.account, trade.security, trade.opening)
            found[key] = found.get(key, ZERO) + trade.quantity
    return found
