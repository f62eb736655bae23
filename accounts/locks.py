"""Lock order, always: household, then proposals, accounts and lots, each by ascending id.

Households are locked here and nowhere else.
"""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Household


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
