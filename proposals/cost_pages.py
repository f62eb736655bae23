"""The page of what trading cost: which orders it is about, its tables, and its file."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from accounts.models import User
from lots.csv_text import csv_safe
from lots.rounding import cents, plain
from proposals import selectors
from proposals.calibration import LEAST_DAYS, LEAST_ORDERS, Finding, commissions, spreads
from proposals.cost_bars import cost_bars
from proposals.execution_costs import OrderTax, TradedOrder, bp, months
from proposals.selectors import TradedRow

YEAR = timedelta(days=365)  # what the comparison with the costs in force rests on
COLUMNS = (
    "first_fill", "household", "account", "custodian", "side", "symbol", "kind", "ordered_shares", "filled_shares",
    "reference_price", "average_price", "dollars", "expected_commission", "fees", "expected_spread_and_impact",
    "slippage", "slippage_bp", "expected_short_gain", "expected_long_gain", "booked_short_gain", "booked_long_gain",
    "disallowed_loss", "tax_of_difference", "why_no_tax", "order_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """The firm's orders of this month and the twelve before it, and those that were asked for."""

    today: date
    rows: list[TradedRow]
    month: str  # YYYY-MM; empty for all of them
    months: list[str]  # that something was filled in, the newest first

    @property
    def chosen(self) -> list[TradedRow]:
        return [row for row in self.rows if not self.month or month_of(row) == self.month]


@dataclass(frozen=True, slots=True)
class CostLine:
    """One order with the tax of what came out otherwise; None for a purchase."""

    row: TradedRow
    tax: OrderTax | None

    @property
    def measured(self) -> TradedOrder:
        return self.row.measured

    @property
    def average_price(self) -> Decimal:
        """Dollars a share, to the four places that prices are told in."""
        return self.measured.average_price.quantize(Decimal("0.0001"))

    @property
    def slippage_bp(self) -> Decimal:
        return bp(self.measured.slippage, self.measured.dollars)


def measured(user: User, today: date, month: str) -> Measured:
    """What the firm traded; a month in which nothing was filled asks for all."""
    since = today.replace(day=1, year=today.year - 1)
    rows = selectors.traded_orders(user, since=since, until=today)
    known = list(dict.fromkeys(month_of(row) for row in rows))
    return Measured(today, rows, month if month in known else "", known)


def month_of(row: TradedRow) -> str:
    """``2026-11``."""
    return f"{row.measured.day:%Y-%m}"


def lines(rows: Sequence[TradedRow]) -> list[CostLine]:
    """The orders with their taxes."""
    taxes = selectors.order_taxes(rows)
    return [CostLine(row, taxes.get(row.measured.order)) for row in rows]


def summary(found: Measured) -> dict[str, object]:
    """Context of the months and of what they say about the costs that are counted."""
    monthly = months(row.measured for row in found.rows)
    recent = [row for row in found.rows if row.measured.day > found.today - YEAR]
    orders = [row.measured for row in recent]
    symbols = {row.measured.security: row.symbol for row in recent}
    securities = spreads(orders, lambda one: symbols[one.security])
    return {
        "found": found,
        "monthly": monthly,
        "bars": cost_bars(monthly),
        "custodians": commissions(orders),
        "classes": spreads(orders, lambda one: one.asset_class),
        "securities": securities,
        "differing": sum(row.finding is Finding.DIFFERS for row in securities),
        "least_orders": LEAST_ORDERS,
        "least_days": LEAST_DAYS,
    }


def csv_text(found: Iterable[CostLine]) -> str:
    """The orders as a file for a spreadsheet: plain numbers, empty where a figure is not there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(line) for line in found)
    return text.getvalue()


def _cells(line: CostLine) -> Iterator[str]:
    row, one = line.row, line.measured
    yield str(one.day)
    yield csv_safe(row.household_name)
    yield csv_safe(row.account_name)
    yield csv_safe(one.custodian)
    yield one.side.value
    yield csv_safe(row.symbol)
    yield row.kind
    yield plain(Fraction(one.ordered))
    yield plain(Fraction(one.filled))
    yield plain(Fraction(one.reference_price))
    yield f"{one.average_price:.6f}"
    yield _dollars(one.dollars)
    yield _dollars(one.expected_commission)
    yield _dollars(one.fees)
    yield _dollars(one.expected_trading)
    yield _dollars(one.slippage)
    yield f"{line.slippage_bp:.2f}"
    tax = line.tax or OrderTax()
    for gains in (tax.expected, tax.booked):
        yield _dollars(None if gains is None else gains.short)
        yield _dollars(None if gains is None else gains.long)
    yield _dollars(tax.disallowed)
    yield _dollars(tax.tax)
    yield csv_safe(tax.why)
    yield str(row.order_id)


def _dollars(value: Decimal | None) -> str:
    """To the cent."""
    return "" if value is None else str(cents(Fraction(value)))
