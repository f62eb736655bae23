from datetime import date
from decimal import Decimal

import pytest

from lots.types import EntryKind, NewTransaction, Pick, Relief
from tests.lots.importers.statements import DIRECTORY, refused, taken

HEADER = "external_id,trade_date,kind,symbol,quantity,price,amount,fee\n"
GOOD = "B-1,2024-01-05,buy,AAA,10,100,1000,5\n"
ACCEPTED = (
    "account, external_id, trade_date, kind, symbol, quantity, price, amount, fee, settle_date, "
    "lots, relief, block, to_account, holding_start, acquired, to_symbol, basis_fraction, market_value, memo"
)


def one(**cells: str) -> str:
    """A file of one good purchase with other cells."""
    values = {
        "external_id": "B-1", "trade_date": "2024-01-05", "kind": "buy", "symbol": "AAA",
        "quantity": "10", "amount": "1000", **cells,
    }  # fmt: skip
    return ",".join(values) + "\n" + ",".join(values.values()) + "\n"


def test_a_row_becomes_a_transaction() -> None:
    [row] = taken(
        one(price="100.001", fee="4.95", settle_date="2025-01-02", block="O-1", memo="two, of five")
        .replace("two, of five", '"two, of five"')
    )  # fmt: skip

    assert row == NewTransaction(
        account=1,
        external_id="B-1",
        trade_date=date(2024, 1, 5),
        kind=EntryKind.BUY,
        security=10,
        quantity=Decimal(10),
        price=Decimal("100.001"),
        amount=Decimal(1000),
        fee=Decimal("4.95"),
        settle_date=date(2025, 1, 2),
        block="O-1",
        memo="two, of five",
        ordinal=2,
    )


def test_the_file_names_its_accounts_where_nobody_chose_one() -> None:
    text = "account,external_id,trade_date,kind,amount\nT-2,C-1,2024-01-05,cash_in,50\n"

    [row] = taken(text, directory=DIRECTORY)

    assert (row.account, row.kind, row.amount) == (2, EntryKind.CASH_IN, Decimal(50))


def test_a_missing_amount_is_quantity_times_price_to_the_cent() -> None:
    [row] = taken(one(quantity="3.333", price="1.5", amount=""))

    assert row.amount == Decimal("5.00")


def test_lots_of_a_sale_are_named_by_their_openings() -> None:
    [row] = taken(one(kind="sell", lots="B:1:4; B-2:6"))

    assert row.picks == (Pick("B:1", Decimal(4)), Pick("B-2", Decimal(6)))


def test_transfers_receipts_and_splits_have_their_own_columns() -> None:
    text = (
        "external_id,trade_date,kind,symbol,quantity,amount,to_account,holding_start,acquired\n"
        "X-1,2024-01-05,transfer,AAA,10,,T-2,,\n"
        "R-1,2024-01-05,receive,AAA,5,250.5,,2019-01-01,2019-06-01\n"
        "S-1,2024-01-05,split,AAA,0.33333333,,,,\n"
    )

    transfer, receive, split = taken(text)

    assert transfer.to_account == 2
    assert (receive.amount, receive.holding_start) == (Decimal("250.5"), date(2019, 1, 1))
    assert split.quantity == Decimal("0.33333333")


ACTIONS = """\
external_id,trade_date,kind,symbol,quantity,amount,relief,acquired,to_symbol,basis_fraction,market_value
V-1,2024-01-05,vest,AAA,10,1500,,,,,
O-1,2024-01-05,opening,AAA,20,900.5,,2020-02-03,,,
G-1,2024-01-05,gift,AAA,5,400,,2015-01-02,,,300
H-1,2024-01-05,inherit,AAA,7,700,,,,,
Y-1,2024-02-05,give,AAA,2,,hifo,,,,
P-1,2024-02-06,split,AAA,1.5,33.25,lifo,,,,
N-1,2024-02-07,rename,AAA,,,,,BBB,,
M-1,2024-02-08,merge,BBB,0.33333333,12.5,,,AAA,,
C-1,2024-02-09,cash_merger,BBB,40,4000,,,,,
F-1,2024-02-10,spin_off,AAA,0.25,,,,BBB,0.2031,
R-1,2024-02-11,return_of_capital,AAA,,81.75,,,,,
W-1,2023-12-31,worthless,BBB,,,,,,,
"""


def test_each_kind_of_corporate_action_has_a_row() -> None:
    """(kind, security, quantity, amount, relief, to_security, basis_fraction, market_value)"""
    rows = taken(ACTIONS)

    d = Decimal
    assert [
        (row.kind, row.security, row.quantity, row.amount, row.relief, row.to_security, row.basis_fraction,
         row.market_value)
        for row in rows
    ] == [
        (EntryKind.VEST, 10, d(10), d(1500), None, None, None, None),
        (EntryKind.OPENING, 10, d(20), d("900.5"), None, None, None, None),
        (EntryKind.GIFT, 10, d(5), d(400), None, None, None, d(300)),
        (EntryKind.INHERIT, 10, d(7), d(700), None, None, None, None),
        (EntryKind.GIVE, 10, d(2), d(0), Relief.HIFO, None, None, None),
        (EntryKind.SPLIT, 10, d("1.5"), d("33.25"), Relief.LIFO, None, None, None),
        (EntryKind.RENAME, 10, d(1), d(0), None, 11, None, None),
        (EntryKind.MERGE, 11, d("0.33333333"), d("12.5"), None, 10, None, None),
        (EntryKind.CASH_MERGER, 11, d(40), d(4000), None, None, None, None),
        (EntryKind.SPIN_OFF, 10, d("0.25"), d(0), None, 11, d("0.2031"), None),
        (EntryKind.RETURN_OF_CAPITAL, 10, d(0), d("81.75"), None, None, None, None),
        (EntryKind.WORTHLESS, 11, d(0), d(0), None, None, None, None),
    ]  # fmt: skip
    assert [row.acquired for row in rows[1:3]] == [date(2020, 2, 3), date(2015, 1, 2)]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("short", "is a short sale or its cover. Short positions are not computed (R26)"),
        ("Sell Short", "is a short sale or its cover. Short positions are not computed (R26)"),
        ("short_sale", "is a short sale or its cover. Short positions are not computed (R26)"),
        ("cover", "is a short sale or its cover. Short positions are not computed (R26)"),
        ("BUY_TO_COVER", "is a short sale or its cover. Short positions are not computed (R26)"),
        ("write", "is an option. Options are not computed (R26)"),
        ("sell-to-open", "is an option. Options are not computed (R26)"),
        ("assignment", "is an option. Options are not computed (R26)"),
        ("mixed_merger", "pays in stock and in cash. A merger for both is not computed"),
    ],
)
def test_what_is_not_computed_is_refused_by_name_and_says_what_to_do(kind: str, words: str) -> None:
    [problem] = refused(one(kind=kind))

    assert problem.startswith(f"f, line 2, column kind: '{kind}' {words}")
    assert "the file" in problem or "Book a give" in problem


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_end_are_taken(mark: bytes, end: str) -> None:
    text = (HEADER + "\n" + GOOD + "\n").replace("\n", end)

    [row] = taken(mark + text.encode())

    assert row.ordinal == 3


def test_a_quoted_cell_may_span_lines_and_the_next_row_keeps_its_line() -> None:
    text = one(memo="x").replace(",x", ',"a\nb"') + one(trade_date="bad").splitlines()[1] + ",\n"

    assert refused(text) == ["f, line 4, column trade_date: 'bad' is not a date such as 2024-01-31"]


BAD_FILES = {
    "empty": (b"", ["f: the file is empty"]),
    "blank": (b" \r\n\n", ["f: the file is empty"]),
    "only a mark": (b"\xef\xbb\xbf\n", ["f: the file is empty"]),
    "header only": (
        HEADER.encode(),
        ["f, line 1: the file has a header line and no rows"],
    ),
    "UTF-16": (
        ("\ufeff" + HEADER + GOOD).encode("utf-16-le"),
        ["f, line 1: the file is UTF-16: save it as UTF-8"],
    ),
    "UTF-16 without a mark": (
        (HEADER + GOOD).encode("utf-16-le"),
        ["f, line 1: a NUL byte: this is no text, or text in UTF-16; save it as UTF-8"],
    ),
    "NUL": (
        (HEADER + GOOD + "B-2,\0").encode(),
        ["f, line 3: a NUL byte: this is no text, or text in UTF-16; save it as UTF-8"],
    ),
    "Latin-1": (
        (HEADER + GOOD + "Caf\xe9,").encode("latin-1"),
        ["f, line 3: byte 0xE9 is not UTF-8: save the file as UTF-8"],
    ),
    "control character": (
        (HEADER + GOOD + "B\x07").encode(),
        ["f, line 3: a control character (U+0007)"],
    ),
    "long line": (
        (HEADER + GOOD + "x" * 20_001).encode(),
        ["f, line 3: the line is longer than 20,000 characters"],
    ),
    "unknown column": (
        HEADER.replace("fee", "costs").encode() + GOOD.encode(),
        ["f, line 1, column costs: 'costs' is no column of this format; accepted are " + ACCEPTED],
    ),
    "column twice": (
        HEADER.replace("fee", "price").encode() + GOOD.encode(),
        ["f, line 1, column price: the column stands twice"],
    ),
    "column missing": (
        b"external_id,kind\nB-1,buy\n",
        ["f, line 1, column trade_date: the column is missing"],
    ),
    "short row": (
        (HEADER + GOOD + "B-2,2024-01-05\n").encode(),
        ["f, line 3: the row has 2 cells, the header has 8"],
    ),
    "open quote": (
        (HEADER + GOOD + '"B-2,2024').encode(),
        ["f, line 3: not readable as CSV: unexpected end of data"],
    ),
    "DOCTYPE": (
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>\n",
        [
            "f, line 1: a markup declaration (DOCTYPE, ENTITY, CDATA or a comment) is not accepted "
            "in OFX"
        ],
    ),
}


@pytest.mark.parametrize(("data", "problems"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_table_is_refused_with_its_place(
    data: bytes, problems: list[str]
) -> None:
    assert refused(data) == problems


KINDS = (
    "buy, sell, reinvest, vest, opening, receive, gift, inherit, give, transfer, split, rename, merge, "
    "cash_merger, spin_off, return_of_capital, worthless, cash_in, cash_out, fee"
)
NO_NUMBER = "is not a plain number such as 1000 or 12.5"
BAD_CELLS = [
    ("quantity", "NaN", f"'NaN' {NO_NUMBER}"),
    ("quantity", "Inf", f"'Inf' {NO_NUMBER}"),
    ("quantity", "1e400", f"'1e400' {NO_NUMBER}"),
    ("quantity", '"1,000"', f"'1,000' {NO_NUMBER}"),
    ("quantity", "(5.00)", f"'(5.00)' {NO_NUMBER}"),
    ("quantity", "１０", f"'\\uff11\\uff10' {NO_NUMBER}"),
    ("quantity", "1_000", f"'1_000' {NO_NUMBER}"),
    ("quantity", "+5", f"'+5' {NO_NUMBER}"),
    ("quantity", "5.", f"'5.' {NO_NUMBER}"),
    ("quantity", ".5", f"'.5' {NO_NUMBER}"),
    ("quantity", "0x10", f"'0x10' {NO_NUMBER}"),
    ("quantity", "-10", "'-10' is negative: numbers are given without a sign"),
    ("quantity", "-0", "'-0' is negative: numbers are given without a sign"),
    ("quantity", "0", "a buy needs a quantity, above zero"),
    ("quantity", "", "a buy needs a quantity, above zero"),
    ("quantity", "1." + "0" * 30, "'1.000000000000000000000000000000' has 30 decimals, at most 8 are accepted"),
    ("quantity", "1000000000000", "'1000000000000' is too large: it must be below 1,000,000,000,000"),
    ("quantity", "9" * 15, "'999999999999999' is too large: it must be below 1,000,000,000,000"),
    ("amount", "1.00001", "'1.00001' has 5 decimals, at most 4 are accepted"),
    ("amount", "-5", "'-5' is negative: numbers are given without a sign"),
    ("amount", "$5", f"'$5' {NO_NUMBER}"),
    ("fee", "NaN", f"'NaN' {NO_NUMBER}"),
    ("price", "1.0000001", "'1.0000001' has 7 decimals, at most 6 are accepted"),
    ("trade_date", "2025-01-01", "2025-01-01 is in the future: today is 2024-12-31"),
    ("trade_date", "01/05/2024", "'01/05/2024' is not a date such as 2024-01-31"),
    ("trade_date", "2024-02-30", "'2024-02-30' is not a day of the calendar"),
    ("trade_date", "1899-12-31", "1899-12-31 is before 1900-01-01"),
    ("trade_date", "２０２４-01-05", "'\\uff12\\uff10\\uff12\\uff14-01-05' is not a date such as 2024-01-31"),
    ("trade_date", "", "the cell is empty"),
    ("settle_date", "2024-01-04", "2024-01-04 is before the trade date 2024-01-05"),
    ("kind", "purchase", f"'purchase' is no kind; accepted are {KINDS}"),
    ("kind", "", "the cell is empty"),
    ("symbol", "ZZZ", "'ZZZ' is no known symbol"),
    ("symbol", "", "a buy needs a security"),
    ("symbol", "=1+1", "'=1+1' begins like a spreadsheet formula"),
    ("external_id", "", "the cell is empty"),
    ("external_id", "=cmd|' /C calc'!A0", "\"=cmd|' /C calc'!A0\" begins like a spreadsheet formula"),
    ("external_id", "+1", "'+1' begins like a spreadsheet formula"),
    ("external_id", "-1", "'-1' begins like a spreadsheet formula"),
    ("external_id", "@SUM(A1)", "'@SUM(A1)' begins like a spreadsheet formula"),
    ("external_id", "\tx", "'\\tx' begins like a spreadsheet formula"),
    ("external_id", '"\rx"', "'\\rx' begins like a spreadsheet formula"),
    ("external_id", "＝1", "'\\uff1d1' begins like a spreadsheet formula"),
    ("external_id", "＋1", "'\\uff0b1' begins like a spreadsheet formula"),
    ("external_id", "－1", "'\\uff0d1' begins like a spreadsheet formula"),
    ("external_id", "＠1", "'\\uff201' begins like a spreadsheet formula"),
    ("external_id", "a\u202eb", "'a\\u202eb' holds a character that cannot be printed"),
    ("external_id", "x" * 121, f"'{'x' * 40}...' has 121 characters, at most 120 are accepted"),
    ("block", "=1", "'=1' begins like a spreadsheet formula"),
    ("account", "T-9", "'T-9' is no account of the firm"),
    ("account", "T-2", "the row is for account 'T-2', the file is imported into account 'T-1'"),
    ("to_account", "T-2", "a buy has no destination account"),
    ("lots", "B-1:10", "a buy cannot identify lots"),
    ("lots", "B-1", "'B-1' is no lot such as B-17:100 (opening id, colon, shares)"),
    ("lots", "B-1:-3", "'-3' is negative: numbers are given without a sign"),
    ("acquired", "2024-01-01", "a buy has no such date; only gift, opening and receive have"),
    ("relief", "fifo", "a buy chooses no lots"),
    ("relief", "best", "'best' is no relief; accepted are fifo, lifo, hifo, lowest_tax, average"),
    ("to_symbol", "ZZZ", "'ZZZ' is no known symbol"),
    ("to_symbol", "BBB", "a buy leads to no other security"),
    ("basis_fraction", "0.2", "a buy moves no basis to another security"),
    ("basis_fraction", "1", "'1' is too large: it must be below 1"),
    ("basis_fraction", "0.123456789", "'0.123456789' has 9 decimals, at most 8 are accepted"),
    ("market_value", "5", "a buy has no market value; only a gift has"),
    ("memo", "x" * 201, "has 201 characters, at most 200 are accepted"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "text", "reason"), BAD_CELLS)
def test_a_bad_cell_is_refused_with_line_column_and_reason(
    column: str, text: str, reason: str
) -> None:
    assert refused(one(**{column: text})) == [f"f, line 2, column {column}: {reason}"]


BAD_ROWS = [
    ({"amount": "1006", "price": "100"}, "amount: 1006 is not quantity times price, which is 1000.00"),
    ({"amount": ""}, "amount: a buy needs an amount or a price"),
    ({"kind": "cash_in"}, "quantity: a cash_in has no quantity"),
    ({"kind": "cash_in", "quantity": "", "amount": "0"}, "amount: a cash_in needs an amount above zero"),
    ({"kind": "receive", "amount": ""}, "amount: a receive needs an amount"),
    ({"kind": "receive", "fee": "1"}, "fee: a receive carries no fee: book the fee as a row of its own"),
    ({"kind": "receive", "acquired": "2024-01-06"}, "acquired: 2024-01-06 is after the day of receipt 2024-01-05"),
    ({"kind": "receive", "holding_start": "2024-01-06"},
     "holding_start: 2024-01-06 is after the acquisition on 2024-01-05"),
    ({"kind": "opening"}, "acquired: an opening needs the day on which the lot was bought"),
    ({"kind": "opening", "acquired": "2024-01-06"}, "acquired: 2024-01-06 is after the day of receipt 2024-01-05"),
    ({"kind": "inherit", "acquired": "2024-01-01"},
     "acquired: an inherit has no such date; only gift, opening and receive have"),
    ({"kind": "give"}, "amount: a give has no amount"),
    ({"kind": "give", "amount": "", "fee": "1"}, "fee: a give carries no fee: book the fee as a row of its own"),
    ({"kind": "split", "relief": "lifo", "amount": ""}, "relief: a split without cash in lieu chooses no lots"),
    ({"kind": "sell", "relief": "lifo", "lots": "B-1:10"},
     "relief: the row identifies its lots: name a relief or lots, not both"),
    ({"kind": "rename", "amount": "", "quantity": ""},
     "to_symbol: a rename needs the security that the shares become or bring"),
    ({"kind": "rename", "amount": "", "to_symbol": "BBB"},
     "quantity: a rename is one for one: another ratio is a merge"),
    ({"kind": "rename", "quantity": "", "to_symbol": "BBB"}, "amount: a rename has no amount"),
    ({"kind": "merge", "quantity": "", "to_symbol": "BBB"},
     "quantity: a merge needs the ratio, shares of the successor per old share, above zero"),
    ({"kind": "merge", "to_symbol": "AAA"}, "to_symbol: the old and the new security are the same"),
    ({"kind": "spin_off", "to_symbol": "BBB"},
     "basis_fraction: a spin_off needs the part of the basis that goes to the new shares, such as 0.2031"),
    ({"kind": "cash_merger", "amount": ""}, "amount: a cash_merger needs an amount"),
    ({"kind": "return_of_capital"}, "quantity: a return_of_capital has no quantity"),
    ({"kind": "return_of_capital", "quantity": "", "amount": "0"},
     "amount: a return_of_capital needs an amount above zero"),
    ({"kind": "worthless", "amount": ""},
     "trade_date: 2024-01-05 is not the last day of a year: a security that becomes worthless counts as sold for "
     "nothing on 2024-12-31 (IRC 165(g))"),
    ({"kind": "transfer", "amount": ""}, "to_account: a transfer needs the account that receives the shares"),
    ({"kind": "transfer", "amount": "", "to_account": "T-1"},
     "to_account: source and destination are the same account"),
    ({"kind": "sell", "lots": "B-1:4;B-2:5"}, "lots: the lots add up to 9 shares, the row has 10"),
    ({"kind": "give", "amount": "", "block": "O-1"}, "block: a give belongs to no block; only purchases and sales do"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "problem"), BAD_ROWS)
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, str], problem: str) -> None:
    assert refused(one(**changes)) == [f"f, line 2, column {problem}"]


def test_prices_may_be_rounded_as_statements_print_them() -> None:
    assert taken(one(amount="1005.01", price="100"))[0].amount == Decimal("1005.01")


def test_every_problem_of_a_file_is_named_in_the_order_of_the_lines() -> None:
    text = HEADER + "".join(f"B-{n},2024-01-05,buy,ZZZ,x,,1,\n" for n in range(3))

    assert [problem.split(":")[0] for problem in refused(text)] == [
        "f, line 2, column quantity", "f, line 2, column symbol",
        "f, line 3, column quantity", "f, line 3, column symbol",
        "f, line 4, column quantity", "f, line 4, column symbol",
    ]  # fmt: skip


def test_a_refusal_stops_at_fifty_problems() -> None:
    text = HEADER + "".join(f"B-{n},2024-01-05,buy,ZZZ,1,,1,\n" for n in range(60))

    assert len(refused(text)) == 50


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lots.importers.canonical.MOST_ROWS", 2)

    assert refused(HEADER + GOOD * 3) == ["f, line 4: more than 2 rows: split the file by date"]
