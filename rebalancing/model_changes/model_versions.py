"""Versions of a model's weights: drafted by its recipe or by a person, published by a person, never by themselves.

A version that is published before its day waits, and the first night on or after the day makes its weights the model's;
one in several steps goes on by one step a trading day. A step is taken only from the weights that the version was made
from: where the model was changed otherwise it lapses, which is an audit event and an alarm.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts import access
from accounts.canonical import decimal_text
from accounts.errors import Conflict, LotwiseError
from accounts.locks import lock_firm
from accounts.models import User
from accounts.selectors import business_date
from accounts.services import record_audit
from rebalancing import selectors
from rebalancing.errors import RebalancingError
from rebalancing.model_changes import exits, stated_views, version_effects, view_words
from rebalancing.model_changes.model_drafts import new_weights, returns_with_views
from rebalancing.model_changes.recipes import ExitRule, Recipe, VersionKind, VersionState
from rebalancing.model_changes.return_views import View
from rebalancing.model_changes.universe import step_weights
from rebalancing.models import (
    ModelVersion,
    ModelVersionWeight,
    ModelWeight,
    ReturnView,
    TargetModel,
)
from rebalancing.risk_data.risk_models import risk_of
from rebalancing.types import ZERO
from securities import selectors as securities
from securities.calendar import next_business_date

logger = logging.getLogger(__name__)

MOST_DAYS = 35  # market values come by the month; older ones are refused


class NotADraft(Conflict):
    """The version has been decided about already, or the model has changed since it was drafted."""

    code = "not_a_draft"


class AnotherUnderWay(Conflict):
    """Another version of the model waits for its day, or has steps still to come."""

    code = "another_under_way"


class NoPrices(LotwiseError):
    """A name of the model has no price: its risk cannot be estimated."""

    code = "no_prices"


class NoMarketValues(LotwiseError):
    """A name of the model has no market value, or only an old one."""

    code = "no_market_values"


class NotDrafted(LotwiseError):
    """The recipe finds no weights within the mandate, or has no risk model."""

    code = "not_drafted"
    status = 422


class StrayView(LotwiseError):
    """A view is about a name that its model does not have."""

    code = "stray_view"


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


@transaction.atomic
def draft(*, model: TargetModel, as_of: date, author: str) -> ModelVersion | None:
    """New weights by the model's recipe, as a draft in place of an older one; None where nothing would change.

    Raises NoPrices, NoMarketValues, StrayView, and BadReturns, BadProblem, Infeasible or Inaccurate of the recipe.
    """
    recipe, before = Recipe(model.recipe), selectors.targets(model.pk)
    if recipe is Recipe.FIXED or not before:
        return None
    quotes = securities.latest_prices(model.firm_id, as_of)
    symbols = securities.symbols(model.firm_id)
    missing = sorted(symbols[one] for one in before if one not in quotes)
    if missing:
        raise NoPrices(f"{model.name}: there is no price of {', '.join(missing)}.")
    risk = risk_of(model.firm_id, as_of, sorted(before))
    risk_aversion = selectors.limits_of_model(model).risk_aversion
    rows = stated_views.in_force(model.pk, as_of) if recipe is Recipe.MEAN_VARIANCE else []
    views = _views(model, rows, before)
    valued_on, market_values = None, None
    if recipe is Recipe.MARKET_VALUE:
        valued_on, market_values = _market_values(model, before, symbols, as_of)
    after = new_weights(
        recipe,
        targets=before,
        rules=selectors.rules_of_model(model),
        classes=selectors.classes(model.firm_id),
        symbols=symbols,
        risk=risk,
        risk_aversion=risk_aversion,
        views=views,
        market_values=market_values,
    )
    if after == before:
        return None
    told = returns_with_views(targets=before, risk=risk, risk_aversion=risk_aversion, views=views)
    return stored(
        model,
        NewVersion(
            kind=VersionKind.RECIPE,
            recipe=recipe,
            before=before,
            after=after,
            as_of=as_of,
            reason=f"{recipe.replace('_', ' ').capitalize()}{_with(len(rows))} by the "
            + (f"market values of {valued_on}." if valued_on else f"prices up to {as_of}."),
            views=[
                _view_record(row, *returns) for row, returns in zip(rows, told.views, strict=True)
            ],
            returns=told.names if rows else {},
        ),
        author=author,
    )[0]


def _market_values(
    model: TargetModel, targets: Mapping[int, Decimal], symbols: Mapping[int, str], as_of: date
) -> tuple[date, dict[int, Decimal]]:
    """The newest market values, all of one day: those of two days would weigh a move of prices as well.

    Raises NoMarketValues with the names that have none of that day, or where the day is too long ago.
    """
    newest = securities.newest_market_values(targets, as_of)
    if not newest:
        raise NoMarketValues(
            f"{model.name}: there are no market values of its names: use manage.py import_market_values."
        )
    day = max(newest.values())
    lacking = [
        f"{symbols[one]} ({f'the newest is of {newest[one]}' if one in newest else 'none at all'})"
        for one in sorted(targets, key=lambda one: symbols[one])
        if newest.get(one) != day
    ]
    if lacking:
        raise NoMarketValues(
            f"{model.name}: there is no market value of {day} of {', '.join(lacking)}."
        )
    if (as_of - day).days > MOST_DAYS:
        raise NoMarketValues(
            f"{model.name}: the newest market values are of {day}, more than {MOST_DAYS} days before {as_of}: "
            f"{', '.join(sorted(symbols[one] for one in targets))}."
        )
    return day, securities.market_values(targets, day)


def _views(
    model: TargetModel, rows: Sequence[ReturnView], targets: Mapping[int, Decimal]
) -> list[View]:
    """The views over the border. Raises StrayView for one about a name that the model does not have any more."""
    place = {security: at for at, security in enumerate(sorted(targets))}
    for row in rows:
        for security in (row.security, row.over):
            if security is not None and security.pk not in place:
                raise StrayView(
                    f"{model.name} does not have {security} any more, and a view is about it: end the view."
                )
    return [
        View(
            row=place[row.security_id],
            spread=float(row.yearly_return),
            confidence=float(row.confidence),
            over=None if row.over_id is None else place[row.over_id],
        )
        for row in rows
    ]


def _view_record(row: ReturnView, implied: Decimal, expected: Decimal) -> dict[str, str | None]:
    """A view as a version keeps it, whatever becomes of the view."""
    one = stated_views.stated(row)
    return {
        "view": view_words.sentence(one.symbol, one.over, one.yearly_return),
        "yearly_return": decimal_text(one.yearly_return),
        "confidence": decimal_text(one.confidence),
        "implied": decimal_text(implied),
        "expected": decimal_text(expected),
        "since": one.since.isoformat(),
        "until": None if one.until is None else one.until.isoformat(),
        "author": row.author.username,
        "reason": row.reason,
    }


def _with(views: int) -> str:
    return f" with {views} view{'' if views == 1 else 's'}" if views else ""


def draft_now(*, user: User, model: TargetModel) -> ModelVersion | None:
    """``draft`` on the firm's business date, because somebody asks for it. Raises NotAllowed, NoPrices, NotDrafted."""
    access.require(user, access.Action.DECIDE)
    held = access.visible(user, TargetModel).select_related("firm").get(pk=model.pk)
    try:
        return draft(model=held, as_of=business_date(held.firm), author=user.username)
    except RebalancingError as refusal:
        raise NotDrafted(f"{held}: no new weights. {refusal}") from refusal


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
        _weights(known) == (new.before, new.after)
        and (rules, notes)
        == (new.exit_rules, {one: told for one, told in new.notes.items() if told})
        and (known.recipe, known.reason, known.views) == (new.recipe, new.reason, list(new.views))
        and (new.kind is not VersionKind.RECIPE or known.as_of == new.as_of)
    )


def _weights(version: ModelVersion) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    """What the version leaves and what it brings, without the names that weigh nothing."""
    rows = list(version.weights.values_list("security_id", "before", "after"))
    return (
        {security: before for security, before, _ in rows if before > ZERO},
        {security: after for security, _, after in rows if after > ZERO},
    )


@transaction.atomic
def publish(*, user: User, version: ModelVersion) -> ModelVersion:
    """Make the draft's weights the model's, or its first step's, or have it wait for its day.

    Raises NotAllowed; NotADraft where somebody has decided, or the model's weights are not those it was made from;
    AnotherUnderWay where another version of the model waits or has steps to come.
    """
    found = _held(user, version)
    if found.state != VersionState.DRAFT:
        raise NotADraft(f"{found} is {found.state}: only a draft is published.")
    if selectors.targets(found.model_id) != _weights(found)[0]:
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
        _take_steps(found, today)
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
                _take_steps(version, as_of)
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
    before, after = _weights(version)
    expected = step_weights(before, after, version.steps_done, version.steps)
    return selectors.targets(version.model_id) == expected


def _step_or_lapse(version: ModelVersion, day: date, actor: str) -> bool:
    if not _stands_ready(version):
        _lapse(version, day, actor)
        return True
    if not _take_steps(version, day):
        return False
    _record(version, actor, "model.step_taken")
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


def _take_steps(version: ModelVersion, day: date) -> bool:
    """Give the model the weights of the day's step; whether there was one to take. Exits begin with the first."""
    begun_on = version.begun_on or day
    step = _step_of(version, day)
    if step == version.steps_done:
        return False
    weights = step_weights(*_weights(version), step, version.steps)
    ModelWeight.objects.filter(model=version.model_id).delete()
    ModelWeight.objects.bulk_create(
        ModelWeight(model_id=version.model_id, security_id=security, weight=weight)
        for security, weight in weights.items()
    )
    if version.begun_on is None:
        exits.end(version.model_id, list(_weights(version)[1]), day)
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
    _record(version, actor, "model.lapsed")


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
    _record(version, user.username, f"model.{state}")
    return version


def _record(version: ModelVersion, actor: str, action: str) -> None:
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
