"""Both legs of a harvest: what each account's sales bring in, and the one buy that the money pays for (T8, T28).

What is proposed and what a set of sales is worth (``harvesting.valuation``) are computed from the same pairs.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from harvesting.economics import to_the_cent
from harvesting.types import CASH, ZERO, Pair, Place, Sale, Trading, dollars_traded
from lots.rounding import STORED_SHARES

_ONE = Decimal(1)


def paired(
    sales: Iterable[Sale], destinations: Mapping[Place, int], trading: Trading
) -> tuple[Pair, ...]:
    """One pair per account and destination, numbered from 1 in that order; ``CASH`` parks the money.

    A pair whose money does not buy one share has quantity 0: it is no pair, and its sales must not be made.
    """
    legs: dict[Place, list[Sale]] = {}
    for sale in sales:
        legs.setdefault((sale.lot.account, destinations[sale.place]), []).append(sale)
    return tuple(
        _pair(number, place, legs[place], trading) for number, place in enumerate(sorted(legs), 1)
    )


def _pair(number: int, place: Place, sales: Sequence[Sale], trading: Trading) -> Pair:
    """Buy for the proceeds less the cost of both legs; what is left is less than one share."""
    account, substitute = place
    sold = sum(sale_costs(sales, trading).values(), ZERO)
    money = sum((sale.amount for sale in sales), ZERO) - sold
    quantity = amount = price = bought = ZERO
    if substitute != CASH:
        price = trading.prices[substitute]
        quantity = affordable(place, money, trading)
        amount = dollars_traded(quantity, price)
        bought = _cost(place, quantity, trading)
    return Pair(
        number=number,
        account=account,
        substitute=None if substitute == CASH else substitute,
        sales=tuple(sales),
        quantity=quantity,
        price=price,
        amount=amount,
        cost=sold + bought,
        cash_left=to_the_cent(money - amount - bought),
    )


def buys_a_share(place: Place, sales: Sequence[Sale], trading: Trading) -> bool:
    """Whether the sales' money, after what they cost, pays for the least that can be bought."""
    return _pays(place, _step(place, trading), money_of(sales, trading), trading)


def money_of(sales: Sequence[Sale], trading: Trading) -> Decimal:
    """Dollars that the sales bring in after what they cost."""
    costs = sale_costs(sales, trading)
    return sum((sale.amount for sale in sales), ZERO) - sum(costs.values(), ZERO)


def price_of_a_share(place: Place, trading: Trading) -> Decimal:
    """Dollars that the least that can be bought costs at most, alone in its order."""
    step = _step(place, trading)
    return dollars_traded(step, trading.prices[place[1]]) + _cost(place, step, trading)


def affordable(place: Place, money: Decimal, trading: Trading) -> Decimal:
    """The most shares that the money pays for, cost included; whole ones unless the account trades fractions."""
    _, substitute = place
    step = _step(place, trading)
    spread = trading.costs.half_spreads.get(substitute, ZERO)
    most = max(money, ZERO) / (trading.prices[substitute] * (1 + spread))
    low, high = 0, int((most / step).to_integral_value(ROUND_FLOOR)) + 1
    if high > 1 and _pays(place, (high - 1) * step, money, trading):
        return (high - 1) * step  # most often there is nothing to pay but the spread
    while high - low > 1:  # cost grows with the shares, so the money decides once
        middle = (low + high) // 2
        low, high = (middle, high) if _pays(place, middle * step, money, trading) else (low, middle)
    return low * step


def _step(place: Place, trading: Trading) -> Decimal:
    return STORED_SHARES if place[0] in trading.fractional else _ONE


def _pays(place: Place, quantity: Decimal, money: Decimal, trading: Trading) -> bool:
    amount = dollars_traded(quantity, trading.prices[place[1]])
    return amount + _cost(place, quantity, trading) <= money


def _cost(place: Place, quantity: Decimal, trading: Trading) -> Decimal:
    account, security = place
    amount = dollars_traded(quantity, trading.prices[security])
    return trading.costs.of(
        account=account, security=security, shares=quantity, amount=amount
    ).total


def sale_costs(sales: Iterable[Sale], trading: Trading) -> dict[Place, Decimal]:
    """What the sale order of each account and security costs, dollars, exact."""
    sizes: dict[Place, tuple[Decimal, Decimal]] = {}
    for sale in sales:
        shares, amount = sizes.get(sale.place, (ZERO, ZERO))
        sizes[sale.place] = (shares + sale.quantity, amount + sale.amount)
    return {
        (account, security): trading.costs.of(
            account=account, security=security, shares=shares, amount=amount
        ).total
        for (account, security), (shares, amount) in sizes.items()
    }


def share_of_cost(sale: Sale, pair: Pair, trading: Trading) -> Fraction:
    """A sale's part of its pair's cost: of its own order and of the purchase, both by dollars sold."""
    orders = sale_costs(pair.sales, trading)
    order = sum((each.amount for each in pair.sales if each.place == sale.place), ZERO)
    bought = Fraction(pair.cost) - Fraction(sum(orders.values(), ZERO))
    if not order:
        return Fraction(0)
    own = Fraction(orders[sale.place]) / Fraction(order)
    return (own + bought / Fraction(pair.proceeds)) * Fraction(sale.amount)
