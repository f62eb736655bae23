"""What is on its way: the unfilled remainder of open proposals, at the latest quotes."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from accounts.models import Household
from accounts.one_look import read_once
from accounts.selectors import business_date
from lots import selectors as lot_selectors
from lots.types import LotRow
from proposals.compliance import LotKey
from proposals.models import Order, Proposal, ProposedTrade
from proposals.selectors.order_lots import lots_left
from proposals.types import (
    DraftTrade,
    Intention,
    OrderStatus,
    ProposalKind,
    Side,
    Status,
    may_turn_loss,
)
from securities import selectors as securities

COMMITTED = (Status.APPROVED, Status.ORDERED)
ZERO = Decimal(0)
_AT_LENGTH = ("proposal__content", "proposal__inputs", "proposal__explanation")

_Line = tuple[int, int, int, str, int | None, int | None]  # an order's key, and a lot of it


@read_once
def intentions(
    household_id: int,
    *,
    statuses: Collection[Status] = COMMITTED,
    without: int | None = None,
    as_of: date | None = None,
) -> tuple[Intention, ...]:
    """The unfilled remainder of open proposals' trades, oldest proposal first, at the quotes of ``as_of``.

    ``without`` leaves one proposal (primary key) out: the one that is being decided. ``as_of`` is by default the firm's
    business date.
    """
    trades = [
        trade
        for trade in _open_trades(household_id, tuple(statuses))
        if trade.proposal_id != without
    ]
    if not trades:
        return ()
    firm = Household.objects.select_related("firm").get(pk=household_id).firm
    quotes = securities.latest_prices(firm.pk, as_of or business_date(firm))
    lots = {(lot.opening, lot.part): lot for lot in lot_selectors.open_lots(household_id)}
    done = _sold_bought_or_cancelled(household_id, statuses)
    found = []
    for trade in trades:
        line = _line(trade, trade.opening_id, trade.part)
        past = min(done.get(line, ZERO), trade.quantity)
        if past:
            done[line] -= past
        if trade.quantity > past:
            quote = quotes.get(trade.security_id)
            price = quote.price if quote else trade.price
            found.append(_intention(trade, trade.quantity - past, price, lots))
    return tuple(found)


@read_once
def _open_trades(household_id: int, statuses: tuple[Status, ...]) -> tuple[ProposedTrade, ...]:
    """With the heads of their proposals, without what those say at length."""
    rows = ProposedTrade.objects.filter(
        proposal__household=household_id, proposal__status__in=statuses
    )
    rows = rows.select_related("proposal", "account").defer(*_AT_LENGTH)
    return tuple(rows.order_by("proposal_id", "ordinal"))


def _line(of: Order | ProposedTrade, opening: int | None, part: int | None) -> _Line:
    return (of.proposal_id, of.account_id, of.security_id, of.side, opening, part)


def _sold_bought_or_cancelled(
    household_id: int, statuses: Collection[Status]
) -> dict[_Line, Decimal]:
    """Shares of each purchase, and of each lot of each sale, that will not be traded any more."""
    orders = list(
        Order.objects.filter(
            proposal__household=household_id, proposal__status__in=list(statuses)
        ).prefetch_related("lots")
    )
    left = lots_left(orders)
    done: dict[_Line, Decimal] = {}
    for order in orders:
        is_over = order.status == OrderStatus.CANCELLED
        unsold = {(lot.opening, lot.part): lot.quantity for lot in left[order.pk]}
        for lot in order.lots.all():
            rest = ZERO if is_over else unsold.get((lot.opening_id, lot.part), ZERO)
            done[_line(order, lot.opening_id, lot.part)] = lot.quantity - rest
        if order.side == Side.BUY:
            done[_line(order, None, None)] = order.quantity if is_over else order.filled_quantity
    return done


def _intention(
    trade: ProposedTrade, quantity: Decimal, price: Decimal, lots: Mapping[LotKey, LotRow]
) -> Intention:
    side = Side(trade.side)
    return Intention(
        proposal=trade.proposal_id,
        kind=ProposalKind(trade.proposal.kind),
        status=Status(trade.proposal.status),
        as_of=trade.proposal.as_of,
        account=trade.account_id,
        security=trade.security_id,
        side=side,
        quantity=quantity,
        price=price,
        opening=trade.opening_id,
        part=trade.part,
        at_loss=side is Side.SELL
        and trade.account.is_taxable
        and may_turn_loss(proceeds=price, basis=_basis_a_share(trade, quantity, lots)),
        pair=trade.pair,
    )


def _basis_a_share(
    trade: ProposedTrade, quantity: Decimal, lots: Mapping[LotKey, LotRow]
) -> Decimal:
    """Today's basis of the shares to sell; the dearest part's where a wash sale has cut the lot since.

    Parts of another security, which a spin-off brought, have another basis a share and do not count.
    """
    named = lots.get((trade.opening_id or 0, trade.part or 0))
    if named is not None and named.quantity >= quantity:
        return named.basis / named.quantity
    security = named.security if named is not None else trade.security_id
    held = [
        lot.basis / lot.quantity
        for lot in lots.values()
        if lot.opening == trade.opening_id and lot.security == security
    ]
    return max(held, default=trade.basis / trade.quantity)


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
