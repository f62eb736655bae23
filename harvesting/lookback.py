"""Purchases that would wash a loss taken today: of the last 30 days, and of the next 30 (R5, R9, R10, R14, R16-R18).

A purchase counts if it was made anywhere in the household, in the security or an identical one, is still held after
today's sales, has not served as a replacement already, and is not of the sold lot's own order. As long as one such
share is left, the first shares sold at a loss are matched with it, however few are sold: so a loss is clean only when
everything bought in the window is sold along in the same order (R9b, T21), or when the window has passed. Orders of two
accounts are filled one after the other, nobody knows today in which order: a purchase in another account counts as
held. A purchase that will be made by itself (a savings plan, a dividend that is certain to be reinvested) lies ahead,
and nothing sold today takes it away.

This is the quick answer; the engine has the last word (``harvesting.verification``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from harvesting.types import BlockKey, Book, LotKey, Outcome, RecentPurchase, Surroundings
from lots.engine.entry_checks import PURCHASES
from lots.rounding import plain
from lots.types import LedgerEntry, LotRow, WashMatch
from lots.wash_sales import first_clear_date, in_window
from proposals.types import ComingPurchase, Intention, Side


def spent_parts(matches: Iterable[WashMatch]) -> frozenset[tuple[str, int]]:
    """Lot parts (opening, part) that have served as a replacement already and cannot serve again (R14)."""
    return frozenset((match.replacement, match.replacement_part) for match in matches)


def order_of(entry: LedgerEntry) -> BlockKey:
    """The purchase order that an entry belongs to: one of its account, as the engine counts (R9)."""
    return (
        f"order {entry.account} {entry.block}" if entry.block else f"entry {entry.id}",
        int(entry.security or 0),
    )


def purchases_held(
    *,
    as_of: date,
    lots: Iterable[LotRow],
    entries: Mapping[str, LedgerEntry],
    spent: Collection[tuple[str, int]],
) -> tuple[RecentPurchase, ...]:
    """Open lots bought inside the window of a sale on ``as_of``. A gift, split or transfer is no purchase (R19)."""
    return tuple(
        RecentPurchase(
            security=lot.security,
            account=lot.account,
            bought_on=lot.acquired,
            shares=lot.quantity,
            block=order_of(entry),
            opening=lot.opening,
            part=lot.part,
        )
        for lot in lots
        if (entry := entries.get(str(lot.opening))) is not None
        and entry.kind in PURCHASES
        and in_window(lot.acquired, as_of)
        and (entry.id, lot.part) not in spent
    )


def purchases_intended(intentions: Iterable[Intention], as_of: date) -> tuple[RecentPurchase, ...]:
    """What open proposals are about to buy counts as bought today."""
    return tuple(
        RecentPurchase(
            security=intention.security,
            account=intention.account,
            bought_on=as_of,
            shares=intention.quantity,
            block=(f"proposal {intention.proposal}", intention.security),
        )
        for intention in intentions
        if intention.side is Side.BUY
    )


def purchases_coming(coming: Iterable[ComingPurchase]) -> tuple[RecentPurchase, ...]:
    """What will be bought by itself and cannot be relied on to be stopped (F31)."""
    return tuple(
        RecentPurchase(
            security=one.security,
            account=one.account,
            bought_on=one.day,
            shares=one.shares,
            block=(f"coming {one.account} {one.day} {one.is_reinvestment}", one.security),
            is_coming=True,
            cause=one.cause,
        )
        for one in coming
        if one.counts
    )


@dataclass(frozen=True, slots=True)
class Conflict:
    """What stands between a lot and a clean loss.

    ``along`` are lot parts of recent purchases that the same order can sell too; ``stays`` are purchases that it
    cannot, so that with one of them the loss is washed.
    """

    along: frozenset[LotKey]
    stays: tuple[RecentPurchase, ...]


def conflict_of(
    lot: LotRow,
    purchases: Iterable[RecentPurchase],
    around: Surroundings,
    *,
    sellable: Collection[LotKey],
) -> Conflict:
    """Of a lot with the ``purchases`` near it: those of other orders; ``sellable`` parts may go entirely today."""
    own = around.blocks.get(lot.opening)
    along: set[LotKey] = set()
    stays: list[RecentPurchase] = []
    for purchase in purchases:
        if purchase.block == own:
            continue
        if purchase.opening is None or purchase.part is None:
            stays.append(purchase)
            continue
        key = (purchase.opening, purchase.part)
        is_same_order = (purchase.account, purchase.security) == (lot.account, lot.security)
        if is_same_order and key in sellable:
            along.add(key)
        else:
            stays.append(purchase)
    return Conflict(frozenset(along), tuple(stays))


def by_security(around: Surroundings) -> dict[int, list[RecentPurchase]]:
    """Security -> the purchases of it and of everything identical to it."""
    bought: dict[int, list[RecentPurchase]] = {}
    for purchase in around.purchases:
        for security in around.group_of(purchase.security):
            bought.setdefault(security, []).append(purchase)
    return bought


def outcome_of(purchases: Sequence[RecentPurchase], book: Book) -> Outcome:
    """What the purchases that stay do to the loss: gone for ever, deferred by what is still to come, or by the past."""
    if is_permanent(purchases, book):
        return Outcome.PERMANENT_WASH
    if any(purchase.is_coming for purchase in purchases):
        return Outcome.COMING_PURCHASE
    return Outcome.RECENT_PURCHASE


def is_permanent(purchases: Iterable[RecentPurchase], book: Book) -> bool:
    """Whether one of the purchases is in an account that takes a loss away for ever (R16)."""
    return any(not book.accounts[purchase.account].is_taxable for purchase in purchases)


def free_from(purchases: Sequence[RecentPurchase]) -> date:
    """First day on which none of the purchases washes a sale any more."""
    return max(first_clear_date(purchase.bought_on) for purchase in purchases)


def told(purchases: Sequence[RecentPurchase], book: Book) -> str:
    """One sentence: what was bought where and when, what that means, and until when."""
    bought = "; ".join(_one(purchase, book) for purchase in purchases[:3])
    more = f"; and {len(purchases) - 3} more purchases" if len(purchases) > 3 else ""
    forever = is_permanent(purchases, book)
    harm = "the loss would be lost for ever (R16)" if forever else "the loss would be washed (R10)"
    return f"{bought}{more}: {harm}. Free from {free_from(purchases)}."


def _one(purchase: RecentPurchase, book: Book) -> str:
    shares = f"{plain(Fraction(purchase.shares))} shares of {book.symbol(purchase.security)}"
    where = book.account(purchase.account)
    if purchase.is_coming:
        why = f" ({purchase.cause})" if purchase.cause else ""
        return f"{shares} will be bought on {purchase.bought_on} in {where}{why}"
    if purchase.opening is None:
        return f"an open proposal buys {shares} in {where}"
    return f"{shares} bought on {purchase.bought_on} in {where} are still held"
