from datetime import date
from decimal import Decimal

import pytest

from harvesting.columns import day_number, keys, lot_columns
from lots.models import TaxLot
from lots.types import EntryKind
from tests.factories import book, make_account, make_firm, make_household, make_security

DAY = date(2021, 2, 1)


@pytest.fixture
def lots(db):
    household = make_household(make_firm())
    accounts = [make_account(household, number) for number in ("T-1", "T-2", "T-3")]
    securities = [make_security(household.firm, symbol) for symbol in ("AAA", "BBB")]
    for account in accounts:
        for place, security in enumerate(securities):
            book(account, EntryKind.BUY, DAY, security, f"{place + 1}.5", amount="100.2345")
    TaxLot.objects.filter(account=accounts[0]).update(loss_basis=Decimal("60.5"))
    return accounts, securities


@pytest.mark.parametrize("few", [500, 0])  # looked up by account, or the whole firm read
def test_every_open_lot_of_the_accounts_is_a_place_in_the_columns(lots, monkeypatch, few):
    monkeypatch.setattr("harvesting.columns._FEW_ACCOUNTS", few)
    accounts, securities = lots
    account_ids = keys(account.pk for account in accounts[:2])
    security_ids = keys(security.pk for security in securities)
    found = lot_columns(account_ids, security_ids, firm_id=accounts[0].firm_id)
    told = sorted(
        zip(
            account_ids[found.account].tolist(), security_ids[found.security].tolist(),
            found.quantity.tolist(), found.basis.tolist(), found.acquired.tolist(), strict=True,
        )
    )  # fmt: skip
    day = day_number(DAY)
    assert told == [
        (accounts[0].pk, securities[0].pk, 1.5, 60.5, day),  # a gift: what a loss is measured on
        (accounts[0].pk, securities[1].pk, 2.5, 60.5, day),
        (accounts[1].pk, securities[0].pk, 1.5, 100.2345, day),
        (accounts[1].pk, securities[1].pk, 2.5, 100.2345, day),
    ]


def test_accounts_without_lots_make_empty_columns(db):
    assert len(lot_columns(keys([]), keys([]), firm_id=1)) == 0


def test_a_lot_of_a_security_that_is_not_named_is_an_error(lots):
    accounts, securities = lots
    with pytest.raises(ValueError, match="not among those asked for"):
        lot_columns(keys([accounts[0].pk]), keys([securities[0].pk]), firm_id=accounts[0].firm_id)
