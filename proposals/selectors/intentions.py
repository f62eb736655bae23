"""What is on its way: the unfilled remainder of open proposals."""

from collections.abc import Collection
from decimal import Decimal

from proposals.models import Order, Proposal, ProposedTrade
from proposals.types import (
    DraftTrade,
    Intention,
    OrderStatus,
    ProposalKind,
    Side,
    Status,
)

COMMITTED = (Status.APPROVED, Status.ORDERED)
ZERO = Decimal(0)


def intentions(
    household_id: int,
    *,
    statuses: Collection[Status] = COMMITTED,
    without: int | None = None,
) -> tuple[Intention, ...]:
    """The unfilled remainder of open proposals' trades, oldest proposal first.

    ``without`` leaves one proposal (primary key) out: the one that is being decided.
    """
    trades = (
        ProposedTrade.objects.filter(
            proposal__household=household_id, proposal__status__in=list(statuses)
        )
        .exclude(proposal=without)
        .select_related("proposal", "account")
        .order_by("proposal_id", "ordinal")
    )
    done = _filled_or_cancelled(household_id, statuses)
    found = []
    for trade in trades:
        key = (trade.proposal_id, trade.account_id, trade.security_id, trade.side)
        filled = min(done.get(key, ZERO), trade.quantity)
        if filled:
            done[key] -= filled
        if trade.quantity > filled:
            found.append(_intention(trade, trade.quantity - filled))
    return tuple(found)


def _filled_or_cancelled(
    household_id: int, statuses: Collection[Status]
) -> dict[tuple[int, int, int, str], Decimal]:
    """Shares of each order that will not be traded any more."""
    orders = Order.objects.filter(
        proposal__household=household_id, proposal__status__in=list(statuses)
    )
    return {
        (order.proposal_id, order.account_id, order.security_id, order.side): (
            order.quantity if order.status == OrderStatus.CANCELLED else order.filled_quantity
        )
        for order in orders
    }


def _intention(trade: ProposedTrade, quantity: Decimal) -> Intention:
    return Intention(
        proposal=trade.proposal_id,
        kind=ProposalKind(trade.proposal.kind),
        status=Status(trade.proposal.status),
        as_of=trade.proposal.as_of,
        account=trade.account_id,
        security=trade.security_id,
        side=Side(trade.side),
        quantity=quantity,
        price=trade.price,
        opening=trade.opening_id,
        part=trade.part,
        at_loss=trade.account.is_taxable and trade.gain < 0,
        pair=trade.pair,
    )


def draft_trades(proposal: Proposal) -> tuple[DraftTrade, ...]:
    """A stored proposal's trades as values, in their order."""
    return tuple(
        DraftTrade(
            account=trade.account_id,
            security=trade.security_id,
            side=Side(trade.side),
            quantity=trade.quantity,
            price=trade.price,
            reason=trade.reason,
            opening=trade.opening_id,
            part=trade.part,
            basis=trade.basis,
            term=trade.term,
            pair=trade.pair,
        )
        for trade in proposal.trades.order_by("ordinal")
    )
