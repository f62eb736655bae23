"""Reported fills against their orders: which are new, which fit, and what each becomes in the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from accounts.canonical import decimal_text
from lots.models import TaxLot, Transaction
from lots.rounding import cents, plain
from lots.types import EntryKind, NewTransaction, Pick, Source
from proposals.fills import FillRow
from proposals.models import Fill, Order
from proposals.remainders import Lots
from proposals.types import OrderStatus, Side
from securities.importers.refusal import Problems

CENT = Decimal("0.01")
FARTHEST = 2  # times the order's reference price, or a half of it: beyond is a mistype that could not be undone


def new_fills(
    rows: Sequence[FillRow], orders: Mapping[UUID, Order], problems: Problems
) -> list[FillRow]:
    """The rows that are not booked yet; what cannot be booked is noted in ``problems``, once of a block."""
    new: list[FillRow] = []
    refused_blocks: set[str] = set()
    left = {key: order.quantity - order.filled_quantity for key, order in orders.items()}
    successions = _successions(orders.values())
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
        fault = _fault(row, order, left[row.order]) or _merged(row, order, successions)
        if fault is not None:
            column, reason = fault
            if row.block and column == "order_id":  # a block names none
                column = "symbol"
            if not row.block or row.block not in refused_blocks:
                problems.add(reason, line=row.line, column=column)
            refused_blocks.add(row.block)
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
    if not order.reference_price / FARTHEST <= row.price <= order.reference_price * FARTHEST:
        return "price", (
            f"{decimal_text(row.price)} is far from the {decimal_text(order.reference_price)} of the "
            "order: mend the file, or close the order and book the trade as a transaction"
        )
    if row.fee > row.quantity * row.price / 10:
        return "fee", f"{decimal_text(row.fee)} is more than a tenth of the trade: mend the file"
    if row.quantity > left:
        return "quantity", (
            f"{_shares(row.quantity)} shares are more than the {_shares(left)} that are left of "
            f"the order over {_shares(order.quantity)}"
        )
    return None


def _successions(orders: Iterable[Order]) -> list[Transaction]:
    """The renames and mergers in the ledgers of the orders' households, oldest first."""
    rows = Transaction.objects.filter(
        account__household__in={order.proposal.household_id for order in orders},
        kind__in=[EntryKind.RENAME, EntryKind.MERGE],
        to_security__isnull=False,
    )
    return list(
        rows.select_related("account", "security", "to_security").order_by("trade_date", "pk")
    )


def _since(order: Order, day: date, successions: Iterable[Transaction]) -> Iterator[Transaction]:
    """What the shares of an order became until ``day``, as booked after its proposal was made."""
    security = order.security_id
    for fact in successions:
        if (
            fact.security_id == security
            and fact.account.household_id == order.proposal.household_id
            and fact.trade_date <= day
            and fact.booked_at >= order.proposal.created_at
        ):
            security = fact.to_security_id or security
            yield fact


def _merged(
    row: FillRow, order: Order, successions: Iterable[Transaction]
) -> tuple[str, str] | None:
    """A renamed share is the same share; a merged one is another, in another number."""
    for fact in _since(order, row.trade_date, successions):
        if fact.kind == EntryKind.MERGE:
            return "order_id", (
                f"{fact.security} became {fact.to_security} by the merger of {fact.trade_date}: close the order "
                "and book the trade as a transaction"
            )
    return None


def _traded(order: Order, day: date, successions: Iterable[Transaction]) -> int:
    """The order's security under the name that it has on the day."""
    security = order.security_id
    for fact in _since(order, day, successions):
        security = fact.to_security_id or security
    return security


def booking_of(row: FillRow, order: Order, lots: Lots) -> NewTransaction:
    """The transaction that a fill becomes: a sale of ``lots`` or a purchase, in its order's block (R9).

    A security that was renamed meanwhile is traded under its new name.
    """
    selling = order.side == Side.SELL
    return NewTransaction(
        account=order.account_id,
        external_id=row.external_id,
        trade_date=row.trade_date,
        kind=_kind(order),
        security=_traded(order, row.trade_date, _successions([order])),
        quantity=row.quantity,
        price=row.price,
        amount=_dollars(row),
        fee=row.fee,
        picks=_picks(lots) if selling else (),
        block=str(order.public_id),
        source=Source.FILL,
        ordinal=row.line,
    )


def _kind(order: Order) -> EntryKind:
    return EntryKind.SELL if order.side == Side.SELL else EntryKind.BUY


def _dollars(row: FillRow) -> Decimal:
    return cents(Fraction(row.quantity) * Fraction(row.price))


def _picks(lots: Lots) -> tuple[Pick, ...]:
    """The lots as the ledger identifies them.

    A part is named where its lot has several and every part named still covers its shares. Otherwise a wash sale has
    cut the lot since the order was made, and the shares come from the whole of it.
    """
    open_parts: dict[int, dict[int, Decimal]] = {}
    rows = TaxLot.objects.filter(opening__in=[lot.opening for lot in lots])
    for opening, part, quantity in rows.values_list("opening_id", "part", "quantity"):
        open_parts.setdefault(opening, {})[part] = quantity
    named = {
        opening
        for opening, parts in open_parts.items()
        if len(parts) > 1
        and all(parts.get(lot.part, 0) >= lot.quantity for lot in lots if lot.opening == opening)
    }
    whole: dict[int, Decimal] = {}
    for lot in lots:
        if lot.opening not in named:
            whole[lot.opening] = whole.get(lot.opening, Decimal(0)) + lot.quantity
    return (
        *(
            Pick(opening=lot.opening, quantity=lot.quantity, part=lot.part)
            for lot in lots
            if lot.opening in named
        ),
        *(Pick(opening=opening, quantity=quantity) for opening, quantity in whole.items()),
    )


def told_before(
    rows: Sequence[FillRow], orders: Mapping[UUID, Order]
) -> dict[tuple[UUID, str], Transaction]:
    """Key of a fill -> the transaction that a statement has booked for the same execution.

    The same account, kind, security, trade date and quantity, and dollars within the cent; the one with the fill's own
    id, else the nearest. Each transaction explains one fill, and a fill's transaction none.
    """
    traded = [orders[row.order] for row in rows]
    booked = Transaction.objects.filter(
        source=Source.STATEMENT,
        fill__isnull=True,
        account__in={order.account_id for order in traded},
        trade_date__in={row.trade_date for row in rows},
    ).order_by("pk")
    unused: dict[tuple[object, ...], list[Transaction]] = {}
    for one in booked:
        core = (one.account_id, one.kind, one.security_id, one.trade_date, one.quantity)
        unused.setdefault(core, []).append(one)
    found = {}
    successions = _successions(traded)
    for row, order in zip(rows, traded, strict=True):
        security = _traded(order, row.trade_date, successions)
        core = (order.account_id, _kind(order), security, row.trade_date, row.quantity)
        same = [one for one in unused.get(core, []) if abs(one.amount - _dollars(row)) <= CENT]
        if same:
            best = min(same, key=lambda one: _unlike(one, row))
            unused[core].remove(best)
            found[row.key] = best
    return found


def statements_explained(bookings: Sequence[NewTransaction]) -> set[int]:
    """Transactions of statements in the accounts and on the days of the bookings that fills are linked to."""
    linked = Transaction.objects.filter(
        source=Source.STATEMENT,
        fill__isnull=False,
        account__in={booking.account for booking in bookings},
        trade_date__in={booking.trade_date for booking in bookings},
    )
    return set(linked.values_list("pk", flat=True))


def _unlike(one: Transaction, row: FillRow) -> tuple[bool, Decimal, Decimal]:
    return (
        one.external_id != row.external_id,
        abs(one.amount - _dollars(row)),
        abs(one.fee - row.fee),
    )


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))
