"""Harvest pairs: what a harvest sold, the substitute that stands in for it, and how much of that is left (T33, F30).

A pair lives as long as the lots that its purchase brought, wherever a transfer or rename has taken them, less what
swap-backs have sold of other lots in their place. A substitute that was itself harvested hands on what it stood for:
the next substitute stands in for the first security sold, not for the one in between.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet, Sum

from accounts.one_look import read_once
from lots.models import TaxLot
from lots.rounding import STORED_MONEY, STORED_SHARES, spread, stored_shares
from lots.wash_sales import first_clear_date
from proposals.models import Fill, HarvestedPair, Order, Proposal, ProposedTrade
from proposals.remainders import LotShares, filled_of
from proposals.selectors.intentions import COMMITTED
from proposals.selectors.order_lots import lots_named
from proposals.selectors.pair_legs import Legs, Numbered, OrderKey, legs_of, orders_of
from proposals.selectors.parked_money import parked_pairs
from proposals.types import (
    ENDED_PAIRS,
    PARKED,
    HarvestPair,
    Homecoming,
    Moved,
    OverduePair,
    PairState,
    ProposalKind,
    Side,
    StandIn,
    Status,
)
from securities.calendar import next_business_date

ZERO = Decimal(0)


def open_pairs(household_id: int, as_of: date) -> tuple[HarvestPair, ...]:
    """Substitutes that stand in for what a harvest sold (T33): approved or ordered ones whole, filled ones as held.

    A filled one stands in until it is swapped back or sold, however long ago its window closed. One for each security
    sold; a substitute bought for several is shared by the dollars sold of each.
    """
    coming = [one for one in _harvests(household_id) if Status(one.status) in COMMITTED]
    found: list[tuple[Numbered, list[HarvestPair]]] = []
    for legs in legs_of(coming):
        shares = stored_shares(Fraction(legs.buy.quantity * legs.bought) * legs.away)
        parts = _parts(legs.buy, legs.originals, shares)
        found.append((legs.key, [HarvestPair(*part, legs.sold_on or as_of) for part in parts]))
    living = _living_of(household_id)
    for one, legs in _standing(household_id, living, _rows(household_id) if living else {}):
        if not one.originals:  # it came home
            continue
        parts = _parts(legs.buy, one.originals, one.shares, one.substitute)
        found.append((legs.key, [HarvestPair(*part, one.sold_on) for part in parts]))
    return tuple(pair for _, pairs in sorted(found, key=lambda row: row[0]) for pair in pairs)


def stand_ins(household_id: int) -> tuple[StandIn, ...]:
    """Every filled harvest pair that has not ended, by proposal and number; one without shares left has just ended.

    Money that a harvest parked in cash is one too. One query for a household without harvests.
    """
    living = _living_of(household_id)
    if not living:
        return ()
    rows = _rows(household_id)
    found = [one for one, _ in _standing(household_id, living, rows)]
    if any(harvest.has_parked for harvest in living):
        found += parked_pairs(household_id, rows)
    return tuple(sorted(found, key=lambda one: (one.proposal, one.pair)))


def overdue_pairs(firm_id: int, as_of: date) -> list[OverduePair]:
    """Pairs more than one business day past their day 31 that the night of ``as_of`` did not look at (I23).

    A filled pair that no night has ever looked at is one too. Two queries.
    """
    rows = HarvestedPair.objects.filter(
        proposal__household__firm=firm_id, as_of__lt=as_of, due_on__lt=as_of
    ).exclude(state__in=ENDED_PAIRS)
    looked = rows.values_list(
        "proposal__household_id",
        "proposal__household__name",
        "proposal_id",
        "pair",
        "due_on",
        "as_of",
    )
    found = [OverduePair(*row) for row in looked]
    found += [
        OverduePair(household, name, proposal, pair, first_clear_date(sold_on), None)
        for household, name, proposal, pair, sold_on in _never_looked_at(firm_id)
    ]
    late = [pair for pair in found if next_business_date(pair.due_on) < as_of]
    return sorted(late, key=lambda pair: (pair.due_on, pair.proposal, pair.pair))


def waived_pairs(proposal: Proposal) -> tuple[Moved, ...]:
    """Pairs of a swap-back that a person has decided to leave alone since: it must not be approved any more."""
    if proposal.kind != ProposalKind.SWAP_BACK:
        return ()
    numbers = proposal.trades.values_list("pair", flat=True)
    waived = HarvestedPair.objects.filter(
        Exists(
            Order.objects.filter(
                pk__in=numbers, proposal=OuterRef("proposal"), pair=OuterRef("pair")
            )
        ),
        state=PairState.WAIVED,
    ).select_related("substitute")
    return tuple(
        Moved(f"pair of {row.holding}", "to go back", row.reason) for row in waived.order_by("pk")
    )


def _never_looked_at(firm_id: int) -> Iterable[tuple[int, str, int, int, date]]:
    """Filled pairs of harvests without a row, with the last fill of their sales; with a purchase, or money parked."""
    looked = HarvestedPair.objects.filter(proposal=OuterRef("proposal"), pair=OuterRef("pair"))
    bought = Order.objects.filter(
        proposal=OuterRef("proposal"), pair=OuterRef("pair"), side=Side.BUY, filled_quantity__gt=0
    )
    sales = Order.objects.filter(
        ~Exists(looked),
        Exists(bought) | Exists(_parked_sale()),
        proposal__household__firm=firm_id,
        proposal__kind=ProposalKind.HARVEST,
        proposal__status=Status.FILLED,
        side=Side.SELL,
        filled_quantity__gt=0,
    )
    rows = sales.order_by("proposal_id", "pair").values_list(
        "proposal__household_id", "proposal__household__name", "proposal_id", "pair"
    )
    return rows.annotate(sold_on=Max("fills__trade_date"))


def households_with_pairs(firm_id: int) -> frozenset[int]:
    """Households in which a filled harvest pair has not ended: no night may pass them by (I23). One query."""
    living = _living().filter(household__firm=firm_id)
    return frozenset(living.order_by().values_list("household_id", flat=True))


def _living() -> QuerySet[Proposal]:
    """Filled harvests of which a pair, as far as the rows say, has not ended."""
    ended = HarvestedPair.objects.filter(
        proposal=OuterRef("proposal"), pair=OuterRef("pair"), state__in=ENDED_PAIRS
    )
    filled = Order.objects.filter(~Exists(ended), proposal=OuterRef("pk"), filled_quantity__gt=0)
    bought = filled.filter(side=Side.BUY)
    parked = filled.filter(Exists(_parked_sale()), side=Side.SELL)
    return Proposal.objects.filter(
        Exists(bought) | Exists(parked), kind=ProposalKind.HARVEST, status=Status.FILLED
    )


def _parked_sale() -> QuerySet[ProposedTrade]:
    """For an order: a sale of its pair whose money was parked in cash."""
    return ProposedTrade.objects.filter(
        proposal=OuterRef("proposal"), pair=OuterRef("pair"), reason=PARKED
    )


@read_once
def _harvests(household_id: int) -> tuple[Proposal, ...]:
    """The approved, ordered and filled harvests, with what legs are made of. One query."""
    rows = Proposal.objects.filter(
        household=household_id,
        kind=ProposalKind.HARVEST,
        status__in=(*COMMITTED, Status.FILLED),
    )
    return tuple(rows.only("status", "as_of").order_by("pk"))


@read_once
def _living_of(household_id: int) -> list[Any]:
    """One query more where a harvest was filled. ``has_parked``: money of the harvest was parked in cash."""
    if all(one.status != Status.FILLED for one in _harvests(household_id)):
        return []
    parked = ProposedTrade.objects.filter(proposal=OuterRef("pk"), reason=PARKED)
    living = _living().filter(household=household_id).annotate(has_parked=Exists(parked))
    return list(living.only("status", "as_of").order_by("pk"))


def _rows(household_id: int) -> dict[Numbered, HarvestedPair]:
    rows = HarvestedPair.objects.filter(proposal__household=household_id)
    return {(row.proposal_id, row.pair): row for row in rows}


def _standing(
    household_id: int, living: Sequence[Proposal], rows: Mapping[Numbered, HarvestedPair]
) -> list[tuple[StandIn, Legs]]:
    every = [legs for legs in legs_of(living) if legs.sold_on and legs.order]
    open_ones = [
        legs
        for legs in every
        if not (row := rows.get(legs.key)) or PairState(row.state) not in ENDED_PAIRS
    ]
    if not open_ones:
        return []
    openings = _openings(legs.order.pk for legs in open_ones if legs.order)
    held = _held(household_id, {one for of_order in openings.values() for one in of_order})
    sold = _swapped(household_id, openings)
    found = [_stand_in(legs, rows.get(legs.key), openings, held, sold) for legs in open_ones]
    return list(zip(_with_homecomings(household_id, found), open_ones, strict=True))


def _stand_in(
    legs: Legs,
    row: HarvestedPair | None,
    openings: Mapping[int, frozenset[int]],
    held: Mapping[int, Mapping[tuple[int, int], Decimal]],
    swapped: Mapping[int, "_Swapped"],
) -> StandIn:
    assert legs.order is not None, "_standing leaves others out"
    assert legs.sold_on is not None, "_standing leaves others out"
    own = openings.get(legs.order.pk, frozenset())
    positions: dict[tuple[int, int], Decimal] = {}
    for opening in own:
        for position, shares in held.get(opening, {}).items():
            positions[position] = positions.get(position, ZERO) + shares
    bought = (legs.buy.account_id, legs.buy.security_id)
    # Shares that were moved, or got another name, stand in where they are now.
    where = (
        bought
        if bought in positions or not positions
        else max(positions, key=lambda one: (positions[one], one))
    )
    done = swapped.get(legs.order.pk, _Swapped())
    originals, home = _still_away(legs)
    return StandIn(
        proposal=legs.buy.proposal_id,
        pair=legs.buy.pair,
        order=legs.order.pk,
        account=where[0],
        substitute=where[1],
        originals=originals,
        sold_on=legs.sold_on,
        due_on=first_clear_date(legs.sold_on),
        openings=own,
        shares=_shares_away(positions.get(where, ZERO), legs, done) if originals else ZERO,
        swapped=done.shares,
        under_way=done.under_way,
        waived=row.reason if row and row.state == PairState.WAIVED else "",
        harvested_on=legs.harvested_on,
        home=home,
    )


def _still_away(legs: Legs) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    """What the purchase stands in for, and what came home with it: all of it where less than a share does not."""
    assert legs.order is not None, "_standing leaves others out"
    if legs.home and Fraction(legs.order.filled_quantity) * legs.away < 1:
        return {}, legs.stood_for
    return legs.originals, legs.home


def _shares_away(held: Decimal, legs: Legs, done: "_Swapped") -> Decimal:
    """Shares that stand in for something else; of a purchase that came home in part, whole ones.

    What swap-backs have sold was all of that part; what left otherwise was of both.
    """
    if not legs.home:
        return max(held - done.of_other_lots, ZERO)
    of_own_lots = done.shares - done.of_other_lots
    away = Fraction(held + of_own_lots) * legs.away - Fraction(done.shares)
    return Decimal(max(floor(away), 0))


def _with_homecomings(household_id: int, pairs: Sequence[StandIn]) -> list[StandIn]:
    """The pairs whose substitute has just been sold, with the harvest that sold it where that buys an original back.

    Three queries or four where there is such a pair, none otherwise.
    """
    ended = {
        opening: one
        for one in pairs
        if not (one.shares or one.swapped or one.home)
        for opening in one.openings
    }
    if not ended:
        return list(pairs)
    rows = ProposedTrade.objects.filter(
        proposal__household=household_id,
        proposal__kind=ProposalKind.HARVEST,
        proposal__status__in=(*COMMITTED, Status.FILLED),
        side=Side.SELL,
        opening__in=ended,
    )
    sales = list(rows.values_list("proposal_id", "pair", "opening_id"))
    harvests = Proposal.objects.filter(pk__in={proposal for proposal, _, _ in sales})
    home = {one.key: one for one in legs_of(harvests.order_by("pk")) if one.home and one.sold_on}
    found: dict[int, Homecoming] = {}
    for proposal, pair, opening in sales:
        legs, left = home.get((proposal, pair)), ended[opening]
        if legs is not None and (
            bought := tuple(one for one in legs.home if one in left.originals)
        ):
            found[left.order] = _later(found.get(left.order), _homecoming(legs, bought))
    return [replace(one, homecoming=found.get(one.order)) for one in pairs]


def _homecoming(legs: Legs, bought: tuple[int, ...]) -> Homecoming:
    is_filled = legs.order is not None and legs.order.filled_quantity > ZERO
    return Homecoming(legs.harvested_on, bought, is_filled=is_filled)


def _later(one: Homecoming | None, other: Homecoming) -> Homecoming:
    """One that is filled before one that is awaited, then the later."""
    if one is None:
        return other
    return max(one, other, key=lambda each: (each.is_filled, each.harvest_of))


def _openings(order_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Order -> the transactions that its fills became."""
    found: dict[int, set[int]] = {}
    rows = Fill.objects.filter(order__in=list(order_ids))
    for order, transaction in rows.values_list("order_id", "transaction_id"):
        found.setdefault(order, set()).add(transaction)
    return {order: frozenset(ids) for order, ids in found.items()}


def _held(
    household_id: int, openings: Collection[int]
) -> dict[int, dict[tuple[int, int], Decimal]]:
    """Opening -> account and security -> shares that are still held."""
    found: dict[int, dict[tuple[int, int], Decimal]] = {}
    lots = TaxLot.objects.filter(account__household=household_id, opening__in=openings)
    rows = lots.order_by().values_list("opening_id", "account_id", "security_id")
    for opening, account, security, shares in rows.annotate(Sum("quantity")):
        found.setdefault(opening, {})[account, security] = shares
    return found


@dataclass(slots=True)
class _Swapped:
    """What swap-backs have done for one pair; shares of the substitute."""

    shares: Decimal = ZERO
    of_other_lots: Decimal = ZERO  # lots that the pair's own purchase did not bring
    under_way: bool = False


def _swapped(household_id: int, openings: Mapping[int, frozenset[int]]) -> dict[int, _Swapped]:
    """Pair (by its order) -> what its approved and filled swap-backs sold.

    One order may sell for several pairs: what was filled is told lot by lot, as fills take them. A part of each in
    proportion would leave fractions of a share behind, which the next swap-back would then sell.
    """
    found: dict[int, _Swapped] = {}
    trades = ProposedTrade.objects.filter(
        proposal__household=household_id,
        proposal__kind=ProposalKind.SWAP_BACK,
        proposal__status__in=(*COMMITTED, Status.FILLED),
        side=Side.SELL,
        pair__in=openings,
    ).select_related("proposal")
    of_order: dict[OrderKey, list[ProposedTrade]] = {}
    for trade in trades.order_by("pk"):
        of_order.setdefault(
            (trade.proposal_id, trade.account_id, trade.security_id, Side.SELL), []
        ).append(trade)
        one = found.setdefault(trade.pair, _Swapped())
        one.under_way |= Status(trade.proposal.status) in COMMITTED
    orders = orders_of({proposal for proposal, *_ in of_order})
    filled = {key: orders[key] for key in of_order if key in orders and orders[key].filled_quantity}
    lots = lots_named(order.pk for order in filled.values())
    for key, order in filled.items():
        sold = [_lot_of(trade) for trade in of_order[key]]
        for trade, shares in zip(
            of_order[key], filled_of(sold, lots[order.pk], order.filled_quantity), strict=True
        ):
            one = found[trade.pair]
            one.shares += shares
            if trade.opening_id not in openings[trade.pair]:
                one.of_other_lots += shares
    return found


def _lot_of(trade: ProposedTrade) -> LotShares:
    assert trade.opening_id is not None, "a sale names its lot"
    assert trade.part is not None, "and the part of it"
    return LotShares(trade.opening_id, trade.part, trade.quantity)


def _parts(
    buy: ProposedTrade,
    originals: Mapping[int, Decimal],
    quantity: Decimal,
    substitute: int | None = None,
) -> list[tuple[int, int, Decimal, Decimal]]:
    """Original, substitute, shares and dollars (at the purchase's price): one for each security sold."""
    if not quantity:
        return []
    amount = buy.amount * quantity / buy.quantity
    shares = _shared(quantity.quantize(STORED_SHARES), originals, STORED_SHARES)
    dollars = _shared(amount.quantize(STORED_MONEY), originals, STORED_MONEY)
    return [
        (security, substitute or buy.security_id, shares[security], dollars[security])
        for security in originals
    ]


def _shared(total: Decimal, by: Mapping[int, Decimal], quantum: Decimal) -> dict[int, Decimal]:
    """``total`` in proportion to the dollars sold, to the last unit (largest remainder)."""
    whole = sum((Fraction(dollars) for dollars in by.values()), Fraction(0))
    parts = [Fraction(total) * Fraction(amount) / whole for amount in by.values()]
    return dict(zip(by, spread(total, parts, quantum), strict=True))
