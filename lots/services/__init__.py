"""Writes to the ledger, and of the tables that follow from it."""

from lots.services.actions import record_action
from lots.services.booking import book
from lots.services.importing import import_file, summary_sentence, upload
from lots.services.rebuilding import rebuild_lots
from lots.services.relief import elect_relief

__all__ = [
    "book",
    "elect_relief",
    "import_file",
    "rebuild_lots",
    "record_action",
    "summary_sentence",
    "upload",
]
