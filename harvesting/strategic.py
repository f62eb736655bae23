"""What strategic wash sales would defer: asked of the tax engine itself, for households that price washes (F28). Pure.

A loss that recent purchases in taxable accounts would wash is not lost: it goes into the basis of the shares bought.
Where more shares are sold than were bought, the rest of the loss counts this year, and may be worth the wait of the
part that is deferred. Retirement accounts are no matter of price: there the loss is gone (R16). Nor are purchases that
lie ahead: they can still be called off.
"""

from collections.abc import Sequence
from dataclasses import replace

from harvesting.offers import offered, washed_sales
from harvesting.types import ZERO, Book, DeferredLoss, Sale, Surroundings
from lots.replay import new_disallowed, replay, simulate
from lots.rounding import stored_money
from lots.types import EntryKind, Ledger, LedgerEntry, LotPick, LotRow

_PREFIX = "strategic"


def with_deferred(
    book: Book, lots: Sequence[LotRow], around: Surroundings, ledger: Ledger
) -> Surroundings:
    """The surroundings with what selling the washed loss lots of each identical group would defer.

    ``ledger`` ends with what is under way. Without the household's word (``prices_washes``) nothing is asked.
    """
    if not book.rules.prices_washes:
        return around
    found = offered(book, lots, around)
    groups: dict[frozenset[int], list[Sale]] = {}
    for sale in washed_sales(book, found, around):
        groups.setdefault(around.group_of(sale.lot.security), []).append(sale)
    return replace(
        around,
        deferred={group: _deferred(sales, ledger, book) for group, sales in groups.items()},
    )


def _deferred(sales: Sequence[Sale], ledger: Ledger, book: Book) -> DeferredLoss:
    before = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    after = simulate(
        ledger.entries, _entries(sales, book), ledger.accounts, ledger.groups, ledger.policy
    )
    lost = dict.fromkeys((sale.key for sale in sales), ZERO)
    is_permanent = False
    for row in new_disallowed(before, after):
        is_permanent = is_permanent or row.permanent > 0 or not row.sale.startswith(_PREFIX)
        for match in row.matches:
            key = (int(match.sold_lot), match.sold_part)
            if key in lost:
                lost[key] += stored_money(match.amount)
    return DeferredLoss(lost, is_permanent)


def _entries(sales: Sequence[Sale], book: Book) -> tuple[LedgerEntry, ...]:
    """One sale per account and security, as the orders will be."""
    orders: dict[tuple[int, int], list[Sale]] = {}
    for sale in sales:
        orders.setdefault(sale.place, []).append(sale)
    return tuple(
        LedgerEntry(
            id=f"{_PREFIX}:{number}",
            trade_date=book.as_of,
            account=str(account),
            kind=EntryKind.SELL,
            security=str(security),
            quantity=sum((sale.quantity for sale in lots), ZERO),
            amount=sum((sale.amount for sale in lots), ZERO),
            picks=tuple(
                LotPick(str(sale.lot.opening), sale.quantity, sale.lot.part) for sale in lots
            ),
        )
        for number, ((account, security), lots) in enumerate(orders.items(), start=1)
    )
