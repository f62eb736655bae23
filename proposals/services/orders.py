"""Orders: made by an approval, exported once, closed where the custodian will not execute them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from accounts import access
from accounts.access import Action
from accounts.canonical import sha256_of
from accounts.errors import Conflict
from accounts.locks import lock_household, lock_households
from accounts.models import Firm, User
from accounts.services import record_audit
from lots.models import TaxLot
from proposals import order_files, selectors
from proposals.errors import (
    NothingToExport,
)
from proposals.models import (
    Order,
    OrderExport,
    OrderLot,
    Proposal,
)
from proposals.order_rows import lot_rows, order_row
from proposals.services.life import audit, move, move_orders, require_now
from proposals.types import (
    DraftTrade,
    OrderStatus,
    Side,
    Status,
)

_EXPORT_LOCK_SPACE = 0x4C58  # beside the audit chain's: numbers of order files are serial per firm
ZERO = Decimal(0)


def make_orders(proposal: Proposal) -> None:
    """One order per account, security and side; a sale with its lots, the latest acquired first.

    In that order a partial fill never leaves a recent purchase standing beside an older loss just taken.
    """
    together: dict[tuple[int, int, Side], list[DraftTrade]] = {}
    for trade in selectors.draft_trades(proposal):
        together.setdefault((trade.account, trade.security, trade.side), []).append(trade)
    acquired = {
        (opening, part): day
        for opening, part, day in TaxLot.objects.filter(
            account__household=proposal.household_id
        ).values_list("opening_id", "part", "acquired")
    }
    for (account, security, side), trades in together.items():
        pairs = {trade.pair for trade in trades}
        order = Order.objects.create(
            proposal=proposal,
            account_id=account,
            security_id=security,
            side=side,
            quantity=sum((trade.quantity for trade in trades), ZERO),
            reference_price=trades[0].price,
            pair=pairs.pop() if len(pairs) == 1 else 0,
        )
        _make_order_lots(order, trades, acquired)


def _make_order_lots(
    order: Order, trades: Sequence[DraftTrade], acquired: dict[tuple[int, int], date]
) -> None:
    by_lot: dict[tuple[int, int], Decimal] = {}
    for trade in trades:
        if trade.opening is not None and trade.part is not None:
            key = (trade.opening, trade.part)
            by_lot[key] = by_lot.get(key, ZERO) + trade.quantity
    latest_first = sorted(by_lot, key=lambda key: (acquired[key], key), reverse=True)
    OrderLot.objects.bulk_create(
        OrderLot(order=order, opening_id=key[0], part=key[1], quantity=by_lot[key])
        for key in latest_first
    )


def export_orders(*, user: User) -> OrderExport:
    """Put every approved order of the firm into one numbered file, exactly once.

    Raises NotAllowed, and NothingToExport when none waits.
    """
    with transaction.atomic(durable=True):
        firm = require_now(user, Action.TRADE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_EXPORT_LOCK_SPACE, firm.pk])
        households = set(
            selectors.waiting_orders(user).values_list("account__household_id", flat=True)
        )
        lock_households(households)
        orders = list(
            selectors.waiting_orders(user)
            .filter(account__household__in=households)
            .order_by("pk")
            .prefetch_related("lots__opening", "proposal__decisions__user", "proposal__trades")
        )
        if not orders:
            raise NothingToExport("No approved order waits for export: approve a proposal first.")
        return _export(firm, user, orders)


def _export(firm: Firm, user: User, orders: Sequence[Order]) -> OrderExport:
    number = OrderExport.objects.filter(firm=firm).count() + 1
    orders_csv = order_files.orders_csv([order_row(order, number) for order in orders])
    lots_csv = order_files.lots_csv([row for order in orders for row in lot_rows(order)])
    export = OrderExport.objects.create(
        firm=firm,
        number=number,
        orders_csv=orders_csv,
        lots_csv=lots_csv,
        sha256=sha256_of(orders_csv + lots_csv),
        exported_by=user,
    )
    exported = Order.objects.filter(pk__in=[order.pk for order in orders])
    moved = move_orders(exported, OrderStatus.APPROVED, OrderStatus.ORDERED, export=export)
    if moved != len(orders):
        raise Conflict("Somebody else changed these orders meanwhile: try again.")
    for proposal_id in sorted({order.proposal_id for order in orders}):
        move(proposal_id, Status.APPROVED, Status.ORDERED)
    record_audit(
        firm=firm,
        actor=user.username,
        action="orders.exported",
        subject=f"order file {number}",
        facts={"orders": [order.public_id for order in orders], "sha256": export.sha256},
    )
    return export


def close_orders(*, user: User, public_id: UUID, note: str = "") -> Proposal:
    """End a proposal whose remaining orders the custodian will not execute; what was filled stays a fact.

    Filled in part, the proposal ends as filled; not at all, as cancelled. Raises NotAllowed, Http404, or Conflict for
    a proposal whose orders are not out.
    """
    with transaction.atomic(durable=True):
        require_now(user, Action.TRADE)
        proposal = access.visible_or_404(user, Proposal, public_id)
        lock_household(proposal.household_id)
        proposal.refresh_from_db()
        if proposal.status != Status.ORDERED:
            raise Conflict(
                f"This proposal is {proposal.status}: it has no orders at the custodian."
            )
        something_filled = proposal.orders.filter(filled_quantity__gt=0).exists()
        move(proposal.pk, Status.ORDERED, Status.FILLED if something_filled else Status.CANCELLED)
        count = move_orders(proposal.orders.all(), OrderStatus.ORDERED, OrderStatus.CANCELLED)
        audit(proposal, user.username, "orders.closed", {"orders": count, "note": note})
    proposal.refresh_from_db()
    return proposal
