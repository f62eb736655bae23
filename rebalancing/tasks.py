"""What a worker does when a message wakes it: call one service."""

from celery import shared_task
from django.db import InterfaceError, OperationalError

from rebalancing.model_changes import version_effects


@shared_task(
    name=version_effects.MEASURE,
    autoretry_for=(OperationalError, InterfaceError),  # the database is away for a moment
    retry_backoff=True,
    retry_backoff_max=60,
    max_retries=5,
)
def measure_effects(version_id: int) -> None:
    """Measure households of a version for a while; the rest is another message's, behind what waits already."""
    if version_effects.measure_some(version_id):
        version_effects.wake(version_id)
