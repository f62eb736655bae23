"""Reading a fills file: every refusal names line, column and reason."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from proposals.fills import FillRow, read_fills
from securities.importers.refusal import ImportRefused

ORDER = "11111111-1111-4111-8111-111111111111"
HEADER = "order_id,external_id,trade_date,quantity,price,fee"
TODAY = date(2022, 12, 28)


def read(*lines: str, header: str = HEADER) -> list[FillRow]:
    return read_fills("\n".join([header, *lines]), name="fills.csv", as_of=TODAY)


def test_a_row_is_read_exactly():
    assert read(f"{ORDER},F-1,2022-12-28,12.5,101.25,0.75") == [
        FillRow(
            2,
            UUID(ORDER),
            "F-1",
            date(2022, 12, 28),
            Decimal("12.5"),
            Decimal("101.25"),
            Decimal("0.75"),
        )
    ]


def test_the_fee_may_be_left_out():
    (row,) = read(f"{ORDER},F-1,2022-12-28,1,2", header=HEADER.removesuffix(",fee"))
    assert row.fee == 0


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("no-uuid,F-1,2022-12-28,1,2,0", "order_id", "no order id"),
        (f"{ORDER},,2022-12-28,1,2,0", "external_id", "an id is missing"),
        (f"{ORDER},=1+1,2022-12-28,1,2,0", "external_id", "formula"),
        (f"{ORDER},F-1,2022-12-29,1,2,0", "trade_date", "in the future"),
        (f"{ORDER},F-1,12/28/2022,1,2,0", "trade_date", "not a date"),
        (f"{ORDER},F-1,2022-12-28,0,2,0", "quantity", "above zero"),
        (f"{ORDER},F-1,2022-12-28,-1,2,0", "quantity", "negative"),
        (f"{ORDER},F-1,2022-12-28,NaN,2,0", "quantity", "not a plain number"),
        (f"{ORDER},F-1,2022-12-28,1,0,0", "price", "above zero"),
        (f"{ORDER},F-1,2022-12-28,1,1e400,0", "price", "not a plain number"),
        (f"{ORDER},F-1,2022-12-28,1,2,-1", "fee", "negative"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place(line: str, column: str, reason: str):
    with pytest.raises(ImportRefused) as refused:
        read(f"{ORDER},F-0,2022-12-28,1,2,0", line)
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (3, column)
    assert reason in problem.reason


def test_a_fill_given_twice_in_one_file_is_refused():
    with pytest.raises(ImportRefused, match="line 2 already"):
        read(*[f"{ORDER},F-1,2022-12-28,1,2,0"] * 2)


def test_a_missing_or_unknown_column_is_refused():
    with pytest.raises(ImportRefused, match="is no column"):
        read("x", header="order_id,external_id,trade_date,quantity,price,venue")
