"""The page of what trading cost: which orders it is about, its tables, and its file."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from tempfile import SpooledTemporaryFile
from typing import IO

from accounts.models import User
from accounts.one_state import one_state
from lots.csv_text import csv_safe
from lots.rounding import CENT
from proposals import selectors
from proposals.calibration import (
    LEAST_DAYS,
    LEAST_ORDERS,
    Finding,
    commissions,
    spreads_by_class,
    spreads_by_security,
)
from proposals.cost_bars import cost_bars
from proposals.execution_costs import ZERO, OrderTax, TradedOrder, bp, months
from proposals.selectors import TaxYears, TradedRow, TradedSums

YEAR = timedelta(days=365)  # what the comparison with the costs in force rests on
BATCH = 1000  # orders of a file that are in memory at a time
_IN_MEMORY = 4 * 2**20  # bytes of a file before it goes to the disk
_BEYOND_A_MONTH = timedelta(days=31)  # from its first day into the next
COLUMNS = (
    "first_fill", "household", "account", "custodian", "side", "symbol", "kind", "ordered_shares", "filled_shares",
    "reference_price", "average_price", "dollars", "expected_commission", "fees", "expected_spread_and_impact",
    "slippage", "slippage_bp", "expected_short_gain", "expected_long_gain", "booked_short_gain", "booked_long_gain",
    "disallowed_loss", "tax_of_difference", "why_no_tax", "order_id",
)  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Measured:
    """What the firm's orders of this month and the twelve before it come to, and which of them were asked for."""

    user: User
    today: date
    since: date
    sums: TradedSums
    month: date | None  # its first day; None for all of them
    months: list[date]  # that something was filled in, the newest first

    @property
    def orders(self) -> int:
        """How many were asked for."""
        return sum(
            of.orders for (month, _), of in self.sums.months.items() if self.month in (None, month)
        )

    @property
    def asked(self) -> dict[str, date]:
        """The days of the first fill that were asked for, both included."""
        if self.month is None:
            return {"since": self.since, "until": self.today}
        last = (self.month + _BEYOND_A_MONTH).replace(day=1) - timedelta(days=1)
        return {"since": self.month, "until": last}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The orders that were asked for, the newest first, of which a page loads its own."""

    found: Measured

    def __len__(self) -> int:
        return self.found.orders

    def __getitem__(self, part: slice) -> list[CostLine]:
        found = self.found
        return lines(
            selectors.traded_orders(found.user, **found.asked, as_of=found.today, part=part)
        )


def measured(user: User, today: date, month: str) -> Measured:
    """What the firm traded; a month (``2026-11``) in which nothing was filled asks for all."""
    since = today.replace(day=1, year=today.year - 1)
    year_since = today - YEAR + timedelta(days=1)
    sums = selectors.traded_sums(user, since=since, year_since=year_since, until=today)
    known = sorted({first for first, _ in sums.months}, reverse=True)
    chosen = next((first for first in known if f"{first:%Y-%m}" == month), None)
    return Measured(user, today, since, sums, chosen, known)


def chosen(found: Measured) -> _Chosen:
    """The orders that were asked for, with their taxes, for a page of them."""
    return _Chosen(found)


def lines(rows: Sequence[TradedRow], years: TaxYears | None = None) -> list[CostLine]:
    """The orders with their taxes."""
    taxes = selectors.order_taxes(rows, years)
    return [CostLine(row, taxes.get(row.measured.order)) for row in rows]


def summary(found: Measured) -> dict[str, object]:
    """Context of the months and of what they say about the costs that are counted."""
    sums = found.sums
    monthly = months(sums.months)
    securities = spreads_by_security(sums.securities, sums.in_force)
    return {
        "found": found,
        "monthly": monthly,
        "bars": cost_bars(monthly),
        "custodians": commissions(sums.custodians),
        "classes": spreads_by_class(sums.classes, sums.securities, sums.in_force),
        "securities": securities,
        "differing": sum(row.finding is Finding.DIFFERS for row in securities),
        "least_orders": LEAST_ORDERS,
        "least_days": LEAST_DAYS,
    }


def csv_file(found: Measured) -> IO[bytes]:
    """The orders as a file for a spreadsheet: plain numbers, empty where a figure is not there.

    The file is whole before a byte of it is sent, on the disk beyond a few megabytes: what fails in the middle is an
    error and not a short file, a slow reader holds no transaction open, and the answer can say how long it is. All of
    it tells one state of the ledger. Memory holds some orders at a time, however many there are.
    """
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # whoever sends it closes it
    try:
        file.write(_csv_text([COLUMNS]))
        years = TaxYears()
        with one_state():
            for batch in selectors.traded_batches(
                found.user, **found.asked, as_of=found.today, size=BATCH
            ):
                file.write(_csv_text(_cells(line) for line in lines(batch, years)))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _csv_text(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cells(line: CostLine) -> Iterator[str]:
    row, one = line.row, line.measured
    yield str(one.day)
    yield csv_safe(row.household_name)
    yield csv_safe(row.account_name)
    yield csv_safe(one.custodian)
    yield one.side.value
    yield csv_safe(row.symbol)
    yield row.kind
    for quantity in (one.ordered, one.filled, one.reference_price):
        yield _shares(quantity)
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


def _shares(value: Decimal) -> str:
    """As ``lots.rounding.plain`` writes what is stored, without its fractions."""
    return f"{value.normalize():f}"


def _dollars(value: Decimal | None) -> str:
    """As ``lots.rounding.cents`` rounds, without its fractions: a file has millions of figures."""
    if value is None:
        return ""
    return str(value.quantize(CENT, rounding=ROUND_HALF_UP) + ZERO)  # no zero below zero
