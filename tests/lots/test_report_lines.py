"""What every kind of disposal looks like on Form 8949, from the booking to the file."""

import pytest
from django.test import Client

from accounts.models import Account, Firm, Household
from lots.types import EntryKind
from securities.models import Security
from tests.factories import book, make_firm, make_security, make_user
from tests.lots.tax_household import day, file_rows, make_taxed_household

pytestmark = pytest.mark.django_db

BUY, SELL = EntryKind.BUY, EntryKind.SELL


@pytest.fixture
def household() -> Household:
    return make_taxed_household(make_firm(pinned_date=day("2026-12-10")))


@pytest.fixture
def browser(household: Household, client: Client) -> Client:
    client.force_login(make_user(household.firm))
    return client


def cells(browser: Client, household: Household, symbol: str) -> list[list[str]]:
    """Columns (a) to (h) of the lines of one security, with the box they stand in."""
    found, box = [], ""
    for row in file_rows(browser, household, "2026/form-8949.csv"):
        if row and row[0].startswith("Form 8949, Part"):
            box = row[0].split("box ")[1][0]
        if len(row) > 8 and symbol in row[0]:
            found.append([box, *row[:8]])
    return found


def test_inherited_shares_are_long_term_in_box_d(browser, household):
    account, inh = Account.objects.get(number="T-1"), make_security(household.firm, "INH")
    book(account, EntryKind.INHERIT, day("2026-04-01"), inh, "10", amount="1000")
    book(account, SELL, day("2026-05-04"), inh, "10", amount="1100")

    assert cells(browser, household, "INH") == [
        ["D", "10 sh. INH", "INHERITED", "2026-05-04", "1100.00", "1000.00", "", "", "100.00"]
    ]


def test_worthless_shares_are_sold_for_nothing_in_box_c(browser, household):
    Firm.objects.filter(pk=household.firm_id).update(pinned_date=day("2027-01-05"))
    account, bad = Account.objects.get(number="T-1"), make_security(household.firm, "BAD")
    book(account, BUY, day("2026-04-01"), bad, "10", amount="1000")
    book(account, EntryKind.WORTHLESS, day("2026-12-31"), bad)

    assert cells(browser, household, "BAD") == [
        ["C", "10 sh. BAD", "2026-04-01", "WORTHLESS", "0.00", "1000.00", "", "", "-1000.00"]
    ]


def test_a_return_of_capital_beyond_the_basis_is_a_gain_without_shares(browser, household):
    account, roc = Account.objects.get(number="T-1"), make_security(household.firm, "ROC")
    book(account, BUY, day("2026-04-01"), roc, "10", amount="100")
    book(account, EntryKind.RETURN_OF_CAPITAL, day("2026-06-01"), roc, amount="130")

    assert cells(browser, household, "ROC") == [
        ["C", "ROC, distribution beyond basis", "2026-04-01", "2026-06-01", "30.00", "0.00", "", "", "30.00"]
    ]  # fmt: skip


def test_cash_in_lieu_of_a_fraction_is_a_sale_of_it(browser, household):
    account, frac = Account.objects.get(number="T-1"), make_security(household.firm, "FRA")
    book(account, BUY, day("2026-04-01"), frac, "5", amount="100")
    book(account, EntryKind.SPLIT, day("2026-06-01"), frac, "0.5", amount="25")

    assert cells(browser, household, "FRA") == [
        ["A", "0.5 sh. FRA (cash in lieu)", "2026-04-01", "2026-06-01", "25.00", "20.00", "", "", "5.00"]
    ]  # fmt: skip


def test_an_old_lot_taken_over_without_history_is_noncovered(browser, household):
    account, old = Account.objects.get(number="T-1"), make_security(household.firm, "OLD")
    book(
        account, EntryKind.OPENING, day("2026-01-05"), old, "10", amount="100",
        acquired=day("2009-03-02"),
    )  # fmt: skip
    book(account, SELL, day("2026-05-04"), old, "10", amount="900")

    assert [line[0] for line in cells(browser, household, "OLD")] == ["E"]


def test_a_loss_washed_by_another_broker_is_b_when_the_replacement_is_sold(browser, household):
    """270 of the fixture's loss went into the 30 shares of T-2, whose broker knows only what they cost."""
    account = Account.objects.get(number="T-2")
    aaa = Security.objects.get(symbol="AAA")
    book(account, SELL, day("2026-06-01"), aaa, "30", amount="1500")

    assert cells(browser, household, "30 sh. AAA") == [
        ["A", "30 sh. AAA", "2026-03-10", "2026-06-01", "1500.00", "960.00", "B", "-270.00", "270.00"]
    ]  # fmt: skip
