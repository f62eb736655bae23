"""Which substitute stands in for which security, what is worth harvesting, and what the last scan found."""

from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from accounts.fields import (
    FractionField,
    MoneyField,
    QuantityField,
    bounded,
    positive_money,
    positive_quantity,
    signed_money,
)
from accounts.models import Account, Firm, Household, User, choices, one_of
from harvesting.types import Outcome
from lots.models import Transaction
from securities.models import Security


class SubstituteMapping(models.Model):
    """A policy choice, never a tax fact: a trigger keeps a substitute out of its own identical group."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="substitutes")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="substitutes")
    substitute = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField()
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reviewed_on = models.DateField()

    class Meta:
        ordering = ["security", "rank"]
        constraints = [
            UniqueConstraint(fields=["security", "rank"], name="substitute_rank_once"),
            UniqueConstraint(fields=["security", "substitute"], name="substitute_once"),
            CheckConstraint(condition=~Q(substitute=F("security")), name="substitute_is_another"),
        ]

    def __str__(self) -> str:
        return f"{self.security} -> {self.substitute} ({self.rank})"


class HarvestPolicy(models.Model):
    """Floors for taking a loss: the firm's, or a household's own."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="harvest_policies")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, null=True, related_name="+")
    minimum_loss = MoneyField(default=Decimal(100))
    minimum_loss_fraction = FractionField(default=Decimal("0.05"))  # of the lot's basis
    minimum_benefit = MoneyField(default=Decimal(50))  # tax saved less cost, per lot
    maximum_price_age_days = models.PositiveSmallIntegerField(default=5)

    class Meta:
        verbose_name_plural = "harvest policies"
        constraints = [
            UniqueConstraint(
                fields=["firm", "household"], nulls_distinct=False, name="harvest_policy_once"
            ),
            positive_money("harvest_policy_loss", "minimum_loss"),
            positive_money("harvest_policy_benefit", "minimum_benefit"),
            bounded("harvest_policy_fraction", "minimum_loss_fraction", lower=0, upper=1),
        ]

    def __str__(self) -> str:
        return f"Harvest policy of {self.household or self.firm}"


class HarvestFinding(models.Model):
    """What the latest scan decided about one loss lot, with the sum behind it."""

    firm_path = "household__firm"

    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="harvest_findings"
    )
    as_of = models.DateField()
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="+")
    opening = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="+")
    part = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20, choices=choices(Outcome))
    detail = models.TextField()
    quantity = QuantityField()
    loss = MoneyField()  # positive dollars
    tax_saved = MoneyField(default=Decimal(0))
    cost = MoneyField(default=Decimal(0))

    class Meta:
        ordering = ["-loss", "pk"]
        constraints = [
            UniqueConstraint(
                fields=["household", "opening", "part", "outcome"], name="harvest_finding_once"
            ),
            one_of("harvest_finding_outcome_known", "outcome", Outcome),
            positive_quantity("harvest_finding_quantity"),
            positive_money("harvest_finding_loss", "loss"),
            signed_money("harvest_finding_tax_saved", "tax_saved"),
            positive_money("harvest_finding_cost", "cost"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.security} {self.loss}"
