"""The pages of a model's changes in a real browser: they fit the screen, and load what a draft would do."""

from datetime import date
from decimal import Decimal as D
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from rebalancing.model_changes.recipes import ExitRule, Freed
from rebalancing.model_changes.universe_drafts import ListedChange, draft_universe_change
from rebalancing.model_changes.version_decisions import publish
from rebalancing.model_changes.version_effects import measure_some
from tests.browser.signed_in import signed_in
from tests.factories import make_security
from tests.rebalancing.test_services import DAY, Desk, desk, drifted, give_history

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["desk", "drifted"]  # fixtures


def changed(desk: Desk, out: str, coming: str, on: date, steps: int) -> Any:
    rows = [ListedChange(out, rule=ExitRule.HOLD), ListedChange(coming, D("0.2"), note="Cheaper")]
    return draft_universe_change(
        user=desk.user, model=desk.model, rows=rows, freed=Freed.OTHERS, effective_on=on,
        steps=steps, reason="The committee’s list of December.",
    ).version  # fmt: skip


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("light", 1280, "light"), ("dark", 390, "dark")]
)
def test_the_pages_of_a_model_fit_the_screen(
    chromium: "Browser", live_server: Any, drifted: Desk, name: str, width: int, scheme: Any
) -> None:
    for symbol in ("DDD", "EEE"):
        security = make_security(drifted.household.firm, symbol)
        security.average_daily_volume = 500
        security.save()
        give_history(security, Random(symbol))
    publish(user=drifted.user, version=changed(drifted, "AAA", "DDD", DAY, 1))
    drifted.buy(drifted.ira, "BBB", "10", "1000", day=date(2022, 12, 20))
    draft = changed(drifted, "BBB", "EEE", date(2023, 1, 9), 3)
    measure_some(draft.pk)
    page = signed_in(chromium, live_server, drifted.user, width=width, scheme=scheme)
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    SHOTS.mkdir(parents=True, exist_ok=True)
    model = f"/models/{drifted.model.pk}/"
    file = b"symbol,market_value,effective_date\nBBB,3000000,2023-01-09\nEEE,1000000,2023-01-09\n"
    for path, shot in (
        ("/models/", "models"),
        (model, "model-versions"),
        (f"{model}universe-change/", "universe-change"),
        (f"/models/versions/{draft.public_id}/", "model-version"),
        (f"/models/versions/{draft.public_id}/effect/", "version-effect"),
        (f"/models/versions/{draft.public_id}/households/", "version-households"),
        (f"{model}constituents/", "constituents"),
    ):
        page.goto(path)
        if shot == "model-version":
            page.get_by_role("heading", name="What it meets").wait_for()
            page.get_by_text("1 of 1 households have been measured").wait_for()
        if shot == "constituents":
            page.locator("input[type=file]").set_input_files(
                {"name": "index.csv", "mimeType": "text/csv", "buffer": file}
            )
            page.get_by_role("button", name="Look at it").click()
            page.get_by_text("Nothing is written yet").wait_for()
        page.screenshot(path=SHOTS / f"{shot}-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
    assert faults == []
