"""Orders with their forms, and what trading cost, as a browser shows them: light, dark and on a telephone."""

from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from lots.types import EntryKind
from proposals import services
from proposals.models import CommissionSchedule, Order, Proposal
from proposals.types import ProposalKind
from securities.models import Security
from tests import factories
from tests.browser.signed_in import signed_in
from tests.proposals.desk import TODAY, Desk, make_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fill(desk: Desk, order: Order, price: str) -> None:
    text = "order_id,external_id,trade_date,quantity,price,fee\n"
    day = desk.firm.pinned_date
    row = f"{order.public_id},F-{order.pk},{day},{order.quantity},{price},4.95\n"
    services.import_fills(user=desk.operations, file=(text + row).encode(), name="fills.csv")


def months_of_trading(desk: Desk) -> Proposal:
    """Purchases of five months and a harvest, all filled; returns a purchase to decide about."""
    CommissionSchedule.objects.create(
        firm=desk.firm, custodian="Example Custody", per_order=D("4.95")
    )
    factories.book(desk.account, EntryKind.CASH_IN, date(2022, 7, 1), amount="20000")
    for month, price in ((7, "80.10"), (8, "79.80"), (9, "80.04"), (10, "80.30"), (11, "80.06")):
        day = date(2022, month, 15)
        desk.firm.pinned_date = day
        desk.firm.save()
        factories.set_price(desk.sub, day, "80")
        proposal, _ = desk.ordered(
            desk.purchase("10", pair=0), as_of=day, kind=ProposalKind.REBALANCE
        )
        fill(desk, proposal.orders.get(), price)
    Order.objects.filter(proposal__as_of=date(2022, 7, 15)).update(
        expected_commission=None, expected_spread=None, expected_impact=None
    )
    desk.firm.pinned_date = TODAY
    desk.firm.save()
    harvest, _ = desk.ordered()
    for order in harvest.orders.all():
        fill(desk, order, "79.90")
    Security.objects.filter(pk=desk.sub.pk).update(half_spread=D("0.002"))
    return desk.submit(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("light", 1280, "light"),
        ("dark", 1280, "dark"),
        ("phone", 390, "light"),
        ("dark-phone", 390, "dark"),
    ],
)
def test_orders_and_costs_fit_the_screen(
    chromium: "Browser", live_server, name: str, width: int, scheme
):
    desk = make_desk()
    proposal = months_of_trading(desk)
    page = signed_in(chromium, live_server, desk.adviser, width=width, scheme=scheme)
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    SHOTS.mkdir(parents=True, exist_ok=True)
    for path, shot in (
        ("/orders/costs/", "trading-costs"),
        (f"/proposals/{proposal.public_id}/", "handling-suggested"),
        ("/orders/", "orders"),
    ):
        if shot == "orders":
            services.approve(
                user=desk.adviser,
                public_id=proposal.public_id,
                content_sha256=proposal.content_sha256,
            )
        page.goto(path)
        for summary in page.locator("summary").all():
            summary.click()
        page.screenshot(path=SHOTS / f"{shot}-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Limit, $ a share").fill("80.05")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_text("Limit $80.05").is_visible()
    assert not faults
