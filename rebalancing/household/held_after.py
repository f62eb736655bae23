"""A household's books once a year's trades are done and some time has passed: pure Decimal.

Prices stay what they are. Lots are those of the books less what was sold, plus one for each purchase; their holding
periods run on, so a short-term lot of this year is a long-term one of the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from lots.types import LotRow
from lots.year_tax import TaxPosition
from proposals.types import DraftTrade, Restrictions, Side
from rebalancing.household.state import Books, Line, share_of_basis
from rebalancing.types import ZERO

LotKey = tuple[int, int]


def after(
    books: Books,
    trades: Sequence[DraftTrade],
    *,
    cash: Mapping[int, Decimal],
    day: date,
    tax: TaxPosition,
) -> Books:
    """The books of ``day``, with ``trades`` and what was underway executed; ``cash`` is each account's after both.

    ``cash`` leaves out what is set aside for needs: by then it has left. Substitutes go on standing in: whether they go
    back is decided elsewhere. A purchase's lot has an ``opening`` below zero: no transaction opened it yet.
    """
    lines: list[Line] = [*books.intentions, *trades]
    lots = [*_left(books.lots, lines), *_bought(books, lines)]
    return replace(
        books,
        as_of=day,
        cash=cash,
        lots=lots,
        price_days=dict.fromkeys(books.price_days, day),
        intentions=(),
        tax=tax,
        restrictions=still_in_force(books.restrictions, day),
        cash_flows=(),  # what was set aside for them has left
    )


def still_in_force(restrictions: Restrictions, day: date) -> Restrictions:
    """Those of today's restrictions that hold on a later day too."""
    rows = tuple(row for row in restrictions.rows if row.until is None or row.until >= day)
    return replace(restrictions, rows=rows)


def _left(lots: Iterable[LotRow], lines: Iterable[Line]) -> Iterable[LotRow]:
    sold: dict[LotKey, Decimal] = {}
    for line in lines:
        if line.side is Side.SELL and line.opening is not None and line.part is not None:
            key = (line.opening, line.part)
            sold[key] = sold.get(key, ZERO) + line.quantity
    for lot in lots:
        quantity = lot.quantity - sold.get((lot.opening, lot.part), ZERO)
        if quantity > ZERO:
            yield _part(lot, quantity)


def _part(lot: LotRow, quantity: Decimal) -> LotRow:
    if quantity == lot.quantity:
        return lot
    return replace(
        lot,
        quantity=quantity,
        basis=share_of_basis(basis=lot.basis, shares=quantity, of=lot.quantity),
        loss_basis=None
        if lot.loss_basis is None
        else share_of_basis(basis=lot.loss_basis, shares=quantity, of=lot.quantity),
    )


def _bought(books: Books, lines: Iterable[Line]) -> Iterable[LotRow]:
    first = min((lot.opening for lot in books.lots), default=0)
    buys = [line for line in lines if line.side is Side.BUY]
    for number, line in enumerate(buys, start=1):
        yield LotRow(
            opening=min(first, 0) - number,
            part=0,
            account=line.account,
            security=line.security,
            acquired=books.as_of,
            holding_start=books.as_of,
            quantity=line.quantity,
            basis=(line.quantity * line.price).quantize(Decimal("0.01")),
        )
