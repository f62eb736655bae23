"""Substitutes that stand in for what a harvest sold, while the window is open (T33)."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q

from lots.rounding import STORED_MONEY, STORED_SHARES, spread
from lots.wash_sales import first_clear_date, window
from proposals.models import Fill, Proposal, ProposedTrade
from proposals.selectors.intentions import COMMITTED
from proposals.types import (
    HarvestPair,
    OrderStatus,
    ProposalKind,
    Side,
    Status,
)

ZERO = Decimal(0)


def open_pairs(household_id: int, as_of: date) -> tuple[HarvestPair, ...]:
    """Substitutes that stand in for what a harvest sold: approved, ordered or filled, window still open (T33)."""
    recent = Q(status__in=COMMITTED) | Q(
        status=Status.FILLED, orders__fills__trade_date__gte=window(as_of)[0]
    )
    proposals = Proposal.objects.filter(
        recent, household=household_id, kind=ProposalKind.HARVEST
    ).distinct()
    return tuple(
        pair
        for proposal in proposals.order_by("pk")
        for pair in _pairs_of(proposal, as_of)
        if as_of < first_clear_date(pair.sold_on)
    )


def _pairs_of(proposal: Proposal, as_of: date) -> list[HarvestPair]:
    """One per security sold; a substitute bought for several is shared by dollars sold."""
    legs: dict[int, list[ProposedTrade]] = {}
    for trade in proposal.trades.order_by("ordinal"):
        legs.setdefault(trade.pair, []).append(trade)
    sold_on = _last_sales(proposal)
    never_bought = _part_never_bought(proposal)
    pairs = []
    for trades in legs.values():
        buy = next(trade for trade in trades if trade.side == Side.BUY)
        done = 1 - never_bought.get((buy.account_id, buy.security_id), ZERO)
        if not done:
            continue
        sold: dict[int, Decimal] = {}
        for trade in trades:
            if trade.side == Side.SELL:
                sold[trade.security_id] = sold.get(trade.security_id, ZERO) + trade.amount
        shares = _shared((buy.quantity * done).quantize(STORED_SHARES), sold, STORED_SHARES)
        dollars = _shared((buy.amount * done).quantize(STORED_MONEY), sold, STORED_MONEY)
        pairs += [
            HarvestPair(
                sold=security,
                substitute=buy.security_id,
                quantity=shares[security],
                amount=dollars[security],
                sold_on=sold_on.get((buy.account_id, security), as_of),
            )
            for security in sold
        ]
    return pairs


def _part_never_bought(proposal: Proposal) -> dict[tuple[int, int], Decimal]:
    """Account and security of closed purchases -> the fraction that was not filled."""
    closed = proposal.orders.filter(side=Side.BUY, status=OrderStatus.CANCELLED)
    return {
        (order.account_id, order.security_id): 1 - order.filled_quantity / order.quantity
        for order in closed
    }


def _shared(total: Decimal, by: dict[int, Decimal], quantum: Decimal) -> dict[int, Decimal]:
    """``total`` in proportion to the dollars sold, to the last unit (largest remainder)."""
    whole = Fraction(sum(by.values(), ZERO))
    parts = [Fraction(total) * Fraction(amount) / whole for amount in by.values()]
    return dict(zip(by, spread(total, parts, quantum), strict=True))


def _last_sales(proposal: Proposal) -> dict[tuple[int, int], date]:
    """Account and security -> the day of its last fill."""
    fills = Fill.objects.filter(order__proposal=proposal, order__side=Side.SELL)
    days = fills.order_by("trade_date").values_list(
        "order__account_id", "order__security_id", "trade_date"
    )
    return {(account, security): day for account, security, day in days}
