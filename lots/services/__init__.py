"""Writes to the ledger, and of the tables that follow from it."""

from lots.services.actions import preview_action, record_action
from lots.services.booking import book
from lots.services.drafting import (
    ImportPreview,
    PreviewOutdated,
    confirm_import,
    discard_import,
    draft_import,
    preview_import,
)
from lots.services.identity import join_group, leave_group, override_pair
from lots.services.importing import import_file, summary_sentence, upload_prices
from lots.services.policies import EffectOutdated, ReasonMissing, preview_policy, set_policy
from lots.services.positions import import_positions, upload_positions
from lots.services.previewing import preview
from lots.services.rebuilding import rebuild_lots
from lots.services.relief import elect_relief

__all__ = [
    "EffectOutdated",
    "ImportPreview",
    "PreviewOutdated",
    "ReasonMissing",
    "book",
    "confirm_import",
    "discard_import",
    "draft_import",
    "elect_relief",
    "import_file",
    "import_positions",
    "join_group",
    "leave_group",
    "override_pair",
    "preview",
    "preview_action",
    "preview_import",
    "preview_policy",
    "rebuild_lots",
    "record_action",
    "set_policy",
    "summary_sentence",
    "upload_positions",
    "upload_prices",
]
