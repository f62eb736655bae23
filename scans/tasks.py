"""What a worker does when a message wakes it: call one service."""

from celery import shared_task
from django.db import InterfaceError, OperationalError

from rebalancing.model_changes import version_effects
from scans import hints, night_points, review_services, services
from scans.types import Ended


@shared_task(
    name=hints.SCAN_ITEM,
    autoretry_for=(OperationalError, InterfaceError),  # the database is away for a moment
    retry_backoff=True,
    retry_backoff_max=60,
    max_retries=5,
)
def scan_item(item_id: int) -> None:
    """Scan one household; once more soon where its ledger moved meanwhile or the attempt failed."""
    if services.work(item_id=item_id) in (Ended.MOVED, Ended.FAILED):
        hints.send([item_id])


@shared_task(name="scans.tasks.start_due")
def start_due() -> None:
    """Open the nights that are due, then the reviews."""
    services.start_due()
    review_services.start_due_reviews()


@shared_task(name="scans.tasks.sweep")
def sweep() -> None:
    """Wake workers for what waits."""
    services.sweep()
    version_effects.sweep()
    night_points.sweep()


@shared_task(name=night_points.FIND_POINTS)
def find_points(firm_id: int) -> None:
    """Compute the points of one rebalance; the next is another message's. The sweeper mends a chain that broke."""
    if night_points.find_next(firm_id):
        night_points.wake_next()
