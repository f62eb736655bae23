"""What a version would do to every household that follows its model, however many: computed bit by bit, and kept.

A household costs some 75 milliseconds of the processor, so a page shows what is there, says how many are to come, and
asks for the next ones. Figures count as long as the household's ledger, the firm's prices and its date are those they
were computed from; a new tax profile, restriction or order is seen once they are computed again, and the page says how
old they are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

from django.utils import timezone

from accounts.canonical import canonical_text
from accounts.selectors import business_date
from accounts.typed_values import plain_values, read_values
from lots.selectors import ledger_stamps
from rebalancing.model_changes.change_previews import (
    Figures,
    HouseholdEffect,
    Planned,
    Preview,
    columns_of,
    figures,
    followers,
    summed,
)
from rebalancing.models import ModelAssignment, ModelVersion, VersionEffect
from securities.selectors import price_stamp

SECONDS = 2.0  # of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """The sums over the households that are computed, how many are to come, and when the oldest figures were made."""

    preview: Preview
    to_come: int
    oldest: datetime | None


def computed(version: ModelVersion, planned: Planned) -> Computed:
    """What is kept of the version's effect and still holds. Reads only."""
    followed_by = list(followers(planned.model))
    kept = _kept(version, _stamps(followed_by, planned))
    rows = [
        HouseholdEffect(
            name=one.household.name,
            public_id=one.household.public_id,
            **columns_of(read_values(Figures, kept[one.household_id].figures)),
        )
        for one in followed_by
        if one.household_id in kept
    ]
    as_of = business_date(planned.model.firm)
    return Computed(
        preview=summed(planned, as_of, rows, of=len(followed_by)),
        to_come=len(followed_by) - len(rows),
        oldest=min((one.computed_at for one in kept.values()), default=None),
    )


def compute_more(version: ModelVersion, planned: Planned, *, seconds: float = SECONDS) -> int:
    """Compute households that are to come, one at least, until the seconds are over; returns how many are left.

    Who does the same at the same moment writes the same.
    """
    followed_by = list(followers(planned.model))
    stamps = _stamps(followed_by, planned)
    kept = _kept(version, stamps)
    missing = [one for one in followed_by if one.household_id not in kept]
    as_of, until = business_date(planned.model.firm), monotonic() + seconds
    for done, assigned in enumerate(missing, start=1):
        _compute(version, planned, assigned, as_of, stamps[assigned.household_id])
        if monotonic() >= until:
            return len(missing) - done
    return 0


def forget(version: ModelVersion) -> None:
    """Have all of it computed again."""
    VersionEffect.objects.filter(version=version).delete()


def _compute(
    version: ModelVersion, planned: Planned, assigned: ModelAssignment, as_of: date, stamp: str
) -> None:
    found = json.loads(canonical_text(plain_values(figures(assigned, planned, as_of))))
    VersionEffect.objects.update_or_create(
        version=version,
        household_id=assigned.household_id,
        defaults={"stamp": stamp, "computed_at": timezone.now(), "figures": found},
    )


def _kept(version: ModelVersion, stamps: Mapping[int, str]) -> dict[int, VersionEffect]:
    """Household -> what is kept of it and still holds. One query."""
    rows = VersionEffect.objects.filter(version=version, household__in=stamps)
    return {row.household_id: row for row in rows if row.stamp == stamps[row.household_id]}


def _stamps(followed_by: list[ModelAssignment], planned: Planned) -> dict[int, str]:
    """Household -> the stamp that figures of now have. Read before the figures, which are then never older."""
    firm = planned.model.firm
    head = f"{business_date(firm)}/{price_stamp(firm.pk)}"
    ledgers = ledger_stamps([one.household_id for one in followed_by])
    return {household: f"{head}/{stamp}" for household, stamp in ledgers.items()}
