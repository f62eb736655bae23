"""Stored rows against their ledger, by hand: silent on what is sound, one sentence on each thing that is not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.types import AccountKind
from lots.booking import Names
from lots.conservation import SoldRow, StoredRows, WashRow, violations
from lots.types import (
    DisposalEvent,
    EntryKind,
    Ledger,
    LedgerAccount,
    LedgerEntry,
    LotRow,
    Policy,
    Treatment,
)

NAMES = Names(
    accounts={"1": "T-1", "2": "T-2"},
    securities={"7": "AAA", "8": "BBB"},
    entries={str(number): f"X-{number}" for number in range(10, 30)},
)


def entry(
    id: int, kind: EntryKind, quantity: str = "0", amount: str = "0", **other: Any
) -> LedgerEntry:
    values: dict[str, Any] = {
        "trade_date": date(2024, 3, id - 9),
        "account": "1",
        "security": "7",
    } | other
    return LedgerEntry(
        id=str(id), kind=kind, quantity=Decimal(quantity), amount=Decimal(amount), **values
    )


def ledger(*entries: LedgerEntry, groups: tuple[frozenset[str], ...] = ()) -> Ledger:
    accounts = tuple(LedgerAccount(one, AccountKind.TAXABLE, "9") for one in ("1", "2"))
    return Ledger(entries=entries, accounts=accounts, policy=Policy(), groups=groups)


def lot(opening: int, quantity: str, basis: str, **other: Any) -> LotRow:
    values: dict[str, Any] = {"part": 0, "account": 1, "security": 7} | other
    day = date(2024, 3, opening - 9)
    return LotRow(
        opening=opening, quantity=Decimal(quantity), basis=Decimal(basis), acquired=day,
        holding_start=day, **values,
    )  # fmt: skip


def sold(
    sale: int, opening: int, quantity: str, proceeds: str, basis: str, **other: Any
) -> SoldRow:
    values: dict[str, Any] = {"account": 1, "security": 7, "disallowed": Decimal(0), "permanent": Decimal(0),
              "event": DisposalEvent.SALE} | other  # fmt: skip
    return SoldRow(
        sale=sale, opening=opening, quantity=Decimal(quantity), proceeds=Decimal(proceeds),
        basis=Decimal(basis), **values,
    )  # fmt: skip


# 10: 10 AAA for 1,000. 11: 4 of them sold for 300 less 2 fee, a loss of 102. 12: 4 bought for 310: all of it washed.
BUY = entry(10, EntryKind.BUY, "10", "1000")
SALE = replace(entry(11, EntryKind.SELL, "4", "300"), fee=Decimal(2))
AGAIN = entry(12, EntryKind.BUY, "4", "310")
BOOK = ledger(BUY, SALE, AGAIN)
LOTS = (lot(10, "6", "600"), lot(12, "4", "412"))
SOLD = sold(11, 10, "4", "298", "400", disallowed=Decimal(102))
WASH = WashRow(11, 12, Decimal(102), Treatment.DEFERRED)
SOUND = StoredRows(LOTS, (SOLD,), (WASH,))


def said(book: Ledger, rows: StoredRows) -> list[str]:
    return list(violations(book, rows, NAMES))


def test_a_washed_loss_that_lies_in_the_replacement_is_sound():
    assert said(BOOK, SOUND) == []


def test_shares_that_do_not_follow_are_named():
    assert said(
        BOOK, replace(SOUND, lots=(LOTS[0], replace(LOTS[1], quantity=Decimal("3.5"))))
    ) == ["account T-1: 9.5 shares of AAA are open, 10 follow from its transactions (I1)"]


def test_a_lot_larger_than_its_purchase_is_named_although_the_sum_is_right():
    larger = (replace(LOTS[0], quantity=Decimal(5)), replace(LOTS[1], quantity=Decimal(5)))
    assert said(BOOK, replace(SOUND, lots=larger)) == [
        "lot X-12 has 5 shares of AAA, 4 were opened by transaction X-12 (I2)"
    ]


def test_a_lot_below_nothing_is_named():
    below = (*LOTS, lot(10, "0", "-1", part=1), lot(10, "0", "1", part=2))
    assert said(BOOK, replace(SOUND, lots=below)) == [
        "lot X-10 has 0 shares at a basis of -1: neither can be below nothing (I2)",
        "lot X-10 has 0 shares at a basis of 1: neither can be below nothing (I2)",
    ]


def test_a_disallowed_loss_that_is_in_no_lot_is_named():
    """The classic: the loss is reported as disallowed and the new lot keeps its cost."""
    lost = (LOTS[0], replace(LOTS[1], basis=Decimal(310)))
    assert said(BOOK, replace(SOUND, lots=lost)) == [
        "basis of AAA: 1412 came in with purchases, receipts and disallowed losses, 1310 is open or was relieved (I3)"
    ]


def test_a_loss_gone_for_ever_raises_no_basis():
    gone = StoredRows(
        (LOTS[0], replace(LOTS[1], basis=Decimal(310))),
        (replace(SOLD, permanent=Decimal(102)),),
        (replace(WASH, treatment=Treatment.PERMANENT),),
    )
    assert said(BOOK, gone) == []
    [sentence] = said(BOOK, replace(gone, lots=LOTS))
    assert sentence.startswith("basis of AAA: 1310 came in")


def test_a_sale_is_what_its_lots_bring_and_give():
    rows = replace(SOUND, sold=(replace(SOLD, proceeds=Decimal(300), quantity=Decimal(5)),))
    assert said(BOOK, rows) == [
        "sale X-11: 102.00 is disallowed, of which 0.00 for ever, of a gain of -100.00 (I4)",
        "sale X-11: its lots bring 300.00, the sale brought 298.00 after fees (I4)",
        "sale X-11: its lots give 5 shares, 4 were sold (I4)",
    ]


@pytest.mark.parametrize(
    "washes", [(), (replace(WASH, amount=Decimal(101)),), (WASH, replace(WASH, amount=Decimal(1)))]
)
def test_a_disallowed_loss_is_what_its_matches_say(washes: tuple[WashRow, ...]):
    matched = sum((wash.amount for wash in washes), Decimal(0))
    assert said(BOOK, replace(SOUND, washes=washes))[-1] == (
        "sale X-11: 102.00 is disallowed, 0.00 of it for ever; "
        f"its matches say {matched:.2f} and 0.00 (I5)"
    )


def test_basis_moves_inside_a_market_and_not_between_markets():
    other = replace(AGAIN, security="8")
    rows = replace(SOUND, lots=(LOTS[0], replace(LOTS[1], security=8)))
    assert said(ledger(BUY, SALE, other, groups=(frozenset({"7", "8"}),)), rows) == []
    assert len(said(ledger(BUY, SALE, other), rows)) == 2  # too little of AAA, too much of BBB


def test_a_transfer_moves_shares_between_accounts():
    book = ledger(BUY, entry(11, EntryKind.TRANSFER, "4", to_account="2"))
    split = (lot(10, "6", "600"), lot(10, "4", "400", part=1, account=2))
    assert said(book, StoredRows(split, (), ())) == []
    assert [one[:12] for one in said(book, StoredRows((lot(10, "10", "1000"),), (), ()))] == [
        "account T-1:", "account T-2:",
    ]  # fmt: skip


def test_a_split_is_one_fact_for_all_accounts_and_pays_for_a_fraction_in_each():
    """3 and 5 shares split 3-for-2 into 4.5 and 7.5; each account is paid for its half."""
    second = entry(11, EntryKind.BUY, "5", "500", account="2")
    day = date(2024, 3, 20)
    splits = [
        entry(12 + number, EntryKind.SPLIT, "1.5", "16", account=account, trade_date=day)
        for number, account in enumerate(("1", "2"))
    ]
    book = ledger(replace(BUY, quantity=Decimal(3), amount=Decimal(300)), second, *splits)
    paid = (
        sold(12, 10, "0.5", "16", "33.3333", event=DisposalEvent.CASH_IN_LIEU),
        sold(13, 11, "0.5", "16", "33.3333", account=2, event=DisposalEvent.CASH_IN_LIEU),
    )
    lots = (lot(10, "4", "266.6667"), lot(11, "7", "466.6667", account=2))
    assert said(book, StoredRows(lots, paid, ())) == []
    twice = StoredRows((replace(lots[0], quantity=Decimal("6.5")), lots[1]), paid, ())
    assert said(book, twice)[0] == (
        "account T-1: 6.5 shares of AAA are open, 4 follow from its transactions (I1)"
    )


def test_a_spin_off_divides_the_basis_and_a_merger_carries_it():
    spin_off = entry(11, EntryKind.SPIN_OFF, "0.5", to_security="8", basis_fraction=Decimal("0.2"))
    lots = (lot(10, "10", "800"), lot(10, "5", "200", part=1, security=8))
    assert said(ledger(BUY, spin_off), StoredRows(lots, (), ())) == []
    merger = entry(11, EntryKind.MERGE, "0.5", to_security="8")
    assert said(ledger(BUY, merger), StoredRows((lot(10, "5", "1000", security=8),), (), ())) == []
    assert len(said(ledger(BUY, merger), StoredRows((lot(10, "10", "1000"),), (), ()))) == 3


def test_a_return_of_capital_lowers_the_basis_and_then_is_gain():
    book = ledger(BUY, entry(11, EntryKind.RETURN_OF_CAPITAL, amount="1200"))
    excess = sold(11, 10, "0", "200", "0", event=DisposalEvent.DISTRIBUTION)
    assert said(book, StoredRows((lot(10, "10", "0"),), (excess,), ())) == []
    assert len(said(book, StoredRows((lot(10, "10", "1"),), (excess,), ()))) == 1


def test_what_is_given_away_takes_basis_along_and_brings_none():
    book = ledger(BUY, entry(11, EntryKind.GIVE, "4"))
    assert said(book, StoredRows((lot(10, "6", "600"),), (), ())) == []
    [sentence] = said(book, StoredRows((lot(10, "6", "1001"),), (), ()))
    assert sentence.startswith("basis of AAA: 1000 came in")


@pytest.mark.parametrize("quantity", ["0", "10"])
def test_a_worthless_position_is_gone(quantity: str):
    book = ledger(BUY, entry(11, EntryKind.WORTHLESS, quantity))
    row = sold(11, 10, "10", "0", "1000", event=DisposalEvent.WORTHLESS)
    assert said(book, StoredRows((), (row,), ())) == []
