"""Reports as CSV. Numbers are numbers, and no text is ever run as a formula (A10)."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal

from accounts.canonical import decimal_text
from lots.csv_text import csv_safe
from lots.reports.tables import Cell, CellKind, Report


def csv_text(report: Report) -> str:
    """Preface lines, then each table after an empty line: its title, its header, its rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for line in report.opening:
        writer.writerow([csv_safe(line)])
    for table in report.tables:
        writer.writerow([])
        writer.writerow([csv_safe(table.title)])
        writer.writerow([csv_safe(column.title) for column in table.columns])
        for row in table.rows:
            writer.writerow(
                [
                    cell_text(cell, column.kind)
                    for cell, column in zip(row.cells, table.columns, strict=True)
                ]
            )
    return out.getvalue()


def cell_text(cell: Cell, kind: CellKind) -> str:
    """One value as a cell's text. Raises TypeError for a float or anything else without an exact text."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return csv_safe(cell)
    if isinstance(cell, Decimal):
        return f"{cell:.2f}" if kind is CellKind.MONEY else decimal_text(cell)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    raise TypeError(f"{type(cell).__name__} has no place in a report")
