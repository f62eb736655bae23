"""Target models, the bands around them, and who follows which."""

from decimal import Decimal

from django.db import models
from django.db.models import UniqueConstraint

from accounts.fields import FractionField, MoneyField, bounded, positive_money
from accounts.models import Firm, Household
from securities.models import Security


class TargetModel(models.Model):
    """Target weights of a household; what they leave below 1 is cash."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="target_models")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [UniqueConstraint(fields=["firm", "name"], name="target_model_name_once")]

    def __str__(self) -> str:
        return self.name


class ModelWeight(models.Model):
    """A security's share of the model, as a fraction of the household's value."""

    firm_path = "model__firm"

    model = models.ForeignKey(TargetModel, on_delete=models.CASCADE, related_name="weights")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    weight = FractionField()

    class Meta:
        ordering = ["model", "security"]
        constraints = [
            UniqueConstraint(fields=["model", "security"], name="model_weight_once"),
            bounded(
                "model_weight_bounded", "weight", lower=0, upper=Decimal("1.00000001"), above=True
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.weight}"


class ModelAssignment(models.Model):
    """The model a household follows."""

    firm_path = "household__firm"

    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="assignment")
    model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="assignments")

    def __str__(self) -> str:
        return f"{self.household}: {self.model}"


class RebalancePolicy(models.Model):
    """When to trade and how dear risk is: the firm's, or a household's own.

    A security is out of band when it is off its target by more than the absolute band (fraction of the household) or by
    more than the relative band (fraction of its target), whichever is tighter.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="rebalance_policies")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, null=True, related_name="+")
    absolute_band = FractionField(default=Decimal("0.05"))
    relative_band = FractionField(default=Decimal("0.20"))
    risk_aversion = FractionField(default=Decimal(10))  # price of active variance, per year
    horizon_years = FractionField(default=Decimal(1))
    cash_minimum = FractionField(default=Decimal("0.005"))
    cash_maximum = FractionField(default=Decimal("0.05"))
    minimum_trade = MoneyField(default=Decimal(250))
    maximum_price_age_days = models.PositiveSmallIntegerField(default=5)

    class Meta:
        verbose_name_plural = "rebalance policies"
        constraints = [
            UniqueConstraint(
                fields=["firm", "household"], nulls_distinct=False, name="rebalance_policy_once"
            ),
            bounded("rebalance_absolute_band", "absolute_band", lower=0, upper=1),
            bounded("rebalance_relative_band", "relative_band", lower=0, upper=100),
            bounded("rebalance_risk_aversion", "risk_aversion", lower=0, upper=100_000),
            bounded("rebalance_horizon", "horizon_years", lower=0, upper=100, above=True),
            bounded("rebalance_cash_minimum", "cash_minimum", lower=0, upper=1),
            bounded("rebalance_cash_maximum", "cash_maximum", lower=0, upper=2),
            positive_money("rebalance_minimum_trade", "minimum_trade"),
        ]

    def __str__(self) -> str:
        return f"Rebalance policy of {self.household or self.firm}"
