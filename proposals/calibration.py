"""What the past year's orders say about the costs that are counted: commissions and half spreads (F8, F9, F12). Pure.

Nothing is changed by it: a person reads it and changes the set-up. Only orders with an expectation count. A half
spread is compared with the slippage less the impact that was expected, both in basis points of the dollars traded. The
slippage holds the market's moves too, so a difference counts only beyond two standard errors, over at least 30 orders
on at least 10 days; of a hundred half spreads that are right about five will look wrong all the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from proposals.execution_costs import BP, ZERO, Point, TradedOrder, bp, grouped, standard_error
from securities.types import SpreadSource

LEAST_ORDERS = 30  # that a suggestion rests on
LEAST_DAYS = 10  # on which they were filled
ERRORS = 2  # standard errors that a difference must exceed
NOTICEABLE = Decimal("0.01")  # dollars an order by which fees are not what the schedule says
_STORED_FRACTION = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class CommissionRow:
    """What one custodian was expected to charge, and what it charged; dollars."""

    custodian: str
    orders: int
    dollars: Decimal
    expected: Decimal
    fees: Decimal
    differs: bool  # by more than a cent an order

    @property
    def implied_bp(self) -> Decimal | None:
        """What was charged, in basis points of the dollars traded; None where the schedule is right."""
        return bp(self.fees, self.dollars) if self.differs else None

    @property
    def implied_per_order(self) -> Decimal | None:
        """What was charged, in dollars an order; None where the schedule is right."""
        return self.fees / self.orders if self.differs else None


def commissions(orders: Iterable[TradedOrder]) -> list[CommissionRow]:
    """A row for each custodian whose orders have an expectation, by name.

    They differ where on average an order's fees are more than a cent off, above or below: what is too much on one order
    does not make up for too little on another.
    """
    known = [one for one in orders if one.expected_commission is not None]
    found = []
    for custodian, rows in sorted(grouped(known, lambda one: one.custodian).items()):
        pairs = [(one.fees, one.expected_commission or ZERO) for one in rows]
        off = sum((abs(fees - expected) for fees, expected in pairs), ZERO)
        found.append(
            CommissionRow(
                custodian=custodian,
                orders=len(rows),
                dollars=sum((one.dollars for one in rows), ZERO),
                expected=sum((expected for _, expected in pairs), ZERO),
                fees=sum((fees for fees, _ in pairs), ZERO),
                differs=off > NOTICEABLE * len(rows),
            )
        )
    return found


class Finding(StrEnum):
    """What the orders say about a half spread; the text is read by people."""

    FEW_ORDERS = "too few orders"
    FEW_DAYS = "too few days"
    AGREES = "agrees"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """The half spread of a security or an asset class beside what its orders paid beyond the expected impact; bp."""

    name: str
    orders: int
    days: int
    dollars: Decimal
    in_force_bp: Decimal  # of a class: of its securities, by the dollars traded
    realised_bp: Decimal
    error_bp: Decimal | None
    finding: Finding
    source: SpreadSource | None = None  # of the one in force; None where it is a mix of several

    @property
    def suggested(self) -> Decimal | None:
        """The half spread that would have been right, a fraction from zero up; None where nothing asks for another."""
        if self.finding is not Finding.DIFFERS:
            return None
        return (max(self.realised_bp, ZERO) / BP).quantize(_STORED_FRACTION)


def spreads(orders: Iterable[TradedOrder], name: Callable[[TradedOrder], str]) -> list[SpreadRow]:
    """A row for each name among the orders that have an expectation, the most dollars first."""
    known = [one for one in orders if one.expected is not None]
    rows = [_spread(key, group) for key, group in grouped(known, name).items()]
    return sorted(rows, key=lambda row: (-row.dollars, row.name))


def _spread(name: str, rows: Sequence[TradedOrder]) -> SpreadRow:
    dollars = sum((one.dollars for one in rows), ZERO)
    in_force = bp(sum((one.half_spread * one.dollars for one in rows), ZERO), dollars)
    realised = bp(sum((one.beyond_impact for one in rows), ZERO), dollars)
    error = standard_error(Point(one.day, one.dollars, one.beyond_impact) for one in rows)
    days = len({one.day for one in rows})
    sources = {one.spread_source for one in rows}
    return SpreadRow(
        name=name,
        orders=len(rows),
        days=days,
        dollars=dollars,
        in_force_bp=in_force,
        realised_bp=realised,
        error_bp=error,
        finding=_finding(len(rows), days, abs(realised - in_force), error),
        source=sources.pop() if len(sources) == 1 else None,
    )


def _finding(orders: int, days: int, difference: Decimal, error: Decimal | None) -> Finding:
    if orders < LEAST_ORDERS:
        return Finding.FEW_ORDERS
    if days < LEAST_DAYS or error is None:
        return Finding.FEW_DAYS
    return Finding.DIFFERS if difference > ERRORS * error else Finding.AGREES
