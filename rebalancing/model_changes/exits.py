"""The dated record of names that left a model: written with the version's first step, ended when a name comes back."""

from collections.abc import Collection
from datetime import date, timedelta

from rebalancing.model_changes.recipes import ExitRule
from rebalancing.models import ModelExit, ModelVersion
from rebalancing.types import ZERO

_ONE_DAY = timedelta(days=1)


def begin(version: ModelVersion, day: date) -> None:
    """Record every name that leaves with the version and has an exit rule, in place of an earlier exit of it."""
    rows = list(version.weights.exclude(exit_rule=""))
    end(version.model_id, [row.security_id for row in rows], day)
    ModelExit.objects.bulk_create(
        ModelExit(
            model_id=version.model_id,
            security_id=row.security_id,
            rule=ExitRule(row.exit_rule),
            since=day,
            version=version,
        )
        for row in rows
    )


def end(model_id: int, securities: Collection[int], day: date) -> None:
    """End the exits of names that the model takes in again on the day: their last day is the one before."""
    for row in ModelExit.objects.filter(model=model_id, security__in=securities, ended_on=None):
        row.ended_on = max(day, row.since) - _ONE_DAY
        row.save(update_fields=["ended_on"])


def end_held(version: ModelVersion, day: date) -> None:
    """End the exits of names that still weigh something in the model where the version stops halfway."""
    there = version.model.weights.filter(weight__gt=ZERO).values_list("security_id", flat=True)
    end(version.model_id, list(there), day)
