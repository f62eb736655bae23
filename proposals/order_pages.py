"""How orders are to be traded, as the pages show it: suggested for a proposal, chosen on the blotter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from accounts.access import Action, may, person
from accounts.paging import page_of
from proposals import selectors
from proposals.costs import orders_of
from proposals.forms import HandlingForm
from proposals.handling import suggestions
from proposals.handling_rules import rule_of
from proposals.models import Order, Proposal
from proposals.types import OrderStatus, OrderType, Side, Status


@dataclass(frozen=True, slots=True)
class HandlingLine:
    """How one order of a proposal is to be traded; ``why`` is there while it is only suggested."""

    account: str
    side: Side
    symbol: str
    shares: Decimal
    type: OrderType
    limit_price: Decimal | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A row of the blotter, with a form while it may still be changed by who looks at it."""

    order: Order
    type: OrderType
    form: HandlingForm | None


def handling_lines(proposal: Proposal, today: date) -> list[HandlingLine]:
    """Each order that a proposal has become, or would become if it were approved today."""
    if proposal.status != Status.PENDING:
        rows = proposal.orders.select_related("account", "security")
        return [_as_ordered(order) for order in rows]
    names = {
        (trade.account_id, trade.security_id): (trade.account.name, trade.security.symbol)
        for trade in proposal.trades.all()
    }
    trades = selectors.draft_trades(proposal)
    costs = selectors.trading_costs(proposal.household_id, today)
    handled = suggestions(trades, costs, rule_of(proposal.household_id))
    lines = []
    for order in orders_of(trades):
        account, symbol = names[order.account, order.security]
        one = handled[order.account, order.security, order.side]
        lines.append(
            HandlingLine(
                account, order.side, symbol, order.shares, one.type, one.limit_price, one.why
            )
        )
    return lines


def _as_ordered(order: Order) -> HandlingLine:
    return HandlingLine(
        account=order.account.name,
        side=Side(order.side),
        symbol=order.security.symbol,
        shares=order.quantity,
        type=OrderType(order.type),
        limit_price=order.limit_price,
    )


def orders_context(
    request: HttpRequest, *, refused: Mapping[int, HandlingForm] | None = None
) -> dict[str, Any]:
    """Context of the blotter, perhaps with the form of an order (primary key) that was refused."""
    user = person(request)
    paged = page_of(request, selectors.orders(user))
    may_trade = may(user, Action.TRADE)
    return {
        **paged,
        "lines": [
            OrderLine(
                order,
                OrderType(order.type),
                _form(order, refused or {}) if may_trade else None,
            )
            for order in paged["page"]
        ],
        "waiting": selectors.waiting_orders(user).count(),
        "exports": selectors.order_exports(user)[:20],
        "held_back": selectors.held_back(user),
    }


def _form(order: Order, refused: Mapping[int, HandlingForm]) -> HandlingForm | None:
    if order.status != OrderStatus.APPROVED:
        return None
    price = order.limit_price
    given = {"type": order.type, "limit_price": None if price is None else price.normalize()}
    return refused.get(order.pk) or HandlingForm(initial=given, auto_id=form_ids(order))


def form_ids(order: Order) -> str:
    """What the fields of an order's form are called on a page of many."""
    return f"handling-{order.pk}-%s"
