"""Reports as CSV and workbooks: numbers stay numbers, no text runs (A10)."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from lots.reports.files import csv_text
from lots.reports.tables import CellKind, Report, Table, columns, rows, total
from lots.reports.workbooks import xlsx_bytes

EVIL = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1", "'x", '"x', " =1+1"]


def report(*cells: Any, kind: CellKind = CellKind.TEXT) -> Report:
    table = Table(
        title="Things", columns=columns("Name", ("Value", kind)), rows=rows([("a", *cells)])
    )
    return Report(slug="things", title="All things", preface=("Draft",), tables=(table,))


@pytest.mark.parametrize("text", EVIL)
def test_text_that_a_spreadsheet_would_run_is_text(text):
    lines = list(csv.reader(io.StringIO(csv_text(report(text)), newline="")))
    assert lines[-1] == ["a", f"'{text}"]

    book = load_workbook(io.BytesIO(xlsx_bytes(report(text))))
    cell = book["Things"]["B2"]
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert str(cell.value).strip() == text.strip()


def test_no_cell_of_the_workbook_is_a_formula():
    with ZipFile(io.BytesIO(xlsx_bytes(report("=1+1")))) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "sheets/" in name]

    assert sheets
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_numbers_and_days_are_typed():
    money = load_workbook(io.BytesIO(xlsx_bytes(report(Decimal("-1234.50"), kind=CellKind.MONEY))))
    dated = load_workbook(io.BytesIO(xlsx_bytes(report(date(2026, 3, 2), kind=CellKind.DAY))))

    assert (money["Things"]["B2"].value, money["Things"]["B2"].data_type) == (-1234.5, "n")
    assert money["Things"]["B2"].number_format == "#,##0.00"
    assert dated["Things"]["B2"].is_date


def test_a_csv_has_preface_title_header_and_rows():
    text = csv_text(report(Decimal("-1234.5"), kind=CellKind.MONEY))

    assert text == "All things\r\nDraft\r\n\r\nThings\r\nName,Value\r\na,-1234.50\r\n"


@pytest.mark.parametrize("cell", [1.5, True, b"x"])
def test_what_has_no_exact_text_is_refused(cell):
    with pytest.raises(TypeError, match="has no place in a report"):
        csv_text(report(cell, kind=CellKind.MONEY))
    with pytest.raises(TypeError, match="has no place in a report"):
        xlsx_bytes(report(cell, kind=CellKind.MONEY))


def test_control_characters_do_not_break_a_workbook():
    book = load_workbook(io.BytesIO(xlsx_bytes(report("a\x00b\x0bc"))))

    assert book["Things"]["B2"].value == "abc"


def test_sheet_names_are_short_legal_and_different():
    tables = tuple(
        Table(title=title, columns=columns("A"), rows=())
        for title in ("About", "x" * 40, "x" * 40, "a/b:c?")
    )
    book = load_workbook(io.BytesIO(xlsx_bytes(Report("s", "T", (), tables))))

    assert book.sheetnames == ["About", "About 2", "x" * 31, "x" * 29 + " 2", "a b c"]


def test_a_row_without_a_cell_for_every_column_is_refused():
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table(title="T", columns=columns("A", "B"), rows=(total("a"),))
