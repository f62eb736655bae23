"""How a published version becomes its model's weights: at once, on its day, or by a step on each trading day.

A step is taken only from the weights that the version was made from: where the model was changed otherwise the version
lapses, which is an audit event and an alarm.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet

from accounts.locks import lock_firm
from rebalancing import selectors
from rebalancing.model_changes import exits
from rebalancing.model_changes.model_versions import audit, weights_around
from rebalancing.model_changes.recipes import VersionState
from rebalancing.model_changes.universe import step_weights
from rebalancing.models import ModelVersion, ModelWeight
from securities.calendar import next_business_date

logger = logging.getLogger(__name__)


def apply_due(*, firm_id: int, as_of: date, actor: str) -> list[ModelVersion]:
    """Take every step that is due by the night of ``as_of``; the versions that took one, or lapsed. One query if none.

    A version that fails otherwise is logged, stays as it is, and is an alarm (``universe_selectors.troubled``).
    Runs inside a transaction, before it locks anything else.
    """
    if not _due(firm_id, as_of).exists():
        return []
    lock_firm(firm_id)
    found = []
    for version in _due(firm_id, as_of).select_related("model__firm").order_by("pk"):
        try:
            with transaction.atomic():
                moved = _step_or_lapse(version, as_of, actor)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # of one version: the night of all households does not wait for it
            logger.exception("%s could not be applied on %s", version, as_of)
            continue
        if moved:
            found.append(version)
    return found


@contextmanager
def as_if_applied(*, firm_id: int, as_of: date) -> Iterator[None]:
    """Inside, models have the weights that the night of ``as_of`` would give them; nothing of it is ever committed.

    For who only wants to see what that night would do. The rows of a model that is to change are locked meanwhile, so
    it should not last. One query where no version is due.
    """
    if not _due(firm_id, as_of).exists():
        yield
        return
    with transaction.atomic():
        for version in _due(firm_id, as_of).select_related("model__firm").order_by("pk"):
            if _stands_ready(version):
                take_steps(version, as_of)
        yield
        transaction.set_rollback(True)


def foreseen(*, firm_id: int, as_of: date) -> list[tuple[ModelVersion, bool]]:
    """Versions that the night of ``as_of`` would move on (True), or that would lapse with it. Reads only."""
    rows = _due(firm_id, as_of).select_related("model__firm").order_by("pk")
    return [
        (version, ready)
        for version in rows
        if not (ready := _stands_ready(version)) or _step_of(version, as_of) != version.steps_done
    ]


def _stands_ready(version: ModelVersion) -> bool:
    """Whether the model's weights are those that the version's next step starts from."""
    before, after = weights_around(version)
    expected = step_weights(before, after, version.steps_done, version.steps)
    return selectors.targets(version.model_id) == expected


def _step_or_lapse(version: ModelVersion, day: date, actor: str) -> bool:
    if not _stands_ready(version):
        _lapse(version, day, actor)
        return True
    if not take_steps(version, day):
        return False
    audit(version, actor, "model.step_taken")
    return True


def _due(firm_id: int, as_of: date) -> QuerySet[ModelVersion]:
    """Versions whose day has come, and those with steps to come."""
    waits = Q(state=VersionState.SCHEDULED, effective_on__lte=as_of)
    under_way = Q(state=VersionState.PUBLISHED, steps_done__lt=F("steps"), last_step_on__lt=as_of)
    return ModelVersion.objects.filter(waits | under_way, model__firm=firm_id)


def steps_by(begun_on: date, day: date, steps: int) -> int:
    """How many steps of a version are to be taken by the day: one on each trading day from the first on."""
    count, one = 1, next_business_date(begun_on)
    while count < steps and one <= day:
        count, one = count + 1, next_business_date(one)
    return count


def _step_of(version: ModelVersion, day: date) -> int:
    """The step that the version is to have reached by the day."""
    return steps_by(version.begun_on or day, day, version.steps)


def take_steps(version: ModelVersion, day: date) -> bool:
    """Give the model the weights of the day's step; whether there was one to take. Exits begin with the first."""
    begun_on = version.begun_on or day
    step = _step_of(version, day)
    if step == version.steps_done:
        return False
    weights = step_weights(*weights_around(version), step, version.steps)
    ModelWeight.objects.filter(model=version.model_id).delete()
    ModelWeight.objects.bulk_create(
        ModelWeight(model_id=version.model_id, security_id=security, weight=weight)
        for security, weight in weights.items()
    )
    if version.begun_on is None:
        exits.end(version.model_id, list(weights_around(version)[1]), day)
        exits.begin(version, day)
    version.state, version.steps_done = VersionState.PUBLISHED, step
    version.begun_on, version.last_step_on = begun_on, day
    version.save(update_fields=["state", "steps_done", "begun_on", "last_step_on"])
    return True


def _lapse(version: ModelVersion, day: date, actor: str) -> None:
    """The model was changed otherwise: nothing more of the version is applied, and everybody is told."""
    if version.steps_done:
        exits.end_held(version, day)
    what = f"step {version.steps_done + 1} of {version.steps}" if version.steps > 1 else "it"
    version.state = VersionState.LAPSED
    version.lapse = (
        f"The weights of {version.model} on {day} are not those that {version} starts from, so {what} was not applied: "
        "somebody has changed the model since. Draft the change again from the weights of today."
    )
    version.save(update_fields=["state", "lapse"])
    logger.error("%s lapsed: %s", version, version.lapse)
    audit(version, actor, "model.lapsed")
