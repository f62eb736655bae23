"""Both legs of a harvest pair as its orders filled them: what was sold, and for what of that the purchase stands.

A sale of a substitute counts as one of the first security sold, by the dollars of a chain. Where the purchase is that
very security, so much of it has come home by itself and stands in for nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, Max

from lots.rounding import STORED_MONEY
from proposals.models import Fill, Order, Proposal, ProposedTrade
from proposals.types import OrderStatus, ProposalKind, Side, Status

ZERO = Decimal(0)

Numbered = tuple[int, int]  # proposal, number of the pair in it
OrderKey = tuple[int, int, int, str]  # proposal, account, security, side


@dataclass(frozen=True, slots=True)
class Legs:
    """One pair as proposed. ``originals`` and ``home``: security -> dollars of it sold."""

    buy: ProposedTrade
    order: Order | None
    originals: dict[int, Decimal]  # what the purchase stands in for
    home: dict[int, Decimal]  # what the purchase itself has bought back
    bought: Decimal  # what part of the purchase is, or will be, filled
    sold_on: date | None  # the last fill of its sales
    harvested_on: date
    is_over: bool  # nothing of the harvest will be filled any more

    @property
    def key(self) -> Numbered:
        return (self.buy.proposal_id, self.buy.pair)

    @property
    def stood_for(self) -> dict[int, Decimal]:
        """Everything that its sales stood for, in dollars sold."""
        return self.originals | self.home

    @property
    def away(self) -> Fraction:
        """The part of the purchase that stands in for something else; 1 unless some of it came home."""
        if not self.home:
            return Fraction(1)
        away = sum(self.originals.values(), ZERO)
        return Fraction(away) / Fraction(sum(self.stood_for.values(), ZERO))


def legs_of(proposals: Iterable[Proposal]) -> list[Legs]:
    """The pairs of harvests whose purchase was filled in part at least, or may still be."""
    harvests = {proposal.pk: proposal for proposal in proposals}
    if not harvests:
        return []
    together: dict[Numbered, list[ProposedTrade]] = {}
    rows = ProposedTrade.objects.filter(proposal__in=harvests)
    trades = list(rows.order_by("proposal_id", "ordinal"))
    for trade in trades:
        together.setdefault((trade.proposal_id, trade.pair), []).append(trade)
    orders = orders_of(harvests)
    fills = Fill.objects.filter(order__proposal__in=harvests, order__side=Side.SELL)
    days = dict(fills.order_by("order").values_list("order_id").annotate(last=Max("trade_date")))
    before = handed_on([trade.opening_id for trade in trades if trade.opening_id])
    return [
        legs
        for (proposal, _), pair in together.items()
        if (legs := _one(pair, orders, days, before, harvests[proposal])) is not None
    ]


def orders_of(proposal_ids: Collection[int]) -> dict[OrderKey, Order]:
    """The orders of proposals by what they trade. One query."""
    return {
        (order.proposal_id, order.account_id, order.security_id, order.side): order
        for order in Order.objects.filter(proposal__in=proposal_ids)
    }


def _one(
    trades: Sequence[ProposedTrade],
    orders: Mapping[OrderKey, Order],
    days: Mapping[int, date],
    before: Mapping[int, Mapping[int, Decimal]],
    harvest: Proposal,
) -> Legs | None:
    """None for a pair of which nothing was sold or bought."""
    status = Status(harvest.status)
    buy = next((trade for trade in trades if trade.side == Side.BUY), None)
    if buy is None:  # its money was parked in cash
        return None
    order = orders.get((buy.proposal_id, buy.account_id, buy.security_id, buy.side))
    bought = _part(order, status)
    sales = [trade for trade in trades if trade.side == Side.SELL]
    originals = stood_for(sales, orders, before, status)
    if not bought or not originals:
        return None
    home = {buy.security_id: originals.pop(buy.security_id)} if buy.security_id in originals else {}
    return Legs(
        buy=buy,
        order=order,
        originals=originals,
        home=home,
        bought=bought,
        sold_on=last_fill(sales, orders, days),
        harvested_on=harvest.as_of,
        is_over=status is Status.FILLED,
    )


def stood_for(
    sales: Iterable[ProposedTrade],
    orders: Mapping[OrderKey, Order],
    before: Mapping[int, Mapping[int, Decimal]],
    status: Status,
) -> dict[int, Decimal]:
    """Security -> dollars sold of it, or of what stood in for it, as far as the orders are filled or may be.

    ``before``: opening of a lot -> what that stood for, as ``handed_on`` says.
    """
    found: dict[int, Decimal] = {}
    for trade in sales:
        dollars = trade.amount * _part(orders.get(order_key(trade)), status)
        for security, part in _shares_of(trade, before).items():
            found[security] = found.get(security, ZERO) + dollars * part
    stored = {security: dollars.quantize(STORED_MONEY) for security, dollars in found.items()}
    return {security: dollars for security, dollars in stored.items() if dollars}


def last_fill(
    sales: Iterable[ProposedTrade], orders: Mapping[OrderKey, Order], days: Mapping[int, date]
) -> date | None:
    """The last day on which one of the sales was filled; None = nothing was."""
    filled = [order.pk for trade in sales if (order := orders.get(order_key(trade))) is not None]
    return max((days[pk] for pk in filled if pk in days), default=None)


def order_key(trade: ProposedTrade) -> OrderKey:
    """The order that the trade became a part of."""
    return (trade.proposal_id, trade.account_id, trade.security_id, trade.side)


def _part(order: Order | None, status: Status) -> Decimal:
    """What part of an order is, or is still going to be, filled."""
    is_over = status is Status.FILLED or (
        order is not None and order.status == OrderStatus.CANCELLED
    )
    if not is_over:
        return Decimal(1)
    return ZERO if order is None else order.filled_quantity / order.quantity


def _shares_of(
    trade: ProposedTrade, before: Mapping[int, Mapping[int, Decimal]]
) -> dict[int, Decimal]:
    """What a sale stood for, in parts of 1: its own security, or what its lot was the substitute of."""
    earlier = before.get(trade.opening_id or 0)
    if not earlier:
        return {trade.security_id: Decimal(1)}
    total = sum(earlier.values(), ZERO)
    return {security: dollars / total for security, dollars in earlier.items()}


def handed_on(openings: Collection[int]) -> dict[int, dict[int, Decimal]]:
    """Opening of a lot that a harvest bought as a substitute -> what it stood for, in dollars sold."""
    rows = Fill.objects.filter(
        transaction__in=openings,
        order__side=Side.BUY,
        order__proposal__kind=ProposalKind.HARVEST,
    ).annotate(proposal=F("order__proposal"), pair=F("order__pair"))
    bought = {row.transaction_id: (row.proposal, row.pair) for row in rows}
    if not bought:
        return {}
    harvests = Proposal.objects.filter(pk__in={proposal for proposal, _ in bought.values()})
    earlier = {legs.key: legs.stood_for for legs in legs_of(harvests.order_by("pk"))}
    return {opening: earlier[key] for opening, key in bought.items() if key in earlier}
