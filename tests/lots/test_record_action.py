"""The command that records a split, rename, merger or spin-off for every account of a firm."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Account
from lots import services
from lots.models import TaxLot, Transaction
from lots.types import EntryKind, NewTransaction
from securities.models import CorporateAction
from tests.factories import book, make_account, make_firm, make_household, make_security

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    firm = make_firm(pinned_date=date(2024, 12, 31))
    account = make_account(make_household(firm))
    aaa = make_security(firm, "AAA")
    other = make_account(make_household(firm, "Other"), "O-1")
    book(account, EntryKind.BUY, date(2024, 1, 2), aaa, "10", amount="1000")
    book(other, EntryKind.BUY, date(2024, 1, 2), aaa, "3", amount="300")
    return account


def refused(*words: str) -> str:
    """What the command says, after checking that it wrote nothing."""
    with pytest.raises(CommandError) as refusal:
        call_command("record_action", *words)
    assert not CorporateAction.objects.exists()
    assert not Transaction.objects.filter(kind=EntryKind.SPLIT).exists()
    return str(refusal.value)


def test_a_split_is_booked_in_every_account_and_known_the_second_time(account, capsys):
    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "2")
    assert capsys.readouterr().out == (
        "AAA split on 2024-05-01: booked in 2 accounts, known in 0.\n"
    )
    call_command(
        "record_action", "split", "AAA", "2024-05-01", "--ratio", "2", "--firm", account.firm.name
    )
    assert capsys.readouterr().out == (
        "AAA split on 2024-05-01: booked in 0 accounts, known in 2.\n"
    )
    assert list(TaxLot.objects.order_by("account").values_list("quantity", "basis")) == [
        (Decimal(20), Decimal(1000)),
        (Decimal(6), Decimal(300)),
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("split", "BBB", "2024-05-01", "--ratio", "2"), "Harbor Advisers has no security 'BBB'."),
        (
            ("split", "AAA", "2025-01-01", "--ratio", "2"),
            "2025-01-01 is in the future: today is 2024-12-31.",
        ),
        (
            ("split", "AAA", "5/1/2024", "--ratio", "2"),
            "'5/1/2024' is not a date such as 2024-01-31.",
        ),
        (
            ("split", "AAA", "2024-05-01", "--ratio", "2:1"),
            "'2:1' is not a plain number such as 1000 or 12.5.",
        ),
        (
            ("split", "AAA", "2024-05-01", "--ratio", "1"),
            "A ratio of 1 is no split: give new shares per old.",
        ),
        (
            ("split", "AAA", "2024-05-01", "--ratio", "2", "--firm", "Nobody"),
            "There is no firm 'Nobody'; there are: Harbor Advisers.",
        ),
        (("split", "AAA", "2024-05-01"), "A split needs --ratio: new shares per old."),
        (
            ("rename", "AAA", "2024-05-01", "--ratio", "1"),
            "A rename is one for one: leave --ratio out.",
        ),
        (
            ("rename", "AAA", "2024-05-01"),
            "The rename is refused, nothing was changed: a rename needs the security that the shares become or bring",
        ),
        (
            ("merge", "AAA", "2024-05-01", "--ratio", "0.5", "--to", "ZZZ"),
            "Harbor Advisers has no security 'ZZZ'.",
        ),
        (
            (
                "spin_off",
                "AAA",
                "2024-05-01",
                "--ratio",
                "0.5",
                "--to",
                "AAA",
                "--basis-fraction",
                "1.5",
            ),
            "'1.5' is too large: it must be below 1.",
        ),
    ],
)
def test_what_is_no_split_is_refused_with_its_reason(account, words, reason):
    assert refused(*words) == reason


def test_the_firm_is_named_where_there_are_several(account):
    make_firm("Other Firm")
    assert refused("split", "AAA", "2024-05-01", "--ratio", "2") == (
        "Name the firm with --firm; there are: Harbor Advisers, Other Firm."
    )


def test_a_split_after_the_trades_of_its_day_is_refused(account):
    aaa = account.firm.securities.get()
    book(account, EntryKind.BUY, date(2024, 5, 1), aaa, "1", amount="50")
    assert refused("split", "AAA", "2024-05-01", "--ratio", "2") == (
        "Transactions of AAA on 2024-05-01 are booked already and would count as executed before the "
        "split: book the split before the trades of its day. Nothing was changed."
    )


def test_the_same_split_on_the_day_after_is_refused(account):
    aaa = account.firm.securities.get()
    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "2")
    with pytest.raises(CommandError) as refusal:
        call_command("record_action", "split", "AAA", "2024-05-02", "--ratio", "2")
    assert str(refusal.value).startswith(
        "The split is refused, nothing was changed: a split of AAA by 2 on 2024-05-02 in account T-1 repeats "
        "entry split:AAA:2024-05-01, the split by 2 on 2024-05-01 in account T-1"
    )
    assert CorporateAction.objects.get(security=aaa).effective_on == date(2024, 5, 1)


def split_row(account: Account, **changes: object) -> NewTransaction:
    """A custodian's row of the split of 2024-05-01."""
    aaa = account.firm.securities.get(symbol="AAA")
    row = NewTransaction(
        account=account.pk, external_id="P-1", trade_date=date(2024, 5, 1), kind=EntryKind.SPLIT,
        security=aaa.pk, quantity=Decimal(3), ordinal=1,
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type]  # fields by name


def test_a_custodians_row_of_a_recorded_split_is_known(account):
    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "3")

    booked = services.book(firm=account.firm, rows=[split_row(account)], actor="test")

    assert (booked.new, booked.known) == (0, 1)
    assert TaxLot.objects.get(account=account).quantity == Decimal(30)


def test_a_recorded_split_is_known_where_a_custodian_has_told_of_it(account, capsys):
    services.book(firm=account.firm, rows=[split_row(account)], actor="test")

    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "3")

    assert capsys.readouterr().out == "AAA split on 2024-05-01: booked in 1 accounts, known in 1.\n"
    assert list(TaxLot.objects.order_by("account").values_list("quantity", flat=True)) == [
        Decimal(30),
        Decimal(9),
    ]


def test_one_third_is_one_ratio_in_however_many_decimals(account):
    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "0.33333333")

    row = split_row(account, quantity=Decimal("0.333333"))
    booked = services.book(firm=account.firm, rows=[row], actor="test")

    assert (booked.new, booked.known) == (0, 1)


def test_a_household_that_begins_on_the_day_has_nothing_to_split(account, capsys):
    aaa = account.firm.securities.get()
    newcomer = make_account(make_household(account.firm, "New"), "N-1")
    book(newcomer, EntryKind.BUY, date(2024, 5, 1), aaa, "5", amount="250")

    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "2")

    assert capsys.readouterr().out == "AAA split on 2024-05-01: booked in 2 accounts, known in 0.\n"
    assert TaxLot.objects.get(account=newcomer).quantity == Decimal(5)


# Looking first, and mending a mistake


def test_a_dry_run_says_what_would_change_and_books_nothing(account, capsys):
    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "2", "--dry-run")
    assert capsys.readouterr().out == (
        "Nothing was booked. AAA split on 2024-05-01: booked in 2 accounts, known in 0.\n"
        "T-1: lot T-1-1 of AAA, 2024-01-02: shares 10 -> 20.\n"
        "O-1: lot O-1-1 of AAA, 2024-01-02: shares 3 -> 6.\n"
        "0 new lots.\n"
    )
    assert not CorporateAction.objects.exists()
    assert not Transaction.objects.filter(kind=EntryKind.SPLIT).exists()
    assert TaxLot.objects.get(account=account).quantity == 10


def test_a_mistake_that_no_transaction_tells_of_gives_way(account):
    bbb = make_security(account.firm, "BBB")
    call_command("record_action", "split", "BBB", "2024-05-01", "--ratio", "20")
    call_command("record_action", "split", "BBB", "2024-05-01", "--ratio", "2")
    assert CorporateAction.objects.get(security=bbb).ratio == 2


def test_a_fact_that_transactions_tell_of_stays(account):
    call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "20")
    with pytest.raises(CommandError, match=r"known to split by 20 on 2024-05-01, not by 2\."):
        call_command("record_action", "split", "AAA", "2024-05-01", "--ratio", "2")


def spun_off(symbol: str, fraction: str) -> None:
    call_command(
        "record_action", "spin_off", "AAA", "2024-05-01", "--ratio", "1", "--to", symbol,
        "--basis-fraction", fraction,
    )  # fmt: skip


def test_two_spin_offs_of_one_day_each_take_their_part_of_the_basis(account):
    """Of 1,000 a fifth and a tenth, both of the basis before; the first again is known."""
    for symbol in ("BBB", "CCC"):
        make_security(account.firm, symbol)
    spun_off("BBB", "0.2")
    spun_off("CCC", "0.1")
    spun_off("BBB", "0.2")
    held = TaxLot.objects.filter(account=account).values_list("security__symbol", "basis")
    assert dict(held) == {"AAA": Decimal(700), "BBB": Decimal(200), "CCC": Decimal(100)}
    assert CorporateAction.objects.count() == 2
    with pytest.raises(CommandError, match=r"known to spin off by 1 into BBB, moving 0\.2 of"):
        spun_off("BBB", "0.3")


def test_another_spin_off_after_the_trades_of_its_day_is_refused(account):
    for symbol in ("BBB", "CCC"):
        make_security(account.firm, symbol)
    spun_off("BBB", "0.2")
    book(
        account,
        EntryKind.BUY,
        date(2024, 5, 1),
        account.firm.securities.get(symbol="AAA"),
        "1",
        amount="50",
    )
    with pytest.raises(CommandError, match="Transactions of AAA on 2024-05-01 are booked already"):
        spun_off("CCC", "0.1")
