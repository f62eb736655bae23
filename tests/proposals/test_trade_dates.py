"""The trade date in the market's zone decides window and tax year, whatever the hour and the server's zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.selectors import business_date, market_date
from lots import services
from lots.models import Disposal, Transaction
from lots.selectors import tax_position
from lots.types import EntryKind
from lots.wash_sales import first_clear_date
from proposals.selectors import windows
from tests.factories import book, make_account, make_firm, make_household, make_security, set_price
from tests.lots.importers.statements import statement, trade
from tests.lots.test_tax_years import profile

pytestmark = pytest.mark.django_db

NEW_YEARS_EVE = date(2024, 12, 31)
# 23:30 in New York on New Year's Eve; the server's clock, in UTC, shows the new year.
LATE = datetime(2025, 1, 1, 4, 30, tzinfo=UTC)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """A firm with a running clock that stands at LATE; 10 AAA bought at 100 half a year ago."""
    monkeypatch.setattr(timezone, "now", lambda: LATE)
    account = make_account(make_household(make_firm()))
    security = make_security(account.firm, "AAA", cusip="037833100")
    set_price(security, NEW_YEARS_EVE, "80")
    book(account, EntryKind.BUY, date(2024, 6, 3), security, "10", amount="1000")
    return account


def import_sale(account: Account, written: str) -> Transaction:
    """A sale of the ten at 80, whose statement writes the moment so."""
    sale = trade(
        "SELLSTOCK", fitid="F-9", day=written, units="-10", price="80", costs="", total="800"
    )
    services.import_file(
        firm=account.firm,
        user=None,
        file=statement(sale).encode(),
        name="late.ofx",
        format=None,
        account=account,
        as_of=business_date(account.firm),
    )
    return Transaction.objects.get(external_id="F-9")


@pytest.mark.parametrize(
    "written", ["20241231", "20241231093000.000[-5:EST]", "20241231233000.000[-5:EST]"]
)
def test_a_trade_of_half_past_eleven_at_night_is_one_of_that_day(account: Account, written: str):
    """T34: its loss belongs to the old year, and its window is counted from the old year's last day."""
    assert business_date(account.firm) == market_date(LATE) == NEW_YEARS_EVE
    sold = import_sale(account, written)
    assert sold.security_id is not None
    assert sold.trade_date == NEW_YEARS_EVE
    assert Disposal.objects.get().sale.trade_date == NEW_YEARS_EVE
    for year, loss in ((2024, -200), (2025, 0)):
        profile(account, year=year)
        position = tax_position(account.household_id, year)
        assert position is not None
        assert position.short == loss
        assert position.long == 0
    clear = NEW_YEARS_EVE + timedelta(days=31)
    assert first_clear_date(sold.trade_date) == clear
    for day, blocked in ((clear - timedelta(days=1), True), (clear, False)):
        found = windows(account.household_id, day)
        assert (sold.security_id in found.buy_blocked) is blocked
    assert windows(account.household_id, NEW_YEARS_EVE).buy_blocked[sold.security_id].clear_on == (
        clear
    )


def test_the_next_day_begins_at_midnight_in_new_york(account: Account, monkeypatch):
    """T34: half an hour later it is another day there, and another tax year."""
    monkeypatch.setattr(timezone, "now", lambda: LATE + timedelta(minutes=30))
    assert business_date(account.firm) == date(2025, 1, 1)
    assert market_date(LATE + timedelta(minutes=29, seconds=59)) == NEW_YEARS_EVE
    summer = datetime(2022, 7, 1, 3, 59, 59, tzinfo=UTC)
    assert market_date(summer) == date(2022, 6, 30)
    assert market_date(summer + timedelta(seconds=1)) == date(2022, 7, 1)
