"""Hints that wake a worker for an item. They decide nothing: the work list does, and a lost hint is sent again."""

from collections.abc import Sequence

from django.db import transaction

from accounts import messages
from accounts.messages import queued

__all__ = ["SCAN_ITEM", "queued", "send", "send_on_commit"]

SCAN_ITEM = "scans.tasks.scan_item"  # by name: services do not import tasks


def send_on_commit(item_ids: Sequence[int]) -> None:
    """Send the hints once the rows they speak of are there for others to see."""
    wanted = tuple(item_ids)
    transaction.on_commit(lambda: send(wanted), robust=True)


def send(item_ids: Sequence[int]) -> int:
    """Send one hint an item; returns how many were sent."""
    return messages.send(SCAN_ITEM, item_ids)
