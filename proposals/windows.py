"""Wash windows of a household, in both directions: what it must not buy, and what it must not sell at a loss.

Past trades, fills, orders, approved and pending proposals, tonight's drafts, savings plans and dividends ahead all
arrive here as the same two facts, a sale at a loss and a purchase. The length of a window is owned by
``lots.wash_sales`` alone. The result errs on the careful side: it never misses a trade that replay would call a wash
sale, and may block one that it would let pass.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from lots.types import LotRow
from lots.wash_sales import first_clear_date, in_window
from proposals.coming import HORIZON_DAYS
from proposals.types import (
    BuyBlock,
    Cause,
    ComingPurchase,
    Origin,
    RestrictionKind,
    RestrictionRow,
    Restrictions,
    SellBlock,
    Windows,
)

Groups = Sequence[Collection[int]]

_DAY = timedelta(days=1)
# No clear day as far ahead as plans are laid out, holidays and short months allowed for.
_ENDLESS = timedelta(days=HORIZON_DAYS - 6)


@dataclass(frozen=True, slots=True)
class LossSale:
    """Shares sold, or about to be sold, at a loss in a taxable account."""

    security: int
    day: date
    shares: Decimal
    cause: str  # a clause such as "10 AAA sold at a loss on 2022-12-01 in Ann taxable"
    origin: Origin = Origin.TRADE
    loss: Decimal = Decimal(0)  # dollars of it that can still be disallowed

    def told(self) -> Cause:
        """What opened the window."""
        return Cause(self.origin, self.security, self.day, self.shares, self.cause, loss=self.loss)


@dataclass(frozen=True, slots=True)
class Purchase:
    """Shares bought and still held, or about to be bought, in any account of the household."""

    security: int
    day: date
    shares: Decimal
    cause: str
    retirement: bool  # would take a loss away for ever (R16)
    origin: Origin = Origin.TRADE

    def told(self) -> Cause:
        """What opened the window."""
        return Cause(self.origin, self.security, self.day, self.shares, self.cause, self.retirement)


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


def purchases_of(coming: Iterable[ComingPurchase]) -> list[Purchase]:
    """What will be bought by itself, as purchases; what can still be switched off is none."""
    return [
        Purchase(
            security=one.security,
            day=one.day,
            shares=one.shares,
            cause=one.cause,
            retirement=one.retirement,
            origin=Origin.DIVIDEND if one.is_reinvestment else Origin.PLAN,
        )
        for one in coming
        if one.counts
    ]


def windows_on(
    day: date,
    *,
    loss_sales: Iterable[LossSale],
    purchases: Iterable[Purchase],
    reservations: Iterable[Reservation] = (),
    groups: Groups = (),
    coming: Iterable[ComingPurchase] = (),
) -> Windows:
    """What is blocked for a trade on ``day`` (R5, R10, R24).

    ``coming`` may reach far beyond the window: what lies behind it only decides when the first clear day is.
    """
    ahead = tuple(coming)
    every = [*purchases, *purchases_of(ahead)]
    return Windows(
        buy_blocked=_blocks(day, loss_sales, groups, _buy_block),
        sell_blocked=_blocks(day, every, groups, _sell_block),
        reserved=_reserved(reservations),
        coming=tuple(one for one in ahead if in_window(one.day, day)),
    )


def _blocks(
    day: date,
    facts: Iterable[Fact],
    groups: Groups,
    block_of: Callable[[int, Sequence[Fact], date], Block],
) -> dict[int, Block]:
    """Every security touched by a fact whose window holds ``day``, identical ones included."""
    touched: dict[int, list[Fact]] = {}
    for fact in facts:
        for member in identical_to(fact.security, groups):
            touched.setdefault(member, []).append(fact)
    return {
        security: block_of(security, found, day)
        for security, found in touched.items()
        if any(in_window(fact.day, day) for fact in found)
    }


def _clear_on(day: date, facts: Iterable[Fact]) -> date:
    """The first day from ``day`` on that lies in the window of none of the facts."""
    days = [fact.day for fact in facts]
    clear = day
    while near := [one for one in days if in_window(one, clear)]:
        clear = first_clear_date(max(near))
    return clear


def _buy_block(security: int, sales: Sequence[LossSale], day: date) -> BuyBlock:
    near = [sale for sale in sales if in_window(sale.day, day)]
    return BuyBlock(
        clear_on=_clear_on(day, sales),
        cause=_cause(security, near),
        shares=sum((sale.shares for sale in near), Decimal(0)),
        opened_by=tuple(sale.told() for sale in near),
    )


def _sell_block(security: int, purchases: Sequence[Purchase], day: date) -> SellBlock:
    near = [purchase for purchase in purchases if in_window(purchase.day, day)]
    clear_on = _clear_on(day, purchases)
    return SellBlock(
        clear_on=clear_on,
        shares=sum((purchase.shares for purchase in near), Decimal(0)),
        cause=_cause(security, near),
        permanent=any(purchase.retirement for purchase in near),
        is_endless=clear_on - day >= _ENDLESS,
        opened_by=tuple(purchase.told() for purchase in near),
    )


_NOT_TO_BUY = (RestrictionKind.NO_BUY, RestrictionKind.MUST_SELL)


def with_restrictions(
    windows: Windows, restrictions: Restrictions, lots: Mapping[tuple[int, int], LotRow]
) -> Windows:
    """The windows with what must not be traded anyway (F37).

    A NO_BUY or MUST_SELL of the household blocks the purchase as a window does; one of a single account stands in
    ``restricted`` alone. Shares under a NO_SELL count as reserved, so that nobody plans to sell them.
    """
    if not restrictions.rows:
        return windows
    bought = dict(windows.buy_blocked)
    for row in restrictions.rows:
        if row.kind in _NOT_TO_BUY and row.account is None:
            bought[row.security] = _restricted_block(row, bought.get(row.security))
    reserved = dict(windows.reserved)
    no_sell = set()
    for key, lot in lots.items():
        for row in restrictions.rows:
            if (
                row.kind is RestrictionKind.NO_SELL
                and row.security == lot.security
                and row.account in (None, lot.account)
            ):
                no_sell.add((lot.account, lot.security))
                reserved[key] = lot.quantity
    return replace(
        windows,
        buy_blocked=bought,
        reserved=reserved,
        restricted=restrictions,
        no_sell=frozenset(no_sell),
    )


def _restricted_block(row: RestrictionRow, known: BuyBlock | None) -> BuyBlock:
    ends = date.max if row.until is None else row.until + _DAY
    if known is None:
        return BuyBlock(clear_on=ends, cause=row.dated, is_restricted=True)
    return replace(
        known,
        clear_on=max(known.clear_on, ends),
        cause=f"{known.cause}; {row.dated}",
        is_restricted=True,
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
