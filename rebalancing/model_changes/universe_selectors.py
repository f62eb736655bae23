"""Reads of a firm's models and versions: what changed in a period, what has left and is still held, what lapsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.models import User
from accounts.selectors import accounts_of
from lots import selectors as lot_selectors
from rebalancing.model_changes.change_previews import Planned
from rebalancing.model_changes.recipes import ExitRule, VersionKind, VersionState
from rebalancing.model_changes.universe import difference, turnover
from rebalancing.models import ModelAssignment, ModelExit, ModelVersion, ReturnView, TargetModel
from rebalancing.types import ZERO
from securities import selectors as securities


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseChange:
    """A universe change or reconstitution of a model. Symbols with weights, fractions; dates where there are any."""

    model: str
    number: int
    public_id: UUID
    kind: VersionKind
    state: VersionState
    drafted_on: date
    effective_on: date | None
    begun_on: date | None
    steps: int
    steps_done: int
    author: str
    added: Mapping[str, Decimal]
    deleted: Mapping[str, Decimal]  # with the weight it had
    exit_rules: Mapping[str, ExitRule]
    turnover: Decimal  # one way, a fraction
    lapse: str  # why it lapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenExit:
    """A name that left a model and is still held by households that follow it; dollars at the newest closes.

    ``gain`` is that of taxable accounts, losses negative; ``dollars`` and ``gain`` None: there is no price.
    """

    model: str
    symbol: str
    rule: ExitRule
    since: date
    households: int
    dollars: Decimal | None
    gain: Decimal | None


def changes_between(firm_id: int, first: date, last: date) -> tuple[UniverseChange, ...]:
    """Universe changes and reconstitutions drafted, effective or begun from ``first`` to ``last``, the latest first.

    Drafts that gave way to newer ones are left out.
    """
    period = (first, last)
    rows = ModelVersion.objects.filter(
        Q(as_of__range=period) | Q(effective_on__range=period) | Q(begun_on__range=period),
        model__firm=firm_id,
        kind__in=[VersionKind.UNIVERSE, VersionKind.RECONSTITUTION],
    ).exclude(state=VersionState.SUPERSEDED)
    symbols = securities.symbols(firm_id)
    return tuple(
        _change(version, symbols)
        for version in rows.select_related("model")
        .prefetch_related("weights")
        .order_by("-effective_on", "model__name", "-number")
    )


def _change(version: ModelVersion, symbols: Mapping[int, str]) -> UniverseChange:
    rows = list(version.weights.all())
    before = {row.security_id: row.before for row in rows}
    after = {row.security_id: row.after for row in rows}
    found = difference(before, after)
    return UniverseChange(
        model=version.model.name,
        number=version.number,
        public_id=version.public_id,
        kind=VersionKind(version.kind),
        state=VersionState(version.state),
        drafted_on=version.as_of,
        effective_on=version.effective_on,
        begun_on=version.begun_on,
        steps=version.steps,
        steps_done=version.steps_done,
        author=version.author,
        added={symbols[one]: weight for one, weight in found.added.items()},
        deleted={symbols[one]: weight for one, weight in found.deleted.items()},
        exit_rules={
            symbols[row.security_id]: ExitRule(row.exit_rule) for row in rows if row.exit_rule
        },
        turnover=turnover(before, after),
        lapse=version.lapse,
    )


def exits(firm_id: int, as_of: date) -> tuple[OpenExit, ...]:
    """Exits in force on the day whose shares households of the model still hold; by model and symbol.

    What is held is read from the ledger of today.
    """
    rows = (
        ModelExit.objects.filter(
            Q(ended_on=None) | Q(ended_on__gte=as_of), model__firm=firm_id, since__lte=as_of
        )
        .select_related("model", "security")
        .order_by("model__name", "security__symbol")
    )
    prices = securities.latest_prices(firm_id, as_of) if rows else {}
    held = {model: _held(model) for model in {row.model_id for row in rows}}
    found = []
    for row in rows:
        households, shares, taxable, basis = held[row.model_id].get(row.security_id, _NOTHING)
        if not households:
            continue
        quote = prices.get(row.security_id)
        found.append(
            OpenExit(
                model=row.model.name,
                symbol=row.security.symbol,
                rule=ExitRule(row.rule),
                since=row.since,
                households=households,
                dollars=None if quote is None else shares * quote.price,
                gain=None if quote is None else taxable * quote.price - basis,
            )
        )
    return tuple(found)


_Held = tuple[int, Decimal, Decimal, Decimal]  # households, shares, taxable shares, their basis
_NOTHING: _Held = (0, ZERO, ZERO, ZERO)


def _held(model_id: int) -> dict[int, _Held]:
    """What the households that follow the model hold, by security."""
    found: dict[int, _Held] = {}
    followers = ModelAssignment.objects.filter(model=model_id)
    for household in followers.values_list("household_id", flat=True):
        taxable = {account.pk for account in accounts_of(household) if account.is_taxable}
        seen: set[int] = set()
        for lot in lot_selectors.open_lots(household):
            households, shares, taxed, basis = found.get(lot.security, _NOTHING)
            is_taxed = lot.account in taxable
            found[lot.security] = (
                households + (lot.security not in seen),
                shares + lot.quantity,
                taxed + (lot.quantity if is_taxed else ZERO),
                basis + (lot.basis if is_taxed else ZERO),
            )
            seen.add(lot.security)
    return found


def troubled(firm_id: int, night: date) -> list[tuple[str, str]]:
    """Versions that lapsed and have no newer one, or did not take the step that was due by the night.

    Each with why it lapsed; empty: it waits.
    """
    late = Q(state=VersionState.SCHEDULED, effective_on__lte=night) | Q(
        state=VersionState.PUBLISHED, steps_done__lt=F("steps"), last_step_on__lt=night
    )
    rows = ModelVersion.objects.filter(
        Q(state=VersionState.LAPSED) | late, model__firm=firm_id
    ).select_related("model")
    newest = dict(
        ModelVersion.objects.filter(model__firm=firm_id)
        .order_by("number")
        .values_list("model_id", "number")
    )
    return [
        (str(row), row.lapse)
        for row in rows.order_by("model__name", "number")
        if not row.lapse or newest[row.model_id] == row.number
    ]


def models(user: User) -> QuerySet[TargetModel]:
    """The firm's models with how many households follow them and how many names they have."""
    return (
        access.visible(user, TargetModel)
        .annotate(
            followers=Count("assignments", distinct=True), names=Count("weights", distinct=True)
        )
        .order_by("name")
    )


def model(user: User, model_id: int) -> TargetModel:
    """One model, or 404."""
    return get_object_or_404(access.visible(user, TargetModel).select_related("firm"), pk=model_id)


def view_of(shown: TargetModel, view_id: int) -> ReturnView:
    """One view of the model, or 404."""
    return get_object_or_404(ReturnView, model=shown, pk=view_id)


def model_named(firm_id: int, name: str) -> TargetModel | None:
    """The firm's model of that name."""
    return TargetModel.objects.filter(firm=firm_id, name=name).select_related("firm").first()


def model_names(firm_id: int) -> list[str]:
    """The names of the firm's models."""
    return list(TargetModel.objects.filter(firm=firm_id).values_list("name", flat=True))


def versions(shown: TargetModel) -> list[UniverseChange]:
    """Every version of the model, the newest first, with what comes and what leaves."""
    symbols = securities.symbols(shown.firm_id)
    rows = ModelVersion.objects.filter(model=shown).select_related("model")
    return [_change(row, symbols) for row in rows.prefetch_related("weights").order_by("-number")]


def planned(version: ModelVersion) -> Planned:
    """The change of a version, to be looked at."""
    rows = list(version.weights.all())
    return Planned(
        model=version.model,
        kind=VersionKind(version.kind),
        before={row.security_id: row.before for row in rows if row.before > ZERO},
        after={row.security_id: row.after for row in rows if row.after > ZERO},
        exit_rules={row.security_id: ExitRule(row.exit_rule) for row in rows if row.exit_rule},
    )
