"""Orders as rows of the order file and of the lot-instruction file."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils import timezone

from accounts.canonical import decimal_text
from proposals.models import Order
from proposals.order_files import LotInstructionRow, OrderRow
from proposals.types import OrderType, ProposalKind, Side

ZERO = Decimal(0)
_WORKED = {
    OrderType.TWAP: "Work it in equal parts over the day (TWAP)",
    OrderType.VWAP: "Work it with the volume of the day (VWAP)",
}


def order_row(order: Order, number: int) -> OrderRow:
    """The order's line; its proposal comes with the decision that approved it."""
    decision = order.proposal.decisions.all()[0]
    return OrderRow(
        batch_id=f"{number:04d}",
        order_id=str(order.public_id),
        block_id="",
        pair_id=f"{order.proposal.public_id}/{order.pair}" if order.pair else "",
        account_or_block=order.account.number,
        side=order.side,
        security_id=order.security.cusip or order.security.isin,
        symbol=order.security.symbol,
        quantity=order.quantity,
        type=order.type,
        limit="" if order.limit_price is None else decimal_text(order.limit_price),
        tif="day",
        instruction="; ".join(_instructions(order)),
        reason=order.proposal.kind,
        approved_by=decision.user.get_full_name() or decision.user.username,
        approved_at=timezone.localtime(decision.decided_at),
    )


def _instructions(order: Order) -> Iterator[str]:
    if order.side == Side.SELL:
        yield "Relieve the lots named in the lot file"
    elif order.proposal.kind == ProposalKind.HARVEST:
        yield "Buy on the day the sales of the pair are filled, for no more than they bring"
    if order.type in _WORKED:
        yield _WORKED[OrderType(order.type)]


def lot_rows(order: Order) -> list[LotInstructionRow]:
    """One line per lot that a sale must relieve; none for a purchase."""
    basis: dict[tuple[int | None, int | None], Decimal] = {}
    for trade in order.proposal.trades.all():
        key = (trade.opening_id, trade.part)
        basis[key] = basis.get(key, ZERO) + trade.basis
    return [
        LotInstructionRow(
            order_id=str(order.public_id),
            account=order.account.number,
            lot_id=f"{lot.opening.external_id}#{lot.part}",
            acquired=lot.opening.acquired or lot.opening.trade_date,
            quantity=lot.quantity,
            basis=basis[lot.opening_id, lot.part],
        )
        for lot in order.lots.all()
    ]
