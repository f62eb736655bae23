"""Several people at once, on real connections: nobody's first trades are overlooked, and nobody deadlocks."""

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from time import sleep
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account, Firm, User
from config.setup_file.applying import set_up
from config.setup_file.reading import read
from config.verification import violations
from lots import services
from lots.models import Disposal, ImportedFile, TaxLot, Transaction
from lots.services import importing
from lots.services.actions import record_action
from lots.services.importing import ReadImport
from lots.types import Booked, EntryKind, ImportSummary, NewTransaction, Policy, SpousePolicy
from securities.models import IdenticalMember, Security
from securities.types import ActionKind
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)

FILE = b"external_id,trade_date,kind,symbol,quantity,amount\nF-1,2024-01-02,buy,AAA,10,1000\n"


@pytest.fixture
def account() -> Account:
    return make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))


@pytest.fixture
def user(account: Account) -> User:
    return make_user(account.firm)


@pytest.fixture
def aaa(account: Account) -> Security:
    return make_security(account.firm, "AAA")


class Call(threading.Thread):
    """A call on a connection of its own; ``result`` is what it returned or raised."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self.call = call
        self.result: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.call()
        except Exception as error:
            self.result = error
        finally:
            connection.close()

    def wait_until_it_waits(self) -> None:
        """Until somebody waits for a lock, or the call is through and nobody did."""
        with connection.cursor() as cursor:
            for _ in range(500):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone() != (0,) or not self.is_alive():
                    return
                sleep(0.02)


def trade(
    account: Account, security: Security, name: str, kind: str, day: date, amount: int
) -> NewTransaction:
    return NewTransaction(
        account=account.pk, external_id=name, trade_date=day, kind=EntryKind(kind),
        security=security.pk, quantity=Decimal(10), amount=Decimal(amount), ordinal=1,
    )  # fmt: skip


def while_open(write: Callable[[], object], call: Callable[[], object]) -> object:
    """The result of a call that begins while what ``write`` wrote is not committed."""
    with transaction.atomic():
        write()
        other = Call(call)
        other.wait_until_it_waits()
    other.join(timeout=60)
    return other.result


def test_a_split_recorded_while_purchases_are_booked_waits_and_reaches_them(
    account: Account, aaa: Security
) -> None:
    other = make_account(make_household(account.firm, "Other"), "O-1")
    book(other, EntryKind.BUY, date(2024, 1, 2), aaa, "3", amount="300")
    rows = [trade(one, aaa, "B-1", "buy", date(2024, 1, 2), 1000) for one in (account, other)]

    def split() -> Booked:
        return record_action(
            firm=account.firm, kind=ActionKind.SPLIT, security_id=aaa.pk, actor="test",
            effective_on=date(2024, 2, 1), ratio=Decimal(2),
        )  # fmt: skip

    result = while_open(lambda: services.book(firm=account.firm, rows=rows, actor="test"), split)

    assert result == Booked(
        new=2, known=0, households=tuple(sorted((account.household_id, other.household_id)))
    )
    assert sorted(TaxLot.objects.values_list("quantity", flat=True)) == [6, 20, 20]


def test_a_file_looked_at_while_it_is_booked_is_known(
    account: Account, user: User, aaa: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Call] = []
    book_file = importing._book_file

    def arguments(name: str) -> dict[str, Any]:
        return {
            "firm": account.firm, "user": user, "file": FILE, "name": name, "format": None,
            "account": account, "as_of": date(2024, 12, 31),
        }  # fmt: skip

    def while_somebody_looks(read: ReadImport, record: ImportedFile) -> ImportSummary:
        if not seen:
            seen.append(Call(lambda: services.preview_import(**arguments("look.csv"))))
            seen[0].wait_until_it_waits()
        return book_file(read, record)

    monkeypatch.setattr(importing, "_book_file", while_somebody_looks)
    booked = services.import_file(**arguments("book.csv"))
    seen[0].join(timeout=60)

    assert booked.new == 1
    assert seen[0].result.summary.file_known
    assert (Transaction.objects.count(), ImportedFile.objects.count()) == (1, 1)


def new_household(firm: Firm, bought: Security) -> None:
    """Ann loses 500 in AAA, and John buys ``bought`` within the window."""
    aaa = Security.objects.get(symbol="AAA")
    ann = make_account(make_household(firm, "New"), "N-1")
    john = make_account(ann.household, "N-2", owner="John")
    rows = [
        trade(ann, aaa, "B-1", "buy", date(2024, 1, 2), 1000),
        trade(ann, aaa, "S-1", "sell", date(2024, 3, 1), 500),
        trade(john, bought, "B-2", "buy", date(2024, 3, 5), 500),
    ]
    services.book(firm=firm, rows=rows, actor="test")


def join(user: User, aaa: Security, bbb: Security) -> object:
    group_id = IdenticalMember.objects.get(security=aaa).group_id
    return services.join_group(
        user=user, group_id=group_id, security_id=bbb.pk, since=None, reason="One fund."
    )


def override(user: User, aaa: Security, bbb: Security) -> object:
    return services.override_pair(
        user=user, first_id=aaa.pk, second_id=bbb.pk, is_identical=True, reason="One fund."
    )


def set_up_pair(user: User, aaa: Security, bbb: Security) -> object:
    assert user.firm is not None
    text = f"""[firm]
name = "{user.firm.name}"
[[identical_pairs]]
symbols = ["AAA", "BBB"]
identical = true
reason = "One fund."
author = "{user.username}"
"""
    return set_up(contents=read(text.encode()), name="firm.toml", actor="command")


@pytest.mark.parametrize("decide", [join, override, set_up_pair])
def test_first_trades_under_way_follow_what_becomes_identical(
    account: Account, user: User, aaa: Security, decide: Callable[..., object]
) -> None:
    """Nobody can see yet that there is a household that trades the two: the decision waits until they can."""
    bbb = make_security(account.firm, "BBB")
    make_identical_group(user, aaa)

    result = while_open(lambda: new_household(account.firm, bbb), lambda: decide(user, aaa, bbb))

    assert not isinstance(result, Exception)
    assert Disposal.objects.get().disallowed == 500
    assert list(violations()) == []


def test_first_trades_under_way_follow_a_new_reading_of_the_law(
    account: Account, user: User, aaa: Security
) -> None:
    def decide() -> object:
        return services.set_policy(
            user=user, policy=Policy(spouse=SpousePolicy.TAXPAYER_ONLY), reason="Counsel."
        )

    result = while_open(lambda: new_household(account.firm, aaa), decide)

    assert not isinstance(result, Exception)
    assert Disposal.objects.get().disallowed == 0
    assert list(violations()) == []
