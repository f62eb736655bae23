"""Reports as spreadsheets: cells are typed, so that no text is ever run as a formula (A10).

openpyxl brings numpy with it: import this module where a workbook is written, not where pages are served.
"""

import io

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.cell import MergedCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from lots.csv_text import csv_safe
from lots.reports.files import cell_text
from lots.reports.tables import Cell, CellKind, Report, Table

_FORMATS = {
    CellKind.MONEY: "#,##0.00",
    CellKind.SHARES: "#,##0.########",
    CellKind.DAY: "yyyy-mm-dd",
    CellKind.COUNT: "0",
}
_WIDTHS = {CellKind.TEXT: 22, CellKind.DAY: 12, CellKind.MONEY: 15, CellKind.SHARES: 14}
_SHEET_NAME_LENGTH = 31
_FORBIDDEN_IN_SHEET_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_BOLD = Font(bold=True)


def xlsx_bytes(report: Report) -> bytes:
    """A workbook: a sheet that says what it is, then one sheet per table with its header frozen."""
    book = Workbook()
    about = book.active
    assert isinstance(about, Worksheet), "a new workbook has one sheet"
    about.title = "About"
    about.column_dimensions["A"].width = 110
    for number, line in enumerate(report.opening, start=1):
        _put(about.cell(number, 1), line, CellKind.TEXT)
    about.cell(1, 1).font = _BOLD
    taken = {"About"}
    for table in report.tables:
        _add_sheet(book, table, _sheet_name(table.name or table.title, taken))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _add_sheet(book: Workbook, table: Table, name: str) -> None:
    sheet = book.create_sheet(name)
    for place, column in enumerate(table.columns, start=1):
        _put(sheet.cell(1, place), column.title, CellKind.TEXT)
        sheet.cell(1, place).font = _BOLD
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(column.kind, 10)
    sheet.freeze_panes = "A2"
    for number, row in enumerate(table.rows, start=2):
        for place, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True), start=1):
            _put(sheet.cell(number, place), cell, column.kind)
            if row.is_total:
                sheet.cell(number, place).font = _BOLD


def _put(target: SheetCell | MergedCell, value: Cell, kind: CellKind) -> None:
    """Text is typed as text after it is set: openpyxl itself would take a leading ``=`` for a formula."""
    assert isinstance(target, SheetCell), "nothing is merged here"
    if value is None:
        return
    if isinstance(value, str):
        target.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        target.data_type = "s"
        target.quotePrefix = value != csv_safe(value)
        return
    cell_text(value, kind)  # the same types, the same refusal
    target.value = value
    target.number_format = _FORMATS.get(kind, "General")


def _sheet_name(title: str, taken: set[str]) -> str:
    """The title as a spreadsheet permits it: at most 31 characters, none of ``[]:*?/\\``, never twice."""
    name = title.translate(_FORBIDDEN_IN_SHEET_NAMES).strip("' ")[:_SHEET_NAME_LENGTH] or "Table"
    number = 2
    while name in taken:
        suffix = f" {number}"
        name = name[: _SHEET_NAME_LENGTH - len(suffix)] + suffix
        number += 1
    taken.add(name)
    return name
