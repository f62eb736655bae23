"""One state of the database for a long read: what is committed meanwhile is not in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_state() -> Iterator[None]:
    """All queries until the block ends see the database as it was at the first of them; none may write.

    It locks nothing and keeps no one waiting. Inside another transaction it changes nothing: how that reads was settled
    when it began.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
