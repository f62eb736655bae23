"""Both legs of a harvest: what each account's sales bring in, and the one buy that the money pays for (T8, T28)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from harvesting.economics import to_the_cent, trading_cost
from harvesting.types import ZERO, Book, LotKey, Pair, Sale, Surroundings, dollars_traded


def paired(
    sales: Sequence[Sale], substitutes: Mapping[LotKey, int], *, book: Book, around: Surroundings
) -> tuple[Pair, ...]:
    """One pair per account and substitute, numbered from 1 in that order.

    A pair whose money does not buy one whole share has quantity 0: it is no pair, and its sales must not be made.
    """
    legs: dict[tuple[int, int], list[Sale]] = {}
    for sale in sales:
        legs.setdefault((sale.lot.account, substitutes[sale.key]), []).append(sale)
    return tuple(
        _pair(number, account, substitute, legs[account, substitute], book, around)
        for number, (account, substitute) in enumerate(sorted(legs), start=1)
    )


def _pair(
    number: int, account: int, substitute: int, sales: list[Sale], book: Book, around: Surroundings
) -> Pair:
    """Buy whole shares for the proceeds less the cost of both legs; what is left is less than one share."""
    price = book.prices[substitute].price
    spread = around.half_spreads.get(substitute, ZERO)
    sale_cost = sum((_sale_cost(sale, around) for sale in sales), ZERO)
    money = sum((sale.amount for sale in sales), ZERO) - sale_cost
    quantity = Decimal(Fraction(money) // Fraction(price * (1 + spread)))
    amount = dollars_traded(quantity, price)
    if quantity and amount + trading_cost(amount, spread) > money:  # the amount was rounded up
        quantity -= 1
        amount = dollars_traded(quantity, price)
    buy_cost = trading_cost(amount, spread)
    return Pair(
        number=number,
        account=account,
        substitute=substitute,
        sales=tuple(sales),
        quantity=max(quantity, ZERO),
        price=price,
        amount=amount,
        cost=sale_cost + buy_cost,
        cash_left=to_the_cent(money - amount - buy_cost),
    )


def share_of_cost(sale: Sale, pair: Pair, around: Surroundings) -> Fraction:
    """A sale's part of its pair's cost: its own half spread, and of the buy's by dollars sold."""
    own = Fraction(_sale_cost(sale, around))
    all_sales = sum((_sale_cost(each, around) for each in pair.sales), ZERO)
    sold = sum((each.amount for each in pair.sales), ZERO)
    return own + Fraction(pair.cost - all_sales) * Fraction(sale.amount) / Fraction(sold)


def _sale_cost(sale: Sale, around: Surroundings) -> Decimal:
    return trading_cost(sale.amount, around.half_spreads.get(sale.lot.security, ZERO))
