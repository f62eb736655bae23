"""A ledger that contradicts itself is refused: the transaction is named, and nothing that is stored changes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from accounts.types import AccountKind
from lots import services
from lots.booking import BookingError
from lots.types import EntryKind, NewTransaction, Pick, Relief
from securities.importers.refusal import ImportRefused
from securities.models import Security
from tests.factories import book, make_account, make_firm, make_household, make_security

pytestmark = pytest.mark.django_db

TODAY = date(2024, 12, 31)
BUY, SELL, SPLIT = EntryKind.BUY, EntryKind.SELL, EntryKind.SPLIT
TABLES = (
    "lots_transaction", "lots_lotselection", "lots_taxlot", "lots_disposal", "lots_washsale",
    "lots_importedfile", "accounts_auditevent", "securities_corporateaction",
)  # fmt: skip


@dataclass
class Place:
    account: Account
    ira: Account
    foreign: Account
    aaa: Security
    foreign_security: Security


@pytest.fixture
def place() -> Place:
    """Ten shares bought, four sold at a loss and bought back; four more in an IRA."""
    firm = make_firm(pinned_date=TODAY)
    household = make_household(firm)
    account, ira = (
        make_account(household),
        make_account(household, "I-1", kind=AccountKind.ROTH_IRA),
    )
    aaa = make_security(firm, "AAA")
    book(account, BUY, date(2024, 1, 2), aaa, "10", amount="1000", external_id="B-1")
    book(account, SELL, date(2024, 2, 1), aaa, "4", amount="300", external_id="S-1")
    book(account, BUY, date(2024, 2, 10), aaa, "4", amount="310", external_id="B-2")
    book(ira, BUY, date(2024, 2, 10), aaa, "4", amount="310", external_id="B-3")
    account.opened_on = date(2023, 12, 1)
    account.save()
    other = make_firm("Other", pinned_date=TODAY)
    return Place(
        account,
        ira,
        make_account(make_household(other), "X-1"),
        aaa,
        make_security(other, "ZZZ"),
    )


def dump_sha() -> str:
    """Every row of every table that a booking could touch, in the database's own words."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY t::text")
            digest.update(repr((table, cursor.fetchall())).encode())
    return digest.hexdigest()


def row(place: Place, **changes: Any) -> NewTransaction:
    values: dict[str, Any] = {
        "account": place.account.pk,
        "external_id": "BAD",
        "trade_date": date(2024, 6, 3),
        "kind": BUY,
        "security": place.aaa.pk,
        "quantity": Decimal(1),
        "amount": Decimal(100),
        "ordinal": 7,
    }
    return NewTransaction(**(values | changes))


Change = Callable[[Place], dict[str, Any]]
BAD: dict[str, tuple[Change, str, str]] = {
    "sells more than is held": (
        lambda p: {"kind": SELL, "quantity": Decimal(11)},
        "quantity", "holds 10 shares of AAA on 2024-06-03, 11 are to leave",
    ),
    "sells before it has bought": (
        lambda p: {"kind": SELL, "trade_date": date(2024, 1, 1), "quantity": Decimal(1)},
        "quantity", "holds 0 shares of AAA on 2024-01-01, 1 are to leave",
    ),
    "makes a sale of before impossible": (
        lambda p: {"kind": SELL, "trade_date": date(2024, 1, 31), "quantity": Decimal(7)},
        "quantity", "with this row S-1, booked before, is impossible",
    ),
    "sells a lot that is not there": (
        lambda p: {"kind": SELL, "picks": (Pick("B-77", Decimal(1)),)},
        "lots", "B-77",
    ),
    "sells a lot of another account": (
        lambda p: {"kind": SELL, "picks": (Pick("B-3", Decimal(1)),)},
        "lots", "B-3",
    ),
    "sells more of a lot than is left": (
        lambda p: {"kind": SELL, "quantity": Decimal(7), "picks": (Pick("B-1", Decimal(7)),)},
        "quantity", "holds 6 shares of AAA of lot B-1",
    ),
    "picks other shares than it sells": (
        lambda p: {"kind": SELL, "quantity": Decimal(2), "picks": (Pick("B-1", Decimal(1)),)},
        "lots", "the lots add up to 1 shares, the row has 2",
    ),
    "splits by zero": (
        lambda p: {"kind": SPLIT, "quantity": Decimal(0), "amount": Decimal(0)},
        "quantity", "above zero",
    ),
    "splits by less than zero": (
        lambda p: {"kind": SPLIT, "quantity": Decimal(-2), "amount": Decimal(0)},
        "quantity", "-2 is not between 0",
    ),
    "trades before the account was opened": (
        lambda p: {"trade_date": date(2023, 11, 30)},
        "trade_date", "opened",
    ),
    "trades in the future": (
        lambda p: {"trade_date": date(2025, 1, 2)},
        "trade_date", "2025-01-02 is in the future: today is 2024-12-31",
    ),
    "was acquired in the future": (
        lambda p: {"kind": EntryKind.RECEIVE, "acquired": date(2025, 1, 2)},
        "acquired", "2025-01-02 is in the future",
    ),
    "was acquired after it came": (
        lambda p: {"kind": EntryKind.OPENING, "acquired": date(2024, 6, 4)},
        "acquired", "2024-06-04 is after the day of receipt 2024-06-03",
    ),
    "bears the id of another transaction": (
        lambda p: {"external_id": "B-1"},
        "external_id", "the id is booked already with other content",
    ),
    "buys a quantity that is no number": (
        lambda p: {"quantity": Decimal("NaN")}, "quantity", "NaN is not between 0",
    ),
    "buys without end": (
        lambda p: {"quantity": Decimal("Infinity")}, "quantity", "Infinity is not between 0",
    ),
    "pays an amount that is no number": (
        lambda p: {"amount": Decimal("sNaN")}, "amount", "sNaN is not between 0",
    ),
    "pays less than nothing": (
        lambda p: {"amount": Decimal(-1)}, "amount", "-1 is not between 0",
    ),
    "pays a fee that is no number": (
        lambda p: {"fee": Decimal("-Infinity")}, "fee", "-Infinity is not between 0",
    ),
    "transfers into an IRA": (
        lambda p: {"kind": EntryKind.TRANSFER, "amount": Decimal(0), "to_account": p.ira.pk},
        "kind", "is a contribution or a distribution",
    ),
    "transfers to another household": (
        lambda p: {"kind": EntryKind.TRANSFER, "amount": Decimal(0), "to_account": p.foreign.pk},
        "to_account", "the account is none of the firm's",
    ),
    "is of another firm's security": (
        lambda p: {"security": p.foreign_security.pk}, "symbol", "the security is none of the firm's",
    ),
    "is of another firm's account": (
        lambda p: {"account": p.foreign.pk}, "account", "the account is none of the firm's",
    ),
    "averages the basis of a stock": (
        lambda p: {"kind": SELL, "relief": Relief.AVERAGE}, "relief", "fund",
    ),
    "is worthless before the year is over": (
        lambda p: {"kind": EntryKind.WORTHLESS, "quantity": Decimal(0), "amount": Decimal(0)},
        "trade_date", "is not the last day of a year",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "column", "reason"), BAD.values(), ids=BAD)
def test_a_transaction_that_contradicts_the_ledger_is_refused(place, change, column, reason):
    before = dump_sha()
    good = row(
        place, external_id="GOOD", kind=EntryKind.CASH_IN, security=None, quantity=Decimal(0), ordinal=6
    )  # fmt: skip

    with pytest.raises(BookingError) as refused:
        services.book(
            firm=place.account.firm, rows=[good, row(place, **change(place))], actor="test", as_of=TODAY
        )  # fmt: skip

    assert {(problem.row, problem.column) for problem in refused.value.problems} == {(7, column)}
    assert reason in refused.value.problems[0].reason
    assert dump_sha() == before


def test_an_id_twice_with_two_contents_is_refused(place):
    before = dump_sha()
    twice = [row(place), row(place, quantity=Decimal(2), ordinal=8)]

    with pytest.raises(BookingError) as refused:
        services.book(firm=place.account.firm, rows=twice, actor="test", as_of=TODAY)

    [problem] = refused.value.problems
    assert (problem.row, problem.column) == (8, "external_id")
    assert dump_sha() == before


@pytest.mark.parametrize("number", [1.0, True, "1"])
def test_a_number_that_is_not_exact_is_a_type_error(place, number):
    before = dump_sha()
    with pytest.raises(TypeError):
        services.book(
            firm=place.account.firm, rows=[row(place, quantity=number)], actor="test", as_of=TODAY
        )
    assert dump_sha() == before


FILES = {
    "sells more than is held": ("sell", "2024-06-03", "11", "line 3, column quantity: "),
    "splits by zero": ("split", "2024-06-03", "0", "line 3, column quantity: "),
    "trades in the future": ("buy", "2025-01-02", "1", "line 3, column trade_date: "),
    "no number": ("buy", "2024-06-03", "NaN", "line 3, column quantity: "),
    "an exponent": ("buy", "2024-06-03", "1e3", "line 3, column quantity: "),
    "no date": ("buy", "2024-02-30", "1", "line 3, column trade_date: "),
    "a short sale": ("short", "2024-06-03", "1", "line 3, column kind: "),
}


@pytest.mark.parametrize(("kind", "day", "quantity", "where"), FILES.values(), ids=FILES)
def test_a_file_with_one_such_line_is_refused_whole(place, kind, day, quantity, where):
    before = dump_sha()
    amount = "" if kind == "split" else "100"
    lines = (
        "external_id,trade_date,kind,symbol,quantity,amount",
        "GOOD,2024-06-03,cash_in,,,100",
        f"BAD,{day},{kind},AAA,{quantity},{amount}",
    )

    with pytest.raises(ImportRefused) as refused:
        services.import_file(
            firm=place.account.firm,
            user=None,
            file="\n".join(lines).encode(),
            name="f.csv",
            format=None,
            account=place.account,
            as_of=TODAY,
        )

    [problem] = refused.value.problems
    assert f"f.csv, {where}" in str(problem)
    assert dump_sha() == before
