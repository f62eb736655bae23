"""Writes to the ledger, and of the tables that follow from it."""

from lots.services.actions import record_action
from lots.services.booking import book
from lots.services.drafting import (
    ImportPreview,
    PreviewOutdated,
    confirm_import,
    discard_import,
    draft_import,
    preview_import,
)
from lots.services.importing import import_file, summary_sentence, upload_prices
from lots.services.previewing import preview
from lots.services.rebuilding import rebuild_lots
from lots.services.relief import elect_relief

__all__ = [
    "ImportPreview",
    "PreviewOutdated",
    "book",
    "confirm_import",
    "discard_import",
    "draft_import",
    "elect_relief",
    "import_file",
    "preview",
    "preview_import",
    "rebuild_lots",
    "record_action",
    "summary_sentence",
    "upload_prices",
]
