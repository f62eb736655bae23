"""A rebalance whose policy changes between looking and approving, and the head of every page, in a real browser."""

from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from proposals.models import Proposal
from rebalancing.models import RebalancePolicy
from tests.browser.signed_in import signed_in
from tests.rebalancing.test_services import Desk, desk, drifted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["desk", "drifted"]  # fixtures

# How many lines the links of the head stand on, and whether anything sticks out at the side.
LINES = """() => new Set([...document.querySelectorAll('header nav .nav-link')]
  .map(link => Math.round(link.getBoundingClientRect().top))).size"""
HEADS = """() => new Set([...document.querySelectorAll('header .navbar-brand, header .nav-link, header form')]
  .map(part => { const box = part.getBoundingClientRect(); return Math.round((box.top + box.bottom) / 20); })).size"""
STICKS_OUT = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def page(chromium: "Browser", live_server: Any, drifted: Desk) -> "Page":
    return signed_in(chromium, live_server, drifted.user, width=1280, scheme="light")


def test_a_policy_that_changed_after_the_look_is_named_where_it_is_approved(
    page: "Page", drifted: Desk
) -> None:
    RebalancePolicy.objects.update(band_type="relative", relative_band=D("0.2"))
    proposal = drifted.store(drifted.examine())
    assert proposal is not None
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.goto(f"/proposals/{proposal.public_id}/")
    assert page.get_by_role("button", name="Find other points").is_visible()

    RebalancePolicy.objects.update(relative_band=D("0.1"))
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Approve").click()
    told = page.get_by_role("alert").filter(has_text="This proposal is stale")
    told.wait_for()
    assert "The policy's band was 20 % of the target and is now 10 % of the target." in (
        told.inner_text()
    )
    page.screenshot(path=SHOTS / "stale-rebalance-1280.png")
    assert Proposal.objects.get(pk=proposal.pk).status == "stale"

    page.set_viewport_size({"width": 390, "height": 900})
    assert not page.evaluate(STICKS_OUT)
    page.screenshot(path=SHOTS / "stale-rebalance-390.png")


def test_the_head_of_a_page_is_one_line_at_a_desk_and_fits_everywhere(
    page: "Page", drifted: Desk
) -> None:
    drifted.user.first_name, drifted.user.last_name = "Wilhelmina", "Featherstonehaugh"
    drifted.user.save()
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in (1280, 1024, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto("/")
        page.screenshot(
            path=SHOTS / f"head-{width}.png", clip={"x": 0, "y": 0, "width": width, "height": 260}
        )
        assert not page.evaluate(STICKS_OUT), width
        if width > 1000:
            assert page.evaluate(LINES) == 1, width
        if width == 1280:
            assert page.evaluate(HEADS) == 1
