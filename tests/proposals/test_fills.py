"""Reading a fills file: every refusal names line, column and reason."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from proposals.fills import BlockRow, FillRow, FillsFile, read_fills
from proposals.types import Side
from securities.importers.refusal import ImportRefused

ORDER = "11111111-1111-4111-8111-111111111111"
HEADER = "order_id,external_id,trade_date,quantity,price,fee"
TODAY = date(2022, 12, 28)


def read_file(*lines: str, header: str = HEADER) -> FillsFile:
    return read_fills("\n".join([header, *lines]), name="fills.csv", as_of=TODAY)


def read(*lines: str, header: str = HEADER) -> list[FillRow]:
    return list(read_file(*lines, header=header).fills)


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


# Fills of blocks

BLOCK_HEADER = f"{HEADER},symbol,side,batch_id,custodian,seed"
FILL, BLOCK = f"{ORDER},F-1,2022-12-28,1,2,0,,,,,", ",B-1,2022-12-28,5,2,0,OLD,sell,7,Custody,42"


def test_a_row_without_an_order_is_the_fill_of_a_block():
    file = read_file(FILL, BLOCK, header=BLOCK_HEADER)
    assert [row.line for row in file.fills] == [2]
    assert file.blocks == (
        BlockRow(
            line=3,
            external_id="B-1",
            trade_date=date(2022, 12, 28),
            symbol="OLD",
            side=Side.SELL,
            quantity=Decimal(5),
            price=Decimal(2),
            fee=Decimal(0),
            batch=7,
            custodian="Custody",
            seed=42,
        ),
    )


def test_a_file_of_blocks_needs_no_column_for_orders_and_a_block_no_batch_custodian_or_seed():
    header = "external_id,trade_date,quantity,price,symbol,side"
    (block,) = read_file("B-1,2022-12-28,5,2,OLD,buy", header=header).blocks
    assert (block.side, block.fee) == (Side.BUY, Decimal(0))
    assert (block.batch, block.custodian, block.seed) == (None, "", None)


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (",B-2,2022-12-28,5,2,0,OLD,,,,", "side", "buy or sell"),
        (",B-2,2022-12-28,5,2,0,OLD,short,,,", "side", "buy or sell"),
        (",B-2,2022-12-28,5,2,0,,sell,,,", "symbol", "the symbol is missing"),
        (",B-2,2022-12-28,5,2,0,,,,,", "order_id", "no order id"),
        (",B-2,2022-12-28,5,2,0,OLD,sell,1.5,,", "batch_id", "decimals"),
        (",B-2,2022-12-28,5,2,0,OLD,sell,,,-4", "seed", "negative"),
        (f",B-2,2022-12-28,5,2,0,OLD,sell,,,{2**63}", "seed", "too large"),
        (f",{'B' * 91},2022-12-28,5,2,0,OLD,sell,,,", "external_id", "at most 90"),
        (f"{ORDER},F-2,2022-12-28,5,2,0,OLD,,,,", "symbol", "leave it empty"),
        (f"{ORDER},F-2,2022-12-28,5,2,0,,,,,4", "seed", "leave it empty"),
        (",B-1,2022-12-29,5,2,0,OLD,sell,,,", "trade_date", "in the future"),
        (",B-1,2022-12-27,5,2,0,OLD,sell,,,", "external_id", "line 3 already"),
        (",F-1,2022-12-28,5,2,0,OLD,sell,,,", "external_id", "line 2 already"),
        (f"{ORDER},B-1,2022-12-28,1,2,0,,,,,", "external_id", "line 3 already"),
    ],
)
def test_a_block_that_cannot_be_taken_is_refused_with_its_place(
    line: str, column: str, reason: str
):
    with pytest.raises(ImportRefused) as refused:
        read_file(FILL, BLOCK, line, header=BLOCK_HEADER)
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (4, column)
    assert reason in problem.reason


def test_a_file_with_neither_orders_nor_symbols_is_refused():
    with pytest.raises(ImportRefused, match="column order_id: the column is missing"):
        read_file("B-1,2022-12-28,5,2", header="external_id,trade_date,quantity,price")
