"""Form 8949 as a Tax Exchange Format file, version 042, for tax preparation software. Pure.

Every line is one record of format 5: security, date acquired, date sold, cost basis, net sales, disallowed wash-sale
loss (empty without one). The reference number says the box. The format knows no codes B and T: it carries the
household's basis and the right part, so the gain is right, and column (e) of a line under B has to be set to the
broker's basis by hand. Dates are the real ones: the format has no INHERITED and no WORTHLESS either.
"""

from datetime import date
from decimal import Decimal

from lots.reports.form_8949 import Box, Form8949, FormLine

_VERSION = "V042"
_REFERENCES = {
    Box.A: 321, Box.B: 711, Box.C: 712, Box.D: 323, Box.E: 713, Box.F: 714,
}  # fmt: skip


def txf_text(form: Form8949, *, program: str, exported_on: date) -> str:
    """The file's text: ASCII, a field a line, ``^`` after the header and every record."""
    header = [_VERSION, f"A{_plain(program)}", f"D {_day(exported_on)}", "^"]
    records = [field for line in form.lines for field in _record(line)]
    return "".join(f"{field}\r\n" for field in (*header, *records))


def _record(line: FormLine) -> list[str]:
    row = line.sale.row
    return [
        "TD",
        f"N{_REFERENCES[line.box]}",
        "C1",
        "L1",
        f"P{_plain(line.description)}",
        f"D{_day(row.acquired)}",
        f"D{_day(row.trade_date)}",
        f"${_dollars(line.own_basis)}",
        f"${_dollars(line.proceeds)}",
        f"${_dollars(line.disallowed)}" if line.disallowed else "$",
        "^",
    ]


def _day(day: date) -> str:
    return f"{day:%m/%d/%Y}"


def _dollars(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _plain(text: str) -> str:
    """One line of ASCII that cannot end a record."""
    kept = "".join(
        " " if character.isspace() or character == "^" else character for character in text
    )
    return kept.encode("ascii", "replace").decode("ascii")
