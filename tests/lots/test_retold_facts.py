"""A market fact told twice: what a custodian's row adds to what the firm has recorded."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lots.retold_facts import BookedFact, told_again
from lots.types import EntryKind, NewTransaction

DAY = date(2024, 5, 1)
BOOKED = BookedFact(
    key=(1, "merge:AAA:2024-05-01"), kind=EntryKind.MERGE, security=10, to_security=11, trade_date=DAY,
    ratio=Decimal("0.33333333"), basis_fraction=None, amount=Decimal(0),
)  # fmt: skip
ROW = NewTransaction(
    account=1, external_id="M-1", trade_date=DAY, kind=EntryKind.MERGE, security=10, to_security=11,
    quantity=Decimal("0.333333"), ordinal=7,
)  # fmt: skip
KEY = (1, "M-1")


def test_the_same_fact_is_known_by_the_booked_one() -> None:
    told = told_again([ROW], [BOOKED], known=())

    assert (told.known, told.problems) == ({KEY: BOOKED.key}, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"account": 2},
        {"kind": EntryKind.SPIN_OFF},
        {"security": 12},
        {"to_security": 12},
        {"trade_date": date(2024, 5, 2)},
        {"quantity": Decimal("0.3333")},
        {"basis_fraction": Decimal("0.1")},
    ],
)
def test_another_fact_is_new(changes: dict[str, object]) -> None:
    row = replace(ROW, **changes)  # type: ignore[arg-type]  # fields by name

    assert told_again([row], [BOOKED], known=()).known == {}


def test_cash_that_the_booked_fact_lacks_is_new() -> None:
    told = told_again([replace(ROW, amount=Decimal(60))], [BOOKED], known=())

    assert (told.known, told.problems) == ({}, [])


def test_a_fact_without_cash_is_known_by_the_one_with_it() -> None:
    paid = replace(BOOKED, key=(1, "P-1"), amount=Decimal(60))

    assert told_again([ROW], [BOOKED, paid], known=()).known == {KEY: (1, "P-1")}
    assert told_again([replace(ROW, amount=Decimal("60.00"))], [paid], known=()).known == {
        KEY: (1, "P-1")
    }


def test_another_amount_of_cash_is_refused_with_both_figures() -> None:
    paid = replace(BOOKED, key=(1, "P-1"), amount=Decimal(60))

    [problem] = told_again([replace(ROW, amount=Decimal(61))], [paid], known=()).problems

    assert str(problem) == (
        "row 7, column amount: P-1 has booked this merge with cash in lieu of 60, here 61: take the row out, or give "
        "it the amount that is booked"
    )


def test_a_row_that_is_booked_itself_is_compared_by_its_own_id() -> None:
    assert told_again([ROW], [BOOKED], known={KEY}).known == {}
