from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Firm, Household, TaxProfile
from accounts.types import AccountKind, FilingStatus, Role
from harvesting.models import SubstituteMapping
from lots.types import EntryKind
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_security,
    make_user,
    set_price,
)

NIGHT = date(2022, 12, 28)


@pytest.fixture
def firm(db: None) -> Firm:
    """A firm standing at the night; AAA closes at 60 and BBB, its substitute, at 50."""
    firm = make_firm(pinned_date=NIGHT)
    author = make_user(firm, "research", role=Role.ADVISER)
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    set_price(aaa, NIGHT, "60")
    set_price(bbb, NIGHT, "50")
    SubstituteMapping.objects.create(
        firm=firm,
        security=aaa,
        substitute=bbb,
        rank=1,
        reason="Same industry.",
        author=author,
        reviewed_on=NIGHT,
    )
    return firm


@pytest.fixture
def add_household(firm: Firm) -> Callable[..., Household]:
    """A household that bought 100 AAA at the given price, with an empty IRA beside its taxable account."""

    def add(name: str = "Adams", *, bought_at: str = "100") -> Household:
        household = make_household(firm, name)
        TaxProfile.objects.create(
            household=household,
            year=NIGHT.year,
            filing_status=FilingStatus.SINGLE,
            federal_ordinary_rate=Decimal("0.35"),
            federal_long_rate=Decimal("0.15"),
            short_outside=Decimal(20_000),
        )
        account = make_account(household, f"T-{name}")
        make_account(household, f"I-{name}", kind=AccountKind.TRADITIONAL_IRA)
        book(account, EntryKind.CASH_IN, date(2021, 1, 4), amount="20000")
        book(
            account,
            EntryKind.BUY,
            date(2021, 2, 1),
            firm.securities.get(symbol="AAA"),
            "100",
            amount=str(100 * Decimal(bought_at)),
        )
        return household

    return add
