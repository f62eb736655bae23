"""The command that records a split for every account of a firm."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Account
from lots.models import TaxLot, Transaction
from lots.types import EntryKind
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
        call_command("record_split", *words)
    assert not CorporateAction.objects.exists()
    assert not Transaction.objects.filter(kind=EntryKind.SPLIT).exists()
    return str(refusal.value)


def test_a_split_is_booked_in_every_account_and_known_the_second_time(account, capsys):
    call_command("record_split", "AAA", "2024-05-01", "2")
    assert capsys.readouterr().out == (
        "AAA split on 2024-05-01: booked in 2 accounts, known in 0.\n"
    )
    call_command("record_split", "AAA", "2024-05-01", "2", "--firm", account.firm.name)
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
        (("BBB", "2024-05-01", "2"), "Harbor Advisers has no security 'BBB'."),
        (("AAA", "2025-01-01", "2"), "2025-01-01 is in the future: today is 2024-12-31."),
        (("AAA", "5/1/2024", "2"), "'5/1/2024' is not a date such as 2024-01-31."),
        (("AAA", "2024-05-01", "2:1"), "'2:1' is not a plain number such as 1000 or 12.5."),
        (("AAA", "2024-05-01", "1"), "A ratio of 1 is no split: give new shares per old."),
        (
            ("AAA", "2024-05-01", "2", "--firm", "Nobody"),
            "There is no firm 'Nobody'; there are: Harbor Advisers.",
        ),
    ],
)
def test_what_is_no_split_is_refused_with_its_reason(account, words, reason):
    assert refused(*words) == reason


def test_the_firm_is_named_where_there_are_several(account):
    make_firm("Other Firm")
    assert refused("AAA", "2024-05-01", "2") == (
        "Name the firm with --firm; there are: Harbor Advisers, Other Firm."
    )


def test_a_split_after_the_trades_of_its_day_is_refused(account):
    assert refused("AAA", "2024-01-02", "2") == (
        "Transactions of AAA on 2024-01-02 are booked already and would count as executed before the "
        "split: book the split before the trades of its day. Nothing was changed."
    )


def test_the_same_split_on_the_day_after_is_refused(account):
    aaa = account.firm.securities.get()
    call_command("record_split", "AAA", "2024-05-01", "2")
    with pytest.raises(CommandError) as refusal:
        call_command("record_split", "AAA", "2024-05-02", "2")
    assert str(refusal.value).startswith(
        "The split is refused, nothing was changed: a split of AAA by 2 on 2024-05-02 in account T-1 repeats "
        "entry split:AAA:2024-05-01, the split by 2 on 2024-05-01 in account T-1"
    )
    assert CorporateAction.objects.get(security=aaa).effective_on == date(2024, 5, 1)
