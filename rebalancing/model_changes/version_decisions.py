"""What a person decides about a version of a model: it is published by a person, never by itself, or withdrawn."""

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import access
from accounts.errors import Conflict
from accounts.locks import lock_firm
from accounts.models import User
from accounts.selectors import business_date
from rebalancing import selectors
from rebalancing.model_changes import exits
from rebalancing.model_changes.model_versions import audit, weights_around
from rebalancing.model_changes.recipes import VersionState
from rebalancing.model_changes.version_steps import take_steps
from rebalancing.models import ModelVersion


class NotADraft(Conflict):
    """The version has been decided about already, or the model has changed since it was drafted."""

    code = "not_a_draft"


class AnotherUnderWay(Conflict):
    """Another version of the model waits for its day, or has steps still to come."""

    code = "another_under_way"


@transaction.atomic
def publish(*, user: User, version: ModelVersion) -> ModelVersion:
    """Make the draft's weights the model's, or its first step's, or have it wait for its day.

    Raises NotAllowed; NotADraft where somebody has decided, or the model's weights are not those it was made from;
    AnotherUnderWay where another version of the model waits or has steps to come.
    """
    found = _held(user, version)
    if found.state != VersionState.DRAFT:
        raise NotADraft(f"{found} is {found.state}: only a draft is published.")
    if selectors.targets(found.model_id) != weights_around(found)[0]:
        raise NotADraft(
            f"The weights of {found.model} have changed since {found} was drafted: draft it again."
        )
    other = _under_way(found)
    if other is not None:
        raise AnotherUnderWay(_told_of(other))
    today = business_date(found.model.firm)
    waits = found.effective_on is not None and found.effective_on > today
    _decide(user, found, VersionState.SCHEDULED if waits else VersionState.PUBLISHED)
    if not waits:
        take_steps(found, today)
    return found


@transaction.atomic
def withdraw(*, user: User, version: ModelVersion) -> ModelVersion:
    """Put the draft away, take back what waits for its day, or stop what has steps still to come where it stands.

    Raises NotAllowed, NotADraft.
    """
    found = _held(user, version)
    is_open = found.state in (VersionState.DRAFT, VersionState.SCHEDULED) or found.is_under_way
    if not is_open:
        raise NotADraft(f"{found} is {found.state}: there is nothing left to withdraw.")
    if found.is_under_way:
        exits.end_held(found, business_date(found.model.firm))
    return _decide(user, found, VersionState.WITHDRAWN)


def _under_way(version: ModelVersion) -> ModelVersion | None:
    """Another version of the model that waits for its day or has steps to come."""
    waits = Q(state=VersionState.SCHEDULED)
    moves = Q(state=VersionState.PUBLISHED, steps_done__lt=F("steps"))
    rows = ModelVersion.objects.filter(waits | moves, model=version.model_id)
    return rows.exclude(pk=version.pk).select_related("model").first()


def _told_of(other: ModelVersion) -> str:
    if other.state == VersionState.SCHEDULED:
        return f"{other} waits for {other.effective_on}: withdraw it first, or wait until it is in force."
    return (
        f"{other} has taken step {other.steps_done} of {other.steps}: stop it first, or wait for its last step. Then "
        "draft the change again."
    )


def _held(user: User, version: ModelVersion) -> ModelVersion:
    access.require(user, access.Action.DECIDE)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    lock_firm(user.firm_id)
    rows = access.visible(user, ModelVersion).select_related("model__firm")
    return rows.get(pk=version.pk)


def _decide(user: User, version: ModelVersion, state: VersionState) -> ModelVersion:
    version.state, version.decided_by, version.decided_at = state, user, timezone.now()
    version.save(update_fields=["state", "decided_by", "decided_at"])
    audit(version, user.username, f"model.{state}")
    return version
