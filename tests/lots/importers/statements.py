"""Builders of files for the importer tests."""

from datetime import date

import pytest

from lots.importers import read_file
from lots.importers.directory import Directory
from lots.types import NewTransaction
from securities.importers.refusal import ImportRefused

AS_OF = date(2024, 12, 31)
LIMIT = 20 * 1024 * 1024
DIRECTORY = Directory(
    accounts={"T-1": 1, "T-2": 2},
    symbols={"AAA": 10, "BBB": 11},
    cusips={"037833100": 10},
    isins={"US0378331005": 10},
)
INTO_T1 = Directory(
    accounts=DIRECTORY.accounts,
    symbols=DIRECTORY.symbols,
    cusips=DIRECTORY.cusips,
    isins=DIRECTORY.isins,
    account=1,
    account_number="T-1",
)


def taken(data: bytes | str, *, directory: Directory = INTO_T1) -> list[NewTransaction]:
    """The rows of a file called ``f``."""
    raw = data.encode() if isinstance(data, str) else data
    return read_file(raw, name="f", format=None, directory=directory, as_of=AS_OF, limit=LIMIT).rows


def refused(data: bytes | str, *, directory: Directory = INTO_T1) -> list[str]:
    """The problems of a file called ``f``, as people see them. Fails where the file is taken."""
    with pytest.raises(ImportRefused) as refusal:
        taken(data, directory=directory)
    assert (refusal.value.code, refusal.value.status) == ("import_refused", 422)
    return [str(problem) for problem in refusal.value.problems]


def statement(*transactions: str, acctid: str = "T-1", curdef: str = "USD") -> str:
    """An OFX 1 investment statement; its first transaction begins on line 19."""
    header = (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\n"
        "COMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n"
    )
    start = (
        "<OFX>\n<INVSTMTMSGSRSV1><INVSTMTTRNRS>\n<INVSTMTRS>\n<DTASOF>20240601\n"
        f"<CURDEF>{curdef}\n<INVACCTFROM><BROKERID>example.com<ACCTID>{acctid}</INVACCTFROM>\n"
        "<INVTRANLIST>\n<DTSTART>20240101<DTEND>20240601\n"
    )
    end = (
        "</INVTRANLIST></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>\n"
        "<SECLISTMSGSRSV1><SECLIST><STOCKINFO><SECINFO><SECID><UNIQUEID>09247X101"
        "<UNIQUEIDTYPE>CUSIP</SECID><SECNAME>B<TICKER>BBB</SECINFO></STOCKINFO></SECLIST>"
        "</SECLISTMSGSRSV1></OFX>\n"
    )
    return header + start + "".join(f"{text}\n" for text in transactions) + end


def trade(
    element: str = "BUYSTOCK",
    *,
    fitid: str = "F-1",
    day: str = "20240105",
    security: str = "037833100",
    units: str = "10",
    price: str = "100",
    costs: str = "<COMMISSION>5",
    total: str = "-1005",
    extra: str = "",
) -> str:
    """One trade on one line."""
    inside = "INVBUY" if element.startswith("BUY") else "INVSELL"
    opened, closed = (f"<{inside}>", f"</{inside}>") if element != "REINVEST" else ("", "")
    return (
        f"<{element}>{opened}<INVTRAN><FITID>{fitid}<DTTRADE>{day}</INVTRAN><SECID>"
        f"<UNIQUEID>{security}<UNIQUEIDTYPE>CUSIP</SECID><UNITS>{units}<UNITPRICE>{price}{costs}"
        f"<TOTAL>{total}<SUBACCTSEC>CASH<SUBACCTFUND>CASH{closed}{extra}</{element}>"
    )
