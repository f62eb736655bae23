"""What an offer costs at least in any set that it may be part of, so that no set is left out for a wrong reason. Pure.

Orders are taken as if the offer were alone in them: impact grows with the power 3/2, so an order has at least that of
its lots. What is paid once, a ticket or a floor, is shared by all that might pay it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from harvesting.offers import Offer
from harvesting.pairs import buys_a_share, money_of
from harvesting.sales import resized
from harvesting.types import CASH, ZERO, LotKey, Place, Sale
from harvesting.valuation import PARKED, Destination, Problem, hurdle, sold_with
from lots.rounding import STORED_SHARES
from proposals.costs import TradingCosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """One offer with one destination, dollars: for a part ``f`` of it ``linear f + convex f^1.5 + fixed``.

    ``idle``: what a dollar costs more or less in cash than in the substitute.
    """

    to: Destination
    linear: Decimal
    convex: Decimal
    fixed: Decimal
    idle: Decimal = ZERO

    @property
    def whole(self) -> Decimal:
        """For all of it."""
        return self.linear + self.convex + self.fixed


@dataclass(frozen=True, slots=True)
class Leasts:
    """One ``Least`` for each destination that each offer's money may have."""

    by_offer: Mapping[LotKey, tuple[Least, ...]]

    def whole(self, offer: Offer) -> Decimal:
        """Dollars that all of the offer costs at least."""
        return min(one.whole for one in self.by_offer[offer.key])

    def surplus(self, offer: Offer, price: Decimal) -> Decimal:
        """What all of it can add at most, with a dollar of its loss at ``price``; not below zero."""
        return max(price * offer.allowed - self.whole(offer), ZERO)

    def surplus_of_parts(self, offer: Offer, price: Decimal) -> Decimal:
        """The same of as many of its shares as add most."""
        worth = price * offer.allowed
        return max(
            max(most(worth - one.linear, one.convex) - one.fixed, ZERO)
            for one in self.by_offer[offer.key]
        )

    def best_parts(self, offer: Offer, price: Decimal) -> Iterator[Decimal]:
        """The parts of it, below 1, beyond which impact takes more than a dollar of loss at ``price`` saves."""
        for one in self.by_offer[offer.key]:
            worth = price * offer.allowed - one.linear
            if ZERO < 2 * worth < 3 * one.convex:
                yield _slope_is_zero(worth, one.convex)


def most(linear: Decimal, convex: Decimal) -> Decimal:
    """The largest ``linear f - convex f^1.5`` for f from 0 to 1."""
    if linear <= ZERO:
        return ZERO
    if 2 * linear >= 3 * convex:
        return linear - convex
    return linear * _slope_is_zero(linear, convex) / 3


def _slope_is_zero(linear: Decimal, convex: Decimal) -> Decimal:
    return (2 * linear / (3 * convex)) ** 2


def least_costs(problem: Problem, *, cut: Collection[LotKey] = ()) -> Leasts:
    """Of every offer. Of the lots ``cut`` a part may be sold, whose money may not reach for what all of it buys."""
    everything = sold_with(problem.offers, problem)
    smallest = {
        one.key: _smallest(one, problem) if one.key in cut else one.sale for one in problem.offers
    }
    # A sale that costs more than it brings takes from the money that others put together with it.
    taking = {
        sale.lot.account for sale in smallest.values() if money_of([sale], problem.trading) < ZERO
    }
    possible = {
        one.key: _possible_destinations(
            one,
            smallest[one.key],
            everything if one.sale.lot.account not in taking else None,
            problem,
        )
        for one in problem.offers
    }
    orders = _Orders(problem, possible)
    return Leasts(
        {
            one.key: tuple(_least(one, to, orders, problem) for to in possible[one.key])
            for one in problem.offers
        }
    )


class _Orders:
    """What the offers of a problem could be traded in together: what is paid once, and the largest orders."""

    def __init__(
        self, problem: Problem, possible: Mapping[LotKey, tuple[Destination, ...]]
    ) -> None:
        self._problem = problem
        self._sharing = _sharing(problem, possible)
        self._orders = Counter(one.sale.place for one in problem.offers)
        self._largest: dict[Place, Sale] = {}
        self._money: dict[int, Decimal] = {}
        for one in problem.offers:
            sale, before = one.sale, self._largest.get(one.sale.place)
            self._money[sale.lot.account] = self._money.get(sale.lot.account, ZERO) + sale.amount
            if before is not None:
                sale = replace(
                    sale,
                    quantity=sale.quantity + before.quantity,
                    amount=sale.amount + before.amount,
                )
            self._largest[sale.place] = sale

    def ticket(self, offer: Offer) -> Decimal:
        """The offer's part of what its sale order costs by itself, dollars."""
        schedule = self._problem.trading.costs.commissions.get(offer.sale.lot.account)
        return ZERO if schedule is None else schedule.per_order / self._orders[offer.sale.place]

    def floor(self, offer: Offer) -> Decimal:
        """Its own floor, and its part of what a pair must be worth beyond its lots, dollars."""
        if offer.is_companion:
            return ZERO
        rules = self._problem.rules
        extra = hurdle(1, rules) - rules.minimum_benefit
        return rules.minimum_benefit + extra / self._sharing[offer.key]

    def idle(self, offer: Offer, substitute: int) -> "_Idle":
        """What of the offer's money is not invested at most, because it is paid or does not buy a whole share."""
        account, trading = offer.sale.lot.account, self._problem.trading
        sold, money, price = (
            self._largest[offer.sale.place],
            self._money[account],
            trading.prices[substitute],
        )
        bought = replace(offer.sale, amount=money)
        buying = _leg(bought, substitute, money / price, trading.costs).rate(money)
        selling = _leg(sold, sold.lot.security, sold.quantity, trading.costs).rate(sold.amount)
        schedule = trading.costs.commissions.get(account)
        tickets = ZERO if schedule is None else 2 * (schedule.per_order + schedule.minimum)
        return _Idle(once=price * (1 + 2 * buying) + tickets, rate=selling + buying)


def _sharing(
    problem: Problem, possible: Mapping[LotKey, tuple[Destination, ...]]
) -> dict[LotKey, int]:
    """How many lots, itself included, could be in one pair with each: whatever pair it is in has no more."""
    reach = {
        one.key: (one.sale.lot.account, frozenset(to.security for to in possible[one.key]))
        for one in problem.offers
        if not one.is_companion
    }
    counted = Counter(reach.values())
    return {
        key: sum(
            lots
            for (other, others), lots in counted.items()
            if other == account and not own.isdisjoint(others)
        )
        for key, (account, own) in reach.items()
    }


@dataclass(frozen=True, slots=True)
class _Idle:
    """Dollars once, and of every dollar sold."""

    once: Decimal
    rate: Decimal


def _possible_destinations(
    offer: Offer, smallest: Sale, everything: frozenset[int] | None, problem: Problem
) -> tuple[Destination, ...]:
    """Where its money may go, whatever is sold: down to the first that is nowhere on offer and cheap enough.

    ``everything``: all that is on offer; None = its own money may not be enough for what it buys alone.
    """
    ranked = problem.legal.get(offer.sale.lot.security, ())
    possible = [Destination(one, is_last=len(ranked) == 1) for one in ranked]
    for rank, one in enumerate(ranked if everything is not None else (), start=1):
        target = (offer.sale.lot.account, one)
        if one not in (everything or ()) and buys_a_share(target, [smallest], problem.trading):
            return tuple(possible[:rank])
    return (*possible, PARKED) if problem.rules.parks_in_cash or not possible else tuple(possible)


def _smallest(offer: Offer, problem: Problem) -> Sale:
    """The fewest of its shares that are ever sold."""
    sale = offer.sale
    if sale.loss <= problem.smallest_loss:
        return sale
    shares = sale.quantity * problem.smallest_loss / sale.loss
    return resized(sale, shares.quantize(STORED_SHARES, ROUND_FLOOR))


def _least(offer: Offer, to: Destination, orders: _Orders, problem: Problem) -> Least:
    """With one destination. Its money is invested there, but for what is paid and what does not buy a whole share."""
    sale, trading = offer.sale, problem.trading
    charges = problem.charges(offer, to)
    back = 1 if to.security == CASH else 1 + problem.chance_of_going_back(sale.place)
    selling = _leg(sale, sale.lot.security, sale.quantity, trading.costs)
    linear = charges.total + selling.linear * back
    convex = selling.convex * back
    fixed = orders.ticket(offer) * back + orders.floor(offer)
    if to.security == CASH:
        return Least(to=to, linear=linear, convex=convex, fixed=fixed)
    buying = _leg(sale, to.security, sale.amount / trading.prices[to.security], trading.costs)
    linear += buying.linear * back
    convex += buying.convex * back
    in_cash = problem.charges(offer, PARKED).tracking
    invested = charges.tracking + buying.linear * back
    # What the last dollar invested costs more than in cash; if it does, every dollar that is not invested saves that.
    more = (
        (invested + Decimal("1.5") * buying.convex * back - in_cash) / sale.amount
        if sale.amount
        else ZERO
    )
    if more > ZERO:
        idle = orders.idle(offer, to.security)
        linear -= more * idle.rate * sale.amount
        fixed -= more * idle.once
    return Least(
        to=to,
        linear=linear,
        convex=convex,
        fixed=fixed,
        idle=abs(in_cash - invested) / sale.amount if sale.amount else ZERO,
    )


@dataclass(frozen=True, slots=True)
class _Leg:
    """Cost of an order without its ticket: what is in proportion to the shares, and impact."""

    linear: Decimal
    convex: Decimal

    def rate(self, amount: Decimal) -> Decimal:
        """Of a dollar traded."""
        return (self.linear + self.convex) / amount if amount else ZERO


def _leg(sale: Sale, security: int, shares: Decimal, costs: TradingCosts) -> _Leg:
    account = sale.lot.account
    cost = costs.of(account=account, security=security, shares=shares, amount=sale.amount)
    schedule = costs.commissions.get(account)
    paid = cost.spread
    if schedule is not None:
        paid += schedule.per_share * shares + schedule.of_amount * sale.amount
    return _Leg(paid, cost.impact)
