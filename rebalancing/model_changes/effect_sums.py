"""Reads: what a version would do to all households that follow its model, in sum and household by household."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Count, F, Func, IntegerField, Max, Min, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTransform

from proposals.types import Side
from rebalancing.model_changes import version_effects
from rebalancing.models import ModelAssignment, ModelVersion, VersionEffect
from rebalancing.types import ZERO

_WEIGHED = ("error_present", "error_before", "error_after")
_SUMMED = (
    "value",
    "out_present",
    "out_before",
    "sold",
    "bought",
    "short_gain",
    "long_gain",
    "tax",
    "tax_present",
)
_CONFLICTS = Func(
    KeyTransform("conflicts", "preview"),
    function="jsonb_array_length",
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSums:
    """Over all households that follow the model today and were measured, whenever that was.

    Tracking errors are means weighed by the households' dollars, over those that have all three; None: there is none.
    """

    followers: int
    measured: int
    to_come: int  # not measured, or before it was asked for anew
    unknown: int  # that cannot be measured; why stands in their rows
    without_risk: int
    without_tax: int
    riskier: (
        int  # whose tracking error is larger against the version than against the weights of today
    )
    oldest: datetime | None
    newest: datetime | None
    oldest_prices: date | None
    value: Decimal
    error_present: Decimal | None
    error_before: Decimal | None
    error_after: Decimal | None
    out_present: int
    out_before: int
    sold: Decimal
    bought: Decimal
    short_gain: Decimal
    long_gain: Decimal
    tax: Decimal
    tax_present: Decimal
    conflicts: int  # with wash sales
    conflicting: int  # households that have any

    @property
    def traded(self) -> Decimal:
        """Dollars sold and bought."""
        return self.sold + self.bought

    @property
    def known(self) -> int:
        """Households that the sums are over."""
        return self.measured - self.unknown


def sums(version: ModelVersion) -> EffectSums:
    """Three queries, however many households there are."""
    has_risk = Q(error_present__isnull=False, error_before__isnull=False, error_after__isnull=False)
    known = Q(value__isnull=False)
    found = (
        rows(version)
        .order_by()
        .annotate(met=_CONFLICTS)
        .aggregate(
            measured=Count("pk"),
            unknown=Count("pk", filter=~known),
            without_risk=Count("pk", filter=known & ~has_risk),
            without_tax=Count("pk", filter=known & Q(tax=None)),
            riskier=Count("pk", filter=has_risk & Q(error_before__gt=F("error_present"))),
            oldest=Min("measured_at"),
            newest=Max("measured_at"),
            oldest_prices=Min("as_of"),
            weight=Sum("value", filter=has_risk),
            conflicts=Sum("met", default=0),
            conflicting=Count("pk", filter=Q(met__gt=0)),
            **{f"{name}_weighed": Sum(F(name) * F("value"), filter=has_risk) for name in _WEIGHED},
            **{f"{name}_sum": Sum(name) for name in _SUMMED},
        )
    )
    weight = found.pop("weight")
    for name in _WEIGHED:
        total = found.pop(f"{name}_weighed")
        found[name] = total / weight if weight else None
    for name in _SUMMED:
        found[name] = found.pop(f"{name}_sum") or ZERO
    return EffectSums(
        followers=ModelAssignment.objects.filter(model=version.model_id).count(),
        to_come=version_effects.to_come(version).count(),
        **found,
    )


def rows(version: ModelVersion) -> QuerySet[VersionEffect]:
    """The households' rows, those that would be farthest from the version first, unknown ones last."""
    found = VersionEffect.objects.filter(
        version=version, household__assignment__model=version.model_id
    )
    return found.select_related("household").order_by(
        F("error_before").desc(nulls_last=True),
        F("value").desc(nulls_last=True),
        "household__name",
        "pk",
    )


def conflicting(version: ModelVersion) -> QuerySet[VersionEffect]:
    """The households' rows that meet wash sales, by name."""
    found = rows(version).annotate(met=_CONFLICTS).filter(met__gt=0)
    return found.order_by("household__name", "pk")


def shares_wanted(version: ModelVersion) -> dict[tuple[int, Side], Decimal]:
    """What all measured households together would buy and sell of a security, in shares. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, [version.model_id, version.pk])
        found = cursor.fetchall()
    return {
        (security, side): shares
        for security, bought, sold in found
        for side, shares in ((Side.BUY, bought), (Side.SELL, sold))
        if shares > ZERO
    }


_WANTED = """
    SELECT wanted.key::bigint,
           SUM(GREATEST(wanted.value::numeric, 0)),
           SUM(GREATEST(-wanted.value::numeric, 0))
    FROM rebalancing_versioneffect effect
    JOIN rebalancing_modelassignment follows
      ON follows.household_id = effect.household_id AND follows.model_id = %s
    CROSS JOIN jsonb_each_text(effect.preview -> 'wanted') wanted
    WHERE effect.version_id = %s
    GROUP BY wanted.key
    ORDER BY wanted.key::bigint
"""
