from datetime import date
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from accounts.types import AccountKind, OwnerKind
from lots import selectors
from lots.replay import replay
from lots.types import EntryKind, LedgerAccount, LotPick, LotRow, Pick, YearToDate
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
)

pytestmark = pytest.mark.django_db

BUY, SELL = EntryKind.BUY, EntryKind.SELL


@pytest.fixture
def account() -> Account:
    return make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))


def test_the_ledger_is_what_the_engine_needs(
    account: Account, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    aaa, bbb = make_security(account.firm, "AAA"), make_security(account.firm, "BBB")
    make_identical_group(make_user(account.firm), aaa, bbb)
    company = make_account(
        account.household, "C-1", owner="Miller Inc", owner_kind=OwnerKind.CORPORATION
    )
    other = make_account(make_household(account.firm, "Other"), "O-1")
    book(other, BUY, date(2024, 1, 2), aaa, "1", amount="10")
    sold_from = book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000", block="O-1")
    sale = book(
        account, SELL, date(2024, 2, 1), aaa, "4", amount="500", fee="1",
        picks=(Pick(sold_from.pk, Decimal(4), part=0),),
    )  # fmt: skip

    with django_assert_num_queries(8):
        ledger = selectors.ledger(account.household_id)

    assert [entry.id for entry in ledger.entries] == [str(sold_from.pk), str(sale.pk)]
    assert ledger.entries[0].block == "O-1"
    assert ledger.entries[1].picks == (LotPick(str(sold_from.pk), Decimal(4), 0),)
    assert ledger.accounts == (
        LedgerAccount(str(account.pk), AccountKind.TAXABLE, str(account.owner_id)),
        LedgerAccount(
            str(company.pk), AccountKind.TAXABLE, str(company.owner_id), OwnerKind.CORPORATION
        ),
    )
    assert ledger.groups == (frozenset({str(aaa.pk), str(bbb.pk)}),)
    result = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    assert [lot.quantity for lot in result.open_lots] == [6]


def test_entries_of_one_day_keep_the_order_of_booking(account: Account) -> None:
    aaa = make_security(account.firm)
    late = book(account, BUY, date(2024, 1, 3), aaa, "1", amount="1")
    first = book(account, BUY, date(2024, 1, 2), aaa, "1", amount="1")
    second = book(account, SELL, date(2024, 1, 2), aaa, "1", amount="1")

    entries = selectors.ledger(account.household_id).entries

    assert [entry.id for entry in entries] == [str(first.pk), str(second.pk), str(late.pk)]


def test_the_stamp_changes_with_every_booking_of_the_household_only(account: Account) -> None:
    other = make_account(make_household(account.firm, "Other"), "O-1")
    stamps = [selectors.ledger_stamp(account.household_id)]
    book(account, EntryKind.CASH_IN, date(2024, 1, 2), amount="10")
    stamps.append(selectors.ledger_stamp(account.household_id))
    book(other, EntryKind.CASH_IN, date(2024, 1, 2), amount="10")
    assert selectors.ledger_stamp(account.household_id) == stamps[-1]
    book(account, EntryKind.CASH_IN, date(2020, 1, 2), amount="10")
    stamps.append(selectors.ledger_stamp(account.household_id))

    assert len(set(stamps)) == 3


def test_open_lots_come_by_acquisition(account: Account) -> None:
    aaa = make_security(account.firm)
    late = book(account, BUY, date(2024, 1, 3), aaa, "1", amount="11")
    early = book(account, BUY, date(2024, 1, 2), aaa, "2", amount="20")

    assert selectors.open_lots(account.household_id) == [
        LotRow(
            early.pk, 0, account.pk, aaa.pk, date(2024, 1, 2), date(2024, 1, 2), Decimal(2),
            Decimal(20),
        ),
        LotRow(
            late.pk, 0, account.pk, aaa.pk, date(2024, 1, 3), date(2024, 1, 3), Decimal(1),
            Decimal(11),
        ),
    ]  # fmt: skip


def test_the_year_counts_allowed_amounts_of_taxable_sales_by_term(account: Account) -> None:
    aaa = make_security(account.firm)
    ira = make_account(account.household, "I-1", kind=AccountKind.TRADITIONAL_IRA)
    book(account, BUY, date(2022, 1, 3), aaa, "10", amount="1000")
    book(account, BUY, date(2023, 12, 1), aaa, "10", amount="1000")
    book(account, SELL, date(2024, 1, 8), aaa, "10", amount="1500")  # long, +500
    book(account, SELL, date(2024, 2, 1), aaa, "10", amount="700")  # short, -300, half washed
    book(account, BUY, date(2024, 2, 2), aaa, "5", amount="350")
    book(ira, BUY, date(2023, 1, 3), aaa, "5", amount="500")
    book(ira, SELL, date(2024, 1, 3), aaa, "5", amount="900")

    assert selectors.realized(account.household_id, 2024) == YearToDate(
        short=Decimal(-150), long=Decimal(500)
    )
    assert selectors.realized(account.household_id, 2023) == YearToDate(Decimal(0), Decimal(0))


def test_cash_follows_from_the_ledger(account: Account) -> None:
    aaa = make_security(account.firm)
    empty = make_account(account.household, "T-2")
    day = date(2024, 1, 2)
    book(account, EntryKind.CASH_IN, day, amount="5000")
    book(account, BUY, day, aaa, "10", amount="1000", fee="5")
    book(account, SELL, day, aaa, "4", amount="500", fee="1")
    book(account, EntryKind.REINVEST, day, aaa, "1", amount="100")
    book(account, EntryKind.RECEIVE, day, aaa, "1", amount="77")
    book(account, EntryKind.TRANSFER, day, aaa, "1", to_account=empty)
    book(account, EntryKind.CASH_OUT, day, amount="100")
    book(account, EntryKind.FEE, day, amount="12.5")

    assert selectors.cash(account.household_id) == {
        account.pk: Decimal("4381.5"),
        empty.pk: Decimal(0),
    }
