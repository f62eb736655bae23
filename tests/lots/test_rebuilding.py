"""A booking recomputes what it touches, and what stands then is what a full rebuild would write."""

import random
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lots import selectors, services
from lots.conservation import violations
from lots.models import Disposal, TaxLot, Transaction, WashSale
from lots.types import EntryKind, RebuildChanges
from tests.factories import book, make_account, make_firm, make_household, make_security
from tests.lots.books_in_pieces import (
    book_in_pieces,
    dump_sha256,
    make_book_place,
    random_rows,
    told,
)

pytestmark = pytest.mark.django_db

NOTHING = RebuildChanges(inserted=0, updated=0, deleted=0)


@pytest.mark.parametrize("seed", range(8))
def test_a_book_in_pieces_of_any_order_is_the_book_at_once(seed: int) -> None:
    household, accounts, securities = make_book_place("Pieces")
    at_once, twin_accounts, twin_securities = make_book_place("At once")

    book_in_pieces(random.Random(seed), household, random_rows(seed, accounts, securities))
    services.book(
        firm=at_once.firm, rows=random_rows(seed, twin_accounts, twin_securities), actor="test"
    )

    assert told(household) == told(at_once)
    for one in (household, at_once):
        broken = violations(
            selectors.ledger(one.pk), selectors.stored_rows(one.pk), selectors.names(one.pk)
        )
        assert list(broken) == []
        assert services.rebuild_lots(household_id=one.pk) == NOTHING


def test_the_random_books_have_wash_sales_across_securities() -> None:
    """Or the test above would compare little."""
    across = 0
    for seed in range(12):
        household, accounts, securities = make_book_place(f"Seed {seed}")
        services.book(
            firm=household.firm, rows=random_rows(seed, accounts, securities), actor="test"
        )
        washes = WashSale.objects.filter(sale__account__household=household)
        across += sum(
            wash.sale.security_id != wash.replacement.security_id
            for wash in washes.select_related("sale", "replacement")
        )
    assert across > 10


def test_derived_tables_that_were_lost_come_back_byte_for_byte() -> None:
    household, accounts, securities = make_book_place("Lost")
    book_in_pieces(random.Random(1), household, random_rows(1, accounts, securities))
    before = dump_sha256()
    for model in (WashSale, Disposal, TaxLot):
        model.objects.all().delete()
    assert dump_sha256() != before

    services.rebuild_lots(household_id=household.pk)

    assert dump_sha256() == before


def test_a_late_purchase_is_replayed_with_its_identical_group_alone() -> None:
    household, accounts, (aaa, bbb, ccc, ddd, eee) = make_book_place("Late")
    account = accounts[0]
    for security in (aaa, bbb, ccc, ddd, eee):
        book(account, EntryKind.BUY, date(2024, 1, 2), security, "10", amount="1000")
    sale = book(account, EntryKind.SELL, date(2024, 3, 4), aaa, "10", amount="700")
    spoiled = TaxLot.objects.get(security=ddd)
    TaxLot.objects.filter(pk=spoiled.pk).update(basis=Decimal(1))

    late = book(account, EntryKind.BUY, date(2024, 3, 11), ccc, "4", amount="320")

    assert Disposal.objects.get(sale=sale).disallowed == 120
    assert TaxLot.objects.get(opening=late).basis == 440
    assert TaxLot.objects.get(pk=spoiled.pk).basis == 1  # another market: not looked at
    assert services.rebuild_lots(household_id=household.pk) == RebuildChanges(0, 1, 0)


def test_a_market_is_what_is_identical_and_what_a_corporate_action_joins() -> None:
    household, (account, *_), (aaa, bbb, ccc, ddd, eee) = make_book_place("Market")

    assert selectors.market(household.pk, [aaa.pk]) == {aaa.pk, bbb.pk, ccc.pk}
    assert selectors.market(household.pk, [ddd.pk]) == {ddd.pk}
    assert selectors.market(household.pk, [ddd.pk, bbb.pk]) == {aaa.pk, bbb.pk, ccc.pk, ddd.pk}
    assert selectors.market(household.pk, []) == frozenset()

    for old, new in ((ddd, eee), (eee, aaa)):
        Transaction.objects.create(
            account=account, external_id=new.symbol, kind=EntryKind.MERGE, security=old,
            to_security=new, trade_date=date(2024, 3, 4), quantity=1, content_sha256="0" * 64,
        )  # fmt: skip
    assert selectors.market(household.pk, [ddd.pk]) == {one.pk for one in (aaa, bbb, ccc, ddd, eee)}


def test_a_deposit_replays_no_lots() -> None:
    account = make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))
    security = make_security(account.firm)
    book(account, EntryKind.BUY, date(2024, 1, 2), security, "10", amount="1000")
    TaxLot.objects.update(basis=Decimal(1))

    with CaptureQueriesContext(connection) as queries:
        book(account, EntryKind.CASH_IN, date(2024, 1, 3), amount="10")

    assert TaxLot.objects.get().basis == 1
    assert not any('INSERT INTO "lots_taxlot"' in query["sql"] for query in queries)
