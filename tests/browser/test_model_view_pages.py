"""Views on returns, what a draft does to all households, and factor exposures, in a real browser."""

from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client

from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.version_effects import measure_some
from rebalancing.models import Mandate, MandateRule, ModelVersion, ReturnView
from scans import review_services, services
from scans.types import Job
from tests.rebalancing.test_services import DAY, Desk, desk, drifted

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["desk", "drifted"]  # fixtures


def shoot(page: "Page", name: str, width: int) -> None:
    """A picture to look at; nothing reaches beyond the screen."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("light", 1280, "light"), ("dark", 390, "dark")]
)
def test_a_view_is_stated_drafted_measured_and_factors_are_drawn(
    chromium: "Browser", live_server: Any, drifted: Desk, name: str, width: int, scheme: Any
) -> None:
    drifted.model.recipe = Recipe.MEAN_VARIANCE
    drifted.model.save()
    mandate = Mandate.objects.create(firm=drifted.household.firm, name="House")
    for key, low, high in (("narrow", None, D("0.01")), ("wide", D("-0.05"), D("0.5"))):
        MandateRule.objects.create(
            mandate=mandate, key=key, kind="factor", subject="statistical factor 1", low=low, high=high,
            is_hard=False,
        )  # fmt: skip
    review = review_services.open_review(
        firm_id=drifted.household.firm_id, job=Job.WEEKLY, as_of=DAY, wake_workers=False
    )
    list(services.work_through(run_id=review.run_id))
    client = Client()
    client.force_login(drifted.user)
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=live_server.url
    )
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    page.goto(f"/models/{drifted.model.pk}/")
    page.get_by_label("Name", exact=True).select_option("AAA")
    page.get_by_label("Better than").select_option("AAA")
    page.get_by_label("By, % a year").fill("2")
    page.get_by_label("Confidence, %").fill("60")
    page.get_by_label("Why").fill("Their new plant opens in spring.")
    page.get_by_role("button", name="State this view").click()
    page.get_by_text("AAA cannot beat itself.").wait_for()
    assert page.get_by_label("Why").input_value() == "Their new plant opens in spring."
    shoot(page, f"view-refused-{name}", width)
    page.get_by_label("Better than").select_option("BBB")
    page.get_by_role("button", name="State this view").click()
    page.get_by_role("rowheader", name="AAA beats BBB by 2.00 % a year").wait_for()
    assert ReturnView.objects.get().confidence == D("0.6")
    shoot(page, f"view-stated-{name}", width)

    page.get_by_role("button", name="Draft weights by mean variance now").click()
    page.get_by_role("heading", name="Views it was made with").wait_for()
    page.get_by_role("heading", name="All households").wait_for()
    page.get_by_text("No household has been measured yet. 1 is still to come.").wait_for()
    measure_some(ModelVersion.objects.get().pk)
    page.reload()
    page.get_by_text("1 of 1 households have been measured").wait_for()
    shoot(page, f"version-with-views-{name}", width)
    page.get_by_role("button", name="Measure all again").click()
    page.get_by_text("1 is still to come").wait_for()
    shoot(page, f"all-households-{name}", width)

    page.goto(f"/households/{drifted.household.public_id}/drift/")
    picture = page.get_by_role("img", name="Active exposure to each factor")
    picture.wait_for()
    assert picture.locator("line.limit").count() == 2
    row = page.get_by_role("row", name="statistical factor 1")
    assert "−5.00 %" in row.inner_text()
    assert "1.00 %" in row.inner_text()
    shoot(page, f"factor-chart-{name}", width)
    context.close()
    assert faults == []
