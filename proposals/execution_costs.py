"""What trading cost, against what was expected of it when the orders were approved (F12). Pure.

- **Slippage** is what the fills cost more than the reference price: ``(average fill price - reference price) x shares
  filled``, plus for a purchase, minus for a sale; above zero it cost. It is the implementation shortfall of the shares
  that were filled (A. Perold, The Implementation Shortfall, Journal of Portfolio Management 14(3), 1988): spread and
  impact are in it, and so is whatever the market moved between reference and fill. What was not filled is not in it.
- **Expected** are commission, half spread and impact as counted at the approval. Of a partly filled order spread and
  impact count by the part of its shares that was filled; the commission is that of the filled size where the
  custodian's schedule still gives what was expected of the whole, else it counts by the same part.
- **Basis points** are of the dollars traded: shares filled at the reference price. Those of several orders together are
  dollars over dollars, so that each order weighs as much as it traded.

The standard error of a slippage of ``m`` a dollar over orders with dollars ``w`` and slippage ``s``, summed day by day:

    SE^2 = G / (G - 1) x sum over days (sum over its orders (s - m w))^2 / (sum of all w)^2,    G days

is that of a ratio of sums (W. Cochran, Sampling Techniques, 3rd ed. 1977, ch. 6), by day because the orders of one day
share the market's move and are no independent evidence. With one order of equal dollars a day it is the standard
deviation of the slippages over the root of their number. One day has none.

Dollars, shares and prices are Decimal; only the root is rounded, to 28 digits.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from lots.year_tax import TaxPosition, added_tax
from proposals.budgets import Gains
from proposals.costs import Commission, TradeCost
from proposals.types import Side
from securities.types import SpreadSource

ZERO = Decimal(0)
BP = Decimal(10_000)
_STORED = Decimal("0.0001")

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedOrder:
    """An order of which something was filled. Ids are primary keys, money is dollars.

    ``day`` is the trade date of its first fill, ``paid`` the dollars of all fills before fees. ``expected`` is what the
    whole order was expected to cost (None: nobody kept it), ``schedule`` what its custodian charges by now.
    """

    order: int
    day: date
    custodian: str
    security: int
    asset_class: str
    side: Side
    ordered: Decimal  # shares
    filled: Decimal
    reference_price: Decimal
    paid: Decimal
    fees: Decimal
    half_spread: Decimal  # fraction of the price, in force by now
    expected: TradeCost | None
    schedule: Commission | None
    spread_source: SpreadSource | None = None

    @property
    def dollars(self) -> Decimal:
        """What was traded, at the reference price."""
        return self.filled * self.reference_price

    @property
    def average_price(self) -> Decimal:
        """Dollars a share of the fills."""
        return self.paid / self.filled

    @property
    def slippage(self) -> Decimal:
        """Dollars that the fills cost more than the reference price; below zero they cost less."""
        more = self.paid - self.dollars
        return more if self.side is Side.BUY else -more

    @property
    def part(self) -> Decimal:
        """Of the order's shares, those that were filled."""
        return self.filled / self.ordered

    @property
    def expected_commission(self) -> Decimal | None:
        """Dollars for the shares that were filled."""
        if self.expected is None:
            return None
        whole = self.expected.commission
        if self.filled == self.ordered:
            return whole
        if self.schedule is not None:
            now = self.schedule.of(self.ordered, self.ordered * self.reference_price)
            if abs(now - whole) <= _STORED:
                return self.schedule.of(self.filled, self.dollars)
        return whole * self.part

    @property
    def expected_trading(self) -> Decimal | None:
        """Dollars of half spread and impact for the shares that were filled."""
        if self.expected is None:
            return None
        return (self.expected.spread + self.expected.impact) * self.part

    @property
    def beyond_impact(self) -> Decimal:
        """Dollars of slippage less the impact that was expected: what a half spread should cover."""
        impact = ZERO if self.expected is None else self.expected.impact * self.part
        return self.slippage - impact


@dataclass(frozen=True, slots=True)
class Point:
    """What one order tells about a cost per dollar."""

    day: date
    dollars: Decimal  # above zero
    cost: Decimal


def bp(cost: Decimal, dollars: Decimal) -> Decimal:
    """A cost in basis points of dollars above zero."""
    return cost / dollars * BP


def standard_error(points: Iterable[Point]) -> Decimal | None:
    """Of the cost per dollar of all points together, in basis points; None where they are of fewer than two days."""
    points = tuple(points)
    dollars = sum((one.dollars for one in points), ZERO)
    days: dict[date, Decimal] = {}
    if not points:
        return None
    mean = sum((one.cost for one in points), ZERO) / dollars
    for one in points:
        days[one.day] = days.get(one.day, ZERO) + one.cost - mean * one.dollars
    if len(days) < 2:
        return None
    squares = sum((off * off for off in days.values()), ZERO)
    count = Decimal(len(days))
    return bp((squares * count / (count - 1)).sqrt(), dollars)


@dataclass(frozen=True, slots=True)
class Totals:
    """Orders taken together; the expected sums are None where nobody kept an expectation. Dollars."""

    orders: int
    dollars: Decimal
    fees: Decimal
    slippage: Decimal
    error_bp: Decimal | None  # of the slippage
    expected_commission: Decimal | None = None
    expected_trading: Decimal | None = None  # half spread and impact

    @property
    def fees_bp(self) -> Decimal:
        return bp(self.fees, self.dollars)

    @property
    def slippage_bp(self) -> Decimal:
        return bp(self.slippage, self.dollars)

    @property
    def expected_commission_bp(self) -> Decimal | None:
        return (
            None if self.expected_commission is None else bp(self.expected_commission, self.dollars)
        )

    @property
    def expected_trading_bp(self) -> Decimal | None:
        return None if self.expected_trading is None else bp(self.expected_trading, self.dollars)


@dataclass(frozen=True, slots=True)
class Month:
    """The orders whose first fill was in one month: those with an expectation, and apart from them the others."""

    first: date
    expected: Totals | None
    others: Totals | None


def months(orders: Iterable[TradedOrder]) -> list[Month]:
    """One row a month in which something was filled, the newest first."""
    found = []
    for first, rows in sorted(grouped(orders, lambda one: one.day.replace(day=1)).items()):
        known = [one for one in rows if one.expected is not None]
        others = [one for one in rows if one.expected is None]
        found.append(Month(first, _totals(known), _totals(others)))
    return found[::-1]


def _totals(rows: Sequence[TradedOrder]) -> Totals | None:
    """None for no orders; all of them, or none, have an expectation."""
    if not rows:
        return None
    commissions = [one.expected_commission for one in rows]
    trading = [one.expected_trading for one in rows]
    return Totals(
        orders=len(rows),
        dollars=sum((one.dollars for one in rows), ZERO),
        fees=sum((one.fees for one in rows), ZERO),
        slippage=sum((one.slippage for one in rows), ZERO),
        error_bp=standard_error(Point(one.day, one.dollars, one.slippage) for one in rows),
        expected_commission=_sum(commissions),
        expected_trading=_sum(trading),
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if known else None


def grouped(
    orders: Iterable[TradedOrder], key: Callable[[TradedOrder], K]
) -> dict[K, list[TradedOrder]]:
    """The orders of each key, in their order."""
    groups: dict[K, list[TradedOrder]] = {}
    for one in orders:
        groups.setdefault(key(one), []).append(one)
    return groups


@dataclass(frozen=True, slots=True)
class OrderTax:
    """The gains of a sale as expected at its reference price and as booked, dollars before wash sales.

    ``why`` says in a sentence why there is no tax.
    """

    expected: Gains | None = None
    booked: Gains | None = None
    disallowed: Decimal | None = None  # loss that wash sales took of what was booked
    tax: Decimal | None = None  # that the difference adds to the year; negative: saves
    why: str = ""


def tax_of_difference(position: TaxPosition, *, expected: Gains, booked: Gains) -> Decimal:
    """Dollars of tax that the gains as booked add to the year, against the gains as expected in their place.

    ``position`` is the year as it stands, what was booked in it: the tax with it less the tax without the difference,
    both after netting (R31). What wash sales disallow is taken to be the same either way.
    """
    return -added_tax(
        position, short=expected.short - booked.short, long=expected.long - booked.long
    )
