"""The derived tables made equal to what the ledger says."""

from collections.abc import Collection
from typing import TypeVar

from django.db import models, transaction

from accounts.locks import lock_household
from lots import derived, selectors
from lots.models import Disposal, TaxLot, WashSale
from lots.replay import replay
from lots.types import Ledger, RebuildChanges

_BATCH = 5_000
M = TypeVar("M", bound=models.Model)


@transaction.atomic
def rebuild_lots(*, household_id: int) -> RebuildChanges:
    """Replay the household's ledger and write what differs: a second rebuild changes nothing.

    Raises LedgerError for a ledger that cannot be followed, Household.DoesNotExist.
    """
    lock_household(household_id)
    return store(household_id, selectors.ledger(household_id))


def touched_ledger(
    household_id: int, securities: Collection[int | None]
) -> tuple[Ledger, frozenset[int]]:
    """The part of a ledger that trades in ``securities`` can change, and its market (None stands for cash)."""
    traded = {security for security in securities if security is not None}
    market = selectors.market(household_id, traded)
    wanted = {*market, None} if None in securities else market
    return selectors.ledger(household_id, securities=wanted), market


def store(
    household_id: int, ledger: Ledger, *, market: Collection[int] | None = None
) -> RebuildChanges:
    """Write what follows from the ledger of a household, whose lock the caller holds. Raises LedgerError.

    With ``market`` the ledger holds the entries of these securities alone, and only their rows are compared: what
    follows from one market depends on no other (``lots.selectors.market``).
    """
    rows = derived.derived_rows(
        replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    )
    lots = TaxLot.objects.filter(account__household=household_id)
    disposals = Disposal.objects.filter(account__household=household_id)
    washes = WashSale.objects.filter(sale__account__household=household_id)
    if market is not None:
        lots = lots.filter(security__in=market)
        disposals = disposals.filter(security__in=market)
        washes = washes.filter(sale__security__in=market)
    changes = [
        _sync(lots, derived.LOT_KEY, derived.LOT_VALUES, rows.lots),
        _sync(disposals, derived.DISPOSAL_KEY, derived.DISPOSAL_VALUES, rows.disposals),
        _sync(washes, derived.WASH_KEY, derived.WASH_VALUES, rows.washes),
    ]
    return RebuildChanges(
        inserted=sum(change.inserted for change in changes),
        updated=sum(change.updated for change in changes),
        deleted=sum(change.deleted for change in changes),
    )


def _sync(
    stored: models.QuerySet[M], key: tuple[str, ...], values: tuple[str, ...], wanted: derived.Rows
) -> RebuildChanges:
    """Make the stored rows equal to the wanted ones, touching only what differs. At most three queries."""
    present = {
        row[1 : len(key) + 1]: (row[0], row[len(key) + 1 :])
        for row in stored.order_by().values_list("pk", *key, *values)
    }
    gone = [pk for natural, (pk, _) in present.items() if natural not in wanted]
    new = [natural for natural in wanted if natural not in present]
    changed = [
        natural
        for natural, content in wanted.items()
        if natural in present and present[natural][1] != content
    ]
    manager = stored.model._default_manager
    if gone:
        manager.filter(pk__in=gone).delete()
    manager.bulk_create(
        (
            stored.model(**dict(zip((*key, *values), (*natural, *wanted[natural]), strict=True)))
            for natural in (*new, *changed)
        ),
        update_conflicts=True,
        unique_fields=key,
        update_fields=values,
        batch_size=_BATCH,
    )
    return RebuildChanges(inserted=len(new), updated=len(changed), deleted=len(gone))
