"""A firm out of the example with something in its books."""

from datetime import date

import pytest

from accounts.models import Account
from lots.models import Disposal
from lots.types import EntryKind
from securities.models import Security
from tests.config.setup_file.texts import edited, take
from tests.factories import book


@pytest.fixture
def traded():
    """The example with a purchase in the Millers' taxable account."""
    take(edited())
    account = Account.objects.get(number="T-1001")
    googl = Security.objects.get(symbol="GOOGL")
    book(account, EntryKind.CASH_IN, date(2024, 1, 2), amount="50000")
    book(account, EntryKind.BUY, date(2024, 1, 3), googl, "100", amount="14000")
    return account


@pytest.fixture
def washed(traded):
    """A loss in GOOGL on 4 March 2024, washed by GOOG bought the week after."""
    googl, goog = (Security.objects.get(symbol=symbol) for symbol in ("GOOGL", "GOOG"))
    book(traded, EntryKind.SELL, date(2024, 3, 4), googl, "100", amount="13000")
    book(traded, EntryKind.BUY, date(2024, 3, 11), goog, "100", amount="13200")
    assert Disposal.objects.get().disallowed == 1000
    return traded
