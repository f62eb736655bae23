"""Messages that wake a worker. They decide nothing: rows in the database do, and a lost message is sent again."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import current_app
from kombu.exceptions import ChannelError, OperationalError

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 2
LAST = 9  # of the priorities 0, 3, 6 and 9 of the queue: taken when nothing else waits


def send(task: str, ids: Sequence[int], *, priority: int = 0, expires: float | None = None) -> int:
    """Send a task one message an id; returns how many were sent. A queue that is away costs a moment, never work.

    ``expires``: seconds after which a message that still waits is dropped.
    """
    sent = 0
    try:
        with _queue() as connection:
            producer = current_app.amqp.Producer(connection, auto_declare=False)
            for one in ids:
                current_app.send_task(
                    task,
                    args=[one],
                    producer=producer,
                    retry=False,
                    priority=priority,
                    expires=expires,
                )
                sent += 1
    except (OperationalError, OSError) as trouble:
        logger.warning(
            "the queue is away, %d messages to %s wait for the sweeper: %s",
            len(ids) - sent,
            task,
            trouble,
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
