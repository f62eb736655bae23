"""What portfolios keep to."""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from accounts.fields import FractionField, bounded
from accounts.models import Firm, Household, choices, one_of
from rebalancing.mandates.rules import RuleKind
from rebalancing.models.target_models import TargetModel
from securities.models import Security


class Mandate(models.Model):
    """Rules that a portfolio keeps to: of the firm for everybody, of a model for who follows it, of one household.

    They add up: every rule of every mandate that concerns a household binds it.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="mandates")
    name = models.CharField(max_length=120)
    model = models.ForeignKey(
        TargetModel, on_delete=models.PROTECT, null=True, blank=True, related_name="mandates"
    )
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="mandates"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(fields=["firm", "name"], name="mandate_name_once"),
            CheckConstraint(condition=Q(model=None) | Q(household=None), name="mandate_of_one"),
        ]

    def __str__(self) -> str:
        return self.name


class MandateRule(models.Model):
    """One limit of a mandate, both ends allowed: weights and risks as fractions, ``names`` as a number.

    A hard rule that is broken asks for a rebalance, and no proposal breaks it; a soft one is reported.
    """

    firm_path = "mandate__firm"

    mandate = models.ForeignKey(Mandate, on_delete=models.CASCADE, related_name="rules")
    key = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=choices(RuleKind))
    subject = models.CharField(max_length=60, blank=True)  # asset class, sector or factor
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    low = FractionField(null=True, blank=True)
    high = FractionField(null=True, blank=True)
    is_hard = models.BooleanField(default=True)

    class Meta:
        ordering = ["mandate", "key"]
        constraints = [
            UniqueConstraint(fields=["mandate", "key"], name="mandate_rule_once"),
            one_of("mandate_rule_kind_known", "kind", RuleKind),
            bounded("mandate_rule_low", "low", lower=-1000, upper=100_000),
            bounded("mandate_rule_high", "high", lower=-1000, upper=100_000),
            CheckConstraint(
                condition=Q(low__isnull=False) | Q(high__isnull=False), name="mandate_rule_limits"
            ),
            CheckConstraint(
                condition=Q(low=None) | Q(high=None) | Q(low__lte=F("high")),
                name="mandate_rule_order",
            ),
            CheckConstraint(
                condition=Q(kind=RuleKind.SECURITY.value, security__isnull=False)
                | (~Q(kind=RuleKind.SECURITY.value) & Q(security=None)),
                name="mandate_rule_security",
            ),
            CheckConstraint(
                condition=(
                    Q(kind__in=[one.value for one in RuleKind if one.has_subject]) & ~Q(subject="")
                )
                | (~Q(kind__in=[one.value for one in RuleKind if one.has_subject]) & Q(subject="")),
                name="mandate_rule_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mandate}/{self.key}"
