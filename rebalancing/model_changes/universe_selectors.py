"""Reads of a firm's models and versions: what changed in a period, what has left and is still held, what lapsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet, Sum
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.models import User
from accounts.types import AccountKind
from lots.models import TaxLot
from rebalancing.model_changes.change_previews import Planned
from rebalancing.model_changes.recipes import ExitRule, VersionKind, VersionState
from rebalancing.model_changes.universe import difference, turnover
from rebalancing.model_changes.universe_facts import OpenExit, UniverseChange
from rebalancing.models import ModelExit, ModelVersion, ReturnView, TargetModel
from rebalancing.types import ZERO
from securities import selectors as securities


def changes_between(
    firm_id: int, first: date, last: date, *, model_id: int | None = None
) -> tuple[UniverseChange, ...]:
    """Universe changes and reconstitutions drafted, effective or begun from ``first`` to ``last``, the latest first.

    Of one model where it is named. Drafts that gave way to newer ones are left out.
    """
    period = (first, last)
    rows = ModelVersion.objects.filter(
        Q(as_of__range=period) | Q(effective_on__range=period) | Q(begun_on__range=period),
        model__firm=firm_id,
        kind__in=[VersionKind.UNIVERSE, VersionKind.RECONSTITUTION],
    ).exclude(state=VersionState.SUPERSEDED)
    if model_id is not None:
        rows = rows.filter(model=model_id)
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
        id=version.pk,
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


def exits(firm_id: int, as_of: date, *, model_id: int | None = None) -> tuple[OpenExit, ...]:
    """Exits in force on the day whose shares households of the model still hold; by model and symbol.

    Of one model where it is named. What is held is read from the ledger of today. As many queries for any number of
    models and households.
    """
    rows = (
        ModelExit.objects.filter(
            Q(ended_on=None) | Q(ended_on__gte=as_of), model__firm=firm_id, since__lte=as_of
        )
        .select_related("model", "security")
        .order_by("model__name", "security__symbol")
    )
    if model_id is not None:
        rows = rows.filter(model=model_id)
    held = _held(rows)
    prices = securities.latest_prices(firm_id, as_of) if held else {}
    found = []
    for row in rows:
        there = held.get((row.model_id, row.security_id))
        if there is None:
            continue
        quote = prices.get(row.security_id)
        found.append(
            OpenExit(
                model=row.model.name,
                symbol=row.security.symbol,
                rule=ExitRule(row.rule),
                since=row.since,
                version=row.version_id,
                households=there.households,
                dollars=None if quote is None else there.shares * quote.price,
                gain=None if quote is None else there.taxable * quote.price - there.basis,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Held:
    """What households of a model hold of a name: shares, those of taxable accounts, and the basis of these."""

    households: int
    shares: Decimal
    taxable: Decimal
    basis: Decimal


def _held(exits: QuerySet[ModelExit]) -> dict[tuple[int, int], _Held]:
    """Model and security -> what the households that follow the model hold of names that left. One query."""
    left = {(row.model_id, row.security_id) for row in exits}
    if not left:
        return {}
    taxable = Q(account__kind__in=[kind.value for kind in AccountKind if kind.is_taxable])
    rows = (
        TaxLot.objects.filter(
            account__household__assignment__model__in={model for model, _ in left},
            security__in={security for _, security in left},
        )
        .order_by()
        .values_list("account__household__assignment__model", "security")
        .annotate(
            households=Count("account__household", distinct=True),
            shares=Sum("quantity"),
            taxable=Sum("quantity", filter=taxable),
            basis=Sum("basis", filter=taxable),
        )
    )
    return {
        (model, security): _Held(households, shares, taxed or ZERO, basis or ZERO)
        for model, security, households, shares, taxed, basis in rows
        if (model, security) in left
    }


def moved_on(model_id: int, day: date) -> date | None:
    """The last day after ``day`` on which a version gave the model other weights; None where there was none."""
    steps = ModelVersion.objects.filter(model=model_id, last_step_on__gt=day)
    return steps.order_by("-last_step_on").values_list("last_step_on", flat=True).first()


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


def unsettled(model_id: int, as_of: date) -> list[UniverseChange]:
    """Universe changes and reconstitutions up to the day that wait, have steps to come, or lapsed with no newer one."""
    rows = (
        ModelVersion.objects.filter(
            model=model_id,
            as_of__lte=as_of,
            kind__in=[VersionKind.UNIVERSE, VersionKind.RECONSTITUTION],
        )
        .exclude(state=VersionState.SUPERSEDED)
        .select_related("model")
        .prefetch_related("weights")
        .order_by("-number")
    )
    found = list(rows)
    newest = found[0].number if found else None
    symbols = securities.symbols(found[0].model.firm_id) if found else {}
    told = [_change(row, symbols) for row in found]
    return [
        one
        for one in told
        if one.is_open or (one.state is VersionState.LAPSED and one.number == newest)
    ]


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
