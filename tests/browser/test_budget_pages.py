"""The budget card, its form and a gain harvest as a browser shows them: light, dark and on a telephone."""

from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import transaction

from accounts.models import TaxProfile
from harvesting.gain_services import examine_gains, store_gains
from harvesting.models import HarvestPolicy
from lots.types import EntryKind
from proposals import services
from tests import factories
from tests.browser.signed_in import signed_in
from tests.proposals.desk import TODAY, make_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("light", 1280, "light"), ("dark", 390, "dark")]
)
def test_the_budget_and_the_sum_fit_the_screen(
    chromium: "Browser", live_server, name: str, width: int, scheme
):
    desk = make_desk()
    TaxProfile.objects.update(
        ordinary_income=D(70000), modified_agi=D(90000), net_investment_income=D(0)
    )
    HarvestPolicy.objects.create(
        firm=desk.firm, harvests_gains=True, future_rate=D("0.15"), discount_rate=D(0)
    )
    security = factories.make_security(desk.firm, "AAA")
    factories.set_price(security, TODAY, "80")
    factories.book(desk.account, EntryKind.BUY, date(2020, 3, 2), security, "100", amount="2000")
    services.set_budget(
        user=desk.adviser,
        household=desk.household.public_id,
        year=2022,
        short_limit=None,
        long_limit=D(10000),
        tax_limit=D(2500),
        reason="As agreed in the annual review.",
    )
    with transaction.atomic():
        proposal = store_gains(result=examine_gains(household_id=desk.household.pk, as_of=TODAY))
    assert proposal is not None
    page = signed_in(chromium, live_server, desk.adviser, width=width, scheme=scheme)
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    SHOTS.mkdir(parents=True, exist_ok=True)
    for path, shot in (
        (f"/households/{desk.household.public_id}/", "budget-household"),
        (f"/proposals/{proposal.public_id}/", "gain-harvest"),
    ):
        page.goto(path)
        for summary in page.locator("details.card > summary").all():
            summary.click()
        page.screenshot(path=SHOTS / f"{shot}-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
    assert faults == []
