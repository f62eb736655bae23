"""What a write would change, seen before it is done: everything runs in one transaction and is taken back."""

from collections.abc import Callable, Collection
from datetime import date
from typing import TypeVar

from django.db import transaction

from accounts.locks import lock_households, share_firm
from accounts.models import Household
from lots import selectors
from lots.changes import LedgerChanges, compare

T = TypeVar("T")


@transaction.atomic
def watched(
    *, households: Collection[int], as_of: date, change: Callable[[], T]
) -> tuple[T, LedgerChanges]:
    """Do ``change`` and tell what it changed in the figures of the households, which are locked first.

    ``as_of`` decides which years are closed. Whatever ``change`` raises goes through, and then nothing is written.
    """
    firms = Household.objects.filter(pk__in=households).values_list("firm_id", flat=True)
    for firm_id in sorted(set(firms)):
        share_firm(firm_id)
    lock_households(households)
    before = selectors.ledger_state(households)
    result = change()
    return result, compare(
        before,
        selectors.ledger_state(households),
        as_of=as_of,
        reported=selectors.reported_owner_years(households),
    )


def preview(
    *, households: Collection[int], as_of: date, change: Callable[[], T]
) -> tuple[T, LedgerChanges]:
    """What ``watched`` would return; nothing is written."""
    with transaction.atomic():
        seen = watched(households=households, as_of=as_of, change=change)
        transaction.set_rollback(True)
    return seen
