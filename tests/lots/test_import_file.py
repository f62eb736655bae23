"""Files through the whole road: guards, readers, booking, and what is stored afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts.errors import NotAllowed
from accounts.models import Account, AuditEvent
from accounts.types import Role
from lots import services
from lots.booking import BookingError
from lots.models import ImportedFile, TaxLot, Transaction
from lots.types import EntryKind, ImportSummary, NewTransaction, Source
from securities.importers.refusal import ImportRefused
from tests.factories import make_account, make_firm, make_household, make_security, make_user
from tests.lots.importers.statements import statement, trade

pytestmark = pytest.mark.django_db

HEADER = "external_id,trade_date,kind,symbol,quantity,amount\n"
ONE, TWO, THREE = (f"B-{n},2024-01-0{n},buy,AAA,10,1000\n" for n in (1, 2, 3))


@pytest.fixture
def account() -> Account:
    account = make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))
    make_security(account.firm, "AAA", cusip="037833100")
    return account


def imported(account: Account, text: str | bytes, *, name: str = "f.csv") -> ImportSummary:
    return services.import_file(
        firm=account.firm,
        user=None,
        file=text.encode() if isinstance(text, str) else text,
        name=name,
        format=None,
        account=account,
        as_of=date(2024, 12, 31),
    )


def refused(account: Account, text: str | bytes) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        imported(account, text)
    assert not ImportedFile.objects.filter(name="f.csv", rows_new=0).exists()
    return [str(problem) for problem in refusal.value.problems]


def everything() -> list[object]:
    """Every row that an import could touch."""
    tables = (ImportedFile, Transaction, TaxLot, AuditEvent)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def test_a_file_becomes_transactions_and_lots(account: Account) -> None:
    summary = imported(account, HEADER + ONE + TWO)

    assert summary == ImportSummary(
        format="canonical", new=2, known=0, file_known=False, households=(account.household_id,)
    )
    assert TaxLot.objects.count() == 2
    [record] = ImportedFile.objects.all()
    assert (record.rows_new, record.rows_known, record.transactions.count()) == (2, 0, 2)


def test_an_ofx_statement_becomes_transactions(account: Account) -> None:
    summary = imported(account, statement(trade(fitid="F-1"), trade(fitid="F-2")))

    assert (summary.format, summary.new) == ("ofx", 2)


def test_the_same_file_again_changes_nothing_and_says_so(account: Account) -> None:
    imported(account, HEADER + ONE + TWO)
    before = everything()

    summary = imported(account, HEADER + ONE + TWO, name="renamed.csv")

    assert (summary.new, summary.known, summary.file_known) == (0, 2, True)
    assert everything() == before


def test_the_same_rows_in_another_order_change_nothing(account: Account) -> None:
    imported(account, HEADER + ONE + TWO)
    before = everything()

    summary = imported(account, HEADER + TWO + ONE)

    assert (summary.new, summary.known, summary.file_known) == (0, 2, False)
    assert everything() == before


def test_an_overlapping_file_books_only_its_new_rows(account: Account) -> None:
    imported(account, HEADER + ONE + TWO)

    summary = imported(account, HEADER + TWO + THREE)

    assert (summary.new, summary.known) == (1, 1)
    assert Transaction.objects.count() == 3


def test_the_same_bytes_for_another_account_are_another_import(account: Account) -> None:
    other = make_account(account.household, "T-2")
    imported(account, HEADER + ONE)

    assert imported(other, HEADER + ONE).new == 1


def test_a_known_id_with_other_content_refuses_the_file(account: Account) -> None:
    imported(account, HEADER + ONE)
    before = everything()

    assert refused(account, HEADER + TWO + ONE.replace(",10,", ",11,")) == [
        "f.csv, line 3, column external_id: the id is booked already with other content: "
        "quantity 10, here 11"
    ]
    assert everything() == before


def test_an_id_twice_with_other_content_refuses_the_file(account: Account) -> None:
    assert refused(account, HEADER + ONE + ONE.replace(",10,", ",11,")) == [
        "f.csv, line 3, column external_id: the id stands on line 2 already with other content"
    ]


def test_the_same_row_twice_in_a_file_is_booked_once(account: Account) -> None:
    summary = imported(account, HEADER + ONE + ONE)

    assert (summary.new, summary.known) == (1, 1)


def test_a_sale_of_more_than_is_held_refuses_the_file(account: Account) -> None:
    [problem] = refused(account, HEADER + ONE + "S-1,2024-02-01,sell,AAA,11,1000\n")

    assert problem.startswith(
        "f.csv, line 3, column quantity: account T-1 holds 10 shares of AAA on 2024-02-01, "
        "11 are to leave."
    )
    assert not Transaction.objects.exists()


def test_a_bad_row_far_down_keeps_the_whole_file_out(account: Account) -> None:
    rows = "".join(f"B-{n},2024-01-05,buy,AAA,1,100\n" for n in range(1000))

    assert refused(account, HEADER + rows + "S,2024-01-05,buy,AAA,NaN,1\n") == [
        "f.csv, line 1002, column quantity: 'NaN' is not a plain number such as 1000 or 12.5"
    ]
    assert not Transaction.objects.exists()


def test_a_file_above_the_size_limit_is_refused(account: Account) -> None:
    assert refused(account, b"x" * (20 * 1024 * 1024 + 1)) == [
        "f.csv: the file has 20,971,521 bytes, at most 20,971,520 are accepted: split it by date"
    ]


def test_an_unknown_format_is_refused(account: Account) -> None:
    with pytest.raises(
        ImportRefused, match="there is no format 'qif'; accepted are canonical, ofx"
    ):
        services.import_file(
            firm=account.firm, user=None, file=b"x", name="f", format="qif", account=None,
            as_of=date(2024, 12, 31),
        )  # fmt: skip


def test_an_account_of_another_firm_is_refused(account: Account) -> None:
    with pytest.raises(ImportRefused, match="the account is none of the firm's"):
        services.import_file(
            firm=make_firm("Other"), user=None, file=(HEADER + ONE).encode(), name="f",
            format=None, account=account, as_of=date(2024, 12, 31),
        )  # fmt: skip


def test_a_role_that_may_not_import_is_refused(account: Account) -> None:
    approver = make_user(account.firm, "pat", role=Role.APPROVER)

    with pytest.raises(NotAllowed):
        services.import_file(
            firm=account.firm, user=approver, file=b"x", name="f", format=None, account=account,
            as_of=date(2024, 12, 31),
        )  # fmt: skip


def test_a_hostile_file_name_is_cut_to_what_can_be_shown(account: Account) -> None:
    imported(account, HEADER + ONE, name="..\\..//etc/a\0\n" + "x" * 300)

    assert ImportedFile.objects.get().name == ("a??" + "x" * 300)[:255]


def test_an_upload_of_prices_answers_in_one_sentence(account: Account) -> None:
    file = SimpleUploadedFile("p.csv", b"date,symbol,close\n2024-01-05,AAA,10\n")

    sentence = services.upload_prices(user=make_user(account.firm), file=file)

    assert sentence == "p.csv: 1 prices new, 0 known, 0 changed."


def test_the_command_books_a_file_once(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(HEADER + ONE + TWO)

    for _ in range(2):
        call_command("import_transactions", path, account="T-1")

    assert capsys.readouterr().out.splitlines() == [
        "f.csv: 2 transactions new, 0 known, in 1 households.",
        "f.csv: this file was imported before, nothing changed.",
    ]


def test_the_command_shows_what_a_file_would_change(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loss of 2023 that was final is washed by a purchase told late."""
    imported(account, HEADER + "B,2023-01-03,buy,AAA,10,1000\nS,2023-12-01,sell,AAA,10,900\n")
    imported(account, HEADER + "K,2023-12-05,buy,AAA,2,200\n")
    path = tmp_path / "late.csv"
    path.write_text(HEADER + "L,2023-11-30,buy,AAA,4,400\n")
    before = everything()

    call_command("import_transactions", path, account="T-1", dry_run=True)

    assert everything() == before
    assert capsys.readouterr().out.splitlines() == [
        "late.csv: 1 transactions new, 0 known, in 1 households.",
        "Miller: Ann, 2023 (closed year): short-term -80 -> -40, disallowed 20 -> 60; "
        "0 sales new, 1 changed, 0 gone.",
        "1 new lots.",
        "Figures of closed or reported years change: returns filed on them may need amending.",
        "Dry run: nothing was booked.",
    ]


def test_the_command_takes_a_file_that_names_its_accounts(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"account,{HEADER}{account.public_id},{ONE}")

    call_command("import_transactions", path, format="canonical")

    assert account.transactions.count() == 1


def test_the_command_names_every_problem_on_a_line_of_its_own(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(HEADER + ONE.replace("AAA", "ZZZ") + TWO.replace(",10,", ",-1,"))

    with pytest.raises(CommandError, match=r"f\.csv is refused, nothing was changed") as error:
        call_command("import_transactions", path, account=str(account.public_id))

    assert error.value.returncode == 1
    assert capsys.readouterr().err.splitlines() == [
        "f.csv, line 2, column symbol: 'ZZZ' is no known symbol",
        "f.csv, line 3, column quantity: '-1' is negative: numbers are given without a sign",
    ]


def test_the_command_refuses_two_hundred_megabytes_without_reading_them(
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "f.csv"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("the file was read"))

    with pytest.raises(CommandError):
        call_command("import_transactions", path, account="T-1")

    assert capsys.readouterr().err == (
        "f.csv: the file has 209,715,200 bytes, at most 20,971,520 are accepted: split it by date\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"account": "nope"}, "There is no account 'nope'."),
        ({"firm": "nope"}, "There is no firm 'nope'."),
        ({"account": "T-1"}, "/nowhere/f.csv: No such file or directory"),
    ],
)
def test_the_command_says_what_it_cannot_find(
    account: Account, options: dict[str, str], message: str
) -> None:
    with pytest.raises(CommandError) as error:
        call_command("import_transactions", "/nowhere/f.csv", **options)

    assert str(error.value) == message


def test_a_number_that_two_firms_have_needs_the_firm(account: Account, tmp_path: Path) -> None:
    twin = make_account(make_household(make_firm("Other")), "T-1")
    path = tmp_path / "f.csv"
    path.write_text(HEADER + ONE)

    with pytest.raises(CommandError, match="Several accounts are 'T-1': name the --firm too"):
        call_command("import_transactions", path, account="T-1")
    call_command("import_transactions", path, account="T-1", firm=account.firm.name)

    assert (account.transactions.count(), twin.transactions.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_file_at_once_book_it_once() -> None:
    account = make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))
    make_security(account.firm, "AAA")
    start = Barrier(3)

    def once() -> ImportSummary:
        start.wait()
        try:
            return imported(account, HEADER + ONE + TWO)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        summaries = [future.result() for future in [pool.submit(once) for _ in range(3)]]

    assert sorted((done.new, done.file_known) for done in summaries) == [
        (0, True), (0, True), (2, False)
    ]  # fmt: skip
    assert (ImportedFile.objects.count(), account.transactions.count()) == (1, 2)


# Executions that a fill has booked


def filled(account: Account, *ids: str, quantity: int = 10) -> None:
    """Fills over AAA on 2024-01-02 at 100 with a block, as the fills file of an order books them."""
    aaa = account.firm.securities.get(symbol="AAA")
    rows = [
        NewTransaction(
            account=account.pk,
            external_id=name,
            trade_date=date(2024, 1, 2),
            kind=EntryKind.BUY,
            security=aaa.pk,
            quantity=Decimal(quantity),
            price=Decimal(100),
            amount=Decimal(quantity * 100),
            block="order",
            source=Source.FILL,
        )
        for name in ids
    ]
    services.book(firm=account.firm, rows=rows, actor="test")


def ids(account: Account) -> list[str]:
    return list(account.transactions.order_by("external_id").values_list("external_id", flat=True))


@pytest.mark.parametrize("name", ["B-2", "x1"])
def test_a_statements_row_of_a_fill_is_known(account: Account, name: str) -> None:
    filled(account, "x1")

    summary = imported(account, HEADER + ONE + TWO.replace("B-2", name))

    assert (summary.new, summary.known) == (1, 1)
    assert ids(account) == ["B-1", "x1"]
    assert account.transactions.get(external_id="x1").block == "order"


def test_a_file_of_nothing_but_fills_changes_nothing(account: Account) -> None:
    filled(account, "x1", "x2")
    before = everything()

    summary = imported(account, HEADER + TWO + TWO.replace("B-2", "x2"))

    assert (summary.new, summary.known, summary.file_known) == (0, 2, False)
    assert everything() == before


def test_of_two_equal_executions_one_from_a_fill_the_other_is_booked_once(
    account: Account,
) -> None:
    filled(account, "x1")
    twin = TWO.replace("B-2", "B-3")

    first = imported(account, HEADER + TWO + twin)
    before = everything()
    again = imported(account, HEADER + twin + TWO)

    assert (first.new, first.known) == (1, 1)
    assert (again.new, again.known) == (0, 2)
    assert ids(account) == ["B-3", "x1"]
    assert everything() == before


def test_a_fills_id_with_other_facts_refuses_the_file(account: Account) -> None:
    filled(account, "x1")

    assert refused(account, HEADER + TWO.replace("B-2", "x1").replace(",10,", ",11,")) == [
        "f.csv, line 2, column external_id: the id is booked already with other content: "
        "quantity 10, here 11"
    ]


def test_another_fee_than_the_fills_refuses_the_file(account: Account) -> None:
    filled(account, "x1")

    [problem] = refused(
        account,
        "external_id,trade_date,kind,symbol,quantity,amount,fee\n"
        "B-2,2024-01-02,buy,AAA,10,1000,4.95\n",
    )

    assert problem.startswith(
        "f.csv, line 2, column fee: this looks like fill x1, booked with a fee of 0, here 4.95"
    )


def test_lots_named_by_the_statements_id_are_the_fills(account: Account) -> None:
    filled(account, "x1")
    text = (
        "external_id,trade_date,kind,symbol,quantity,amount,lots\n"
        "B-1,2024-01-02,buy,AAA,5,400,\n"
        "B-2,2024-01-02,buy,AAA,10,1000,\n"
        "S-1,2024-06-03,sell,AAA,4,500,B-2:4\n"
    )

    assert imported(account, text).new == 2
    before = everything()

    assert list(TaxLot.objects.order_by("opening").values_list("quantity", "basis")) == [
        (Decimal(6), Decimal(600)),
        (Decimal(5), Decimal(400)),
    ]
    assert imported(account, text + "\n").known == 3
    assert everything() == before


def test_a_fill_of_what_a_statement_has_booked_is_refused(account: Account) -> None:
    imported(account, HEADER + TWO)

    with pytest.raises(BookingError, match="a statement has booked this execution already, as B-2"):
        filled(account, "x1")

    filled(account, "x1", quantity=9)
    assert ids(account) == ["B-2", "x1"]
