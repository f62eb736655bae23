"""Fills that come back: booked as transactions, all or nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.access import Action
from accounts.errors import Conflict
from accounts.locks import lock_households, share_firm
from accounts.models import Firm, User
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import services as lots
from lots.booking import BookingError
from lots.models import Transaction
from proposals import selectors
from proposals.block_booking import divide_blocks
from proposals.block_models import BlockFill
from proposals.fill_booking import booking_of, new_fills, statements_explained, told_before
from proposals.fills import FillRow, FillsFile, read_fills
from proposals.models import (
    Fill,
    Order,
    Proposal,
)
from proposals.remainders import Lots, split_off, unsold
from proposals.services import blocks
from proposals.services.life import audit, move, move_orders, require_now
from proposals.types import (
    FillImport,
    OrderStatus,
    Side,
    Status,
)
from securities.importers.file_text import check_bytes, check_size, decoded
from securities.importers.refusal import Problems

Link = dict[str, object]  # audit facts of a fill that a statement told before


def import_fills(*, user: User, file: bytes, name: str) -> FillImport:
    """Book a custodian's fills, all or nothing; a fill that is known with the same content changes nothing.

    The fill of a block is divided among the open orders that it can mean (``proposals.block_booking``). A fill of
    what a statement has told before is linked to the booked transaction. Raises NotAllowed, and ImportRefused with
    every problem found and its place.
    """
    firm = require_now(user, Action.TRADE)
    name = PurePath(name).name[:255] or "fills"
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    check_bytes(name=name, data=file)
    file_read = read_fills(decoded(name=name, data=file), name=name, as_of=business_date(firm))
    with transaction.atomic(durable=True):
        share_firm(firm.pk)
        orders = _locked_orders(user, file_read)
        problems = Problems(name)
        known = blocks.known_blocks(firm, file_read.blocks)
        divisions = divide_blocks(file_read, known, orders, problems)
        rows = [*file_read.fills, *(fill for one in divisions for fill in one.fills)]
        new = new_fills(rows, orders, problems)
        problems.raise_if_any()
        kept = len(rows) - len(new) + len(file_read.blocks) - len(divisions)
        links: list[Link] = []
        if new:
            recorded = blocks.record_blocks(firm, user, divisions)
            links = _link_or_book(firm, user, new, orders, recorded, problems)
            _finish(user, {row.order for row in new}, orders)
            record_audit(
                firm=firm,
                actor=user.username,
                action="fills.imported",
                subject=name[:120],
                facts={"new": len(new), "known": kept, "linked": links, "blocks": list(recorded)},
            )
    told = tuple(blocks.told(one) for one in divisions)
    return FillImport(new=len(new), known=kept, linked=len(links), blocks=told)


def _locked_orders(user: User, file: FillsFile) -> dict[UUID, Order]:
    """The orders that the fills name or the blocks can mean, under the locks of their households.

    Another firm's are not there, nor is what went out to a household while the others were waited for.
    """
    named = selectors.orders(user).filter(
        Q(public_id__in={row.order for row in file.fills}) | blocks.open_orders_of(file.blocks)
    )
    households = set(named.values_list("account__household_id", flat=True))
    lock_households(households)
    locked = named.filter(account__household__in=households)
    return {
        order.public_id: order
        for order in locked.prefetch_related("lots", "fills").order_by("proposal_id", "pk")
    }


def _link_or_book(
    firm: Firm,
    user: User,
    new: Sequence[FillRow],
    orders: dict[UUID, Order],
    recorded: Mapping[str, BlockFill],
    problems: Problems,
) -> list[Link]:
    """Link the fills that a statement told before, then book the others. Returns what was linked.

    Raises ImportRefused where the ledger refuses.
    """
    before = told_before(new, orders)
    left = selectors.lots_left(orders.values())
    sold = selectors.lots_sold([one.pk for one in before.values()])
    links = []
    for row in new:
        if (told := before.get(row.key)) is not None:
            order = orders[row.order]
            links.append(_link(row, order, told, left, sold.get(told.pk, {})))
            _make_fill(row, order, told, recorded)
    unbooked = [row for row in new if row.key not in before]
    for row, booked in _book_fills(firm, user, unbooked, orders, left, problems):
        _make_fill(row, orders[row.order], booked, recorded)
    return links


def _link(
    row: FillRow,
    order: Order,
    told: Transaction,
    left: dict[int, Lots],
    sold: Mapping[int, Decimal],
) -> Link:
    """The ledger keeps the lots that the statement said; where the order named others, the audit says so."""
    named: dict[int, Decimal] = {}
    if order.side == Side.SELL:
        for lot in split_off(left[order.pk], row.quantity)[0]:
            named[lot.opening] = named.get(lot.opening, Decimal(0)) + lot.quantity
        left[order.pk] = unsold(left[order.pk], sold, row.quantity)
    order.filled_quantity += row.quantity
    link: Link = {"fill": row.external_id, "transaction": told.external_id, "order": row.order}
    if told.fee != row.fee:
        link |= {"fee_of_fill": row.fee, "fee_booked": told.fee}
    if named != dict(sold):
        link |= {"lots_ordered": _audited(named), "lots_sold": _audited(sold)}
    return link


def _audited(lots: Mapping[int, Decimal]) -> dict[str, Decimal]:
    return {str(opening): quantity for opening, quantity in sorted(lots.items())}


def _book_fills(
    firm: Firm,
    user: User,
    rows: Sequence[FillRow],
    orders: dict[UUID, Order],
    left: dict[int, Lots],
    problems: Problems,
) -> list[tuple[FillRow, Transaction]]:
    """Book each fill as one transaction, and return it. Raises ImportRefused where the ledger refuses."""
    bookings = []
    for row in rows:
        order = orders[row.order]
        lots_taken, left[order.pk] = split_off(left[order.pk], row.quantity)
        bookings.append(booking_of(row, order, lots_taken))
        order.filled_quantity += row.quantity
    try:
        lots.book(
            firm=firm,
            rows=bookings,
            actor=user.username,
            explained=statements_explained(bookings),
        )
    except BookingError as error:
        for problem in error.problems:
            problems.add(problem.reason, line=problem.row, column=problem.column)
        raise problems.refusal() from error
    stored = Transaction.objects
    return [
        (row, stored.get(account=booking.account, external_id=booking.external_id))
        for row, booking in zip(rows, bookings, strict=True)
    ]


def _make_fill(
    row: FillRow, order: Order, booked: Transaction, recorded: Mapping[str, BlockFill]
) -> None:
    Fill.objects.create(
        order=order,
        external_id=row.external_id,
        trade_date=row.trade_date,
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        transaction=booked,
        block=recorded.get(row.block),
    )


def _finish(user: User, touched: set[UUID], orders: dict[UUID, Order]) -> None:
    """Note what is filled; an order that is complete ends, and a proposal whose orders have all ended."""
    for key in touched:
        order = orders[key]
        stored = Order.objects.filter(pk=order.pk)
        rows = stored.filter(status=OrderStatus.ORDERED)
        if rows.update(filled_quantity=order.filled_quantity) != 1:
            raise Conflict("Somebody else changed this order meanwhile: import the file again.")
        if order.filled_quantity == order.quantity:
            move_orders(stored, OrderStatus.ORDERED, OrderStatus.FILLED)
    for proposal in Proposal.objects.filter(orders__public_id__in=touched).distinct():
        ended = (OrderStatus.FILLED, OrderStatus.CANCELLED)
        if not proposal.orders.exclude(status__in=ended).exists():
            move(proposal.pk, Status.ORDERED, Status.FILLED)
            audit(proposal, user.username, "proposal.filled", {})
