"""Reported fills against their orders: which are new, which fit, and what each becomes in the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from lots.models import TaxLot
from lots.rounding import cents, plain
from lots.types import EntryKind, NewTransaction, Pick, Source
from proposals.fills import FillRow
from proposals.models import Fill, Order
from proposals.types import OrderStatus, Side
from securities.importers.refusal import Problems


def new_fills(
    rows: Sequence[FillRow], orders: Mapping[UUID, Order], problems: Problems
) -> list[FillRow]:
    """The rows that are not booked yet; what cannot be booked is noted in ``problems``."""
    new: list[FillRow] = []
    left = {key: order.quantity - order.filled_quantity for key, order in orders.items()}
    for row in rows:
        order = orders.get(row.order)
        if order is None:
            problems.add("no order has this id", line=row.line, column="order_id")
            continue
        known = next(
            (fill for fill in order.fills.all() if fill.external_id == row.external_id), None
        )
        if known is not None:
            if _content(known) != _content(row):
                reason = "this fill is known with another date, quantity, price or fee"
                problems.add(reason, line=row.line, column="external_id")
            continue
        fault = _fault(row, order, left[row.order])
        if fault is not None:
            problems.add(fault[1], line=row.line, column=fault[0])
            continue
        left[row.order] -= row.quantity
        new.append(row)
    return new


def _content(fill: Fill | FillRow) -> tuple[date, Decimal, Decimal, Decimal]:
    return fill.trade_date, fill.quantity, fill.price, fill.fee


def _fault(row: FillRow, order: Order, left: Decimal) -> tuple[str, str] | None:
    """Column and reason why a fill does not fit its order."""
    if order.status == OrderStatus.APPROVED:
        return "order_id", "this order has not been exported yet: it cannot have been filled"
    if order.status == OrderStatus.CANCELLED:
        return "order_id", "this order was closed: book the trade as a transaction"
    if row.trade_date < order.proposal.as_of:
        return "trade_date", f"before the proposal of {order.proposal.as_of} was made"
    if row.quantity > left:
        return "quantity", (
            f"{_shares(row.quantity)} shares are more than the {_shares(left)} that are left of "
            f"the order over {_shares(order.quantity)}"
        )
    return None


def booking_of(row: FillRow, order: Order) -> NewTransaction:
    """The transaction that a fill becomes: a sale of its order's lots, or a purchase in its order's block (R9)."""
    selling = order.side == Side.SELL
    return NewTransaction(
        account=order.account_id,
        external_id=row.external_id,
        trade_date=row.trade_date,
        kind=EntryKind.SELL if selling else EntryKind.BUY,
        security=order.security_id,
        quantity=row.quantity,
        price=row.price,
        amount=cents(Fraction(row.quantity) * Fraction(row.price)),
        fee=row.fee,
        picks=_picks(order, row.quantity) if selling else (),
        block="" if selling else str(order.public_id),
        source=Source.FILL,
        ordinal=row.line,
    )


def _picks(order: Order, quantity: Decimal) -> tuple[Pick, ...]:
    """The next ``quantity`` shares of the order's lots, after those that earlier fills have taken.

    A part is named only where its lot has several, so that a lot split meanwhile is still found.
    """
    parts = _parts_open([lot.opening_id for lot in order.lots.all()])
    skip, picks = order.filled_quantity, []
    for lot in order.lots.all():
        passed = min(skip, lot.quantity)
        skip -= passed
        taken = min(lot.quantity - passed, quantity)
        quantity -= taken
        if taken:
            named = lot.part if parts.get(lot.opening_id, 0) > 1 else None
            picks.append(Pick(opening=lot.opening_id, quantity=taken, part=named))
    return tuple(picks)


def _parts_open(openings: Iterable[int]) -> dict[int, int]:
    """Opening -> how many parts of it are held."""
    counts: dict[int, int] = {}
    for opening in TaxLot.objects.filter(opening__in=list(openings)).values_list(
        "opening_id", flat=True
    ):
        counts[opening] = counts.get(opening, 0) + 1
    return counts


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))
