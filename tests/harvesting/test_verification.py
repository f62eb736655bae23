"""The tax engine has the last word, whatever the quick checks say."""

from datetime import date
from decimal import Decimal

from accounts.types import AccountKind
from harvesting import finder
from harvesting.types import Book, Outcome, Plan, Surroundings
from harvesting.verification import clean_plan
from lots.types import EntryKind, Ledger, LedgerAccount, LedgerEntry, Policy
from tests.harvesting.books import (
    AAA,
    BBB,
    CCC,
    DDD,
    IRA,
    OLD,
    SPOUSE,
    TAXABLE,
    around,
    book,
    days_ago,
    lot,
    only,
    outcomes,
)

OWNERS = (
    LedgerAccount(str(TAXABLE), AccountKind.TAXABLE, "Ann"),
    LedgerAccount(str(SPOUSE), AccountKind.TAXABLE, "Bob"),
    LedgerAccount(str(IRA), AccountKind.TRADITIONAL_IRA, "Ann"),
)


def entry(
    number: int, kind: EntryKind, day: date, account: int, security: int, amount: int
) -> LedgerEntry:
    """A trade of 100 shares."""
    return LedgerEntry(
        id=str(number),
        trade_date=day,
        account=str(account),
        kind=kind,
        security=str(security),
        quantity=Decimal(100),
        amount=Decimal(amount),
    )


def verified(the_book: Book, surroundings: Surroundings, *entries: LedgerEntry) -> Plan:
    lots, _ = finder.screen(the_book)
    plan, _ = clean_plan(the_book, lots, surroundings, Ledger(entries, OWNERS, (), Policy()))
    return plan


def test_a_sale_that_the_engine_would_wash_is_taken_out():
    """The quick check was told of no purchase; the engine sees the one in the IRA."""
    plan = verified(
        book(lot(1), lot(2, BBB)),
        around(),
        entry(1, EntryKind.BUY, OLD, TAXABLE, AAA, 10000),
        entry(2, EntryKind.BUY, OLD, TAXABLE, BBB, 10000),
        entry(3, EntryKind.BUY, days_ago(30), IRA, AAA, 9000),
    )
    assert outcomes(plan) == {1: Outcome.RECENT_PURCHASE, 2: Outcome.TAKE}
    assert only(plan, Outcome.RECENT_PURCHASE).detail == (
        "The tax engine finds that $2,000.00 of the loss on AAA would be washed (R5)."
    )


def test_a_substitute_whose_purchase_washes_an_earlier_loss_gives_way_to_the_next():
    plan = verified(
        book(lot(1)),
        around(),
        entry(1, EntryKind.BUY, OLD, TAXABLE, AAA, 10000),
        entry(2, EntryKind.BUY, OLD, SPOUSE, CCC, 6000),
        entry(3, EntryKind.SELL, days_ago(30), SPOUSE, CCC, 5000),
    )
    assert [one.substitute for one in plan.candidates] == [DDD]


def test_where_every_substitute_washes_an_earlier_loss_nothing_is_taken():
    plan = verified(
        book(lot(1)),
        around(substitutes={AAA: (CCC,)}),
        entry(1, EntryKind.BUY, OLD, TAXABLE, AAA, 10000),
        entry(2, EntryKind.BUY, OLD, SPOUSE, CCC, 6000),
        entry(3, EntryKind.SELL, days_ago(30), SPOUSE, CCC, 5000),
    )
    assert only(plan, Outcome.SUBSTITUTE_BLOCKED).detail == (
        "No substitute can be bought: CCC is blocked: buying it would wash $1,000.00 of the loss "
        "on CCC sold on 2022-11-28."
    )
    assert plan.candidates == ()


def test_a_clean_plan_stays_as_it_is():
    the_book = book(lot(1))
    plan = verified(the_book, around(), entry(1, EntryKind.BUY, OLD, TAXABLE, AAA, 10000))
    assert plan == finder.find(the_book, the_book.lots, around())
