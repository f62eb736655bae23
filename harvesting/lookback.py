"""The look-back: purchases of the last 30 days that would wash a loss taken today (R5, R9, R10, R14, R16-R18).

A purchase counts if it was made anywhere in the household, in the security or an identical one, is still held after
today's sales, has not served as a replacement already, and is not of the sold lot's own order. As long as one such
share is left, the first shares sold at a loss are matched with it, however few are sold: so no loss of the security is
taken until the window has passed, unless everything bought in it is sold along in the same order (R9b, T21). Orders of
two accounts are filled one after the other, nobody knows today in which order: a purchase in another account counts as
held.

This is the quick answer; the engine has the last word (``harvesting.services``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction

from harvesting.types import BlockKey, Book, LotKey, RecentPurchase, Sale, Surroundings
from lots.engine.entry_checks import PURCHASES
from lots.rounding import plain
from lots.types import LedgerEntry, LotRow, WashMatch
from lots.wash_sales import first_clear_date, in_window
from proposals.types import Intention, Side


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


def blocked(
    sales: Sequence[Sale], around: Surroundings
) -> dict[LotKey, tuple[RecentPurchase, ...]]:
    """The sales that would wash, each with the purchases that remain."""
    sold = {sale.key: sale for sale in sales}
    bought: dict[int, list[RecentPurchase]] = {}
    for purchase in around.purchases:
        for security in around.group_of(purchase.security):
            bought.setdefault(security, []).append(purchase)
    found = {}
    for sale in sales:
        own = around.blocks.get(sale.lot.opening)
        near = bought.get(sale.lot.security, [])
        others = tuple(
            purchase for purchase in near if purchase.block != own and _stays(purchase, sale, sold)
        )
        if others:
            found[sale.key] = others
    return found


def free_from(purchases: Sequence[RecentPurchase]) -> date:
    """First day on which none of the purchases washes a sale any more."""
    return max(first_clear_date(purchase.bought_on) for purchase in purchases)


def told(purchases: Sequence[RecentPurchase], book: Book) -> str:
    """One sentence: what was bought where and when, what that means, and until when."""
    bought = "; ".join(_one(purchase, book) for purchase in purchases[:3])
    more = f"; and {len(purchases) - 3} more purchases" if len(purchases) > 3 else ""
    forever = any(not book.accounts[purchase.account].is_taxable for purchase in purchases)
    harm = "the loss would be lost for ever (R16)" if forever else "the loss would be washed (R10)"
    return f"{bought}{more}: {harm}. Free from {free_from(purchases)}."


def _stays(purchase: RecentPurchase, sale: Sale, sold: Mapping[LotKey, Sale]) -> bool:
    """Whether some of the shares are held right after the sale: only one order takes them out at the same moment."""
    if purchase.opening is None or purchase.part is None:
        return True
    along = sold.get((purchase.opening, purchase.part))
    if along is None or _order(along) != _order(sale):
        return True
    return purchase.shares > along.quantity


def _order(sale: Sale) -> tuple[int, int]:
    return (sale.lot.account, sale.lot.security)


def _one(purchase: RecentPurchase, book: Book) -> str:
    shares = f"{plain(Fraction(purchase.shares))} shares of {book.symbol(purchase.security)}"
    where = book.account(purchase.account)
    if purchase.opening is None:
        return f"an open proposal buys {shares} in {where}"
    return f"{shares} bought on {purchase.bought_on} in {where} are still held"
