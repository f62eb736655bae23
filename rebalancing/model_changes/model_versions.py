"""Versions of a model's weights on record: what a draft is made of, how it is stored, and what the audit says of it.

Drafted by the model's recipe (``recipe_drafts``) or by a person (``universe_drafts``), published or withdrawn by a
person (``version_decisions``), in force on their day or step by step (``version_steps``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from accounts.services import record_audit
from rebalancing.model_changes import version_effects
from rebalancing.model_changes.recipes import ExitRule, Recipe, VersionKind, VersionState
from rebalancing.models import (
    ModelVersion,
    ModelVersionWeight,
    TargetModel,
)
from rebalancing.types import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What a draft is made of: weights by security, and of names that leave or come the exit rule and a note.

    ``effective_on`` None: from its publication on. ``steps``: trading days over which the weights move.
    """

    kind: VersionKind
    before: Mapping[int, Decimal]
    after: Mapping[int, Decimal]
    as_of: date
    reason: str
    recipe: Recipe = Recipe.FIXED
    effective_on: date | None = None
    steps: int = 1
    exit_rules: Mapping[int, ExitRule] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)
    # What a recipe with views reckoned with: records of the views, and by security the returns before and with them.
    views: Sequence[Mapping[str, str | None]] = ()
    returns: Mapping[int, tuple[Decimal, Decimal]] = field(default_factory=dict)
    market_risk_price: Decimal | None = None


def stored(model: TargetModel, new: NewVersion, *, author: str) -> tuple[ModelVersion, bool]:
    """The draft, in place of an older one of its kind, and whether it is new: the same again is the one that is there.

    Runs inside a transaction.
    """
    TargetModel.objects.select_for_update().get(pk=model.pk)  # one draft at a time
    rows = ModelVersion.objects.filter(model=model, kind=new.kind)
    waiting = [VersionState.DRAFT, VersionState.SCHEDULED]
    for known in rows.filter(state__in=waiting, effective_on=new.effective_on, steps=new.steps):
        if _is_same(known, new):
            return known, False
    rows.filter(state=VersionState.DRAFT).update(state=VersionState.SUPERSEDED)
    last = ModelVersion.objects.filter(model=model).order_by("-number").first()
    version = ModelVersion.objects.create(
        model=model,
        number=last.number + 1 if last else 1,
        kind=new.kind,
        recipe=new.recipe,
        effective_on=new.effective_on,
        steps=new.steps,
        as_of=new.as_of,
        author=author,
        reason=new.reason,
        views=list(new.views),
        market_risk_price=new.market_risk_price,
    )
    ModelVersionWeight.objects.bulk_create(
        ModelVersionWeight(
            version=version,
            security_id=security,
            before=new.before.get(security, ZERO),
            after=new.after.get(security, ZERO),
            exit_rule=new.exit_rules.get(security, ""),
            note=new.notes.get(security, ""),
            implied_return=new.returns.get(security, (None, None))[0],
            expected_return=new.returns.get(security, (None, None))[1],
        )
        for security in sorted(new.before.keys() | new.after.keys())
    )
    version_effects.wake_on_commit(version.pk)
    return version, True


def _is_same(known: ModelVersion, new: NewVersion) -> bool:
    rules = dict(known.weights.exclude(exit_rule="").values_list("security_id", "exit_rule"))
    notes = dict(known.weights.exclude(note="").values_list("security_id", "note"))
    return (
        weights_around(known) == (new.before, new.after)
        and (rules, notes)
        == (new.exit_rules, {one: told for one, told in new.notes.items() if told})
        and (known.recipe, known.reason, known.views) == (new.recipe, new.reason, list(new.views))
        and known.market_risk_price == new.market_risk_price
        and (new.kind is not VersionKind.RECIPE or known.as_of == new.as_of)
    )


def weights_around(version: ModelVersion) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    """What the version leaves and what it brings, without the names that weigh nothing."""
    rows = list(version.weights.values_list("security_id", "before", "after"))
    return (
        {security: before for security, before, _ in rows if before > ZERO},
        {security: after for security, _, after in rows if after > ZERO},
    )


def audit(version: ModelVersion, actor: str, action: str) -> None:
    """Enter into the audit chain what became of the version, with its weights and exits."""
    rows = list(version.weights.select_related("security"))
    record_audit(
        firm=version.model.firm,
        actor=actor,
        action=action,
        subject=str(version)[:120],
        facts={
            "kind": version.kind,
            "effective_on": version.effective_on,
            "step": [version.steps_done, version.steps],
            "weights": {row.security.symbol: [row.before, row.after] for row in rows},
            "exits": {row.security.symbol: row.exit_rule for row in rows if row.exit_rule},
            "why": version.lapse or version.reason,
        },
    )
