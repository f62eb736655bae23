"""A household's performance against its model, opened from a review in a real browser."""

from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from accounts.models import Firm
from lots.types import EntryKind
from rebalancing.models import ModelAssignment, ModelWeight, TargetModel
from rebalancing.performance.market import year_of_days
from scans import review_services, services
from scans.types import Ended, Job
from securities.models import Price
from tests.browser.signed_in import signed_in
from tests.factories import book, make_account, make_firm, make_household, make_security, make_user

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"
DAY = date(2022, 12, 30)
RISE = date(2022, 12, 15)
LONG_AGO = date(2020, 1, 2)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def firm() -> Firm:
    """AAA rises from $100 to $120 on 15 December; BBB falls from $50 to $45 in July. The model has half of each."""
    firm = make_firm(pinned_date=DAY)
    model = TargetModel.objects.create(firm=firm, name="Core")
    for symbol in ("AAA", "BBB"):
        security = make_security(firm, symbol)
        ModelWeight.objects.create(model=model, security=security, weight=D("0.5"))
        Price.objects.bulk_create(
            Price(security=security, day=day, close=_close(symbol, day))
            for day in year_of_days(DAY)
        )
    household = make_household(firm, "Miller")
    ModelAssignment.objects.create(household=household, model=model)
    aaa, bbb = firm.securities.order_by("symbol")
    old = make_account(household, "T-1")
    book(old, EntryKind.CASH_IN, LONG_AGO, amount="10000")
    book(old, EntryKind.BUY, LONG_AGO, aaa, "100", amount="10000")
    young = make_account(household, "T-2")
    book(young, EntryKind.CASH_IN, date(2022, 6, 1), amount="5000")
    book(young, EntryKind.BUY, date(2022, 6, 1), bbb, "100", amount="5000")
    return firm


def _close(symbol: str, day: date) -> D:
    if symbol == "AAA":
        return D(120) if day >= RISE else D(100)
    return D(45) if day >= date(2022, 7, 1) else D(50)


def cells(page: "Page", table: str, name: str) -> list[str]:
    """The cells of the table's row of that name."""
    row = page.locator(table).filter(has=page.get_by_role("rowheader", name=name, exact=True))
    assert row.count() == 1
    return [one.inner_text().strip() for one in row.locator("td").all()]


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark"), (390, "dark")]
)
def test_the_performance_of_a_household_opens_from_its_review(
    chromium: "Browser", live_server: Any, firm: Firm, width: int, scheme: Any
) -> None:
    review = review_services.open_review(
        firm_id=firm.pk, job=Job.MONTHLY, as_of=DAY, wake_workers=False
    )
    assert set(services.work_through(run_id=review.run_id)) == {Ended.DONE}
    page = signed_in(chromium, live_server, make_user(firm, "pat"), width=width, scheme=scheme)
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: faults.append(str(error)))

    page.goto(f"/reviews/{review.public_id}/?topic=performance")
    page.get_by_role("link", name="Miller").first.click()
    page.get_by_role("heading", name="Performance against the model").wait_for()
    assert "/households/" in page.url

    # 15,000 before July is 14,500 after it, and 16,500 after AAA's rise; the model has lost 5 %, then gained 10 %.
    periods = "table:has(caption:text('Returns by period')) tbody tr"
    assert cells(page, periods, "Month") == ["30 Nov 2022", "13.79 %", "10.00 %", "3.79", "—"]
    assert cells(page, periods, "Quarter to date")[1:3] == ["13.79 %", "10.00 %"]
    assert cells(page, periods, "Year to date")[1:4] == ["10.00 %", "4.50 %", "5.50"]
    assert page.locator(periods).count() == 4
    accounts = "h3:text-is('Accounts') + div tbody tr"
    assert page.locator(accounts).count() == 2
    assert cells(page, accounts, "Ann taxable (T-1)") == ["20.00 %"] * 2 + ["20.00 %"] * 2
    young = cells(page, accounts, "Ann taxable (T-2)")
    assert young[:2] == ["0.00 %"] * 2
    assert [one.split() for one in young[2:]] == [["−10.00", "%", "since", "1", "Jun", "2022"]] * 2

    picture = page.get_by_role("img", name="Return of the household and of its model since")
    picture.wait_for()
    assert picture.locator("polyline").count() == 2
    named = picture.locator("text").all_text_contents()
    assert {"household", "model", "0 %"} <= set(named)
    assert not [one for one in named if one.startswith("-")], "a real minus"
    figures = page.get_by_text("The figures of the chart")
    table = page.locator("details table tbody tr")
    assert not table.first.is_visible()
    figures.click()
    last = table.filter(has=page.get_by_role("rowheader", name="30 Dec 2022"))
    last.wait_for()
    assert table.count() == 14, "the first day, the end of its month, and twelve more"
    assert [one.inner_text() for one in last.locator("td").all()] == [
        "$16,500",
        "10.00 %",
        "4.50 %",
    ]
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"performance-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.get_by_role("link", name="Monthly review of 30 December 2022").click()
    page.wait_for_url(f"**/reviews/{review.public_id}/")
    page.context.close()
    assert faults == []
