"""Both legs of a harvest: what each account's sales bring in, and the one buy that the money pays for (T8, T28)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from harvesting.economics import to_the_cent
from harvesting.types import ZERO, Book, LotKey, Pair, Sale, Surroundings, dollars_traded
from lots.rounding import STORED_SHARES

_ONE = Decimal(1)


def paired(
    sales: Sequence[Sale],
    destinations: Mapping[LotKey, int | None],
    *,
    book: Book,
    around: Surroundings,
) -> tuple[Pair, ...]:
    """One pair per account and destination, numbered from 1 in that order; destination None parks the money in cash.

    A pair whose money does not buy one share has quantity 0: it is no pair, and its sales must not be made.
    """
    legs: dict[tuple[int, int], list[Sale]] = {}
    for sale in sales:
        legs.setdefault((sale.lot.account, destinations[sale.key] or 0), []).append(sale)
    return tuple(
        _Legs(account, legs[account, security], book, around).pair(number, security or None)
        for number, (account, security) in enumerate(sorted(legs), start=1)
    )


@dataclass(frozen=True, slots=True)
class _Legs:
    """The sales of one account that go into one destination."""

    account: int
    sales: Sequence[Sale]
    book: Book
    around: Surroundings

    def pair(self, number: int, substitute: int | None) -> Pair:
        """Buy for the proceeds less the cost of both legs; what is left is less than one share."""
        sold = sale_costs(self.sales, self.around)
        money = sum((sale.amount for sale in self.sales), ZERO) - sum(sold.values(), ZERO)
        quantity = amount = price = bought = ZERO
        if substitute is not None:
            price = self.book.prices[substitute].price
            quantity = self._affordable(substitute, price, money)
            amount = dollars_traded(quantity, price)
            bought = self._cost(substitute, quantity, amount)
        return Pair(
            number=number,
            account=self.account,
            substitute=substitute,
            sales=tuple(self.sales),
            quantity=quantity,
            price=price,
            amount=amount,
            cost=sum(sold.values(), ZERO) + bought,
            cash_left=to_the_cent(money - amount - bought),
        )

    def _affordable(self, substitute: int, price: Decimal, money: Decimal) -> Decimal:
        """The most shares that the money pays for, cost included; whole ones unless the account trades fractions."""
        step = STORED_SHARES if self.book.accounts[self.account].trades_fractions else _ONE
        spread = self.around.costs.half_spreads.get(substitute, ZERO)
        most = max(money, ZERO) / (price * (1 + spread))
        low, high = 0, int((most / step).to_integral_value(ROUND_FLOOR)) + 1
        while high - low > 1:  # cost grows with the shares, so the money decides once
            middle = (low + high) // 2
            low, high = (
                (middle, high)
                if self._pays(substitute, middle * step, price, money)
                else (low, middle)
            )
        return low * step

    def _pays(self, substitute: int, quantity: Decimal, price: Decimal, money: Decimal) -> bool:
        amount = dollars_traded(quantity, price)
        return amount + self._cost(substitute, quantity, amount) <= money

    def _cost(self, substitute: int, quantity: Decimal, amount: Decimal) -> Decimal:
        return self.around.costs.of(
            account=self.account, security=substitute, shares=quantity, amount=amount
        ).total


def sale_costs(sales: Sequence[Sale], around: Surroundings) -> dict[LotKey, Decimal]:
    """What the sale orders cost, shared by dollars among the lots of each order; exact up to a division's end."""
    orders: dict[tuple[int, int], list[Sale]] = {}
    for sale in sales:
        orders.setdefault((sale.lot.account, sale.lot.security), []).append(sale)
    shares: dict[LotKey, Decimal] = {}
    for (account, security), lots in orders.items():
        amount = sum((sale.amount for sale in lots), ZERO)
        cost = around.costs.of(
            account=account,
            security=security,
            shares=sum((sale.quantity for sale in lots), ZERO),
            amount=amount,
        ).total
        for sale in lots:
            shares[sale.key] = cost * sale.amount / amount if amount else ZERO
    return shares


def share_of_cost(sale: Sale, pair: Pair, around: Surroundings) -> Fraction:
    """A sale's part of its pair's cost: of its own order and of the purchase, both by dollars sold."""
    own = sale_costs(pair.sales, around)
    sold = sum((each.amount for each in pair.sales), ZERO)
    bought = Fraction(pair.cost) - Fraction(sum(own.values(), ZERO))
    return Fraction(own[sale.key]) + bought * Fraction(sale.amount) / Fraction(sold)
