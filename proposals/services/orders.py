"""Orders: made by an approval, handled as a person says, closed where the custodian will not execute them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.db import transaction

from accounts import access
from accounts.access import Action
from accounts.errors import Conflict
from accounts.locks import lock_household
from accounts.models import User
from accounts.selectors import business_date
from lots.models import TaxLot
from lots.rounding import stored_money
from proposals import selectors
from proposals.costs import orders_of
from proposals.errors import BadLimit
from proposals.handling import limit_fault, suggestions
from proposals.handling_rules import rule_of
from proposals.models import (
    Order,
    OrderLot,
    Proposal,
)
from proposals.services.life import audit, move, move_orders, require_now
from proposals.types import (
    DraftTrade,
    OrderStatus,
    OrderType,
    Side,
    Status,
)

ZERO = Decimal(0)


def make_orders(proposal: Proposal) -> None:
    """One order per account, security and side; a sale with its lots, the latest acquired first.

    In that order a partial fill never leaves a recent purchase standing beside an older loss just taken. Each order is
    to be traded as is suggested for it, and keeps what it is expected to cost by the facts of the day.
    """
    draft_trades = selectors.draft_trades(proposal)
    household = proposal.household
    costs = selectors.trading_costs(household.pk, business_date(household.firm))
    handled = suggestions(draft_trades, costs, rule_of(household.pk))
    expected = {
        (order.account, order.security, order.side): order.cost(costs)
        for order in orders_of(draft_trades)
    }
    together: dict[tuple[int, int, Side], list[DraftTrade]] = {}
    for trade in draft_trades:
        together.setdefault((trade.account, trade.security, trade.side), []).append(trade)
    acquired = {
        (opening, part): day
        for opening, part, day in TaxLot.objects.filter(
            account__household=proposal.household_id
        ).values_list("opening_id", "part", "acquired")
    }
    for key, trades in together.items():
        account, security, side = key
        pairs = {trade.pair for trade in trades}
        order = Order.objects.create(
            proposal=proposal,
            account_id=account,
            security_id=security,
            side=side,
            quantity=sum((trade.quantity for trade in trades), ZERO),
            reference_price=trades[0].price,
            type=handled[key].type,
            limit_price=handled[key].limit_price,
            expected_commission=stored_money(Fraction(expected[key].commission)),
            expected_spread=stored_money(Fraction(expected[key].spread)),
            expected_impact=stored_money(Fraction(expected[key].impact)),
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


def handle_order(
    *, user: User, public_id: UUID, order_type: OrderType, limit_price: Decimal | None
) -> Order:
    """Say how an approved order is to be traded, until it is exported.

    Raises NotAllowed, Http404, BadLimit for a limit that is missing, out of place or no price of this order, and
    Conflict once the order has been exported or cancelled.
    """
    with transaction.atomic(durable=True):
        require_now(user, Action.TRADE)
        order = access.visible_or_404(user, Order, public_id)
        lock_household(order.proposal.household_id)
        order.refresh_from_db()
        if order.status != OrderStatus.APPROVED:
            raise Conflict(
                f"This order is {order.status} by now: how it is traded can no longer be changed here, ask the "
                "custodian."
            )
        _check_limit(order, order_type, limit_price)
        before = _handling(order)
        order.type, order.limit_price = order_type, limit_price
        if _handling(order) == before:
            return order
        order.save(update_fields=["type", "limit_price"])
        facts = {"order": order.public_id, "before": before, "after": _handling(order)}
        audit(order.proposal, user.username, "order.handled", facts)
    return order


def _check_limit(order: Order, order_type: OrderType, limit: Decimal | None) -> None:
    """Raises BadLimit."""
    if order_type is not OrderType.LIMIT:
        if limit is not None:
            raise BadLimit(
                f"An order of the type {order_type.label} has no limit price: leave it empty, or choose Limit."
            )
        return
    if limit is None:
        raise BadLimit("A limit order needs its price in dollars a share.")
    fault = limit_fault(limit, order.reference_price)
    if fault is not None:
        raise BadLimit(fault)


def _handling(order: Order) -> dict[str, object]:
    """What is audited of it."""
    return {"type": order.type, "limit_price": order.limit_price}


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
