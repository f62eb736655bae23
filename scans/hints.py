"""Messages that wake a worker. They decide nothing: the work list does, and a lost hint is sent again."""

import logging
from collections.abc import Sequence

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

logger = logging.getLogger(__name__)

SCAN_ITEM = "scans.tasks.scan_item"  # by name: services do not import tasks


def send_on_commit(item_ids: Sequence[int]) -> None:
    """Send the hints once the rows they speak of are there for others to see."""
    wanted = tuple(item_ids)
    transaction.on_commit(lambda: send(wanted), robust=True)


def send(item_ids: Sequence[int]) -> int:
    """Send one hint an item; returns how many were sent. A queue that is away costs time, never work."""
    sent = 0
    try:
        with current_app.producer_or_acquire() as producer:
            for item_id in item_ids:
                current_app.send_task(SCAN_ITEM, args=[item_id], producer=producer, retry=False)
                sent += 1
    except (OperationalError, OSError) as trouble:
        logger.warning(
            "the queue is away, %d hints wait for the sweeper: %s", len(item_ids) - sent, trouble
        )
    return sent


def queued() -> int:
    """Messages in the queue; 0 when there are none. Raises OperationalError when the queue is away."""
    with current_app.connection_or_acquire() as connection:
        try:
            queue = current_app.conf.task_default_queue
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except ChannelError:  # an empty queue does not exist in Redis
            return 0
