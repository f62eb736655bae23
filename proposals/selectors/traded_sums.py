"""What the firm's orders come to together, summed by the database (F12): months, custodians, classes and securities.

Nothing of a single order is loaded. One statement makes every order's dollars, slippage and expectations from its
fills, with the lines that reckon one order in Python (``proposals.execution_costs``), sums them by day and group, and
the days by group: sums of squares over days are what a standard error follows from. All of it is ``numeric``, exact but
for quotients, which have 40 decimals and more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, DecimalField, ExpressionWrapper, F, QuerySet, Value, When
from django.db.models.expressions import Col, Combinable
from django.db.models.functions import Abs, Cast, Greatest

from accounts.models import User
from proposals.calibration import InForce
from proposals.costs import Commission
from proposals.execution_costs import STORED, Sums, dollars_of, of_filled, slippage_of
from proposals.selectors.costs import schedules
from proposals.selectors.execution_costs import traded
from proposals.types import Side
from securities import selectors as securities

_EXACT = DecimalField(max_digits=100, decimal_places=40)  # PostgreSQL divides to as many decimals


class _ByColumns(ExpressionWrapper):  # type: ignore[type-arg]  # no generic when it runs
    """A figure that follows from columns of the order, so that the order's key groups by it.

    Django would group by the figure itself, and the database sort by a dozen long numbers.
    """

    def __init__(self, figure: Combinable) -> None:
        super().__init__(figure, output_field=DecimalField())

    def get_group_by_cols(self) -> list[Any]:
        return [part for part in self.flatten() if isinstance(part, Col)]


@dataclass(frozen=True, slots=True)
class TradedSums:
    """Sums over orders. Securities are primary keys, the half spreads those in force on the last day."""

    months: dict[tuple[date, bool], Sums] = field(default_factory=dict)  # first day, is expected
    # Of orders with an expectation, of the year alone:
    custodians: dict[str, Sums] = field(default_factory=dict)
    classes: dict[str, Sums] = field(default_factory=dict)
    securities: dict[int, Sums] = field(default_factory=dict)
    in_force: dict[int, InForce] = field(default_factory=dict)


def traded_sums(user: User, *, since: date, year_since: date, until: date) -> TradedSums:
    """The firm's orders whose first fill was from ``since`` to ``until``, both included.

    Months are over all of them; custodians, classes and securities over those with an expectation whose first fill was
    on ``year_since`` or later. Three queries.
    """
    assert user.firm_id is not None, "a person has a firm"
    rows = _measured(traded(user, since=since, until=until), schedules(user.firm_id))
    found = TradedSums()
    try:
        orders, arguments = rows.query.sql_with_params()
    except EmptyResultSet:  # who may see nothing at all
        return found
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(orders=orders), [*arguments, year_since])
        facts = securities.trading_facts(user.firm_id, until) if cursor.rowcount else {}
        for month, is_expected, custodian, asset_class, security, symbol, *figures in cursor:
            sums = Sums(**dict(zip(_FIGURES, figures, strict=True)))
            if month is not None:
                found.months[month, is_expected] = sums
            elif custodian is not None:
                found.custodians[custodian] = sums
            elif security is None:
                found.classes[asset_class] = sums
            else:
                found.securities[security] = sums
                found.in_force[security] = InForce(
                    symbol, asset_class, facts[security].half_spread, facts[security].spread_source
                )
    return found


def _measured(orders: QuerySet[Any], known: Mapping[str, Commission]) -> QuerySet[Any, Any]:
    """A row for each order: what it is counted among, and its figures as ``TradedOrder`` has them."""
    dollars = dollars_of(_column("shares"), _column("reference_price"))
    slippage = Case(
        *(When(side=side.value, then=slippage_of(side, _column("paid"), dollars)) for side in Side),
        output_field=DecimalField(),
    )
    trading, impact = (
        of_filled(_ByColumns(Cast(whole, _EXACT)), _column("shares"), _column("quantity"))
        for whole in (F("expected_spread") + F("expected_impact"), F("expected_impact"))
    )
    found: QuerySet[Any, Any] = (
        orders.annotate(
            dollars=dollars, slippage=slippage, trading=trading, commission=_commission(known)
        )
        .annotate(beyond=F("slippage") - impact, off=Abs(F("fees") - F("commission")))
        .order_by()
        .values_list(*_OF_AN_ORDER)
    )
    return found


def _commission(known: Mapping[str, Commission]) -> Case:
    """``TradedOrder.expected_commission``: of a part that was filled the schedule's, while it holds for the whole."""
    whole = F("expected_commission")
    ordered, filled, price = _column("quantity"), _column("shares"), _column("reference_price")
    return Case(
        When(shares=ordered, then=whole),
        *(
            When(
                account__custodian=custodian,
                expected_commission__range=(
                    _ByColumns(_charged(schedule, ordered, price) - STORED),
                    _ByColumns(_charged(schedule, ordered, price) + STORED),
                ),
                then=_charged(schedule, filled, price),
            )
            for custodian, schedule in sorted(known.items())
        ),
        default=of_filled(_ByColumns(Cast(whole, _EXACT)), filled, ordered),
        output_field=DecimalField(),
    )


def _charged(schedule: Commission, shares: Combinable, price: Combinable) -> Combinable:
    """``Commission.of``."""
    return Greatest(
        schedule.charged(shares, dollars_of(shares, price)),
        Value(schedule.minimum),
        output_field=DecimalField(),
    )


def _column(name: str) -> Combinable:
    return F(name)


# What ``traded`` says of an order, in the order in which the statement below names it.
_OF_AN_ORDER = (
    "first", "account__custodian", "security__asset_class", "security_id", "security__symbol", "dollars",
    "fees", "slippage", "commission", "trading", "beyond", "off",
)  # fmt: skip
_FIGURES = (
    "orders", "days", "dollars", "fees", "slippage", "commission", "trading", "beyond_impact", "fees_off",
    "dollars_squared", "slippage_squared", "slippage_by_dollars", "beyond_squared", "beyond_by_dollars",
)  # fmt: skip
_SUMS = """
    WITH traded (
        day, custodian, asset_class, security, symbol,
        dollars, fees, slippage, commission, trading, beyond, off
    ) AS ({orders}),
    counted AS (
        SELECT *, date_trunc('month', day)::date AS month, commission IS NOT NULL AS is_expected,
               commission IS NOT NULL AND day >= %s AS of_the_year
        FROM traded
    ),
    days AS (
        SELECT month, is_expected, of_the_year, custodian, asset_class, security, symbol, COUNT(*) AS orders,
               SUM(dollars) AS dollars, SUM(fees) AS fees, SUM(slippage) AS slippage, SUM(commission) AS commission,
               SUM(trading) AS trading, SUM(beyond) AS beyond, SUM(off) AS off
        FROM counted
        GROUP BY GROUPING SETS (
            (day, month, is_expected),
            (day, of_the_year, custodian),
            (day, of_the_year, asset_class),
            (day, of_the_year, asset_class, security, symbol)
        )
    )
    SELECT month, is_expected, custodian, asset_class, security, symbol,
           SUM(orders)::bigint, COUNT(*), SUM(dollars), SUM(fees), SUM(slippage), SUM(commission), SUM(trading),
           SUM(beyond), SUM(off), SUM(dollars * dollars), SUM(slippage * slippage), SUM(slippage * dollars),
           SUM(beyond * beyond), SUM(beyond * dollars)
    FROM days
    WHERE month IS NOT NULL OR of_the_year
    GROUP BY month, is_expected, custodian, asset_class, security, symbol
"""
