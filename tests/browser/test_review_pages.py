"""A daily and a quarterly review in a real browser: they fit the screen, are filtered, lead on, and are signed."""

from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from accounts.models import Firm
from accounts.types import Role
from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.model_changes.universe_drafts import ListedChange, draft_universe_change
from rebalancing.model_changes.version_decisions import publish
from rebalancing.models import TargetModel
from scans import review_services, services
from scans.models import Review
from scans.types import Ended, Job
from tests.browser.signed_in import signed_in
from tests.factories import make_household, make_user
from tests.scans.test_reviews import NIGHT, family, limit
from tests.scans.test_reviews import firm as firm  # a fixture

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def reviewed(firm: Firm) -> tuple[Review, Review]:
    """A night with something to trade, then a quarter in which a name left the model and is still held."""
    family(firm, "Miller", (500, 300, 170))
    family(firm, "Stone")
    make_household(firm, "Unassigned")
    limit(firm, "single_name", high=D("0.42"), is_hard=False)
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    assert set(services.work_through(run_id=run.pk)) == {Ended.DONE}
    user = make_user(firm, "research", role=Role.ADVISER)
    drafted = draft_universe_change(
        user=user,
        model=TargetModel.objects.get(firm=firm),
        rows=[ListedChange("CCC", rule=ExitRule.HOLD)],
        freed=Freed.OTHERS,
        effective_on=NIGHT,
        steps=1,
        reason="The committee’s list of December.",
    )
    assert drafted.version is not None
    publish(user=user, version=drafted.version)
    quarterly = review_services.open_review(
        firm_id=firm.pk, job=Job.QUARTERLY, as_of=NIGHT, wake_workers=False
    )
    assert set(services.work_through(run_id=quarterly.run_id)) == {Ended.DONE}
    return Review.objects.get(run=run), quarterly


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_daily_and_quarterly_reviews_fit_the_screen_and_are_signed(
    chromium: "Browser", live_server: Any, firm: Firm, width: int, scheme: Any
) -> None:
    daily, quarterly = reviewed(firm)
    page = signed_in(
        chromium,
        live_server,
        make_user(firm, "pat", role=Role.APPROVER),
        width=width,
        scheme=scheme,
    )
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    SHOTS.mkdir(parents=True, exist_ok=True)

    def look(path: str, shot: str) -> None:
        page.goto(path)
        page.screenshot(path=SHOTS / f"{shot}-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    look("/reviews/", "reviews")
    page.locator("tbody a").first.wait_for()
    look(f"/reviews/{daily.public_id}/", "review-daily")
    page.get_by_text("AAA weighs 50.00 %, its target is").first.wait_for()
    page.get_by_role("link", name="Decide").first.wait_for()
    look(f"/reviews/{quarterly.public_id}/", "review-quarterly")
    page.get_by_label("About").select_option("models")
    page.get_by_label("Topic").select_option("exits")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("CCC left the model on").wait_for()
    page.screenshot(path=SHOTS / f"review-exits-{width}-{scheme}.png", full_page=True)
    page.get_by_role("link", name="still held").click()
    page.get_by_role("heading", name="Left, and still held").wait_for()
    page.goto(f"/reviews/{quarterly.public_id}/?about=models")
    page.get_by_label("Note").fill("Looked through with the committee.")
    page.get_by_role("button", name="Sign this review").click()
    page.get_by_text("Signed by pat").wait_for()
    assert page.url.endswith("?about=models")
    page.context.close()
    assert faults == []
    quarterly.refresh_from_db()
    assert quarterly.note == "Looked through with the committee."
