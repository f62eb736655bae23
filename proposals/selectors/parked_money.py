"""Money that harvests parked in cash (T9): how much of it has gone home since, and how much may still be there.

Cash is one heap: nobody can say which dollars of it a harvest brought. So a purchase of the original in the account of
the pair counts as its money come home, whoever made it, unless the sales of another harvest pair paid for it; each
purchase once, for the first due pair first. What of the account's booked cash the pairs before leave is still there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Exists, F, Max, OuterRef, Sum

from lots.models import Transaction
from lots.rounding import STORED_MONEY
from lots.selectors import cash
from lots.types import EntryKind
from lots.wash_sales import first_clear_date
from proposals.models import Fill, HarvestedPair, Order, Proposal, ProposedTrade
from proposals.selectors.intentions import COMMITTED
from proposals.selectors.pair_legs import (
    Numbered,
    OrderKey,
    handed_on,
    last_fill,
    order_key,
    orders_of,
    stood_for,
)
from proposals.types import (
    CASH,
    ENDED_PAIRS,
    PARKED,
    PairState,
    ParkedMoney,
    ProposalKind,
    Side,
    StandIn,
    Status,
)

ZERO = Decimal(0)
CENT = Decimal("0.01")
# What these buy is paid for by the sales of their own pairs.
_PAID_OTHERWISE = (ProposalKind.HARVEST, ProposalKind.GAIN_HARVEST, ProposalKind.SWAP_BACK)


@dataclass(frozen=True, slots=True)
class _Parked:
    """One pair whose money was parked, as its sales were filled."""

    key: Numbered
    order: int  # the first of its sales
    account: int
    originals: dict[int, Decimal]
    sold_on: date
    proceeds: Decimal
    harvested_on: date


@dataclass(slots=True)
class _Back:
    """What swap-backs have done for one pair; dollars."""

    spent: Decimal = ZERO
    under_way: bool = False
    # Proposal that was meant for all of the money -> every purchase was filled whole.
    whole: dict[int, bool] = field(default_factory=dict)

    @property
    def is_back(self) -> bool:
        """All of the money was meant to buy, and what was proposed has happened, however cheap."""
        return any(self.whole.values())


def parked_pairs(household_id: int, rows: Mapping[Numbered, HarvestedPair]) -> list[StandIn]:
    """Every pair in cash that has not ended, the first due first. ``rows`` are those of the household by pair.

    Ended ones take their part of the purchases until the day on which they ended, so that none counts twice. Later
    purchases, and the cash, are left to the pairs that go on.
    """
    every = sorted(_filled(household_id), key=lambda one: (one.sold_on, one.key))
    if not every:
        return []
    backs = _backs(household_id, {one.order for one in every})
    purchases = _purchases(every)
    balances = dict(cash(household_id))
    found = []
    for one in every:
        back = backs.get(one.order, _Back())
        row = rows.get(one.key)
        ended_on = row.since if row and PairState(row.state) in ENDED_PAIRS else None
        wanted = one.proceeds - back.spent
        home = back.spent + _claimed(one, wanted, purchases, until=ended_on)
        if ended_on is not None:
            continue
        balance = balances.get(one.account, ZERO)
        money = ParkedMoney(
            one.proceeds, home, balance, is_back=back.is_back, missed_on=_missed_on(row)
        )
        balances[one.account] = max(balance - money.left, min(balance, ZERO))
        found.append(_stand_in(one, money, back, row))
    return found


def _missed_on(row: HarvestedPair | None) -> date | None:
    """The last night that looked at the pair, if it did not find the cash. Sums may be of an earlier night."""
    if row is None or row.figures.get("missed_on") != row.as_of.isoformat():
        return None
    return row.as_of


def _stand_in(one: _Parked, money: ParkedMoney, back: _Back, row: HarvestedPair | None) -> StandIn:
    return StandIn(
        proposal=one.key[0],
        pair=one.key[1],
        order=one.order,
        account=one.account,
        substitute=CASH,
        originals=one.originals,
        sold_on=one.sold_on,
        due_on=first_clear_date(one.sold_on),
        openings=frozenset(),
        shares=ZERO,
        under_way=back.under_way,
        waived=row.reason if row and row.state == PairState.WAIVED else "",
        harvested_on=one.harvested_on,
        parked=money,
    )


def _filled(household_id: int) -> list[_Parked]:
    """The pairs of filled harvests of which something was sold and the money parked."""
    parked = ProposedTrade.objects.filter(proposal=OuterRef("pk"), reason=PARKED)
    harvests = {
        harvest.pk: harvest
        for harvest in Proposal.objects.filter(
            Exists(parked),
            household=household_id,
            kind=ProposalKind.HARVEST,
            status=Status.FILLED,
        )
    }
    trades = ProposedTrade.objects.filter(proposal__in=harvests, reason=PARKED)
    together: dict[Numbered, list[ProposedTrade]] = {}
    for trade in trades.order_by("proposal_id", "ordinal"):
        together.setdefault((trade.proposal_id, trade.pair), []).append(trade)
    orders = orders_of(harvests)
    days, proceeds = _sold(harvests)
    before = handed_on(
        [one.opening_id for sales in together.values() for one in sales if one.opening_id]
    )
    found = []
    for key, sales in together.items():
        own = sorted({order.pk for sale in sales if (order := orders.get(order_key(sale)))})
        originals = stood_for(sales, orders, before, Status.FILLED)
        sold_on = last_fill(sales, orders, days)
        if originals and sold_on is not None:
            found.append(
                _Parked(
                    key=key,
                    order=own[0],
                    account=sales[0].account_id,
                    originals=originals,
                    sold_on=sold_on,
                    proceeds=sum((proceeds.get(pk, ZERO) for pk in own), ZERO),
                    harvested_on=harvests[key[0]].as_of,
                )
            )
    return found


def _sold(harvests: Iterable[int]) -> tuple[dict[int, date], dict[int, Decimal]]:
    """Order of sale -> its last fill, and the dollars that its fills brought, fees paid."""
    fills = Fill.objects.filter(order__proposal__in=harvests, order__side=Side.SELL)
    rows = (
        fills.order_by("order")
        .values_list("order_id")
        .annotate(
            last=Max("trade_date"), dollars=Sum(F("transaction__amount") - F("transaction__fee"))
        )
    )
    found = list(rows)
    return {pk: day for pk, day, _ in found}, {pk: dollars for pk, _, dollars in found}


def _backs(household_id: int, orders: Iterable[int]) -> dict[int, _Back]:
    """Pair (by its order) -> what its approved and filled swap-backs have bought.

    One order may buy for several pairs: each has its part of what was filled.
    """
    trades = list(
        ProposedTrade.objects.filter(
            proposal__household=household_id,
            proposal__kind=ProposalKind.SWAP_BACK,
            proposal__status__in=(*COMMITTED, Status.FILLED),
            side=Side.BUY,
            pair__in=orders,
        ).select_related("proposal")
    )
    bought = orders_of({trade.proposal_id for trade in trades})
    dollars = _paid(bought)
    found: dict[int, _Back] = {}
    for trade in trades:
        order = bought.get(order_key(trade))
        one = found.setdefault(trade.pair, _Back())
        under_way = Status(trade.proposal.status) in COMMITTED
        one.under_way |= under_way
        is_whole = order is not None and order.filled_quantity == order.quantity and not under_way
        if _is_meant_for_all(trade):
            one.whole[trade.proposal_id] = is_whole and one.whole.get(trade.proposal_id, True)
        if order is not None:
            part = trade.quantity / order.quantity
            one.spent += (dollars.get(order.pk, ZERO) * part).quantize(STORED_MONEY)
    return found


def _is_meant_for_all(trade: ProposedTrade) -> bool:
    """Whether the swap-back budgeted all of the pair's money, by its own figures, or left less than a share of it.

    Where other proposals spent cash that night it was meant for a part, and the rest is decided about again.
    """
    pairs = trade.proposal.explanation.get("swap_backs", ())
    told = next((one for one in pairs if one["pair"] == trade.pair), None)
    if told is None:
        return False
    amounts = [Decimal(one["amount"]) for one in told["buys"]]
    prices = [Decimal(one["amount"]) / Decimal(one["shares"]) for one in told["buys"]]
    after = Decimal(told["parked"]) - sum(amounts, ZERO) - Decimal(told["cost"])
    return after - Decimal(told["cash_left"]) < CENT or after < min(prices)


def _paid(orders: Mapping[OrderKey, Order]) -> dict[int, Decimal]:
    """Order of purchase -> the dollars that its fills cost, fees included."""
    fills = Fill.objects.filter(order__in=[order.pk for order in orders.values()])
    rows = fills.order_by("order").values_list("order_id")
    return dict(rows.annotate(dollars=Sum(F("transaction__amount") + F("transaction__fee"))))


@dataclass(slots=True)
class _Purchase:
    """An original bought after a sale; ``dollars`` that no pair has claimed yet."""

    account: int
    security: int
    day: date
    dollars: Decimal


def _purchases(pairs: Sequence[_Parked]) -> list[_Purchase]:
    """What was bought of the originals since the first of the sales, but for a harvest pair; the oldest first."""
    rows = Transaction.objects.filter(
        account__in={one.account for one in pairs},
        security__in={original for one in pairs for original in one.originals},
        kind=EntryKind.BUY,
        trade_date__gt=min(one.sold_on for one in pairs),
    ).exclude(fill__order__proposal__kind__in=_PAID_OTHERWISE)
    columns = ("account_id", "security_id", "trade_date", "amount", "fee")
    return [
        _Purchase(account, security, day, amount + fee)
        for account, security, day, amount, fee in rows.order_by("trade_date", "pk").values_list(
            *columns
        )
        if security is not None
    ]


def _claimed(
    one: _Parked, wanted: Decimal, purchases: Iterable[_Purchase], *, until: date | None
) -> Decimal:
    """Dollars of the purchases that are the pair's money come home, taken off them; ``until`` it ended, if it did."""
    claimed = ZERO
    for purchase in purchases:
        is_own = purchase.account == one.account and purchase.security in one.originals
        if not is_own or purchase.day <= one.sold_on or (until and purchase.day > until):
            continue
        dollars = max(min(purchase.dollars, wanted - claimed), ZERO)
        purchase.dollars -= dollars
        claimed += dollars
    return claimed
