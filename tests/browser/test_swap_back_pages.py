"""The swap-back pages in a real browser, without any script: shares and cash, several pairs decided about at once."""

from typing import TYPE_CHECKING, Any

import pytest

from lots.types import EntryKind
from proposals.models import HarvestedPair
from securities.calendar import is_business_date
from tests import factories
from tests.browser.signed_in import signed_in
from tests.browser.test_windows_pages import SHOTS
from tests.harvesting.test_pair_services import Back, make_back
from tests.harvesting.test_parked_pairs import two_pairs
from tests.proposals.desk import BOUGHT, TODAY, make_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def full_desk() -> Back:
    """19 SUB and 800 dollars in cash stand in for OLD, and both go back tonight."""
    desk = make_desk()
    factories.book(desk.account, EntryKind.CASH_IN, BOUGHT, amount="2000")
    back = make_back(desk=desk)
    back.night(two_pairs(back))
    return back


@pytest.fixture
def page(chromium: "Browser", live_server: Any) -> "Page":
    back = full_desk()
    is_business_date(TODAY)  # the exchange's calendar takes seconds to load, once a process
    page = signed_in(
        chromium, live_server, back.adviser, width=1280, scheme="light", has_scripts=False
    )
    page.goto("/swap-backs/")
    return page


def shoot(page: "Page", name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=str(SHOTS / f"{name}-light-{width}.png"), full_page=True)
        assert page.locator("main").bounding_box()["width"] <= width  # type: ignore[index]
        if width == 1280:  # all columns are in sight
            wide = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
            assert page.locator(".table-wrap").evaluate_all(wide) == 0
    page.set_viewport_size({"width": 1280, "height": 900})


def test_several_pairs_are_waived_and_taken_back_without_a_script(page: "Page") -> None:
    assert "$800.00 in cash" in page.inner_text("main tbody")
    assert "19 SUB" in page.inner_text("main tbody")
    page.locator("summary", has_text="Why, and the sum").nth(1).click()
    shoot(page, "swap-backs-due")
    for box in page.locator("input[name=pair]").all():
        box.check()
    page.fill("#reason-several", "The client keeps both.")
    page.click("#several button:has-text('Stay')")
    assert "2 of 2 done." in page.inner_text("main")
    shoot(page, "swap-backs-answers")
    assert {row.state for row in HarvestedPair.objects.all()} == {"waived"}

    page.click("main >> text=Waived")
    page.locator("input[name=pair]").first.check()
    page.click("#several button:has-text('Take the waiver back')")
    assert "1 of 1 done. The next night decides again." in page.inner_text("main")
    page.click("main tbody a")
    assert "$800.00 in cash" in page.inner_text("main tbody")
    shoot(page, "swap-backs-household")
