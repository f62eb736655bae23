from datetime import date
from decimal import Decimal

import pytest

from lots.importers.sgml import DEEPEST
from lots.types import EntryKind, NewTransaction
from tests.lots.importers.statements import DIRECTORY, refused, statement, taken, trade

INCOME = (
    "<INCOME><INVTRAN><FITID>D-1<DTTRADE>20240110</INVTRAN><SECID><UNIQUEID>037833100"
    "<UNIQUEIDTYPE>CUSIP</SECID><INCOMETYPE>DIV<TOTAL>12.34<SUBACCTSEC>CASH</INCOME>"
)
BANK = (
    "<INVBANKTRAN><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20240111<TRNAMT>-500<FITID>C-1"
    "<MEMO>wire &amp; more</STMTTRN><SUBACCTFUND>CASH</INVBANKTRAN>"
)
DELIVERY = (
    "<TRANSFER><INVTRAN><FITID>R-1<DTTRADE>20240112</INVTRAN><SECID><UNIQUEID>037833100"
    "<UNIQUEIDTYPE>CUSIP</SECID><SUBACCTSEC>CASH<UNITS>7<TFERACTION>IN<POSTYPE>LONG"
    "<AVGCOSTBASIS>350.50<DTPURCHASE>20200203</TRANSFER>"
)


def test_a_purchase_is_taken_with_its_costs_beside_the_amount() -> None:
    assert taken(statement(trade(costs="<COMMISSION>4<FEES>1"))) == [
        NewTransaction(
            account=1,
            external_id="F-1",
            trade_date=date(2024, 1, 5),
            kind=EntryKind.BUY,
            security=10,
            quantity=Decimal(10),
            price=Decimal(100),
            amount=Decimal(1000),
            fee=Decimal(5),
            ordinal=19,
        )
    ]


def test_a_sale_has_negative_units_and_costs_come_off_its_total() -> None:
    [row] = taken(statement(trade("SELLMF", units="-10", total="995")))

    assert row.kind is EntryKind.SELL
    assert (row.quantity, row.amount, row.fee) == (Decimal(10), Decimal(1000), Decimal(5))


def test_rows_keep_the_order_of_the_file_whatever_their_kind() -> None:
    rows = taken(
        statement(
            trade("SELLSTOCK", fitid="S", units="-1", costs="", total="100"),
            trade("REINVEST", fitid="R", units="0.5", price="20", costs="", total="-10"),
            INCOME, trade(fitid="B"), BANK, DELIVERY,
        )
    )  # fmt: skip

    assert [(row.external_id, row.kind.value) for row in rows] == [
        ("S", "sell"), ("R", "reinvest"), ("D-1", "cash_in"), ("B", "buy"), ("C-1", "cash_out"),
        ("R-1", "receive"),
    ]  # fmt: skip
    assert [row.ordinal for row in rows] == [19, 20, 21, 22, 23, 24]
    assert rows[4].memo == "wire & more"
    assert (rows[5].amount, rows[5].acquired) == (Decimal("350.50"), date(2020, 2, 3))


@pytest.mark.parametrize(
    "text", ["20240105", "20240105200000", "20240105200000.000[-5:EST]", "20240105235959[-8:PST]"]
)
def test_the_trade_date_is_the_day_as_written_not_the_day_in_utc(text: str) -> None:
    assert taken(statement(trade(day=text)))[0].trade_date == date(2024, 1, 5)


@pytest.mark.parametrize(
    ("security", "pk"), [("037833100", 10), ("US0378331005", 10), ("AAA", 10), ("09247X101", 11)]
)
def test_securities_are_found_by_cusip_isin_symbol_and_listed_ticker(
    security: str, pk: int
) -> None:
    assert taken(statement(trade(security=security)))[0].security == pk


def test_the_statement_names_its_account_where_nobody_chose_one() -> None:
    [row] = taken(statement(trade(), acctid="T-2"), directory=DIRECTORY)

    assert row.account == 2


def test_zeros_after_the_decimals_are_no_decimals() -> None:
    [row] = taken(statement(trade(units="10.0000000000", price="100.00000000001")))

    assert (row.quantity, row.price) == (Decimal(10), Decimal(100))


def test_version_two_is_read_like_version_one() -> None:
    body = statement(trade()).split("\n\n", 1)[1]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="220"?>\n'

    [row] = taken(head + body.replace("<FITID>F-1", "<FITID>Fé-1</FITID>"))

    assert (row.external_id, row.ordinal) == ("Fé-1", 11)


def test_windows_text_is_read_as_the_header_says() -> None:
    [row] = taken(statement(trade(fitid="Fé")).encode("cp1252"))

    assert row.external_id == "Fé"


BAD_TRADES = [
    ({"units": "NaN"}, "UNITS: 'NaN' is not a plain number such as -1000 or 12.5"),
    ({"units": "1e400"}, "UNITS: '1e400' is not a plain number such as -1000 or 12.5"),
    ({"units": "1,000"}, "UNITS: '1,000' is not a plain number such as -1000 or 12.5"),
    ({"units": "１０"}, "UNITS: '\\uff11\\uff10' is not a plain number such as -1000 or 12.5"),
    ({"units": ""}, "UNITS: '' is not a plain number such as -1000 or 12.5"),
    ({"units": "-10"}, "UNITS: -10.00000000 is negative in a purchase"),
    ({"units": "0"}, "quantity: a buy needs a quantity, above zero"),
    ({"units": "10.123456789"}, "UNITS: '10.123456789' has more than 8 decimals"),
    ({"units": "1000000000000"}, "UNITS: '1000000000000' is too large: it must be below 1,000,000,000,000"),
    ({"total": "Inf"}, "TOTAL: 'Inf' is not a plain number such as -1000 or 12.5"),
    ({"total": "(5.00)"}, "TOTAL: '(5.00)' is not a plain number such as -1000 or 12.5"),
    ({"total": "-2005"}, "amount: 2000.0000 is not quantity times price, which is 1000.00"),
    ({"day": "20250101"}, "DTTRADE: 2025-01-01 is in the future: today is 2024-12-31"),
    ({"day": "20240230"}, "DTTRADE: '2024-02-30' is not a day of the calendar"),
    ({"day": "2024-01-05"}, "DTTRADE: '2024-01-05' is not a date such as 20240131"),
    ({"security": "594918104"}, "UNIQUEID: '594918104' is no known CUSIP, ISIN or symbol of the firm"),
    ({"fitid": ""}, "FITID: the transaction has no id"),
    ({"fitid": "=1+1"}, "FITID: '=1+1' begins like a spreadsheet formula"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "problem"), BAD_TRADES)
def test_a_bad_value_is_refused_with_line_element_and_reason(
    changes: dict[str, str], problem: str
) -> None:
    text = statement(INCOME, trade(**changes)).replace("US" + "ASCII", "UTF-8")

    assert refused(text) == [f"f, line 20, column {problem}"]


def test_what_is_not_supported_is_refused_by_name() -> None:
    [problem] = refused(statement(trade(), "<BUYDEBT><INVTRAN><FITID>X</INVTRAN></BUYDEBT>"))

    assert problem.startswith("f, line 20, column BUYDEBT: BUYDEBT is not supported; accepted are")


SHORT = "is a short sale or its cover. Short positions are not computed (R26)"
OPTION = "is an option. Options are not computed (R26)"


@pytest.mark.parametrize(
    ("element", "column", "told"),
    [
        (trade(extra="<BUYTYPE>BUYTOCOVER"), "BUYTYPE", f"BUYTOCOVER {SHORT}"),
        (trade("SELLSTOCK", extra="<SELLTYPE>SELLSHORT"), "SELLTYPE", f"SELLSHORT {SHORT}"),
        (trade("BUYOPT"), "BUYOPT", f"BUYOPT {OPTION}"),
        (trade("SELLOPT"), "SELLOPT", f"SELLOPT {OPTION}"),
        ("<CLOSUREOPT><INVTRAN><FITID>X</INVTRAN></CLOSUREOPT>", "CLOSUREOPT", f"CLOSUREOPT {OPTION}"),
        (
            "<JRNLSEC><INVTRAN><FITID>X</INVTRAN><SUBACCTTO>SHORT</JRNLSEC>",
            "SUBACCTTO",
            f"the position {SHORT}",
        ),
    ],
)  # fmt: skip
def test_shorts_and_options_are_refused_by_name_and_say_what_to_do(
    element: str, column: str, told: str
) -> None:
    [problem] = refused(statement(element))

    assert problem.startswith(f"f, line 19, column {column}: {told}")
    assert "Keep " in problem


def split(fraccash: str = "") -> str:
    return (
        "<SPLIT><INVTRAN><FITID>P-1<DTTRADE>20240105</INVTRAN><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP"
        "</SECID><SUBACCTSEC>CASH<OLDUNITS>25<NEWUNITS>37<NUMERATOR>3<DENOMINATOR>2"
        f"{fraccash}</SPLIT>"
    )


def test_the_cash_in_lieu_of_a_split_is_its_amount() -> None:
    [plain], [in_lieu] = taken(statement(split())), taken(statement(split("<FRACCASH>33.25")))

    assert (plain.kind, plain.quantity, plain.amount) == (
        EntryKind.SPLIT,
        Decimal("1.5"),
        Decimal(0),
    )
    assert (in_lieu.quantity, in_lieu.amount) == (Decimal("1.5"), Decimal("33.25"))


RETURN_OF_CAPITAL = (
    "<RETOFCAP><INVTRAN><FITID>R-1<DTTRADE>20240105</INVTRAN><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID>"
    "<TOTAL>81.75<SUBACCTSEC>CASH<SUBACCTFUND>CASH</RETOFCAP>"
)


def test_a_return_of_capital_is_taken() -> None:
    [row] = taken(statement(RETURN_OF_CAPITAL))

    assert (row.kind, row.security, row.quantity, row.amount) == (
        EntryKind.RETURN_OF_CAPITAL,
        10,
        Decimal(0),
        Decimal("81.75"),
    )


def test_a_return_of_capital_taken_back_is_refused() -> None:
    [problem] = refused(statement(RETURN_OF_CAPITAL.replace("81.75", "-81.75")))

    assert problem.startswith("f, line 19, column TOTAL: -81.75")


def test_journals_between_sub_accounts_are_no_transactions() -> None:
    journals = [
        f"<{name}><INVTRAN><FITID>J<DTTRADE>20240105</INVTRAN><SUBACCTFROM>CASH<SUBACCTTO>MARGIN</{name}>"
        for name in ("JRNLSEC", "JRNLFUND")
    ]

    assert [row.external_id for row in taken(statement(*journals, trade()))] == ["F-1"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<TFERACTION>IN", "<TFERACTION>OUT", "TFERACTION: only deliveries in are accepted"),
        ("<AVGCOSTBASIS>350.50", "", "AVGCOSTBASIS: the delivery lacks it"),
        ("<DTPURCHASE>20200203", "", "DTPURCHASE: the delivery lacks it"),
    ],
)
def test_a_transfer_that_does_not_say_enough_is_refused(old: str, new: str, problem: str) -> None:
    [told] = refused(statement(DELIVERY.replace(old, new)))

    assert told.startswith(f"f, line 19, column {problem}")


def test_a_statement_of_another_account_is_refused() -> None:
    assert refused(statement(trade(), acctid="T-2")) == [
        "f, line 13, column ACCTID: the statement is of account 'T-2', the file is imported into "
        "account 'T-1'"
    ]


def test_a_statement_of_an_unknown_account_is_refused() -> None:
    assert refused(statement(trade(), acctid="Q"), directory=DIRECTORY) == [
        "f, line 13, column ACCTID: 'Q' is no account of the firm"
    ]


def test_another_currency_is_refused() -> None:
    assert refused(statement(trade(), curdef="EUR")) == [
        "f, line 13, column CURDEF: the statement is in 'EUR', only USD is accepted"
    ]


@pytest.mark.parametrize(
    "trick",
    [
        '<!DOCTYPE OFX SYSTEM "file:///etc/passwd">',
        '<!ENTITY a "&b;&b;">',
        "<!-- a comment -->",
        "<![CDATA[x]]>",
    ],
)
@pytest.mark.parametrize("place", ["<OFX>", "<MEMO>", "</OFX>"])
def test_a_declaration_anywhere_is_refused(trick: str, place: str) -> None:
    text = statement(trade(extra="<MEMO>x")).replace(place, f"{place}{trick}", 1)

    [problem] = refused(text)

    assert problem.endswith(
        "a markup declaration (DOCTYPE, ENTITY, CDATA or a comment) is not accepted in OFX"
    )


def test_a_tag_with_attributes_is_refused() -> None:
    assert refused(statement(trade(), '<SCRIPT SRC="x">')) == [
        "f, line 20: markup that is no plain OFX tag"
    ]


def test_deep_nesting_is_refused_before_it_is_parsed() -> None:
    deep = "<A>" * 5000 + "</A>" * 5000

    assert refused(statement(trade(), deep)) == [f"f, line 20: nested deeper than {DEEPEST} levels"]


def test_too_many_tags_are_refused() -> None:
    [problem] = refused(statement("<A>" * 200_001))

    assert problem.startswith("f, line 19: more than 200,000 tags")


def test_a_file_without_a_statement_is_refused() -> None:
    assert refused("OFXHEADER:100\n\n<OFX></OFX>") == [
        "f: the file holds no investment statement (INVSTMTRS)"
    ]


def test_a_file_without_an_ofx_element_is_refused() -> None:
    assert refused("OFXHEADER:100\n\n<HTML></HTML>") == [
        "f: there is no <OFX> element: this is no OFX file"
    ]


def test_a_statement_without_transactions_is_refused() -> None:
    assert refused(statement()) == ["f: the file holds no transaction"]


def test_an_unknown_encoding_is_refused() -> None:
    assert refused(statement(trade()).replace("CHARSET:1252", "CHARSET:932")) == [
        "f, line 1: the encoding '932' is not accepted: export as UTF-8"
    ]


def test_a_statement_on_one_line_is_taken() -> None:
    text = statement(*(trade(fitid=f"F-{n}") for n in range(200)))
    head, body = text.split("\n\n", 1)

    assert len(taken(f"{head}\n\n" + body.replace("\n", ""))) == 200


def test_income_names_the_security_that_paid_it_where_the_firm_has_it() -> None:
    known, unknown = taken(
        statement(INCOME, INCOME.replace("D-1", "D-2").replace("037833100", "000000000"))
    )
    assert (known.kind, known.security) == (EntryKind.CASH_IN, 10)
    assert (unknown.kind, unknown.security) == (EntryKind.CASH_IN, None)
