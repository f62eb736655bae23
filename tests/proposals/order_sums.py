"""Sums over orders made one order at a time: what the database makes of them, for tests that have none."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import TypeVar

from proposals.calibration import CommissionRow, InForce, SpreadRow, spreads_by_security
from proposals.calibration import commissions as of_custodians
from proposals.execution_costs import DaySums, Month, Sums, TradedOrder
from proposals.execution_costs import months as of_months

ZERO = Decimal(0)
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def day_sums(points: Iterable[tuple[date, Decimal, Decimal]]) -> DaySums:
    """Of ``(day, dollars, cost)`` an order."""
    days = list(grouped(points, lambda point: point[0]).values())
    dollars = [sum((point[1] for point in day), ZERO) for day in days]
    costs = [sum((point[2] for point in day), ZERO) for day in days]
    return DaySums(
        days=len(days),
        dollars=sum(dollars, ZERO),
        cost=sum(costs, ZERO),
        dollars_squared=products(dollars, dollars),
        cost_squared=products(costs, costs),
        cost_by_dollars=products(costs, dollars),
    )


def sums_of(orders: Sequence[TradedOrder]) -> Sums:
    slippage = day_sums((one.day, one.dollars, one.slippage) for one in orders)
    known = orders[0].expected is not None
    beyond = day_sums((one.day, one.dollars, one.slippage - impact(one)) for one in orders)
    expected = [one.expected_commission or ZERO for one in orders]
    return Sums(
        orders=len(orders),
        days=slippage.days,
        dollars=slippage.dollars,
        fees=sum((one.fees for one in orders), ZERO),
        slippage=slippage.cost,
        commission=sum(expected, ZERO) if known else None,
        trading=sum((one.expected_trading or ZERO for one in orders), ZERO) if known else None,
        beyond_impact=beyond.cost if known else None,
        fees_off=sum(
            (abs(one.fees - charged) for one, charged in zip(orders, expected, strict=True)), ZERO
        )
        if known
        else None,
        dollars_squared=slippage.dollars_squared,
        slippage_squared=slippage.cost_squared,
        slippage_by_dollars=slippage.cost_by_dollars,
        beyond_squared=beyond.cost_squared if known else None,
        beyond_by_dollars=beyond.cost_by_dollars if known else None,
    )


def months(orders: Iterable[TradedOrder]) -> list[Month]:
    groups = grouped(orders, lambda one: (one.day.replace(day=1), one.expected is not None))
    return of_months({key: sums_of(group) for key, group in groups.items()})


def commissions(orders: Iterable[TradedOrder]) -> list[CommissionRow]:
    """Of the orders with an expectation."""
    known = (one for one in orders if one.expected is not None)
    groups = grouped(known, lambda one: one.custodian)
    return of_custodians({key: sums_of(group) for key, group in groups.items()})


def spreads(orders: Iterable[TradedOrder]) -> list[SpreadRow]:
    """By security, of the orders with an expectation."""
    groups = grouped((one for one in orders if one.expected is not None), lambda one: one.security)
    return spreads_by_security(
        {key: sums_of(group) for key, group in groups.items()},
        {key: in_force(group[0]) for key, group in groups.items()},
    )


def in_force(one: TradedOrder) -> InForce:
    return InForce(f"S{one.security}", one.asset_class, one.half_spread, one.spread_source)


def impact(one: TradedOrder) -> Decimal:
    return ZERO if one.expected is None else one.expected.impact * one.filled / one.ordered


def products(some: Iterable[Decimal], others: Iterable[Decimal]) -> Decimal:
    with localcontext(prec=100):  # the database keeps all digits too
        return sum((one * other for one, other in zip(some, others, strict=True)), ZERO)


def grouped(rows: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
