"""Messages that wake a worker. They decide nothing: the work list does, and a lost hint is sent again."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

logger = logging.getLogger(__name__)

SCAN_ITEM = "scans.tasks.scan_item"  # by name: services do not import tasks
_CONNECT_SECONDS = 2


def send_on_commit(item_ids: Sequence[int]) -> None:
    """Send the hints once the rows they speak of are there for others to see."""
    wanted = tuple(item_ids)
    transaction.on_commit(lambda: send(wanted), robust=True)


def send(item_ids: Sequence[int]) -> int:
    """Send one hint an item; returns how many were sent. A queue that is away costs a moment, never work."""
    sent = 0
    try:
        with _queue() as connection:
            producer = current_app.amqp.Producer(connection, auto_declare=False)
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
    with _queue() as connection:
        try:
            queue = current_app.conf.task_default_queue
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except ChannelError:  # an empty queue does not exist in Redis
            return 0


@contextmanager
def _queue() -> Iterator[Any]:
    """A connection that is known to stand: left to itself, the client tries again for many seconds."""
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=_CONNECT_SECONDS)
        yield connection
