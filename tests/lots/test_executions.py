"""When a statement's row and a fill are one execution."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lots.executions import Execution, retold
from lots.types import EntryKind, NewTransaction, Source

DAY = date(2024, 3, 1)
ROW = NewTransaction(
    account=1,
    external_id="C-1",
    trade_date=DAY,
    kind=EntryKind.BUY,
    security=7,
    quantity=Decimal(10),
    amount=Decimal("1000.00"),
    fee=Decimal("4.95"),
    ordinal=2,
)
FILL = Execution(
    key=(1, "x1"),
    source=Source.FILL,
    kind=EntryKind.BUY,
    security=7,
    trade_date=DAY,
    quantity=Decimal(10),
    amount=Decimal("1000.00"),
    fee=Decimal("4.95"),
)


def told(*rows: NewTransaction, booked=(FILL,), known=((1, "x1"),)):
    """(rows known by a fill, problems)."""
    result = retold(rows, booked, known)
    return result.known, [(p.row, p.column, p.reason) for p in result.problems]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"amount": Decimal("1000.01")},
        {"amount": Decimal("999.99"), "fee": Decimal("4.94")},
        {"price": Decimal("100.0004"), "settle_date": date(2024, 3, 4), "block": "o", "memo": "m"},
    ],
)
def test_a_row_that_agrees_with_a_fill_is_known(changes):
    assert told(replace(ROW, **changes)) == ({(1, "C-1"): (1, "x1")}, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"account": 2},
        {"kind": EntryKind.SELL},
        {"kind": EntryKind.REINVEST},
        {"security": 8},
        {"trade_date": date(2024, 3, 2)},
        {"quantity": Decimal("10.00000001")},
        {"amount": Decimal("1000.0101")},
    ],
)
def test_a_row_that_differs_from_every_fill_is_none(changes):
    assert told(replace(ROW, **changes)) == ({}, [])


def test_a_row_that_differs_in_its_fee_alone_is_refused():
    assert told(replace(ROW, fee=Decimal("4.97"))) == (
        {},
        [
            (
                2,
                "fee",
                "this looks like fill x1, booked with a fee of 4.95, here 4.97: give the row the fill's fee and "
                "book the difference as a row of its own",
            )
        ],
    )


def test_a_fill_makes_one_row_known_and_its_twin_stays_new():
    twin = replace(ROW, external_id="C-2", ordinal=3)
    assert told(ROW, twin) == ({(1, "C-1"): (1, "x1")}, [])


def test_a_twin_with_another_fee_stays_new_where_another_row_is_the_fill():
    twin = replace(ROW, external_id="C-2", fee=Decimal(0))
    assert told(twin, ROW) == ({(1, "C-1"): (1, "x1")}, [])


def test_two_fills_make_two_rows_known_each_the_nearest():
    second = replace(FILL, key=(1, "x2"), amount=Decimal("1000.01"))
    rows = (
        replace(ROW, external_id="C-1", amount=Decimal("1000.01")),
        replace(ROW, external_id="C-2", amount=Decimal("999.99")),
    )
    assert told(*rows, booked=(FILL, second), known=()) == (
        {(1, "C-1"): (1, "x2"), (1, "C-2"): (1, "x1")},
        [],
    )


def test_a_row_with_a_fills_own_id_uses_that_fill():
    own = replace(ROW, external_id="x1", ordinal=3)
    assert told(ROW, own) == ({(1, "x1"): (1, "x1")}, [])


def test_a_row_with_a_fills_own_id_and_other_facts_is_left_to_the_ledger():
    assert told(replace(ROW, external_id="x1", quantity=Decimal(11))) == ({}, [])


def test_a_row_that_is_booked_itself_uses_no_fill():
    """The twin was booked by an earlier file: when both come again, in any order, each finds its own."""
    twin = replace(ROW, external_id="C-2")
    known = ((1, "x1"), (1, "C-2"))
    assert told(twin, ROW, known=known) == ({(1, "C-1"): (1, "x1")}, [])


def test_the_same_line_twice_is_one_row_and_another_line_of_its_id_is_refused():
    assert told(ROW, ROW) == ({(1, "C-1"): (1, "x1")}, [])
    _, problems = told(ROW, replace(ROW, quantity=Decimal(11), ordinal=3))
    assert problems == [
        (3, "external_id", "the id stands on an earlier line already with other content")
    ]


def test_a_fill_of_what_a_statement_has_booked_is_refused_once():
    before = replace(FILL, key=(1, "C-1"), source=Source.STATEMENT, fee=Decimal(0))
    fill = replace(ROW, external_id="x1", source=Source.FILL)
    second = replace(fill, external_id="x2", ordinal=3)
    assert told(fill, second, booked=(before,), known=()) == (
        {},
        [
            (
                2,
                "external_id",
                "a statement has booked this execution already, as C-1: take the fill out of the file and close "
                "its order",
            )
        ],
    )
