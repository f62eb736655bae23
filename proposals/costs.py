"""What a trade costs before tax: commission, half the spread, market impact (F8-F10). Pure.

- Commission by the custodian's schedule: per order, per share and of the dollars traded, at least the minimum.
- Half the spread on the dollars traded.
- Impact grows with the power 3/2 of the trade: ``amount x daily volatility x sqrt(shares / shares traded a day)``, the
  square-root law with coefficient 1. A security whose daily volume is not known has none, and says so.

An order is what costs: the lots of one account, security and side in one proposal together.

Dollars, exact except the root, which has 28 digits. A float is a TypeError.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from accounts.typed_values import NOT_RECORDED
from proposals.types import DraftTrade, Intention, Side
from securities.types import SpreadSource

ZERO = Decimal(0)
TRADING_DAYS = Decimal(252)


class Figure(Protocol):
    """What can be reckoned with: a Decimal, or an expression over columns of the database."""

    def __add__(self, other: Any, /) -> Any: ...
    def __radd__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...


V = TypeVar("V", bound=Figure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What a custodian charges for one order; dollars, and a fraction of the dollars traded."""

    per_order: Decimal = ZERO
    per_share: Decimal = ZERO
    of_amount: Decimal = ZERO
    minimum: Decimal = ZERO

    def of(self, shares: Decimal, amount: Decimal) -> Decimal:
        """Dollars for one order."""
        return max(self.charged(shares, amount), self.minimum)

    def charged(self, shares: V, amount: V) -> V:
        """Dollars for one order before the minimum; of columns of the database as well."""
        found: V = self.per_order + self.per_share * shares + self.of_amount * amount
        return found

    @property
    def ticket(self) -> Decimal:
        """Dollars that an order costs however small it is."""
        return max(self.per_order, self.minimum)

    def rate(self, price: Decimal) -> Decimal:
        """What one more dollar of an order costs, the ticket left out: a fraction."""
        return self.of_amount + self.per_share / price


@dataclass(frozen=True, slots=True)
class TradeCost:
    """The parts of what one order costs, dollars."""

    commission: Decimal = ZERO
    spread: Decimal = ZERO
    impact: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.commission + self.spread + self.impact

    def __add__(self, other: "TradeCost") -> "TradeCost":
        return TradeCost(
            self.commission + other.commission,
            self.spread + other.spread,
            self.impact + other.impact,
        )


@dataclass(frozen=True, slots=True)
class TradingCosts:
    """Everything the cost of a household's trades follows from. Accounts and securities are primary keys."""

    half_spreads: Mapping[int, Decimal] = field(default_factory=dict)  # fraction of the price
    commissions: Mapping[int, Commission] = field(default_factory=dict)  # by account
    volatilities: Mapping[int, Decimal] = field(default_factory=dict)  # annual
    daily_volumes: Mapping[int, Decimal] = field(default_factory=dict)  # shares
    # Where the half spreads come from: told to people, decides nothing, so no record of a decision has it.
    spread_sources: Mapping[int, SpreadSource] = field(
        default_factory=dict, compare=False, metadata={NOT_RECORDED: True}
    )

    def of(self, *, account: int, security: int, shares: Decimal, amount: Decimal) -> TradeCost:
        """The cost of one order. Raises TypeError for a float."""
        for value in (shares, amount):
            if not isinstance(value, Decimal):
                raise TypeError(f"{type(value).__name__}: shares and money are Decimal.")
        if not shares:
            return TradeCost()
        commission = self.commissions.get(account)
        return TradeCost(
            commission=ZERO if commission is None else commission.of(shares, amount),
            spread=amount * self.half_spreads.get(security, ZERO),
            impact=self._impact(security, shares, amount),
        )

    def beyond_spread(
        self, *, account: int, security: int, shares: Decimal, amount: Decimal
    ) -> Decimal:
        """Dollars of commission and impact of one order."""
        if not self.commissions and not self.daily_volumes:
            return ZERO
        cost = self.of(account=account, security=security, shares=shares, amount=amount)
        return cost.commission + cost.impact

    def ticket(self, account: int) -> Decimal:
        """Dollars that any order in the account costs, however small."""
        commission = self.commissions.get(account)
        return ZERO if commission is None else commission.ticket

    def linear_rate(self, *, account: int, security: int, price: Decimal) -> Decimal:
        """Half the spread and the commission per dollar traded; tickets and impact are not in it."""
        commission = self.commissions.get(account)
        charged = ZERO if commission is None else commission.rate(price)
        return self.half_spreads.get(security, ZERO) + charged

    def impact_of(self, *, security: int, amount: Decimal, price: Decimal) -> Decimal:
        """Dollars of impact of an order over so many dollars: that of one dollar times ``amount^1.5``."""
        return self._impact(security, amount / price, amount)

    def share_of_volume(self, *, security: int, shares: Decimal) -> Decimal | None:
        """Shares of an order as a fraction of those traded on an average day; None where that is not known."""
        volume = self.daily_volumes.get(security)
        return shares / volume if volume else None

    def _impact(self, security: int, shares: Decimal, amount: Decimal) -> Decimal:
        volume = self.daily_volumes.get(security)
        volatility = self.volatilities.get(security)
        if not volume or not volatility:
            return ZERO
        return amount * volatility * (shares / (volume * TRADING_DAYS)).sqrt()


@dataclass(frozen=True, slots=True)
class OrderSize:
    """What one order trades."""

    account: int
    security: int
    side: Side
    shares: Decimal
    amount: Decimal  # dollars

    def cost(self, costs: TradingCosts) -> TradeCost:
        """All parts of what it costs."""
        return costs.of(
            account=self.account, security=self.security, shares=self.shares, amount=self.amount
        )

    def beyond_spread(self, costs: TradingCosts) -> Decimal:
        """Dollars of commission and impact."""
        return costs.beyond_spread(
            account=self.account, security=self.security, shares=self.shares, amount=self.amount
        )


def orders_of(trades: Iterable[DraftTrade | Intention]) -> tuple[OrderSize, ...]:
    """The orders that the trades become: one per proposal, account, security and side."""
    shares: dict[tuple[int, int, int, Side], Decimal] = {}
    amounts: dict[tuple[int, int, int, Side], Decimal] = {}
    for trade in trades:
        proposal = trade.proposal if isinstance(trade, Intention) else 0
        key = (proposal, trade.account, trade.security, trade.side)
        shares[key] = shares.get(key, ZERO) + trade.quantity
        amounts[key] = amounts.get(key, ZERO) + trade.amount
    return tuple(OrderSize(*key[1:], shares[key], amounts[key]) for key in shares)


def cost_of(trades: Iterable[DraftTrade | Intention], costs: TradingCosts) -> TradeCost:
    """What the trades' orders cost together."""
    return sum((order.cost(costs) for order in orders_of(trades)), TradeCost())


def cash_moved(trades: Iterable[DraftTrade | Intention], costs: TradingCosts) -> dict[int, Decimal]:
    """Account -> dollars that the trades bring in (below zero: take out), the whole cost of their orders paid."""
    moved: dict[int, Decimal] = {}
    for order in orders_of(trades):
        received = order.amount if order.side is Side.SELL else -order.amount
        change = received - order.cost(costs).total
        moved[order.account] = moved.get(order.account, ZERO) + change
    return moved
