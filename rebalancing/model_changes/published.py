"""Reads: which names have left a model, and which published changes a household has still to follow."""

from datetime import date
from decimal import Decimal

from django.db.models import F, Q, QuerySet

from accounts.one_look import read_once
from proposals.types import Departure
from rebalancing.model_changes.recipes import ExitRule, VersionKind
from rebalancing.models import ModelExit, ModelVersion, ModelVersionWeight
from rebalancing.types import Exit, ModelChange


def in_words(version: ModelVersion) -> str:
    """``version 3 of Core (reconstitution)``."""
    return f"version {version.number} of {version.model} ({VersionKind(version.kind).told})"


def exits(model_id: int, as_of: date) -> dict[int, Exit]:
    """Security -> its exit in force. One query."""
    return _in_force(ModelExit.objects.filter(model=model_id), as_of)


@read_once
def exits_of(household_id: int, as_of: date) -> dict[int, Exit]:
    """``exits`` of the model that the household follows. One query."""
    return _in_force(ModelExit.objects.filter(model__assignments__household=household_id), as_of)


def departures(household_id: int, as_of: date) -> dict[int, Departure]:
    """``exits_of`` as the room below tells them to who knows no models."""
    return {
        security: Departure(one.since, one.version, is_held=one.rule is ExitRule.HOLD)
        for security, one in exits_of(household_id, as_of).items()
    }


def _in_force(of_model: QuerySet[ModelExit], as_of: date) -> dict[int, Exit]:
    rows = of_model.filter(Q(ended_on=None) | Q(ended_on__gte=as_of))
    return {
        row.security_id: Exit(
            rule=ExitRule(row.rule),
            since=row.since,
            kind=VersionKind(row.version.kind),
            version=in_words(row.version),
        )
        for row in rows.filter(since__lte=as_of).select_related("version__model").order_by("since")
    }


def changes(model_id: int, as_of: date, *, followed_on: date | None) -> dict[int, ModelChange]:
    """Security -> what published versions made of its weight since the household followed the model last. One query.

    ``followed_on``: the day of the last fill of a rebalance; None: there was none. Of several versions the first says
    what was before, and the latest what it is now and why.
    """
    rows = (
        ModelVersionWeight.objects.filter(version__model=model_id, version__begun_on__lte=as_of)
        .exclude(before=F("after"))
        .select_related("version__model")
    )
    if followed_on is not None:
        rows = rows.filter(version__last_step_on__gte=followed_on)
    first: dict[int, Decimal] = {}
    latest: dict[int, ModelVersionWeight] = {}
    for row in rows.order_by("version__begun_on", "version__number"):
        first.setdefault(row.security_id, row.before)
        latest[row.security_id] = row
    return {
        security: ModelChange(
            before=first[security],
            after=row.after,
            kind=VersionKind(row.version.kind),
            version=in_words(row.version),
        )
        for security, row in latest.items()
    }
