"""What an account itself rules out: transactions before it was opened, and in one that is declared as held away."""

from datetime import date

import pytest

from accounts.models import Account
from lots.booking import BookingError
from lots.models import Transaction
from lots.types import EntryKind
from tests.factories import book, make_account, make_firm, make_household, make_security

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_account(make_household(make_firm()))


def _buy(account, day):
    return book(
        account,
        EntryKind.BUY,
        day,
        make_security(account.firm),
        "10",
        amount="1000",
        external_id="B",
    )


def _refusal(account, day):
    with pytest.raises(BookingError) as refused:
        _buy(account, day)
    assert not Transaction.objects.exists()
    return [(problem.row, problem.column, problem.reason) for problem in refused.value.problems]


def test_nothing_is_booked_before_the_account_was_opened(account):
    account.opened_on = date(2024, 3, 1)
    account.save()
    reason = "2024-02-29 is before the account was opened on 2024-03-01"
    assert _refusal(account, date(2024, 2, 29)) == [(1, "trade_date", reason)]


def test_the_day_of_opening_is_not_before_it(account):
    account.opened_on = date(2024, 3, 1)
    account.save()
    assert _buy(account, date(2024, 3, 1)).trade_date == date(2024, 3, 1)


def test_an_account_declared_as_held_away_takes_no_transactions(account):
    account.held_away = True
    account.save()
    ((row, column, reason),) = _refusal(account, date(2024, 3, 1))
    assert (row, column) == (1, "account")
    assert reason.startswith("the account is declared as held away")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"held_away": True}, "the account is declared as held away"),
        (
            {"opened_on": date(2024, 3, 2)},
            "2024-03-01 is before the account was opened on 2024-03-02",
        ),
    ],
)
def test_nothing_is_transferred_to_where_it_could_not_be_bought(account, facts, reason):
    _buy(account, date(2024, 1, 2))
    target = make_account(account.household, "T-2")
    Account.objects.filter(pk=target.pk).update(**facts)

    with pytest.raises(BookingError) as refused:
        book(
            account,
            EntryKind.TRANSFER,
            date(2024, 3, 1),
            Transaction.objects.get().security,
            "10",
            to_account=target,
        )

    [problem] = refused.value.problems
    assert problem.column == "to_account"
    assert problem.reason.startswith(reason)
    assert Transaction.objects.count() == 1
