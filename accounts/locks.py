"""Lock order, always: firm, household, then proposals, accounts and lots, each by ascending id.

Firms and households are locked here and nowhere else. What replays households by the firm's facts (what is identical,
how the law is read, what happened to a security) has the firm to itself; what books shares it, so that no household
whose first trades are under way is overlooked, and no booking follows facts that are being changed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connection, transaction

from accounts.models import Household

_FIRM_LOCK_SPACE = 0x4C59  # beside those of the audit chain and of exports
_ALONE_LOCK_SPACE = 0x4C5A


def lock_firm(firm_id: int) -> None:
    """Have the firm's tax facts to oneself until the transaction ends: bookings wait, and are waited for.

    Take it before any other lock, and never after ``share_firm``: two who share could not both get it.
    """
    _advisory("pg_advisory_xact_lock", firm_id)


def share_firm(firm_id: int) -> None:
    """Keep the firm's tax facts as they are until the transaction ends; before any lock of a household."""
    _advisory("pg_advisory_xact_lock_shared", firm_id)


def lock_household(household_id: int) -> Household:
    """Lock the household until the transaction ends. Raises Household.DoesNotExist; must run inside a transaction."""
    return Household.objects.select_for_update().get(pk=household_id)


def lock_households(household_ids: Iterable[int]) -> None:
    """Lock several households in ascending order, so that two callers never wait for each other."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("lock_households needs a transaction")
    list(
        Household.objects.select_for_update()
        .filter(pk__in=set(household_ids))
        .order_by("pk")
        .values_list("pk")
    )


@contextmanager
def alone(work: int) -> Iterator[bool]:
    """Whether nobody else is at this work, known by a number; nobody waits.

    The lock is of the connection, not of a transaction: one that dies leaves nothing behind.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_ALONE_LOCK_SPACE, work])
        ours = bool(cursor.fetchone()[0])
    try:
        yield ours
    finally:
        if ours:
            with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_ALONE_LOCK_SPACE, work])


def _advisory(function: str, firm_id: int) -> None:
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a firm is locked inside a transaction")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_FIRM_LOCK_SPACE, firm_id])
