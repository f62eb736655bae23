"""What the database sums of many orders against the plain sums of each, and the file in batches (F12)."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal as D
from decimal import localcontext
from fractions import Fraction

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from lots.rounding import cents, plain
from proposals import cost_pages, selectors
from proposals.calibration import SpreadRow
from proposals.execution_costs import OrderTax, Totals, months
from proposals.models import Order
from proposals.types import Side
from tests.proposals.order_sums import grouped
from tests.proposals.traded_book import SCHEDULES, TODAY, Book, make_book, trade

SINCE = date(2025, 11, 1)
A_YEAR = date(2025, 11, 28)
NEAR = Fraction(1, 10**15)
HALF_SPREADS = {"OWN": "0.0004", "NONE": "0.0005", "DATED": "0.0012", "BOND": "0.0003", "NOTE": "0.0003"}  # fmt: skip


@dataclass(frozen=True)
class Plain:
    """One order, in fractions, from its own rows."""

    order: int
    day: date
    custodian: str
    symbol: str
    asset_class: str
    dollars: Fraction
    fees: Fraction
    slippage: Fraction
    commission: Fraction | None
    trading: Fraction
    beyond: Fraction


def plain_order(order: Order) -> Plain:
    fills = list(order.fills.all())
    filled = sum((Fraction(fill.quantity) for fill in fills), Fraction(0))
    paid = sum((Fraction(fill.quantity) * Fraction(fill.price) for fill in fills), Fraction(0))
    dollars = filled * Fraction(order.reference_price)
    slippage = paid - dollars if order.side == Side.BUY else dollars - paid
    part = filled / Fraction(order.quantity)
    spread, impact = (
        Fraction(value or 0) * part for value in (order.expected_spread, order.expected_impact)
    )
    return Plain(
        order=order.pk,
        day=min(fill.trade_date for fill in fills),
        custodian=order.account.custodian,
        symbol=order.security.symbol,
        asset_class=order.security.asset_class,
        dollars=dollars,
        fees=sum((Fraction(fill.transaction.fee) for fill in fills), Fraction(0)),
        slippage=slippage,
        commission=plain_commission(order, filled),
        trading=spread + impact,
        beyond=slippage - impact,
    )


def plain_commission(order: Order, filled: Fraction) -> Fraction | None:
    if order.expected_commission is None:
        return None
    whole, ordered = Fraction(order.expected_commission), Fraction(order.quantity)
    schedule = SCHEDULES.get(order.account.custodian)
    if filled == ordered or schedule is None:
        return whole * filled / ordered
    price = Fraction(order.reference_price)

    def charged(shares: Fraction) -> Fraction:
        by_share = Fraction(schedule.per_share) + Fraction(schedule.of_amount) * price
        return max(Fraction(schedule.per_order) + by_share * shares, Fraction(schedule.minimum))

    holds = abs(charged(ordered) - whole) <= Fraction(1, 10_000)
    return charged(filled) if holds else whole * filled / ordered


def by_shares(order: Order) -> Fraction:
    """Of the commission expected, the part of the shares that were filled."""
    whole = Fraction(order.expected_commission or 0)
    return whole * Fraction(order.filled_quantity) / Fraction(order.quantity)


def plain_error(rows: Sequence[Plain], cost: Callable[[Plain], Fraction]) -> D | None:
    """The formula of docs/trading-costs.md, a day at a time."""
    days = grouped(rows, lambda one: one.day)
    if len(days) < 2:
        return None
    dollars = total(one.dollars for one in rows)
    mean = total(cost(one) for one in rows) / dollars
    squares = total(
        total(cost(one) - mean * one.dollars for one in day) ** 2 for day in days.values()
    )
    square = squares * len(days) / (len(days) - 1) / dollars**2 * 10**8
    with localcontext(prec=50):
        return (D(square.numerator) / square.denominator).sqrt()


def total(values: Iterable[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def is_near(found: D | None, expected: Fraction | D | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(Fraction(found) - Fraction(expected)) < NEAR


@pytest.fixture
def book(db: None) -> Book:
    made = make_book()
    trade(made, 160)
    trade(make_book("Another"), 10, seed=2)
    return made


def traded(book: Book, since: date = SINCE) -> list[Plain]:
    orders = Order.objects.filter(account__firm=book.firm).prefetch_related("fills__transaction")
    rows = [plain_order(order) for order in orders.select_related("account", "security")]
    return [row for row in rows if since <= row.day <= TODAY]


def sums(book: Book) -> selectors.TradedSums:
    return selectors.traded_sums(book.adviser, since=SINCE, year_since=A_YEAR, until=TODAY)


def test_the_book_has_every_kind_of_order(book: Book) -> None:
    """Or what follows would not tell."""
    rows = traded(book)
    orders = Order.objects.filter(account__firm=book.firm).prefetch_related("fills")
    known = [order for order in orders if order.expected_commission is not None]
    of_two_months = [
        order for order in orders if len({fill.trade_date.month for fill in order.fills.all()}) > 1
    ]
    assert len(rows) < len(orders), "some were first filled before the 13 months"
    assert len(of_two_months) > 20
    assert 0 < len(known) < len(orders)
    assert {row.custodian for row in rows} == {"Alpha", "Beta", "Gamma"}
    for custodian in SCHEDULES:
        partly = [order for order in known if order.account.custodian == custodian]
        partly = [order for order in partly if order.filled_quantity != order.quantity]
        by_part = [order for order in partly if plain_order(order).commission == by_shares(order)]
        assert 0 < len(by_part) < len(partly), "some by the schedule, some by the part"


def test_months_are_those_of_each_order_by_itself(book: Book) -> None:
    rows = traded(book)
    found = months(sums(book).months)
    firsts = sorted({row.day.replace(day=1) for row in rows}, reverse=True)
    assert [month.first for month in found] == firsts
    assert date(2026, 3, 1) not in firsts, "nothing was filled, so there is no month"
    for month in found:
        of_month = [row for row in rows if row.day.replace(day=1) == month.first]
        check_totals(month.expected, [row for row in of_month if row.commission is not None])
        check_totals(month.others, [row for row in of_month if row.commission is None])


def check_totals(found: Totals | None, rows: Sequence[Plain]) -> None:
    if not rows:
        assert found is None
        return
    assert found is not None
    assert found.orders == len(rows)
    assert Fraction(found.dollars) == total(row.dollars for row in rows)
    assert Fraction(found.fees) == total(row.fees for row in rows)
    assert Fraction(found.slippage) == total(row.slippage for row in rows)
    known = rows[0].commission is not None
    assert is_near(
        found.expected_commission, total(row.commission or Fraction(0) for row in rows) if known else None
    )  # fmt: skip
    assert is_near(found.expected_trading, total(row.trading for row in rows) if known else None)
    assert is_near(found.error_bp, plain_error(rows, lambda row: row.slippage))


def test_custodians_classes_and_securities_are_those_of_each_order_of_the_year(book: Book) -> None:
    shown = cost_pages.summary(cost_pages.measured(book.adviser, TODAY, ""))
    rows = [row for row in traded(book, A_YEAR) if row.commission is not None]
    assert len(rows) < len([row for row in traded(book) if row.commission is not None])

    custodians = grouped(rows, lambda row: row.custodian)
    assert [row.custodian for row in shown["custodians"]] == sorted(custodians)  # type: ignore[attr-defined]
    for found in shown["custodians"]:  # type: ignore[attr-defined]
        of = custodians[found.custodian]
        off = total(abs(row.fees - (row.commission or 0)) for row in of)
        assert (found.orders, Fraction(found.dollars)) == (len(of), total(r.dollars for r in of))
        assert is_near(found.expected, total(row.commission or Fraction(0) for row in of))
        assert Fraction(found.fees) == total(row.fees for row in of)
        assert found.differs is (off > Fraction(len(of), 100))

    check_spreads(shown["classes"], grouped(rows, lambda row: row.asset_class))  # type: ignore[arg-type]
    check_spreads(shown["securities"], grouped(rows, lambda row: row.symbol))  # type: ignore[arg-type]


def check_spreads(found: Sequence[SpreadRow], groups: dict[str, list[Plain]]) -> None:
    assert {row.name for row in found} == set(groups)
    assert [row.dollars for row in found] == sorted((row.dollars for row in found), reverse=True)
    for row in found:
        of = groups[row.name]
        dollars = total(one.dollars for one in of)
        counted = total(Fraction(HALF_SPREADS[one.symbol]) * one.dollars for one in of)
        assert (row.orders, row.days) == (len(of), len({one.day for one in of}))
        assert Fraction(row.dollars) == dollars
        assert is_near(row.in_force_bp, counted / dollars * 10_000)
        assert is_near(row.realised_bp, total(one.beyond for one in of) / dollars * 10_000)
        assert is_near(row.error_bp, plain_error(of, lambda one: one.beyond))


def test_the_source_of_a_half_spread_is_told_where_all_have_one(book: Book) -> None:
    shown = cost_pages.summary(cost_pages.measured(book.adviser, TODAY, ""))
    securities = {row.name: row.source for row in shown["securities"]}  # type: ignore[attr-defined]
    assert securities["DATED"].words == "DATED's own, of 27 November 2026"
    classes = {row.name: row.source for row in shown["classes"]}  # type: ignore[attr-defined]
    assert classes["us_equity"] is None
    assert classes["fixed_income"] == securities["BOND"] == securities["NOTE"]


def test_where_nothing_was_filled_there_is_nothing(db: None) -> None:
    empty = make_book()
    assert sums(empty) == selectors.TradedSums()
    found = cost_pages.measured(empty.adviser, TODAY, "2026-11")
    assert (found.month, found.months, found.orders) == (None, [], 0)
    assert list(cost_pages.chosen(found)[:50]) == []


def test_another_firm_and_other_days_are_not_in_the_sums(book: Book) -> None:
    orders = sum(of.orders for of in sums(book).months.values())
    assert orders == len(traded(book)) < Order.objects.count()
    until = date(2026, 6, 1)
    found = selectors.traded_sums(book.adviser, since=SINCE, year_since=SINCE, until=until)
    assert sum(of.orders for of in found.months.values()) == len(
        [row for row in traded(book) if row.day <= until]
    )


# A page and the file


def test_a_page_has_its_part_of_the_orders_of_the_month(book: Book) -> None:
    everything = sorted(traded(book), key=lambda row: (row.day, row.order), reverse=True)
    for month in ("", "2026-06", "2025-11"):
        found = cost_pages.measured(book.adviser, TODAY, month)
        wanted = [row.order for row in everything if f"{row.day:%Y-%m}".startswith(month)]
        assert found.orders == len(cost_pages.chosen(found)) == len(wanted) > 0
        for start in range(0, len(wanted), 9):
            shown = cost_pages.chosen(found)[start : start + 9]
            assert [line.measured.order for line in shown] == wanted[start : start + 9]


def test_a_page_of_more_orders_takes_no_more_queries(book: Book) -> None:
    few = make_book("Few")
    trade(few, 30, seed=3)
    counts = []
    for one in (few, book):
        client = Client()
        client.force_login(one.adviser)
        client.get(reverse("trading-costs"))
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(reverse("trading-costs"))
        counts.append(len(queries))
        shown = answer.context["page"]
        assert len(shown) == min(50, shown.paginator.count)
        assert [line.tax for line in shown if line.tax is not None and line.tax.booked is not None]
    assert shown.paginator.count == len(traded(book)) > 100
    assert counts[0] == counts[1] < 20


def file_of(book: Book, query: str = "") -> bytes:
    client = Client()
    client.force_login(book.adviser)
    answer = client.get(reverse("trading-costs-csv") + query)
    assert answer.status_code == 200
    body: bytes = answer.getvalue()
    assert int(answer["Content-Length"]) == len(body)
    return body


@pytest.mark.parametrize("query", ["", "?month=2026-06"])
def test_the_file_is_the_same_in_whatever_batches(
    book: Book, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = file_of(book, query)
    rows = list(csv.DictReader(io.StringIO(whole.decode())))
    first = date(2026, 6, 1)
    wanted = [row for row in traded(book) if not query or row.day.replace(day=1) == first]
    wanted.sort(key=lambda row: (row.day, row.order), reverse=True)
    assert [row["first_fill"] for row in rows] == [str(row.day) for row in wanted]
    assert [row["slippage"] for row in rows] == [str(cents(row.slippage)) for row in wanted]
    assert len({row["order_id"] for row in rows}) == len(rows)
    assert {row["why_no_tax"] for row in rows} >= {"", "A retirement account: its sales are not taxed."}  # fmt: skip
    for size in (1, 7, len(rows)):
        monkeypatch.setattr(cost_pages, "BATCH", size)
        monkeypatch.setattr(cost_pages, "_IN_MEMORY", 1000 * size)  # then on the disk
        monkeypatch.setattr("proposals.selectors.execution_costs._YEARS_KEPT", size)
        assert file_of(book, query) == whole


def test_the_file_holds_so_many_orders_at_a_time(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    taxes = selectors.order_taxes

    def counted(
        rows: Sequence[selectors.TradedRow], years: selectors.TaxYears | None = None
    ) -> dict[int, OrderTax]:
        sizes.append(len(rows))
        return taxes(rows, years)

    monkeypatch.setattr(selectors, "order_taxes", counted)
    monkeypatch.setattr(cost_pages, "BATCH", 40)
    file_of(book)
    assert max(sizes) == 40
    assert sum(sizes) == len(traded(book))


def test_what_fails_in_the_middle_is_an_error_and_not_a_short_file(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    taxes, calls = selectors.order_taxes, []

    def failing(
        rows: Sequence[selectors.TradedRow], years: selectors.TaxYears | None = None
    ) -> dict[int, OrderTax]:
        calls.append(len(rows))
        if len(calls) > 1:
            raise RuntimeError("the second batch")
        return taxes(rows, years)

    monkeypatch.setattr(selectors, "order_taxes", failing)
    monkeypatch.setattr(cost_pages, "BATCH", 40)
    client = Client(raise_request_exception=False)
    client.force_login(book.adviser)
    answer = client.get(reverse("trading-costs-csv"))
    assert answer.status_code == 500
    assert "Content-Disposition" not in answer
    assert len(calls) == 2


@pytest.mark.django_db(transaction=True)
def test_a_file_tells_one_state_of_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is booked while it is made is in the next one."""
    book = make_book()
    trade(book, 12)
    seen = []
    taxes = selectors.order_taxes

    def meanwhile(
        rows: Sequence[selectors.TradedRow], years: selectors.TaxYears | None = None
    ) -> dict[int, OrderTax]:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            seen.append(cursor.fetchone()[0])
        return taxes(rows, years)

    monkeypatch.setattr(selectors, "order_taxes", meanwhile)
    monkeypatch.setattr(cost_pages, "BATCH", 4)
    file_of(book)
    assert len(seen) > 2
    assert set(seen) == {"repeatable read"}


@given(st.decimals(-(10**9), 10**9, places=6))
def test_figures_of_the_file_are_rounded_as_everywhere(value: D) -> None:
    assert cost_pages._dollars(value) == str(cents(Fraction(value)))


@given(st.decimals(0, 10**9, places=8))
def test_shares_of_the_file_are_written_as_everywhere(value: D) -> None:
    assert cost_pages._shares(value) == plain(Fraction(value))
