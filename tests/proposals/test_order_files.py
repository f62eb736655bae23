"""Order files are read by people in spreadsheets and by custodians' programs."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from proposals.order_files import LotInstructionRow, OrderRow, cell, file_name, lots_csv, orders_csv

COLUMNS = (
    "batch_id,order_id,block_id,pair_id,account_or_block,side,security_id,symbol,quantity,type,limit,"
    "tif,instruction,reason,approved_by,approved_at"
)


def order_row(**changes) -> OrderRow:
    values = {
        "batch_id": "0007",
        "order_id": "o-1",
        "block_id": "",
        "pair_id": "p/1",
        "account_or_block": "T-1",
        "side": "sell",
        "security_id": "",
        "symbol": "AAA",
        "quantity": Decimal("12.50000000"),
        "type": "market",
        "limit": "",
        "tif": "day",
        "instruction": "",
        "reason": "harvest",
        "approved_by": "Ada",
        "approved_at": datetime(2022, 12, 28, 15, 0, tzinfo=UTC),
    }
    return OrderRow(**{**values, **changes})


def test_the_order_file_has_the_documented_columns():
    lines = orders_csv([order_row()]).split("\r\n")
    assert lines[0] == COLUMNS
    assert lines[1] == (
        "0007,o-1,,p/1,T-1,sell,,AAA,12.5,market,,day,,harvest,Ada,2022-12-28T15:00:00+00:00"
    )


def test_the_lot_file_has_the_documented_columns():
    row = LotInstructionRow("o-1", "T-1", "T-1-4#0", date(2021, 3, 1), Decimal(10), Decimal("1000"))
    assert lots_csv([row]).split("\r\n")[:2] == [
        "order_id,account,lot_id,acquired,quantity,basis,method",
        "o-1,T-1,T-1-4#0,2021-03-01,10,1000,specific",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "=cmd|' /C calc'!A0",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        '=HYPERLINK("http://x","y")',
    ],
)
def test_a_text_cell_is_never_a_formula(text: str):
    (row,) = list(csv.reader(io.StringIO(orders_csv([order_row(approved_by=text)]), newline="")))[
        1:
    ]
    assert row[14] == f"'{text}"


def test_plain_text_is_left_alone():
    assert cell("Ann O'Hara, Ltd.") == "Ann O'Hara, Ltd."


def test_a_negative_number_stays_a_number():
    assert cell(Decimal("-12.50")) == "-12.5"


def test_a_float_has_no_place_in_an_order_file():
    with pytest.raises(TypeError, match="float"):
        cell(1.5)  # type: ignore[arg-type]


def test_a_file_handed_out_again_says_so():
    assert file_name("orders", 7) == "orders-0007.csv"
    assert file_name("lots", 12345) == "lots-12345.csv"
