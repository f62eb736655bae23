"""Reasons are in sight without scrolling: losses, windows, substitutes, gifts; at a desk and on a telephone."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.models import Household
from lots.types import EntryKind
from proposals.models import Proposal
from tests.browser.signed_in import signed_in
from tests.factories import book
from tests.harvesting.test_services import TODAY, Scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = {
    "/losses/": "Sell 100 AAA for $8,000.00",
    "/windows/": "3 BBB bought on",
    "/substitutes/": "Same sector.",
    "GIVE": "A loss of $2,000.00 is lost with the gift",
}
# The text of each reason ends inside what its card shows.
HIDDEN = """() => [...document.querySelectorAll('.because > td > div')].filter(div => {
  const card = div.closest('.table-wrap').getBoundingClientRect(), box = div.getBoundingClientRect();
  return box.left < card.left || box.right > card.right || div.scrollWidth > div.clientWidth;
}).length"""
SCROLLING = """() => [...document.querySelectorAll('.table-because')].filter(table => {
  const card = table.closest('.table-wrap'); return card.scrollWidth > card.clientWidth;
}).length"""
# A heading of one word stands on one line.
BROKEN = """() => [...document.querySelectorAll('.table-because th[scope=col]')].filter(th => {
  const words = document.createRange(); words.selectNodeContents(th);
  return !th.innerText.trim().includes(' ') && words.getClientRects().length > 1;
}).map(th => th.innerText)"""


@pytest.fixture
def page(chromium: "Browser", live_server: Any) -> "Page":
    scene = Scene()
    scene.firm.pinned_date = TODAY
    scene.firm.save()
    scene.household.name = "Featherstonehaugh-Montgomery family"
    scene.household.save()
    scene.buy(scene.taxable, "AAA")
    bought_on = TODAY - timedelta(days=4)
    book(scene.ira, EntryKind.BUY, bought_on, scene.security["BBB"], "3", amount="300")
    scene.buy(scene.taxable, "BBB")
    scene.store()
    assert Proposal.objects.exists()
    return signed_in(chromium, live_server, scene.user, width=1280, scheme="light")


def test_every_reason_is_read_without_scrolling(page: "Page") -> None:
    gifts = reverse("household-gifts", args=[Household.objects.get().public_id])
    for name, reason in PAGES.items():
        address = gifts if name == "GIVE" else name
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address)
            told = page.eval_on_selector_all(".because", "rows => rows.map(row => row.innerText)")
            assert any(reason in text for text in told), address
            assert page.evaluate(HIDDEN) == 0, f"{address} at {width} px"
            assert page.evaluate(BROKEN) == [], f"{address} at {width} px"
            if width == 1280:
                assert page.evaluate(SCROLLING) == 0, address
            page.evaluate("document.querySelector('.table-wrap').scrollLeft = 200")
            assert page.evaluate(HIDDEN) == 0, f"{address} at {width} px, scrolled"
