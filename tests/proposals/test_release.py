"""What may still leave for the custodian: asked again when the orders are exported."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Firm
from lots.services import import_positions
from lots.types import EntryKind
from proposals import selectors, services
from proposals.errors import AllHeldBack, BadDraft
from proposals.models import Order, OrderExport, Proposal
from proposals.types import ProposalKind
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db(transaction=True)  # an export is an outermost transaction

WASHED = (
    "$100.00 of the loss on OLD sold on 2022-12-28 in Ann taxable would be disallowed, "
    "$100.00 of it for ever."
)


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def reinvested(desk: Desk) -> None:
    """The IRA buys 5 of what the harvest sells at a loss."""
    factories.book(desk.ira, EntryKind.REINVEST, TODAY, desk.old, "5", amount="400")


def sold_elsewhere(desk: Desk, quantity: str) -> None:
    factories.book(desk.account, EntryKind.SELL, TODAY, desk.old, quantity, amount="1600")


def rebalance(desk: Desk) -> Proposal:
    """A second proposal: 10 OTHER of another lot, at a gain."""
    other = factories.make_security(desk.firm, "OTHER")
    factories.set_price(other, TODAY, "80")
    lot = factories.book(desk.account, EntryKind.BUY, date(2022, 3, 1), other, "10", amount="500")
    trade = desk.sale("10", security=other.pk, opening=lot.pk, basis=Decimal(500), pair=0)
    return desk.approved(trade, kind=ProposalKind.REBALANCE)


def test_a_proposal_that_would_wash_by_now_is_held_back_and_the_rest_leaves(desk: Desk):
    harvest = desk.approved()
    other = rebalance(desk)
    reinvested(desk)
    export = services.export_orders(user=desk.operations)
    harvest.refresh_from_db()
    other.refresh_from_db()
    assert (harvest.status, harvest.held_back) == ("approved", [WASHED])
    assert (other.status, other.held_back) == ("ordered", [])
    assert {order.proposal_id for order in export.orders.all()} == {other.pk}
    assert {order.status for order in harvest.orders.all()} == {"approved"}
    event = AuditEvent.objects.get(action="proposal.held_back")
    assert json.loads(event.payload)["facts"]["reasons"] == [WASHED]


def test_shares_that_are_gone_hold_a_proposal_back(desk: Desk):
    proposal = desk.approved()
    sold_elsewhere(desk, "15")
    with pytest.raises(AllHeldBack, match="Miller, harvest of 2022-12-28, is held back"):
        services.export_orders(user=desk.operations)
    proposal.refresh_from_db()
    assert proposal.held_back == [
        "20 OLD of the lot of 2022-03-01 are to be sold in Ann taxable, 5 are free."
    ]
    assert not OrderExport.objects.exists()
    assert list(selectors.held_back(desk.operations)) == [proposal]


def test_a_lot_that_is_gone_altogether_holds_a_proposal_back(desk: Desk):
    proposal = desk.approved()
    sold_elsewhere(desk, "20")
    with pytest.raises(AllHeldBack, match="20 OLD are to be sold in Ann taxable, 0 are free"):
        services.export_orders(user=desk.operations)
    proposal.refresh_from_db()
    assert proposal.status == "approved"


def test_a_loss_booked_since_holds_the_purchase_back(desk: Desk):
    factories.book(desk.account, EntryKind.BUY, date(2022, 3, 1), desk.sub, "5", amount="500")
    desk.approved()
    factories.book(desk.account, EntryKind.SELL, TODAY, desk.sub, "5", amount="400")
    with pytest.raises(AllHeldBack, match="SUB must not be bought before 2023-01-28"):
        services.export_orders(user=desk.operations)


def test_what_was_held_back_leaves_when_the_reason_has_passed(desk: Desk):
    proposal = desk.approved()
    reinvested(desk)
    with pytest.raises(AllHeldBack):
        services.export_orders(user=desk.operations)
    later = TODAY + timedelta(days=31)
    Firm.objects.update(pinned_date=later)
    export = services.export_orders(user=desk.operations)
    proposal.refresh_from_db()
    assert (export.number, proposal.status, proposal.held_back) == (1, "ordered", [])
    assert not selectors.held_back(desk.operations).exists()


def test_held_back_orders_can_still_be_taken_back(desk: Desk):
    proposal = desk.approved()
    reinvested(desk)
    with pytest.raises(AllHeldBack):
        services.export_orders(user=desk.operations)
    services.cancel(user=desk.adviser, public_id=proposal.public_id)
    assert not selectors.held_back(desk.operations).exists()
    assert {order.status for order in Order.objects.all()} == {"cancelled"}


def test_a_lot_that_a_wash_sale_has_split_leaves_whole(desk: Desk):
    recent = factories.book(
        desk.account, EntryKind.BUY, TODAY - timedelta(days=20), desk.old, "10", amount="700"
    )
    trade = desk.sale("10", opening=recent.pk, basis=Decimal(700), pair=0)
    proposal = desk.approved(trade, kind=ProposalKind.REBALANCE)
    Firm.objects.update(pinned_date=TODAY + timedelta(days=40))  # no window is open any more
    factories.book(  # a late report: 4 of the old lot, sold at a loss beside the recent purchase
        desk.account, EntryKind.SELL, TODAY - timedelta(days=2), desk.old, "4", amount="320"
    )
    assert recent.tax_lots.count() == 2
    export = services.export_orders(user=desk.operations)
    assert {order.proposal_id for order in export.orders.all()} == {proposal.pk}
    reserved = selectors.windows(desk.household.pk, TODAY + timedelta(days=40)).reserved
    assert sum(reserved.values()) == 10
    assert {opening for opening, _ in reserved} == {recent.pk}
    assert len(reserved) == 2


def test_the_pages_say_what_is_held_back_and_why(desk: Desk):
    harvest = desk.approved()
    rebalance(desk)
    reinvested(desk)
    browser = Client()
    browser.force_login(desk.adviser)
    after = browser.post(reverse("export-orders"), follow=True).content.decode()
    assert "Order file 1 is ready" in after
    assert f"Miller, harvest of 2022-12-28, is held back: {WASHED}" in after
    assert after.count("Held back</span>") == 2  # both orders of the pair
    page = browser.get(reverse("proposal", args=[harvest.public_id])).content.decode()
    assert f"<li>{WASHED}</li>" in page
    again = browser.post(reverse("export-orders"))
    assert again.status_code == 409
    assert WASHED in again.content.decode()


# Open orders at the latest quotes


def test_an_ordered_gain_that_has_become_a_loss_blocks_the_purchase(desk: Desk):
    gain = factories.book(
        desk.account, EntryKind.BUY, date(2022, 6, 1), desk.sub, "30", amount="2340"
    )
    sale = desk.sale("30", security=desk.sub.pk, opening=gain.pk, basis=Decimal(2340), pair=0)
    desk.ordered(sale, kind=ProposalKind.REBALANCE)  # 78 a share, sold at 80
    assert selectors.windows(desk.household.pk, TODAY).buy_blocked == {}
    for security in (desk.old, desk.sub):
        factories.set_price(security, TODAY, "75")
    (sold,) = selectors.intentions(desk.household.pk)
    assert (sold.price, sold.at_loss) == (Decimal(75), True)
    with pytest.raises(BadDraft, match="SUB must not be bought before 2023-01-28"):
        desk.submit(desk.sale(price=Decimal(75)), desk.purchase(price=Decimal(75)))


@pytest.mark.parametrize(("price", "at_loss"), [("79.59", True), ("79.60", False)])
def test_a_planned_sale_counts_as_a_loss_up_to_two_percent_above_its_basis(
    desk: Desk, price: str, at_loss
):
    lot = factories.book(
        desk.account, EntryKind.BUY, date(2022, 6, 1), desk.sub, "10", amount="780.08"
    )  # 78.008 a share is 98 % of 79.60
    sale = desk.sale("10", security=desk.sub.pk, opening=lot.pk, basis=Decimal("780.08"), pair=0)
    desk.approved(sale, kind=ProposalKind.REBALANCE)
    factories.set_price(desk.sub, TODAY, price)
    (planned,) = selectors.intentions(desk.household.pk)
    assert planned.at_loss is at_loss
    assert (desk.sub.pk in selectors.windows(desk.household.pk, TODAY).buy_blocked) is at_loss


def test_a_small_gain_is_not_sold_while_the_ira_buys_the_security(desk: Desk):
    factories.book(desk.ira, EntryKind.CASH_IN, date(2022, 3, 1), amount="5000")
    lot = factories.book(
        desk.account, EntryKind.BUY, date(2022, 6, 1), desk.sub, "10", amount="799.90"
    )
    sale = desk.sale("10", security=desk.sub.pk, opening=lot.pk, basis=Decimal("799.90"), pair=0)
    buy = desk.purchase("10", account=desk.ira.pk, pair=0)
    with pytest.raises(BadDraft, match="SUB is sold at a loss, or nearly, while SUB is bought"):
        desk.submit(sale, buy, kind=ProposalKind.REBALANCE)


def test_an_account_that_does_not_add_up_holds_its_orders_back(desk: Desk):
    """T53."""
    harvest = desk.approved()
    import_positions(
        firm=desk.firm,
        user=None,
        file=b"account,symbol,quantity,as_of\nT-1,OLD,15,2022-12-28\n",
        name="p.csv",
        as_of=TODAY,
    )
    with pytest.raises(AllHeldBack):
        services.export_orders(user=desk.operations)
    harvest.refresh_from_db()
    assert harvest.held_back == [
        "Ann taxable does not add up: OLD: lots 20, custodian 15 on 2022-12-28. Book what is missing, "
        "or import a newer statement."
    ]
