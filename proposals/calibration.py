"""What the past year's orders say about the costs that are counted: commissions and half spreads (F8, F9, F12). Pure.

Nothing is changed by it: a person reads it and changes the set-up. Only orders with an expectation count. A half
spread is compared with the slippage less the impact that was expected, both in basis points of the dollars traded. The
slippage holds the market's moves too, so a difference counts only beyond two standard errors, over at least 30 orders
on at least 10 days; of a hundred half spreads that are right about five will look wrong all the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from proposals.execution_costs import BP, ZERO, Sums, bp
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


def commissions(custodians: Mapping[str, Sums]) -> list[CommissionRow]:
    """A row for each custodian whose orders have an expectation, by name; of the others the sums count for nothing.

    They differ where on average an order's fees are more than a cent off, above or below: what is too much on one order
    does not make up for too little on another.
    """
    return [
        CommissionRow(
            custodian=custodian,
            orders=of.orders,
            dollars=of.dollars,
            expected=+of.commission,  # 28 digits of it: the last ones of a sum of quotients are noise
            fees=of.fees,
            differs=+of.fees_off > NOTICEABLE * of.orders,
        )
        for custodian, of in sorted(custodians.items())
        if of.commission is not None and of.fees_off is not None
    ]


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


@dataclass(frozen=True, slots=True)
class InForce:
    """A security's half spread in force, and what it is called and counted among."""

    symbol: str
    asset_class: str
    half_spread: Decimal  # fraction of the price
    source: SpreadSource | None = None


def spreads_by_security(
    securities: Mapping[int, Sums], in_force: Mapping[int, InForce]
) -> list[SpreadRow]:
    """A row for each security among the orders that have an expectation, the most dollars first."""
    return _sorted(
        _spread(in_force[security].symbol, of, [(in_force[security], of)])
        for security, of in securities.items()
        if of.beyond_impact is not None
    )


def spreads_by_class(
    classes: Mapping[str, Sums], securities: Mapping[int, Sums], in_force: Mapping[int, InForce]
) -> list[SpreadRow]:
    """The same for each asset class; ``securities`` are the sums of the same orders."""
    members: dict[str, list[tuple[InForce, Sums]]] = {}
    for security, of in securities.items():
        if of.beyond_impact is not None:
            one = in_force[security]
            members.setdefault(one.asset_class, []).append((one, of))
    return _sorted(
        _spread(name, of, members[name])
        for name, of in classes.items()
        if of.beyond_impact is not None
    )


def _sorted(rows: Iterable[SpreadRow]) -> list[SpreadRow]:
    return sorted(rows, key=lambda row: (-row.dollars, row.name))


def _spread(name: str, of: Sums, members: Iterable[tuple[InForce, Sums]]) -> SpreadRow:
    """Of orders with an expectation; the members are the securities among them with their own sums."""
    counted, sources = ZERO, set()
    for one, sums in members:
        counted += one.half_spread * sums.dollars
        sources.add(one.source)
    in_force = bp(counted, of.dollars)
    realised = bp(of.beyond_impact or ZERO, of.dollars)
    error = of.beyond_error
    return SpreadRow(
        name=name,
        orders=of.orders,
        days=of.days,
        dollars=of.dollars,
        in_force_bp=in_force,
        realised_bp=realised,
        error_bp=error,
        finding=_finding(of.orders, of.days, abs(realised - in_force), error),
        source=sources.pop() if len(sources) == 1 else None,
    )


def _finding(orders: int, days: int, difference: Decimal, error: Decimal | None) -> Finding:
    if orders < LEAST_ORDERS:
        return Finding.FEW_ORDERS
    if days < LEAST_DAYS or error is None:
        return Finding.FEW_DAYS
    return Finding.DIFFERS if difference > ERRORS * error else Finding.AGREES
