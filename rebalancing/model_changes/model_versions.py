"""Versions of a model's weights: drafted by its recipe or by a person, published by a person, never by themselves."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.errors import Conflict, LotwiseError
from accounts.locks import lock_firm
from accounts.models import Firm, User
from accounts.services import record_audit
from rebalancing import selectors
from rebalancing.model_changes.model_drafts import new_weights
from rebalancing.model_changes.recipes import Recipe, VersionState
from rebalancing.models import ModelVersion, ModelVersionWeight, ModelWeight, TargetModel
from rebalancing.risk_data.risk_models import risk_of
from rebalancing.types import ZERO
from securities import selectors as securities


class NotADraft(Conflict):
    """The version has been decided about already, or the model has changed since it was drafted."""

    code = "not_a_draft"


class NoPrices(LotwiseError):
    """A name of the model has no price: its risk cannot be estimated."""

    code = "no_prices"


@transaction.atomic
def draft(*, model: TargetModel, as_of: date, author: str) -> ModelVersion | None:
    """New weights by the model's recipe, as a draft in place of an older one; None where nothing would change.

    Raises NoPrices, and BadReturns, BadProblem, Infeasible or Inaccurate of the recipe.
    """
    recipe, before = Recipe(model.recipe), selectors.targets(model.pk)
    if recipe is Recipe.FIXED or not before:
        return None
    quotes = securities.latest_prices(model.firm_id, as_of)
    symbols = securities.symbols(model.firm_id)
    missing = sorted(symbols[one] for one in before if one not in quotes)
    if missing:
        raise NoPrices(f"{model.name}: there is no price of {', '.join(missing)}.")
    after = new_weights(
        recipe,
        targets=before,
        rules=selectors.rules_of_model(model),
        classes=selectors.classes(model.firm_id),
        symbols=symbols,
        risk=risk_of(model.firm_id, as_of, sorted(before)),
        risk_aversion=selectors.limits_of_model(model).risk_aversion,
    )
    if after == before:
        return None
    known = ModelVersion.objects.filter(
        model=model, state=VersionState.DRAFT, as_of=as_of, recipe=recipe
    ).first()
    if known is not None and _weights(known) == (before, after):
        return known
    reason = f"{recipe.replace('_', ' ').capitalize()} by the prices up to {as_of}."
    return _stored(model, recipe, as_of, author, reason, before, after)


def _weights(version: ModelVersion) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    """What the version leaves and what it brings, without the names that weigh nothing."""
    rows = list(version.weights.values_list("security_id", "before", "after"))
    return (
        {security: before for security, before, _ in rows if before > ZERO},
        {security: after for security, _, after in rows if after > ZERO},
    )


def _stored(
    model: TargetModel,
    recipe: Recipe,
    as_of: date,
    author: str,
    reason: str,
    before: Mapping[int, Decimal],
    after: Mapping[int, Decimal],
) -> ModelVersion:
    TargetModel.objects.select_for_update().get(pk=model.pk)  # one draft at a time
    ModelVersion.objects.filter(model=model, state=VersionState.DRAFT).update(
        state=VersionState.SUPERSEDED
    )
    last = ModelVersion.objects.filter(model=model).order_by("-number").first()
    version = ModelVersion.objects.create(
        model=model,
        number=last.number + 1 if last else 1,
        recipe=recipe,
        as_of=as_of,
        author=author,
        reason=reason,
    )
    ModelVersionWeight.objects.bulk_create(
        ModelVersionWeight(
            version=version,
            security_id=security,
            before=before.get(security, ZERO),
            after=after.get(security, ZERO),
        )
        for security in sorted(before.keys() | after.keys())
    )
    return version


@transaction.atomic
def publish(*, user: User, version: ModelVersion) -> ModelVersion:
    """Make the draft's weights the model's: the next night trades on them.

    Raises NotAllowed, and NotADraft where somebody has decided, or the model's weights are not those it was made from.
    """
    found = _held(user, version)
    before, after = _weights(found)
    if selectors.targets(found.model_id) != before:
        raise NotADraft(
            f"The weights of {found.model} have changed since {found} was drafted: draft it again."
        )
    ModelWeight.objects.filter(model=found.model_id).delete()
    ModelWeight.objects.bulk_create(
        ModelWeight(model_id=found.model_id, security_id=security, weight=weight)
        for security, weight in after.items()
    )
    return _decided(user, found, VersionState.PUBLISHED)


@transaction.atomic
def withdraw(*, user: User, version: ModelVersion) -> ModelVersion:
    """Put the draft away. Raises NotAllowed, NotADraft."""
    return _decided(user, _held(user, version), VersionState.WITHDRAWN)


def _held(user: User, version: ModelVersion) -> ModelVersion:
    access.require(user, access.Action.DECIDE)
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    lock_firm(user.firm_id)
    rows = access.visible(user, ModelVersion).select_related("model")
    found = rows.get(pk=version.pk)
    if found.state != VersionState.DRAFT:
        raise NotADraft(f"{found} is {found.state}: only a draft is decided about.")
    return found


def _decided(user: User, version: ModelVersion, state: VersionState) -> ModelVersion:
    assert user.firm_id is not None  # require() lets nobody pass without a firm
    version.state, version.decided_by, version.decided_at = state, user, timezone.now()
    version.save(update_fields=["state", "decided_by", "decided_at"])
    record_audit(
        firm=Firm.objects.get(pk=user.firm_id),
        actor=user.username,
        action=f"model.{state}",
        subject=str(version)[:120],
        facts={
            "weights": {
                row.security.symbol: [row.before, row.after]
                for row in version.weights.select_related("security")
            }
        },
    )
    return version
