"""Writes to the ledger, and of the tables that follow from it."""

from lots.services.booking import book
from lots.services.importing import import_file, summary_sentence, upload
from lots.services.rebuilding import rebuild_lots
from lots.services.splits import book_split

__all__ = [
    "book",
    "book_split",
    "import_file",
    "rebuild_lots",
    "summary_sentence",
    "upload",
]
