"""Orders: made by an approval, closed where the custodian will not execute them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import access
from accounts.access import Action
from accounts.errors import Conflict
from accounts.locks import lock_household
from accounts.models import User
from lots.models import TaxLot
from proposals import selectors
from proposals.models import (
    Order,
    OrderLot,
    Proposal,
)
from proposals.services.life import audit, move, move_orders, require_now
from proposals.types import (
    DraftTrade,
    OrderStatus,
    Side,
    Status,
)

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
