"""The tables that people read: text in every cell, for the page, the docs and the screen."""

from collections.abc import Iterable
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, a head and rows of text; the first cell of a row is its name."""

    name: str
    caption: str
    head: Row
    rows: tuple[Row, ...]
    note: str = ""


def markdown(table: Table) -> str:
    """A table as it stands in the docs."""
    ruler = ("---", *("---:" for _ in table.head[1:]))
    return "".join(f"| {' | '.join(row)} |\n" for row in (table.head, ruler, *table.rows))


def section(table: Table) -> str:
    """A table with its caption and note, in Markdown."""
    note = f"\n{table.note}\n" if table.note else ""
    return f"**{table.caption}**\n\n{markdown(table)}{note}"


def renewed(text: str, tables: Iterable[Table]) -> str:
    """The text with each table between its marks, ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""
    for table in tables:
        first, last = f"<!-- {table.name} -->\n", f"<!-- end of {table.name} -->"
        if first in text and last in text:
            before, rest = text.split(first, 1)
            after = rest.split(last, 1)[1]
            text = f"{before}{first}\n{section(table)}\n{last}{after}"
    return text
