"""The backtest pages in a real browser: light and dark, wide and narrow, nothing broken or cut off."""

from typing import TYPE_CHECKING, Any, Literal

import pytest

from accounts.types import Role
from tests.browser.signed_in import signed_in
from tests.browser.test_windows_pages import SHOTS
from tests.factories import make_firm
from tests.proposals.desk import make_person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("name", ["harvest", "rebalance"])
def test_a_backtest_fits_light_and_dark_wide_and_narrow(
    chromium: "Browser", live_server: Any, name: str
) -> None:
    adam = make_person(make_firm("Ours"), "adam", Role.ADVISER)
    SHOTS.mkdir(parents=True, exist_ok=True)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page = signed_in(chromium, live_server, adam, width=1280, scheme=scheme)
        look(page, name, scheme)
        page.context.close()


def look(page: "Page", name: str, scheme: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/backtests/{name}/")
        page.screenshot(path=str(SHOTS / f"{name}-{scheme}-{width}.png"), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("html").get_attribute("data-bs-theme") == scheme
    assert said == []
