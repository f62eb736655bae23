"""What trading cost, from the fills in the ledger to the page (F12)."""

import csv
import io
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, TaxProfile
from accounts.types import OwnerKind, Role
from lots.selectors import tax_or_reason, taxes_or_reasons
from lots.types import EntryKind
from proposals import selectors, services
from proposals.budgets import Gains
from proposals.execution_costs import OrderTax
from proposals.models import CommissionSchedule, Order
from proposals.selectors import TradedRow
from proposals.types import ProposalKind
from securities.models import HalfSpread
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk, make_person

pytestmark = pytest.mark.django_db(transaction=True)  # decisions are outermost transactions


@pytest.fixture
def desk() -> Desk:
    made = make_desk()
    factories.book(made.account, EntryKind.CASH_IN, TODAY, amount="10000")
    CommissionSchedule.objects.create(
        firm=made.firm, custodian="Example Custody", per_order=D("4.95")
    )
    return made


Row = tuple[Order, str, str, str, str, str]  # order, id, day, shares, price, fee


def fill(desk: Desk, *rows: Row) -> None:
    lines = ["order_id,external_id,trade_date,quantity,price,fee"]
    lines += [",".join([str(order.public_id), *rest]) for order, *rest in rows]
    services.import_fills(user=desk.operations, file="\n".join(lines).encode(), name="fills.csv")


def legs(desk: Desk) -> tuple[Order, Order]:
    """The sale of 20 OLD at 80 that cost 2,000, and the purchase of 19 SUB at 80."""
    proposal, _ = desk.ordered()
    return proposal.orders.get(side="sell"), proposal.orders.get(side="buy")


def traded(desk: Desk) -> dict[int, TradedRow]:
    rows = selectors.traded_orders(desk.adviser, since=date(2022, 1, 1), until=TODAY)
    return {row.measured.order: row for row in rows}


def tax_of(desk: Desk, order: Order) -> OrderTax:
    rows = list(traded(desk).values())
    return selectors.order_taxes(rows)[order.pk]


def test_partial_fills_count_together_with_their_fees(desk: Desk) -> None:
    sale, purchase = legs(desk)
    fill(
        desk,
        (sale, "F-1", "2022-12-28", "12", "79.90", "1.00"),
        (sale, "F-2", "2022-12-28", "4", "79.50", "0.50"),
        (purchase, "F-3", "2022-12-28", "19", "80.10", "4.95"),
    )
    found = traded(desk)
    sold, bought = found[sale.pk].measured, found[purchase.pk].measured
    assert (sold.filled, sold.ordered, sold.paid, sold.fees) == (
        D(16),
        D(20),
        D("1276.80"),
        D("1.50"),
    )
    assert sold.slippage == D("3.20")  # 12 x 0.10 + 4 x 0.50
    assert sold.expected_trading == D("0.64")  # 5 bp of $1,280
    assert sold.expected_commission == D("4.95")
    assert bought.slippage == D("1.90")
    assert found[sale.pk].symbol == "OLD"


def test_an_order_from_before_expectations_were_kept_is_measured_without_one(desk: Desk) -> None:
    sale, _ = legs(desk)
    Order.objects.update(expected_commission=None, expected_spread=None, expected_impact=None)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79", "0"))
    measured = traded(desk)[sale.pk].measured
    assert measured.expected is None
    assert measured.slippage == D(20)


def test_days_and_firms_are_kept_apart(desk: Desk) -> None:
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79", "0"))
    other = make_person(factories.make_firm("Other"), "eve", Role.ADVISER)
    assert selectors.traded_orders(other, since=date(2022, 1, 1), until=TODAY) == []
    assert (
        selectors.traded_orders(desk.adviser, since=date(2022, 1, 1), until=date(2022, 12, 27))
        == []
    )
    assert selectors.traded_orders(desk.adviser, since=date(2022, 12, 29), until=TODAY) == []
    assert len(selectors.traded_orders(desk.adviser, since=TODAY, until=TODAY)) == 1


# Tax


def test_the_gain_as_booked_is_set_against_the_gain_as_expected(desk: Desk) -> None:
    """The fee is in the booked gain; the tax is the year's, whose losses meet ordinary income at 35 %."""
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79.50", "2.00"))
    assert tax_of(desk, sale) == OrderTax(
        expected=Gains(short=D(-400)),
        booked=Gains(short=D(-412)),
        disallowed=D(0),
        tax=D("-4.20"),
    )


def test_of_a_partly_filled_sale_the_lots_count_that_fills_take_first(desk: Desk) -> None:
    """A later lot at 90 goes first; the tax is none of the shares that were not filled."""
    later = factories.book(
        desk.account, EntryKind.BUY, date(2022, 5, 2), desk.old, "10", amount="900"
    )
    proposal, _ = desk.ordered(
        desk.sale("20"),
        desk.sale("10", opening=later.pk, basis=D(900)),
        desk.purchase("29"),
    )
    sale = proposal.orders.get(side="sell")
    fill(desk, (sale, "F-1", "2022-12-28", "12", "80", "0"))
    assert tax_of(desk, sale) == OrderTax(
        expected=Gains(short=D(-140)),  # 10 x 10 and 2 x 20
        booked=Gains(short=D(-140)),
        disallowed=D(0),
        tax=D(0),
    )


def test_a_disallowed_loss_is_told_apart(desk: Desk) -> None:
    factories.book(desk.account, EntryKind.BUY, date(2022, 12, 20), desk.old, "5", amount="400")
    proposal = desk.submit(wash_deferred=D(100))
    services.approve(
        user=desk.adviser,
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
        accept_wash=D(100),
    )
    services.export_orders(user=desk.operations)
    sale = proposal.orders.get(side="sell")
    fill(desk, (sale, "F-1", "2022-12-28", "20", "80", "0"))
    found = tax_of(desk, sale)
    assert (found.booked, found.disallowed) == (Gains(short=D(-400)), D(100))


def test_without_a_tax_position_the_tax_is_not_known_and_the_reason_is_told(desk: Desk) -> None:
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79.50", "2.00"))
    TaxProfile.objects.all().delete()
    found = tax_of(desk, sale)
    assert found.booked == Gains(short=D(-412))
    assert found.tax is None
    assert "Nobody entered this household's tax profile for 2022" in found.why


def test_fills_of_two_years_have_no_one_tax(desk: Desk) -> None:
    sale, _ = legs(desk)
    desk.firm.pinned_date = date(2023, 1, 3)
    desk.firm.save()
    fill(
        desk,
        (sale, "F-1", "2022-12-28", "12", "80", "0"),
        (sale, "F-2", "2023-01-03", "8", "80", "0"),
    )
    assert tax_of(desk, sale) == OrderTax(
        expected=Gains(short=D(-400)),
        booked=Gains(short=D(-400)),
        disallowed=D(0),
        why="Its fills lie in two tax years.",
    )


def test_what_is_on_no_return_of_the_household_has_no_tax(desk: Desk) -> None:
    sale, purchase = legs(desk)
    fill(
        desk,
        (sale, "F-1", "2022-12-28", "20", "80", "0"),
        (purchase, "F-2", "2022-12-28", "19", "80", "0"),
    )
    rows = list(traded(desk).values())
    assert purchase.pk not in selectors.order_taxes(rows)
    desk.account.owner.kind = OwnerKind.CORPORATION
    desk.account.owner.save()
    assert "corporation" in tax_of(desk, sale).why
    Account.objects.filter(pk=desk.account.pk).update(kind="roth_ira")
    assert tax_of(desk, sale) == OrderTax(why="A retirement account: its sales are not taxed.")


def test_the_tax_positions_of_many_are_those_of_each(desk: Desk) -> None:
    other = factories.make_household(desk.firm, "Jones")
    factories.make_account(other, "J-1")
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "80", "0"))
    asked = [(desk.household.pk, 2022), (desk.household.pk, 2021), (other.pk, 2022)]
    found = taxes_or_reasons(asked)
    assert found == {key: tax_or_reason(*key) for key in asked}
    assert found[desk.household.pk, 2022][0] is not None
    assert taxes_or_reasons([]) == {}


# The page


@pytest.fixture
def browser(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.adviser)
    return client


def page(browser: Client, query: str = "") -> str:
    return browser.get(reverse("trading-costs") + query).content.decode()


def test_an_empty_page_says_what_to_do(browser: Client) -> None:
    assert "export orders and import their fills" in page(browser)
    assert "What trading cost" in browser.get(reverse("orders")).content.decode()


def test_the_page_shows_the_month_its_orders_and_what_they_suggest(
    desk: Desk, browser: Client
) -> None:
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79.50", "2.00"))
    shown = page(browser)
    assert "Dec 2022" in shown
    assert "$10.00<br><small>62.50 bp" in shown  # slippage of $1,600
    assert "35.9 → 75.0 bp" in shown  # 4.95 and 0.80 of $1,600, against 2.00 and 10.00
    assert "$2.00 an order, or 12.50 bp" in shown
    assert "Too few orders" in shown
    assert "−$412.00 short" in shown
    assert "−$4.20" in shown


def test_the_half_spread_in_force_is_todays_and_says_where_it_comes_from(
    desk: Desk, browser: Client
) -> None:
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79.50", "2.00"))
    assert "5.00 bp<br><small>OLD&#x27;s own</small>" in page(browser)
    HalfSpread.objects.create(
        firm=desk.firm, security=desk.old, since=date(2022, 12, 28), fraction=D("0.0012")
    )
    HalfSpread.objects.create(
        firm=desk.firm, security=desk.old, since=date(2022, 12, 29), fraction=D("0.5")
    )
    assert "12.00 bp<br><small>OLD&#x27;s own, of 28 December 2022</small>" in page(browser)


def test_the_month_narrows_the_orders_and_an_unknown_one_shows_all(
    desk: Desk, browser: Client
) -> None:
    sale, purchase = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "80", "0"))
    desk.firm.pinned_date = date(2023, 1, 4)
    desk.firm.save()
    fill(desk, (purchase, "F-2", "2023-01-03", "19", "80", "0"))
    assert "19 SUB" in page(browser, "?month=2023-01")
    assert "20 OLD" not in page(browser, "?month=2023-01")
    assert "19 SUB" in page(browser, "?month=2022-13")
    assert "20 OLD" in page(browser, "?month=2022-13")


def test_the_file_holds_the_figures_of_the_page_and_no_formula(desk: Desk, browser: Client) -> None:
    desk.household.name = "=cmd|' /C calc'!A0"
    desk.household.save()
    sale, _ = legs(desk)
    fill(desk, (sale, "F-1", "2022-12-28", "20", "79.50", "2.00"))
    answer = browser.get(reverse("trading-costs-csv") + "?month=2022-12")
    assert answer["Content-Disposition"] == 'attachment; filename="trading-costs-2022-12.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert row["household"] == "'=cmd|' /C calc'!A0"
    assert row["order_id"] == str(sale.public_id)
    assert {name: row[name] for name in (
        "first_fill", "side", "filled_shares", "reference_price", "average_price", "dollars", "expected_commission",
        "fees", "expected_spread_and_impact", "slippage", "slippage_bp", "expected_short_gain", "booked_short_gain",
        "disallowed_loss", "tax_of_difference", "why_no_tax",
    )} == {
        "first_fill": "2022-12-28", "side": "sell", "filled_shares": "20", "reference_price": "80",
        "average_price": "79.500000", "dollars": "1600.00", "expected_commission": "4.95", "fees": "2.00",
        "expected_spread_and_impact": "0.80", "slippage": "10.00", "slippage_bp": "62.50",
        "expected_short_gain": "-400.00", "booked_short_gain": "-412.00", "disallowed_loss": "0.00",
        "tax_of_difference": "-4.20", "why_no_tax": "",
    }  # fmt: skip


def neighbours(desk: Desk, count: int) -> None:
    """More households, each with a filled sale and purchase of its own."""
    rows: list[Row] = []
    for number in range(count):
        household = factories.make_household(desk.firm, f"Neighbour {number}")
        account = factories.make_account(household, f"N-{number}")
        lot = factories.book(
            account, EntryKind.BUY, date(2022, 3, 1), desk.old, "20", amount="2000"
        )
        trades = (
            desk.sale(account=account.pk, opening=lot.pk),
            desk.purchase(account=account.pk),
        )
        proposal = desk.approved(*trades, household=household.pk, kind=ProposalKind.HARVEST)
        services.export_orders(user=desk.operations)
        for order in proposal.orders.all():
            rows.append((order, f"N-{number}-{order.side}", "2022-12-28", "19", "80.05", "1"))
    fill(desk, *rows)


def test_the_queries_do_not_grow_with_orders_and_households(desk: Desk, browser: Client) -> None:
    neighbours(desk, 1)
    page(browser)
    with CaptureQueriesContext(connection) as few:
        page(browser)
    more = make_desk("Second", prefix="S-")
    factories.book(more.account, EntryKind.CASH_IN, TODAY, amount="10000")
    neighbours(more, 4)
    second = Client()
    second.force_login(more.adviser)
    page(second)
    with CaptureQueriesContext(connection) as many:
        assert "Neighbour 3" in page(second)
    assert len(many) == len(few)
    assert len(many) < 20
