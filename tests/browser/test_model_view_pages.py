"""Views on returns, what a draft does to all households, and factor exposures, in a real browser."""

from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from rebalancing.model_changes.recipes import Recipe
from rebalancing.model_changes.version_effects import measure_some
from rebalancing.models import Mandate, MandateRule, ModelVersion, ReturnView
from scans import review_services, services
from scans.types import Job
from tests.browser.signed_in import signed_in
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
    page = signed_in(chromium, live_server, drifted.user, width=width, scheme=scheme)
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
    page.context.close()
    assert faults == []


def fault_of(page: "Page", label: str) -> str:
    """What the page says about a field to who cannot see where it stands; empty where it is not refused."""
    field = page.get_by_label(label, exact=True)
    if field.get_attribute("aria-invalid") != "true":
        return ""
    told = page.locator(f"#{field.get_attribute('aria-describedby')}")
    assert told.is_visible()
    return told.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_broken_view_stays_as_it_was_typed_says_what_is_wrong_and_is_not_stored(
    chromium: "Browser", live_server: Any, drifted: Desk, width: int, scheme: Any
) -> None:
    drifted.model.recipe = Recipe.MEAN_VARIANCE
    drifted.model.save()
    page = signed_in(chromium, live_server, drifted.user, width=width, scheme=scheme)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"/models/{drifted.model.pk}/")
    begin = page.get_by_label("From").input_value()

    def state(shot: str = "", **typed: str) -> dict[str, str]:
        """Type, send, and look: the faults by label. What was typed is there again, and nothing is on record."""
        known = ReturnView.objects.count()
        texts = {
            "By, % a year": "2",
            "Confidence, %": "60",
            "From": begin,
            "Through, if it ends": "",
            "Why": "Their new plant.",
        } | {LABELS[name]: text for name, text in typed.items() if name not in ("symbol", "over")}
        chosen = {
            "Name": typed.get("symbol", "AAA"),
            "Better than": typed.get("over", "BBB"),
        }
        for label, text in texts.items():
            page.get_by_label(label, exact=True).fill(text)
        for label, name in chosen.items():
            page.get_by_label(label, exact=True).select_option(name)
        with page.expect_navigation():
            page.get_by_role("button", name="State this view").click()
        for label, text in (texts | chosen).items():
            assert page.get_by_label(label, exact=True).input_value() == text, label
        if shot:
            shoot(page, f"broken-view-{shot}-{width}", width)
        assert ReturnView.objects.count() == known
        found = {label: told for label in (*texts, *chosen) if (told := fault_of(page, label))}
        if found:
            first = page.locator("[aria-invalid=true]").first
            assert first.evaluate("one => one === document.activeElement")
            top = first.evaluate("one => one.getBoundingClientRect().top")
            assert 0 <= top < 900, "the first fault is in sight"
        return found

    required = "This field is required."
    assert state("empty", yearly_return="", confidence="", reason="", since="") == {
        "By, % a year": required,
        "Confidence, %": required,
        "From": required,
        "Why": required,
    }
    told = "Give per cent, such as 8 or 2.5; at most 6 decimals."
    assert state("words", yearly_return="two <b>", confidence="1e2") == {
        "By, % a year": told,
        "Confidence, %": told,
    }
    assert state("many", yearly_return="12,5", confidence="0", until="2020-01-01") == {
        "By, % a year": told
    }, "what cannot be read is told before what makes no sense"
    assert state(
        "nonsense", yearly_return="-50.001 %", confidence="100.5", until="2020-01-01", over="AAA"
    ) == {
        "Better than": "AAA cannot beat itself.",
        "By, % a year": "-50.001 % a year is beyond 50 %: no view is taken that large. "
        "Name the better one first: by how much it is better is not negative.",
        "Confidence, %": "Confidence is above 0 % and at most 100 %.",
        "Through, if it ends": f"2020-01-01 lies before the first day, {begin}.",
    }

    page.get_by_label("Better than").select_option("BBB")
    page.get_by_label("By, % a year").fill("2")
    page.get_by_label("Confidence, %").fill("60")
    page.get_by_label("Through, if it ends").fill("")
    page.get_by_role("button", name="State this view").click()
    page.get_by_role("rowheader", name="AAA beats BBB by 2.00 % a year").wait_for()
    assert state("twice", symbol="BBB", over="AAA") == {}
    alert = page.get_by_role("alert").filter(has_text="There is a view about that already")
    assert "AAA beats BBB by 2.00 % a year. End it first." in alert.inner_text()
    assert alert.evaluate("one => one === document.activeElement")
    page.context.close()
    assert faults == []
    assert ReturnView.objects.count() == 1


LABELS = {
    "yearly_return": "By, % a year",
    "confidence": "Confidence, %",
    "since": "From",
    "until": "Through, if it ends",
    "reason": "Why",
}
