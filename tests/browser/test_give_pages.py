"""Lots to give, and the warning before a distribution, in a real browser: dark and light, wide and on a telephone."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest

from accounts.models import Account
from lots.types import EntryKind
from securities.models import AnnouncedDistribution, Security
from tests.browser.signed_in import signed_in
from tests.browser.test_windows_pages import SHOTS
from tests.factories import book, set_price
from tests.proposals.desk import TODAY, Desk, make_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDE = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"


def rich_desk() -> Desk:
    """Lots of SUB of six figures at a gain in an account with a long name, and a proposal that buys more of it."""
    desk = make_desk()
    Account.objects.filter(pk=desk.account.pk).update(name="Annabelle's taxable account")
    for place, shares in enumerate(("1900", "2100", "1500")):
        day = date(2020, 3, 2) + timedelta(days=place)
        book(desk.account, EntryKind.BUY, day, desk.sub, shares, amount=f"{100_000 + place}")
    Security.objects.filter(pk=desk.sub.pk).update(symbol="SUBSTITUTE")
    set_price(desk.sub, TODAY - timedelta(days=1), "80")
    for kind, amount in (("long", "2.10"), ("short", "0.12")):
        AnnouncedDistribution.objects.create(
            security=desk.sub, ex_date=TODAY + timedelta(days=2), kind=kind,
            amount=Decimal(amount), source="estimate of December",
        )  # fmt: skip
    return desk


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_to_give_and_what_a_distribution_costs_fit_the_screen(
    chromium: "Browser", live_server: Any, width: int, scheme: Literal["light", "dark"]
) -> None:
    desk = rich_desk()
    proposal = desk.submit()
    page = signed_in(chromium, live_server, desk.adviser, width=width, scheme=scheme)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    SHOTS.mkdir(parents=True, exist_ok=True)

    page.goto(f"/households/{desk.household.public_id}/gifts/")
    page.get_by_label("Dollars to give").fill("200000")
    page.get_by_role("button", name="Choose lots").click()
    assert page.get_by_role("heading", name="To give $200,000.00").is_visible()
    page.screenshot(path=SHOTS / f"give-{scheme}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    given = page.get_by_role("row", name="SUBSTITUTE").first
    told = given.locator("strong")
    assert told.is_visible()
    box = told.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width, "how many shares to give is read without scrolling"
    if width == 1280:
        assert page.locator(".table-wrap").evaluate_all(WIDE) == 0

    page.goto(f"/proposals/{proposal.public_id}/")
    warning = page.get_by_role(
        "region", name="This buys shortly before a capital-gain distribution"
    )
    warning.screenshot(path=SHOTS / f"distribution-{scheme}-{width}.png")
    assert warning.locator("li").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults == []
