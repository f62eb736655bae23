"""When and how far a household is rebalanced, and what each look found."""

from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from accounts.fields import FractionField, MoneyField, bounded, positive_money, signed_money
from accounts.models import Firm, Household, choices
from proposals.costs import TradeCost
from rebalancing.models.target_models import TargetModel
from rebalancing.models.words import word_or_none
from rebalancing.policies.policy import (
    BandType,
    Cadence,
    CashFlows,
    Destination,
    Horizon,
    PolicyKind,
)
from rebalancing.policies.worth import Worth
from securities.models import Security
from securities.types import AssetClass


class RebalancePolicy(models.Model):
    """When to look, what to trade, how far, and how dear risk is: the firm's, a model's, or a household's own.

    A key that is empty says nothing: the household's word goes before its model's, that before the firm's, and what
    nobody says is ``selectors.DEFAULTS``. ``rebalancing.types.Limits`` says what each means.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="rebalance_policies")
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    model = models.ForeignKey(
        TargetModel, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=choices(PolicyKind), blank=True)
    cadence = models.CharField(max_length=10, choices=choices(Cadence), blank=True)
    band_type = models.CharField(max_length=10, choices=choices(BandType), blank=True)
    absolute_band = FractionField(null=True, blank=True)
    relative_band = FractionField(null=True, blank=True)
    destination = models.CharField(max_length=10, choices=choices(Destination), blank=True)
    cash_flows = models.CharField(max_length=24, choices=choices(CashFlows), blank=True)
    cool_down_days = models.PositiveSmallIntegerField(null=True, blank=True)
    only_if_worth_it = models.BooleanField(null=True, blank=True)
    risk_aversion = FractionField(null=True, blank=True)  # price of active variance, per year
    horizon = models.CharField(max_length=10, choices=choices(Horizon), blank=True)
    horizon_years = FractionField(null=True, blank=True)  # 0: until the cadence's next look
    cash_minimum = FractionField(null=True, blank=True)
    cash_maximum = FractionField(null=True, blank=True)
    minimum_trade = MoneyField(null=True, blank=True)
    maximum_price_age_days = models.PositiveSmallIntegerField(null=True, blank=True)
    # When what is held is sold, how likely that is taxed, and a year's discount: today's value of tax that comes later.
    later_sale_years = FractionField(null=True, blank=True)
    taxable_sale_chance = FractionField(null=True, blank=True)
    discount_rate = FractionField(null=True, blank=True)
    slice_above = FractionField(null=True, blank=True)  # of a day's volume
    spread_limit = FractionField(null=True, blank=True)  # of the price, bid to ask
    factor_gain_limit = MoneyField(
        null=True, blank=True
    )  # of a rebalance for the factor reason alone
    cash_need_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "rebalance policies"
        constraints = [
            UniqueConstraint(
                fields=["firm", "household", "model"],
                nulls_distinct=False,
                name="rebalance_policy_once",
            ),
            CheckConstraint(
                condition=Q(household=None) | Q(model=None), name="rebalance_policy_of_one"
            ),
            word_or_none("rebalance_policy_kind", "kind", PolicyKind),
            word_or_none("rebalance_policy_cadence", "cadence", Cadence),
            word_or_none("rebalance_policy_band_type", "band_type", BandType),
            word_or_none("rebalance_policy_destination", "destination", Destination),
            word_or_none("rebalance_policy_cash_flows", "cash_flows", CashFlows),
            word_or_none("rebalance_policy_horizon", "horizon", Horizon),
            bounded("rebalance_absolute_band", "absolute_band", lower=0, upper=1),
            bounded("rebalance_relative_band", "relative_band", lower=0, upper=100),
            bounded("rebalance_risk_aversion", "risk_aversion", lower=0, upper=100_000),
            bounded("rebalance_horizon", "horizon_years", lower=0, upper=100),
            bounded("rebalance_cash_minimum", "cash_minimum", lower=0, upper=1),
            bounded("rebalance_cash_maximum", "cash_maximum", lower=0, upper=2),
            positive_money("rebalance_minimum_trade", "minimum_trade"),
            positive_money("rebalance_factor_gain_limit", "factor_gain_limit"),
            bounded("rebalance_later_sale_years", "later_sale_years", lower=0, upper=100),
            bounded(
                "rebalance_taxable_sale_chance",
                "taxable_sale_chance",
                lower=0,
                upper=Decimal("1.00000001"),
            ),
            bounded("rebalance_discount_rate", "discount_rate", lower=0, upper=1),
            bounded("rebalance_slice_above", "slice_above", lower=0, upper=1, above=True),
            bounded("rebalance_spread_limit", "spread_limit", lower=0, upper=1),
        ]

    def __str__(self) -> str:
        return f"Rebalance policy of {self.household or self.model or self.firm}"


class RebalanceBand(models.Model):
    """A policy's band for one security, or for the securities of one asset class (F2); what is empty, inherits."""

    firm_path = "policy__firm"

    policy = models.ForeignKey(RebalancePolicy, on_delete=models.CASCADE, related_name="bands")
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    asset_class = models.CharField(max_length=24, choices=choices(AssetClass), blank=True)
    band_type = models.CharField(max_length=10, choices=choices(BandType), blank=True)
    absolute_band = FractionField(null=True, blank=True)
    relative_band = FractionField(null=True, blank=True)

    class Meta:
        ordering = ["policy", "asset_class", "security"]
        constraints = [
            UniqueConstraint(
                fields=["policy", "security", "asset_class"],
                nulls_distinct=False,
                name="rebalance_band_once",
            ),
            CheckConstraint(
                condition=Q(security=None, asset_class__in=[one.value for one in AssetClass])
                | Q(security__isnull=False, asset_class=""),
                name="rebalance_band_of_one",
            ),
            word_or_none("rebalance_band_type", "band_type", BandType),
            bounded("rebalance_band_absolute", "absolute_band", lower=0, upper=1),
            bounded("rebalance_band_relative", "relative_band", lower=0, upper=100),
        ]

    def __str__(self) -> str:
        return f"{self.policy}: {self.security or self.asset_class}"


class RebalanceLook(models.Model):
    """What one night measured of a household and made of it: also when it was left alone (F3).

    ``counted`` looks are the policy's, after which the next is due with the next period. The figures of the trades are
    there where trades were found, proposed or not: dollars, and tracking errors a year as fractions. ``risk_before`` is
    there as well where the household was left alone.
    """

    firm_path = "household__firm"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="looks")
    day = models.DateField()
    reason = models.CharField(max_length=40)
    detail = models.TextField(blank=True)
    counted = models.BooleanField()
    # What had happened since the look before (rebalancing.policies.occasions): [{"key", "told", "opens", "code"}].
    occasions = models.JSONField(default=list)
    out_of_band = models.PositiveIntegerField()  # securities
    largest = models.ForeignKey(Security, on_delete=models.PROTECT, null=True, related_name="+")
    largest_drift = FractionField()
    cash_weight = FractionField()
    risk_before = FractionField(null=True)
    risk_after = FractionField(null=True)
    avoided = MoneyField(null=True)  # tracking cost over the horizon, or the securities' own
    avoided_per_year = MoneyField(null=True)
    trading_cost = MoneyField(null=True)
    commission = MoneyField(null=True)  # of it
    impact = MoneyField(null=True)  # of it
    tax = MoneyField(null=True)  # negative: saved
    later_tax = MoneyField(
        null=True
    )  # today's value of what the new basis changes; negative: saved

    class Meta:
        ordering = ["-day"]
        constraints = [
            UniqueConstraint(fields=["household", "day"], name="rebalance_look_once"),
            bounded("rebalance_look_drift", "largest_drift", lower=-100_000, upper=100_000),
            bounded("rebalance_look_cash", "cash_weight", lower=-100_000, upper=100_000),
            bounded("rebalance_look_before", "risk_before", lower=0, upper=100_000),
            bounded("rebalance_look_after", "risk_after", lower=0, upper=100_000),
            signed_money("rebalance_look_avoided", "avoided"),
            signed_money("rebalance_look_per_year", "avoided_per_year"),
            positive_money("rebalance_look_cost", "trading_cost"),
            positive_money("rebalance_look_commission", "commission"),
            positive_money("rebalance_look_impact", "impact"),
            signed_money("rebalance_look_tax", "tax"),
            signed_money("rebalance_look_later_tax", "later_tax"),
        ]

    def __str__(self) -> str:
        return f"{self.household} {self.day}: {self.reason}"

    @property
    def worth(self) -> Worth | None:
        """The rule of thumb's both sides; None where no trades were found."""
        if (
            self.avoided is None
            or self.avoided_per_year is None
            or self.trading_cost is None
            or self.tax is None
        ):
            return None
        commission, impact = self.commission or Decimal(0), self.impact or Decimal(0)
        return Worth(
            avoided=self.avoided,
            trading=TradeCost(commission, self.trading_cost - commission - impact, impact),
            tax=self.tax,
            later_tax=self.later_tax or Decimal(0),
            per_year=self.avoided_per_year,
        )
