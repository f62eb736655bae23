"""Wash windows of a household, in both directions: what it must not buy, and what it must not sell at a loss.

Past trades, fills, orders, approved and pending proposals and tonight's drafts all arrive here as the same two facts,
a sale at a loss and a purchase. The length of a window is owned by ``lots.wash_sales`` alone. The result errs on the
careful side: it never misses a trade that replay would call a wash sale, and may block one that it would let pass.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from lots.wash_sales import first_clear_date, in_window
from proposals.types import BuyBlock, SellBlock, Windows

Groups = Sequence[Collection[int]]


@dataclass(frozen=True, slots=True)
class LossSale:
    """Shares sold, or about to be sold, at a loss in a taxable account."""

    security: int
    day: date
    shares: Decimal
    cause: str  # a clause such as "10 AAA sold at a loss on 2022-12-01 in Ann taxable"


@dataclass(frozen=True, slots=True)
class Purchase:
    """Shares bought and still held, or about to be bought, in any account of the household."""

    security: int
    day: date
    shares: Decimal
    cause: str
    retirement: bool  # would take a loss away for ever (R16)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Shares of one lot part that an open proposal or a draft will sell."""

    opening: int
    part: int
    shares: Decimal


Fact = TypeVar("Fact", LossSale, Purchase)
Block = TypeVar("Block", BuyBlock, SellBlock)


def identical_to(security: int, groups: Groups) -> frozenset[int]:
    """The security and all that are substantially identical to it (R24)."""
    found = {security}
    for group in groups:
        if security in group:
            found.update(group)
    return frozenset(found)


def windows_on(
    day: date,
    *,
    loss_sales: Iterable[LossSale],
    purchases: Iterable[Purchase],
    reservations: Iterable[Reservation] = (),
    groups: Groups = (),
) -> Windows:
    """What is blocked for a trade on ``day`` (R5, R10, R24)."""
    return Windows(
        buy_blocked=_blocks(day, loss_sales, groups, _buy_block),
        sell_blocked=_blocks(day, purchases, groups, _sell_block),
        reserved=_reserved(reservations),
    )


def _blocks(
    day: date,
    facts: Iterable[Fact],
    groups: Groups,
    block_of: Callable[[int, Sequence[Fact]], Block],
) -> dict[int, Block]:
    """Every security touched by a fact whose window holds ``day``, identical ones included."""
    touched: dict[int, list[Fact]] = {}
    for fact in facts:
        if in_window(fact.day, day):
            for member in identical_to(fact.security, groups):
                touched.setdefault(member, []).append(fact)
    return {security: block_of(security, found) for security, found in touched.items()}


def _buy_block(security: int, sales: Sequence[LossSale]) -> BuyBlock:
    return BuyBlock(
        clear_on=first_clear_date(max(sale.day for sale in sales)),
        cause=_cause(security, sales),
        shares=sum((sale.shares for sale in sales), Decimal(0)),
    )


def _sell_block(security: int, purchases: Sequence[Purchase]) -> SellBlock:
    return SellBlock(
        clear_on=first_clear_date(max(purchase.day for purchase in purchases)),
        shares=sum((purchase.shares for purchase in purchases), Decimal(0)),
        cause=_cause(security, purchases),
        permanent=any(purchase.retirement for purchase in purchases),
    )


def _cause(security: int, facts: Sequence[Fact]) -> str:
    """The fact that decides the clear date, and how many others there are."""
    last = max(facts, key=lambda fact: fact.day)
    text = last.cause
    if last.security != security:
        text += " (substantially identical)"
    others = len(facts) - 1
    return f"{text}, and {others} more" if others else text


def _reserved(reservations: Iterable[Reservation]) -> dict[tuple[int, int], Decimal]:
    total: dict[tuple[int, int], Decimal] = {}
    for row in reservations:
        key = (row.opening, row.part)
        total[key] = total.get(key, Decimal(0)) + row.shares
    return total
