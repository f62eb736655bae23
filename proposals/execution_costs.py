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

What orders come to together follows from sums over them (``Sums``), which the database makes: nobody loads a year of
orders. ``dollars_of``, ``slippage_of``, ``of_filled`` and ``Commission.charged`` are arithmetic alone, so the same
lines reckon a Decimal of one order and a column of all of them.

Dollars, shares and prices are Decimal; only quotients and the root are rounded, to 28 digits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TypeVar

from lots.year_tax import TaxPosition, added_tax
from proposals.budgets import Gains
from proposals.costs import Commission, Figure, TradeCost
from proposals.types import Side
from securities.types import SpreadSource

ZERO = Decimal(0)
BP = Decimal(10_000)
STORED = Decimal("0.0001")  # dollars by which a schedule may miss what was kept of it
_MORE_DIGITS = 60  # than a root of 28 needs

V = TypeVar("V", bound=Figure)


def dollars_of(filled: V, reference_price: V) -> V:
    """What was traded, at the reference price."""
    found: V = filled * reference_price
    return found


def slippage_of(side: Side, paid: V, dollars: V) -> V:
    """Dollars that the fills cost more than the reference price; below zero they cost less."""
    found: V = paid - dollars if side is Side.BUY else dollars - paid
    return found


def of_filled(whole: V, filled: V, ordered: V) -> V:
    """Of what the whole order was expected to cost, the part of the shares that were filled."""
    found: V = whole * filled / ordered
    return found


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
        return dollars_of(self.filled, self.reference_price)

    @property
    def average_price(self) -> Decimal:
        """Dollars a share of the fills."""
        return self.paid / self.filled

    @property
    def slippage(self) -> Decimal:
        """Dollars that the fills cost more than the reference price; below zero they cost less."""
        return slippage_of(self.side, self.paid, self.dollars)

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
            if abs(now - whole) <= STORED:
                return self.schedule.of(self.filled, self.dollars)
        return of_filled(whole, self.filled, self.ordered)

    @property
    def expected_trading(self) -> Decimal | None:
        """Dollars of half spread and impact for the shares that were filled."""
        if self.expected is None:
            return None
        whole = self.expected.spread + self.expected.impact
        return of_filled(whole, self.filled, self.ordered)


def bp(cost: Decimal, dollars: Decimal) -> Decimal:
    """A cost in basis points of dollars above zero."""
    return cost / dollars * BP


@dataclass(frozen=True, slots=True)
class DaySums:
    """What a standard error follows from: sums over days, ``c`` a day's cost and ``w`` its dollars. Exact."""

    days: int
    dollars: Decimal  # sum of w, above zero
    cost: Decimal  # sum of c
    dollars_squared: Decimal  # sum of w w
    cost_squared: Decimal  # sum of c c
    cost_by_dollars: Decimal  # sum of c w


def standard_error(of: DaySums) -> Decimal | None:
    """Of the cost per dollar of all days together, in basis points; None where there are fewer than two.

    The squares are multiplied out, ``sum (c - m w)^2 = sum c c - 2 m sum c w + m^2 sum w w``, in fractions: what is
    left of the difference is exact however small it is.
    """
    if of.days < 2:
        return None
    dollars = Fraction(of.dollars)
    mean = Fraction(of.cost) / dollars
    squares = (
        Fraction(of.cost_squared)
        - 2 * mean * Fraction(of.cost_by_dollars)
        + mean * mean * Fraction(of.dollars_squared)
    )
    return _root(squares * of.days / (of.days - 1) * (Fraction(BP) / dollars) ** 2)


def _root(value: Fraction) -> Decimal:
    """To 28 digits."""
    with localcontext(prec=_MORE_DIGITS):
        root = (Decimal(value.numerator) / value.denominator).sqrt()
    return +root


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What some orders come to, all of them with an expectation or all without; dollars, sums over the orders.

    The squares and products are sums over days, of what the orders of a day come to.
    """

    orders: int
    days: int  # of first fills
    dollars: Decimal
    fees: Decimal
    slippage: Decimal
    # Without an expectation the four that follow are None.
    commission: Decimal | None  # expected
    trading: Decimal | None  # half spread and impact expected
    beyond_impact: (
        Decimal | None
    )  # slippage less the impact expected: what a half spread should cover
    fees_off: (
        Decimal | None
    )  # by how much the fees of each order missed the commission, above or below
    dollars_squared: Decimal
    slippage_squared: Decimal
    slippage_by_dollars: Decimal
    beyond_squared: Decimal | None
    beyond_by_dollars: Decimal | None

    @property
    def slippage_error(self) -> Decimal | None:
        """Standard error of the slippage, basis points."""
        return standard_error(
            DaySums(
                days=self.days,
                dollars=self.dollars,
                cost=self.slippage,
                dollars_squared=self.dollars_squared,
                cost_squared=self.slippage_squared,
                cost_by_dollars=self.slippage_by_dollars,
            )
        )

    @property
    def beyond_error(self) -> Decimal | None:
        """Standard error of the slippage beyond the impact expected, basis points."""
        if (
            self.beyond_impact is None
            or self.beyond_squared is None
            or self.beyond_by_dollars is None
        ):
            return None
        return standard_error(
            DaySums(
                days=self.days,
                dollars=self.dollars,
                cost=self.beyond_impact,
                dollars_squared=self.dollars_squared,
                cost_squared=self.beyond_squared,
                cost_by_dollars=self.beyond_by_dollars,
            )
        )


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


def months(sums: Mapping[tuple[date, bool], Sums]) -> list[Month]:
    """One row a month in which something was filled, the newest first.

    The sums are by the month's first day and whether its orders have an expectation.
    """
    return [
        Month(first, _totals(sums.get((first, True))), _totals(sums.get((first, False))))
        for first in sorted({first for first, _ in sums}, reverse=True)
    ]


def _totals(sums: Sums | None) -> Totals | None:
    if sums is None:
        return None
    return Totals(
        orders=sums.orders,
        dollars=sums.dollars,
        fees=sums.fees,
        slippage=sums.slippage,
        error_bp=sums.slippage_error,
        expected_commission=_to_28_digits(sums.commission),
        expected_trading=_to_28_digits(sums.trading),
    )


def _to_28_digits(value: Decimal | None) -> Decimal | None:
    """Sums of quotients come with more, of which the last are noise."""
    return None if value is None else +value


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
