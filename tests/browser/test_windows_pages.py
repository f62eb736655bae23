"""The windows pages in a real browser: dark and light, wide and on a telephone, nothing hangs over."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from accounts.models import Account
from lots.types import EntryKind
from proposals.models import ScheduledPurchase
from proposals.types import Cadence
from securities.calendar import is_business_date
from securities.models import Dividend
from tests.browser.signed_in import signed_in
from tests.factories import book, make_account, make_identical_group, make_security, set_price
from tests.proposals.desk import TODAY, Desk, make_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def full_desk() -> Desk:
    """A household with a window of every kind."""
    desk = make_desk()
    twin = make_security(desk.firm, "TWIN")
    set_price(twin, TODAY, "40")
    make_identical_group(desk.adviser, desk.old, twin)
    desk.account.reinvests_dividends = True
    desk.account.save(update_fields=["reinvests_dividends"])
    away = make_account(desk.household, "B-9", owner="Bob")
    away.held_away = True
    away.save(update_fields=["held_away"])
    book(desk.ira, EntryKind.BUY, TODAY - timedelta(days=12), twin, "8", amount="300")
    book(desk.account, EntryKind.BUY, date(2022, 2, 1), desk.sub, "30", amount="3300")
    book(desk.account, EntryKind.SELL, TODAY - timedelta(days=20), desk.sub, "10", amount="800")
    book(desk.account, EntryKind.REINVEST, TODAY - timedelta(days=3), desk.sub, "1", amount="79")
    ScheduledPurchase.objects.create(
        account=desk.ira, security=desk.old, amount=Decimal(400),
        first_on=TODAY + timedelta(days=8), cadence=Cadence.MONTHLY,
    )  # fmt: skip
    for security, ex_date in ((desk.old, TODAY + timedelta(days=9)), (desk.sub, TODAY)):
        Dividend.objects.create(
            security=security,
            ex_date=ex_date,
            pay_date=TODAY + timedelta(days=16),
            amount=Decimal("0.75"),
        )
    return desk


@pytest.fixture
def page(chromium: "Browser", live_server: Any) -> "Page":
    desk = full_desk()
    is_business_date(TODAY)  # the exchange's calendar takes seconds to load, once a process
    page = signed_in(chromium, live_server, desk.adviser, width=1280, scheme="light")
    page.goto(f"/households/{desk.household.public_id}/windows/")
    return page


def shoot(page: "Page", name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.setAttribute('data-bs-theme', '{theme}')")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, f"{name} hangs over by {over} px at {width} px"
            page.screenshot(path=str(SHOTS / f"{name}-{theme}-{width}.png"), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_windows_of_a_household_and_of_the_firm_both_ways(page: "Page") -> None:
    text = page.inner_text("main")
    assert "Switch reinvestment of OLD off in Ann taxable until 2023-01-28" in text
    assert "not while the plan goes on" in text
    assert "identical: TWIN" in text
    assert "Coverage incomplete: the transactions of Bob taxable (B-9) are not here" in text
    shoot(page, "windows-household-sell")
    page.click("text=If you buy today")
    text = page.inner_text("main")
    assert "SUB sold on 2022-12-08" in text
    shoot(page, "windows-household-buy")

    page.click("text=Restrict a security")
    page.fill("#security", "SUB")
    page.fill("#reason", "The client's employer.")
    page.click("button:has-text('Restrict')")
    assert "SUB is restricted." in page.inner_text("main")
    assert "The client's employer." in page.inner_text("main")

    page.click("text=Record a withdrawal, distribution, fee or deposit")
    page.fill("#flow-amount", "5,000")
    page.fill("#flow-due_on", str(TODAY + timedelta(days=9)))
    page.fill("#flow-reason", "The client's roof.")
    page.select_option("#flow-kind", "rmd")
    page.click("button:has-text('Record it')")
    assert "leaves a retirement account, and none is named" in page.inner_text("main")
    assert page.input_value("#flow-reason") == "The client's roof."
    shoot(page, "windows-household-cash-refused")
    ira = str(Account.objects.get(number="R-1").public_id)
    page.select_option("#flow-account", ira)
    page.click("button:has-text('Record it')")
    assert "The required distribution of 2023-01-06 is on record." in page.inner_text("main")
    shoot(page, "windows-household-cash")
    page.fill("input[id^=flow-why-]", "Paid by another bank.")
    page.press("input[id^=flow-why-]", "Enter")
    assert "The required distribution of 2023-01-06 is called off." in page.inner_text("main")
    assert "No withdrawal, required distribution, fee or deposit is on record." in page.inner_text(
        "main"
    )

    page.click("nav[aria-label=Main] >> text=Windows")
    assert "Miller" in page.inner_text("main")
    shoot(page, "windows-firm-sell")
    page.check("input[name=ira]")
    page.click("button:has-text('Show')")
    text = page.inner_text("main tbody")
    assert "OLD" in text
    assert "SUB" not in text
