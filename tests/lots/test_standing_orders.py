"""Which lots a sale takes where it does not say it: the account's standing order of the day (R22, R22b)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.errors import Conflict, NotAllowed
from accounts.models import Account, AuditEvent, User
from accounts.types import Role
from lots import services
from lots.booking import BookingError
from lots.models import ReliefElection, Transaction
from lots.types import EntryKind, NewTransaction, Pick, Relief
from securities.models import Security
from tests.factories import book, make_account, make_firm, make_household, make_security, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))


@pytest.fixture
def aaa(account: Account) -> Security:
    security = make_security(account.firm, "AAA")
    book(account, EntryKind.BUY, date(2022, 1, 3), security, "100", amount="1000")
    return security


@pytest.fixture
def ada(account: Account) -> User:
    return make_user(account.firm)


def elect(
    account: Account,
    method: Relief,
    effective_on: date,
    author: User,
    *,
    reason: str = "By letter.",
) -> ReliefElection:
    return services.elect_relief(
        account=account, method=method, effective_on=effective_on, author=author, reason=reason
    )


def sale(account: Account, security: Security, day: date, **changes: object) -> NewTransaction:
    row = NewTransaction(
        account=account.pk, external_id=f"S-{day}", trade_date=day, kind=EntryKind.SELL,
        security=security.pk, quantity=Decimal(1), amount=Decimal(20), ordinal=1,
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type]  # fields by name


def booked_relief(account: Account, row: NewTransaction) -> str:
    services.book(firm=account.firm, rows=[row], actor="test")
    return Transaction.objects.get(account=account, external_id=row.external_id).relief


def test_a_sale_takes_the_standing_order_in_force_on_its_day(
    account: Account, aaa: Security, ada: User
) -> None:
    elect(account, Relief.HIFO, date(2024, 3, 1), ada)
    elect(account, Relief.LIFO, date(2024, 6, 1), ada)

    days = (date(2024, 2, 29), date(2024, 3, 1), date(2024, 5, 31), date(2024, 6, 1))
    assert [booked_relief(account, sale(account, aaa, day)) for day in days] == [
        "",
        "hifo",
        "hifo",
        "lifo",
    ]


def test_of_two_orders_from_one_day_the_newer_counts(
    account: Account, aaa: Security, ada: User
) -> None:
    elect(account, Relief.HIFO, date(2024, 3, 1), ada)
    elect(account, Relief.LOWEST_TAX, date(2024, 3, 1), ada)

    assert booked_relief(account, sale(account, aaa, date(2024, 3, 1))) == "lowest_tax"


def test_a_sales_own_word_goes_before_the_standing_order(
    account: Account, aaa: Security, ada: User
) -> None:
    elect(account, Relief.HIFO, date(2024, 3, 1), ada)

    row = sale(account, aaa, date(2024, 3, 5), relief=Relief.FIFO)

    assert booked_relief(account, row) == "fifo"


def test_a_sale_that_came_before_is_known_whatever_was_elected_since(
    account: Account, aaa: Security, ada: User
) -> None:
    row = sale(account, aaa, date(2024, 3, 5))
    elect(account, Relief.HIFO, date(2024, 3, 1), ada)
    services.book(firm=account.firm, rows=[row], actor="test")
    elect(account, Relief.LIFO, date(2024, 3, 6), ada)

    again = services.book(firm=account.firm, rows=[row], actor="test")

    assert (again.new, again.known) == (0, 1)
    assert Transaction.objects.get(kind=EntryKind.SELL).relief == "hifo"


@pytest.mark.parametrize("day", [date(2024, 3, 5), date(2024, 3, 4)])
def test_lots_of_a_booked_sale_are_never_chosen_again(
    account: Account, aaa: Security, ada: User, day: date
) -> None:
    services.book(firm=account.firm, rows=[sale(account, aaa, date(2024, 3, 5))], actor="test")

    with pytest.raises(Conflict) as refusal:
        elect(account, Relief.HIFO, day, ada)

    assert str(refusal.value) == (
        "A sell of 2024-03-05 (S-2024-03-05) is booked in account T-1: its lots are settled and cannot be chosen "
        "again (R22). Let the standing order begin after 2024-03-05."
    )
    assert not ReliefElection.objects.exists()


def test_what_chose_no_lots_stands_in_no_orders_way(
    account: Account, aaa: Security, ada: User
) -> None:
    """A split without cash takes no shares, and a sale that named its lots left nothing to choose."""
    book(account, EntryKind.SPLIT, date(2024, 3, 5), aaa, "2")
    named = sale(
        account,
        aaa,
        date(2024, 4, 1),
        picks=(Pick(Transaction.objects.get(kind=EntryKind.BUY).pk, Decimal(1)),),
    )
    services.book(firm=account.firm, rows=[named], actor="test")

    assert elect(account, Relief.HIFO, date(2024, 3, 1), ada).effective_on == date(2024, 3, 1)


def test_cash_in_lieu_of_a_split_stands_in_a_backdated_orders_way(
    account: Account, aaa: Security, ada: User
) -> None:
    book(account, EntryKind.SPLIT, date(2024, 3, 5), aaa, "0.333", amount="3")

    with pytest.raises(Conflict, match="A split of 2024-03-05"):
        elect(account, Relief.HIFO, date(2024, 3, 1), ada)


def test_average_basis_is_for_funds_and_other_shares_stay_first_in_first_out(
    account: Account, aaa: Security, ada: User
) -> None:
    fund = make_security(account.firm, "FND")
    Security.objects.filter(pk=fund.pk).update(is_fund=True)
    book(account, EntryKind.BUY, date(2022, 1, 3), fund, "10", amount="100")
    elect(account, Relief.AVERAGE, date(2024, 3, 1), ada)

    assert booked_relief(account, sale(account, aaa, date(2024, 3, 5))) == ""
    assert booked_relief(account, sale(account, fund, date(2024, 3, 6))) == "average"


def test_a_sale_of_a_stock_at_average_basis_is_refused(account: Account, aaa: Security) -> None:
    with pytest.raises(BookingError) as refusal:
        services.book(
            firm=account.firm,
            rows=[sale(account, aaa, date(2024, 3, 5), relief=Relief.AVERAGE)],
            actor="test",
        )

    assert str(refusal.value).startswith(
        "row 1, column relief: average basis is for funds only (R22b), and the security is not marked as one"
    )


def test_an_order_is_kept_with_its_author_and_reason(
    account: Account, aaa: Security, ada: User
) -> None:
    election = elect(account, Relief.HIFO, date(2024, 3, 1), ada, reason=" Letter of 1 March. ")

    assert (election.author, election.reason) == (ada, "Letter of 1 March.")
    event = AuditEvent.objects.filter(firm=account.firm).latest("sequence")
    assert event.action == "relief.elected"
    assert '"method":"hifo"' in event.payload
    with pytest.raises(Exception, match="Say why"):
        elect(account, Relief.LIFO, date(2024, 4, 1), ada, reason=" ")


def test_only_who_decides_for_the_firm_may_elect(account: Account, aaa: Security) -> None:
    clerk = make_user(account.firm, "cleo", role=Role.OPERATIONS)
    stranger = make_user(make_firm("Other Firm"), "sam")

    with pytest.raises(NotAllowed):
        elect(account, Relief.HIFO, date(2024, 3, 1), clerk)
    with pytest.raises(Account.DoesNotExist):
        elect(account, Relief.HIFO, date(2024, 3, 1), stranger)


def test_the_command_gives_an_account_its_standing_order(
    account: Account, aaa: Security, ada: User, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("T-1", "hifo", "2024-03-01", "--reason", "Letter of 1 March.")

    call_command("elect_relief", *words, "--user", "ada")

    assert capsys.readouterr().out == "T-1: sales from 2024-03-01 on take their lots by hifo.\n"
    assert ReliefElection.objects.get().author == ada
    with pytest.raises(CommandError, match="Harbor Advisers has no person 'eve'"):
        call_command("elect_relief", *words, "--user", "eve")
    with pytest.raises(CommandError, match="There is no account 'T-9'"):
        call_command("elect_relief", "T-9", *words[1:], "--user", "ada")
    services.book(firm=account.firm, rows=[sale(account, aaa, date(2024, 3, 5))], actor="test")
    with pytest.raises(CommandError, match=r"cannot be chosen again \(R22\).* Nothing was changed"):
        call_command("elect_relief", *words, "--user", "ada")
