"""Custodian position files through the whole road, and what follows from them."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.errors import NotAllowed
from accounts.models import Account, AuditEvent
from accounts.types import AccountKind, Role
from lots import selectors, services
from lots.models import PositionStatement, StatementPosition
from lots.position_check import Standing
from lots.types import EntryKind, PositionImport
from securities.importers.refusal import ImportRefused
from securities.models import Security
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_security,
    make_user,
)

pytestmark = pytest.mark.django_db

TODAY = date(2024, 12, 31)
HEADER = "account,symbol,quantity,as_of\n"
AGREES = HEADER + "T-1,AAA,100,2024-12-30\n"
DIFFERS = HEADER + "T-1,AAA,90,2024-12-30\n"


@pytest.fixture
def account() -> Account:
    """100 AAA in T-1, nothing in I-1."""
    account = make_account(make_household(make_firm(pinned_date=TODAY)))
    make_account(account.household, "I-1", kind=AccountKind.ROTH_IRA)
    aaa = make_security(account.firm, "AAA", cusip="037833100")
    book(account, EntryKind.CASH_IN, date(2024, 1, 2), amount="50000")
    book(account, EntryKind.BUY, date(2024, 1, 3), aaa, "100", amount="10000")
    return account


@pytest.fixture
def aaa(account: Account) -> Security:
    return account.firm.securities.get(symbol="AAA")


def imported(account: Account, text: str, **more: bool) -> PositionImport:
    return services.import_positions(
        firm=account.firm, user=None, file=text.encode(), name="p.csv", as_of=TODAY, **more
    )


def refused(account: Account, text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        imported(account, text)
    assert not PositionStatement.objects.exists()
    return [str(problem) for problem in refusal.value.problems]


def wrong(account: Account, day: date = TODAY) -> dict[int, str]:
    return selectors.unreconciled(account.household_id, day)


def rows() -> list[object]:
    tables = (PositionStatement, StatementPosition, AuditEvent)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def test_a_statement_that_agrees_leaves_the_account_alone(account: Account) -> None:
    found = imported(account, AGREES)
    assert (found.new, found.known, found.replaced, found.unreconciled) == (1, 0, 0, ())
    assert wrong(account) == {}
    checks = selectors.account_checks(account.household_id, TODAY)
    assert [one.standing for one in checks.values()] == [
        Standing.RECONCILED,
        Standing.NO_STATEMENT,
    ]


def test_a_statement_that_differs_blocks_the_account_and_says_why(account: Account) -> None:
    """T53."""
    found = imported(account, DIFFERS)
    assert wrong(account) == {account.pk: "AAA: lots 100, custodian 90 on 2024-12-30"}
    assert found.sentence == (
        "1 statements new, 0 known, 0 replaced. 1 of its accounts unreconciled: "
        "T-1: AAA: lots 100, custodian 90 on 2024-12-30."
    )


def test_the_same_file_again_changes_nothing(account: Account) -> None:
    imported(account, DIFFERS)
    before = rows()
    again = imported(account, DIFFERS)
    assert (again.new, again.known, again.replaced) == (0, 1, 0)
    assert rows() == before


def test_the_same_positions_in_another_form_are_known(account: Account) -> None:
    imported(account, AGREES)
    other = "as_of,quantity,cusip,account\n2024-12-30,100.000,037833100,T-1\n"
    assert imported(account, other).known == 1


def test_another_statement_of_the_same_day_is_refused_until_somebody_has_looked(
    account: Account,
) -> None:
    imported(account, DIFFERS)
    before = rows()
    with pytest.raises(ImportRefused, match="line 2: another statement of this account"):
        imported(account, AGREES)
    assert rows() == before

    replaced = imported(account, AGREES, correct=True)
    assert (replaced.new, replaced.replaced) == (0, 1)
    assert wrong(account) == {}
    assert StatementPosition.objects.get().quantity == 100


def test_a_newer_statement_decides_and_an_older_one_does_not(account: Account) -> None:
    imported(account, HEADER + "T-1,AAA,90,2024-12-27\n")
    imported(account, AGREES)
    assert wrong(account) == {}
    imported(account, HEADER + "T-1,AAA,80,2024-12-20\n")
    assert wrong(account) == {}
    assert wrong(account, date(2024, 12, 27)) == {
        account.pk: "AAA: lots 100, custodian 90 on 2024-12-27"
    }
    assert wrong(account, date(2024, 12, 19)) == {}  # no statement up to then


def test_a_booking_that_was_missing_mends_the_account(account: Account, aaa: Security) -> None:
    imported(account, DIFFERS)
    book(account, EntryKind.SELL, date(2024, 12, 27), aaa, "10", amount="900")
    assert wrong(account) == {}


def test_what_was_traded_after_the_statement_does_not_count(
    account: Account, aaa: Security
) -> None:
    imported(account, AGREES)
    book(account, EntryKind.SELL, TODAY, aaa, "40", amount="3600")
    book(account, EntryKind.CASH_IN, TODAY, amount="5")
    assert wrong(account) == {}


def test_a_split_after_the_statement_is_taken_back(account: Account, aaa: Security) -> None:
    imported(account, AGREES)
    book(account, EntryKind.SPLIT, TODAY, aaa, "2")
    book(account, EntryKind.BUY, TODAY, aaa, "7", amount="350")
    assert wrong(account) == {}
    imported(account, HEADER + "T-1,AAA,200,2024-12-31\n")
    assert wrong(account) == {account.pk: "AAA: lots 207, custodian 200 on 2024-12-31"}


def test_a_transfer_after_the_statement_is_taken_back_on_both_sides(
    account: Account, aaa: Security
) -> None:
    other = make_account(account.household, "T-2")
    imported(account, AGREES + "T-2,,0,2024-12-30\n")
    book(account, EntryKind.TRANSFER, TODAY, aaa, "30", to_account=other)
    assert wrong(account) == {}


def test_a_statement_of_nothing_says_that_the_account_is_empty(account: Account) -> None:
    imported(account, HEADER + "T-1,,0,2024-12-30\nI-1,AAA,0,2024-12-30\n")
    assert wrong(account) == {account.pk: "AAA: lots 100, custodian 0 on 2024-12-30"}


def test_the_tolerance_is_the_callers(account: Account) -> None:
    imported(account, HEADER + "T-1,AAA,100.0005,2024-12-30\n")
    assert wrong(account) == {}
    strict = selectors.unreconciled(account.household_id, TODAY, tolerance=Decimal("0.0001"))
    assert strict == {account.pk: "AAA: lots 100, custodian 100.0005 on 2024-12-30"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEADER + "T-9,AAA,1,2024-12-30\n",
            "p.csv, line 2, column account: 'T-9' is no account of the firm (the row: 'T-9,AAA,1,2024-12-30')",
        ),
        (
            HEADER + "T-1,XXX,1,2024-12-30\n",
            "p.csv, line 2, column symbol: 'XXX' is no known symbol (the row: 'T-1,XXX,1,2024-12-30')",
        ),
        (
            HEADER + "T-1,AAA,-1,2024-12-30\n",
            "p.csv, line 2, column quantity: '-1' is negative: numbers are given without a sign "
            "(the row: 'T-1,AAA,-1,2024-12-30')",
        ),
        (
            HEADER + "T-1,AAA,1,2025-01-02\n",
            "p.csv, line 2, column as_of: 2025-01-02 is in the future: today is 2024-12-31 "
            "(the row: 'T-1,AAA,1,2025-01-02')",
        ),
        (
            HEADER + "T-1,,1,2024-12-30\n",
            "p.csv, line 2: the row names no security (the row: 'T-1,,1,2024-12-30')",
        ),
        (
            HEADER + "T-1,AAA,1,2024-12-30\nT-1,AAA,2,2024-12-30\n",
            "p.csv, line 3: the account's position of 2024-12-30 in this security stands on line 2 "
            "already: add the two up (the row: 'T-1,AAA,2,2024-12-30')",
        ),
        (
            "account,symbol,cusip,quantity,as_of\nT-1,BBB,037833100,1,2024-12-30\n",
            "p.csv, line 2: symbol and cusip name different securities "
            "(the row: 'T-1,BBB,037833100,1,2024-12-30')",
        ),
        (
            "account,quantity,as_of\nT-1,1,2024-12-30\n",
            "p.csv, line 1: no column names the securities: one of symbol, cusip, isin",
        ),
        ("account,symbol,quantity\nT-1,AAA,1\n", "p.csv, line 1, column as_of: the column is missing"),
        ("", "p.csv: the file is empty"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_place_and_its_text(
    account: Account, text: str, said: str
) -> None:
    make_security(account.firm, "BBB")
    assert refused(account, text) == [said]


def test_one_bad_row_takes_nothing_of_the_file_and_every_problem_is_named(
    account: Account,
) -> None:
    bad = AGREES + "T-9,AAA,1,2024-12-30\nT-1,AAA,x,2024-12-29\n"
    assert [text.split(":")[0] for text in refused(account, bad)] == [
        "p.csv, line 3, column account",
        "p.csv, line 4, column quantity",
    ]


def test_an_account_of_another_firm_is_no_account(account: Account) -> None:
    other = make_account(make_household(make_firm("Other", pinned_date=TODAY)), "X-1")
    assert "no account of the firm" in refused(account, f"{HEADER}X-1,AAA,1,2024-12-30\n")[0]
    assert wrong(other) == {}


def test_what_was_imported_is_in_the_audit_trail(account: Account) -> None:
    user = make_user(account.firm, role=Role.OPERATIONS)
    services.import_positions(
        firm=account.firm, user=user, file=DIFFERS.encode(), name="p.csv", as_of=TODAY
    )
    event = AuditEvent.objects.get(action="positions.imported")
    assert (event.actor, event.subject) == (user.username, "p.csv")
    assert "lots 100, custodian 90" in event.payload


def test_a_person_who_may_not_import_is_refused(account: Account) -> None:
    approver = make_user(account.firm, "vera", role=Role.APPROVER)
    with pytest.raises(NotAllowed):
        services.import_positions(
            firm=account.firm, user=approver, file=AGREES.encode(), name="p.csv", as_of=TODAY
        )


def test_a_household_without_statements_costs_one_query(
    account: Account, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert wrong(account) == {}


def test_statements_cost_the_same_few_queries_however_many_they_are(
    account: Account, aaa: Security, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    imported(account, DIFFERS)
    with django_assert_num_queries(5):
        wrong(account)
    for number in range(4):
        extra = make_account(account.household, f"T-{number + 2}")
        book(extra, EntryKind.CASH_IN, date(2024, 1, 2), amount="50000")
        book(extra, EntryKind.BUY, TODAY - timedelta(days=number), aaa, "5", amount="500")
        imported(account, f"{HEADER}T-{number + 2},AAA,1,2024-12-2{number}\n")
    with django_assert_num_queries(5):
        assert len(wrong(account)) == 5


def test_the_command_compares_and_a_second_time_changes_nothing(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.csv"
    path.write_text(DIFFERS)
    call_command("import_positions", str(path), "--dry-run")
    assert not PositionStatement.objects.exists()
    call_command("import_positions", str(path))
    call_command("import_positions", str(path))
    said = capsys.readouterr().out
    assert "p.csv: 1 statements new, 0 known, 0 replaced. 1 of its accounts unreconciled" in said
    assert "p.csv: 0 statements new, 1 known, 0 replaced." in said
    path.write_text(AGREES)
    with pytest.raises(CommandError, match="refused, nothing was changed"):
        call_command("import_positions", str(path))
    call_command("import_positions", str(path), "--correct")
    assert wrong(account) == {}


def signed_in(account: Account) -> Client:
    browser = Client()
    browser.force_login(make_user(account.firm, role=Role.ADVISER))
    return browser


def uploaded(browser: Client, text: str, **more: str) -> str:
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("p.csv", text.encode())
    answer = browser.post("/imports/", {"what": "positions", "file": file, **more}, follow=True)
    return answer.content.decode()


def test_the_page_lists_every_difference_with_its_age(account: Account) -> None:
    browser = signed_in(account)
    assert (
        "No custodian statement was imported yet"
        in browser.get("/reconciliation/").content.decode()
    )
    assert "lots 100, custodian 90" in uploaded(browser, DIFFERS)
    page = browser.get("/reconciliation/").content.decode()
    assert str(account.household.public_id) in page
    for text in ("AAA", "100", "90", "10", "30 Dec 2024", '<td class="number">1</td>'):
        assert text in page
    assert "AAA: " not in page  # cells, not sentences


def test_the_imports_page_asks_before_a_statement_gives_way(account: Account) -> None:
    browser = signed_in(account)
    uploaded(browser, DIFFERS)
    assert "another statement of this account" in uploaded(browser, AGREES)
    assert "1 replaced" in uploaded(browser, AGREES, checked="on")
    assert "Every account that has a statement adds up" in browser.get("/reconciliation/").content.decode()  # fmt: skip
