"""Target models, the bands around them, and who follows which."""

import uuid
from decimal import Decimal
from enum import StrEnum

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Greatest, Least

from accounts.fields import FractionField, MoneyField, bounded, positive_money, signed_money
from accounts.models import Firm, Household, User, choices, one_of
from proposals.costs import TradeCost
from proposals.models import Proposal
from rebalancing.mandates import RuleKind
from rebalancing.policies import BandType, Cadence, CashFlows, Destination, PolicyKind
from rebalancing.recipes import Recipe, VersionState
from rebalancing.types import RiskMethod
from rebalancing.worth import Worth
from securities.models import Security
from securities.types import AssetClass


def word_or_none(name: str, field: str, words: type[StrEnum]) -> CheckConstraint:
    """CHECK that a column holds a word of the enum, or nothing, which inherits."""
    return CheckConstraint(
        condition=Q(**{f"{field}__in": ["", *(word.value for word in words)]}), name=name
    )


class TargetModel(models.Model):
    """Target weights of a household; what they leave below 1 is cash."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="target_models")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    # How the monthly review drafts new weights; fixed: it drafts none.
    recipe = models.CharField(max_length=20, choices=choices(Recipe), default=Recipe.FIXED)

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(fields=["firm", "name"], name="target_model_name_once"),
            one_of("target_model_recipe", "recipe", Recipe),
        ]

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
            bounded("rebalance_absolute_band", "absolute_band", lower=0, upper=1),
            bounded("rebalance_relative_band", "relative_band", lower=0, upper=100),
            bounded("rebalance_risk_aversion", "risk_aversion", lower=0, upper=100_000),
            bounded("rebalance_horizon", "horizon_years", lower=0, upper=100),
            bounded("rebalance_cash_minimum", "cash_minimum", lower=0, upper=1),
            bounded("rebalance_cash_maximum", "cash_maximum", lower=0, upper=2),
            positive_money("rebalance_minimum_trade", "minimum_trade"),
            bounded("rebalance_later_sale_years", "later_sale_years", lower=0, upper=100),
            bounded(
                "rebalance_taxable_sale_chance",
                "taxable_sale_chance",
                lower=0,
                upper=Decimal("1.00000001"),
            ),
            bounded("rebalance_discount_rate", "discount_rate", lower=0, upper=1),
            bounded("rebalance_slice_above", "slice_above", lower=0, upper=1, above=True),
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
    there where trades were found, proposed or not: dollars, and tracking errors a year as fractions.
    """

    firm_path = "household__firm"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="looks")
    day = models.DateField()
    reason = models.CharField(max_length=40)
    detail = models.TextField(blank=True)
    counted = models.BooleanField()
    out_of_band = models.PositiveIntegerField()  # securities
    largest = models.ForeignKey(Security, on_delete=models.PROTECT, null=True, related_name="+")
    largest_drift = FractionField()
    cash_weight = FractionField()
    risk_before = FractionField(null=True)
    risk_after = FractionField(null=True)
    avoided = MoneyField(null=True)  # tracking cost over the horizon
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


class RiskSetting(models.Model):
    """How the risk model of a firm's securities is made; a firm without one has the defaults.

    Days are trading days, but for ``maximum_staleness_days``, which are days of the calendar.
    """

    firm_path = "firm"

    firm = models.OneToOneField(Firm, on_delete=models.PROTECT, related_name="risk_setting")
    method = models.CharField(
        max_length=16, choices=choices(RiskMethod), default=RiskMethod.STATISTICAL
    )
    observations = models.PositiveSmallIntegerField(default=504)  # daily returns: two years
    half_life = models.PositiveSmallIntegerField(default=126)  # of a day's weight, if exponential
    factor_count = models.PositiveSmallIntegerField(default=10)  # of statistical factors
    maximum_staleness_days = models.PositiveSmallIntegerField(default=10)
    minimum_coverage = FractionField(default=Decimal("0.8"))  # of a household's weight

    class Meta:
        constraints = [
            one_of("risk_method_known", "method", RiskMethod),
            bounded("risk_observations", "observations", lower=60, upper=5_001),
            bounded("risk_half_life", "half_life", lower=20, upper=5_001),
            bounded("risk_factor_count", "factor_count", lower=1, upper=51),
            bounded("risk_staleness", "maximum_staleness_days", lower=1, upper=3_651),
            bounded("risk_coverage", "minimum_coverage", lower=0, upper=Decimal("1.00000001")),
        ]

    def __str__(self) -> str:
        return f"Risk setting of {self.firm}"


class RiskFactor(models.Model):
    """A named factor whose returns are those of one security of the firm, such as an ETF."""

    firm_path = "setting__firm"

    setting = models.ForeignKey(RiskSetting, on_delete=models.CASCADE, related_name="factors")
    name = models.CharField(max_length=60)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(fields=["setting", "name"], name="risk_factor_name_once"),
            UniqueConstraint(fields=["setting", "security"], name="risk_factor_security_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.security}"


class SuppliedRisk(models.Model):
    """A risk model that somebody else estimated, as of a day: it holds from then until the next one."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="supplied_risks")
    as_of = models.DateField()
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-as_of"]
        constraints = [UniqueConstraint(fields=["firm", "as_of"], name="supplied_risk_once_a_day")]

    def __str__(self) -> str:
        return f"{self.firm} {self.as_of}"


class SuppliedLoading(models.Model):
    """A security's return for a return of 1 of the factor."""

    firm_path = "version__firm"

    version = models.ForeignKey(SuppliedRisk, on_delete=models.CASCADE, related_name="loadings")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    factor = models.CharField(max_length=60)
    loading = FractionField()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["version", "security", "factor"], name="supplied_loading_once"
            ),
            bounded("supplied_loading", "loading", lower=-1_000, upper=1_000),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.factor} {self.loading}"


class SuppliedCovariance(models.Model):
    """The annual covariance of two factors, once for each pair, or of one with itself."""

    firm_path = "version__firm"

    version = models.ForeignKey(SuppliedRisk, on_delete=models.CASCADE, related_name="covariances")
    factor_a = models.CharField(max_length=60)
    factor_b = models.CharField(max_length=60)
    covariance = FractionField()

    class Meta:
        constraints = [
            UniqueConstraint(
                F("version"),
                Least("factor_a", "factor_b"),
                Greatest("factor_a", "factor_b"),
                name="supplied_covariance_once",
            ),
            bounded("supplied_covariance", "covariance", lower=-1_000, upper=1_000),
        ]

    def __str__(self) -> str:
        return f"{self.factor_a} {self.factor_b} {self.covariance}"


class SuppliedSpecific(models.Model):
    """The annual variance of a security's own return, which no factor moves."""

    firm_path = "version__firm"

    version = models.ForeignKey(SuppliedRisk, on_delete=models.CASCADE, related_name="specifics")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    variance = FractionField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["version", "security"], name="supplied_specific_once"),
            bounded("supplied_specific", "variance", lower=0, upper=1_000),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.variance}"


class ModelVersion(models.Model):
    """Weights that a model may get. Nothing trades on a draft; once published they are the model's (ModelWeight)."""

    firm_path = "model__firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    model = models.ForeignKey(TargetModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=choices(VersionState), default=VersionState.DRAFT
    )
    recipe = models.CharField(max_length=20, choices=choices(Recipe))
    as_of = models.DateField()  # of the prices it was made from
    author = models.CharField(max_length=150)
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["model", "-number"]
        constraints = [
            UniqueConstraint(fields=["model", "number"], name="model_version_once"),
            UniqueConstraint(
                fields=["model"],
                condition=Q(state=VersionState.DRAFT.value),
                name="model_draft_once",
            ),
            one_of("model_version_state", "state", VersionState),
            one_of("model_version_recipe", "recipe", Recipe),
            CheckConstraint(
                condition=~Q(state=VersionState.PUBLISHED.value)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="model_version_published_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.number}"


class ModelVersionWeight(models.Model):
    """A security's weight before a version and in it; 0: it was not, or will not be, in the model."""

    firm_path = "version__model__firm"

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="weights")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    before = FractionField()
    after = FractionField()

    class Meta:
        ordering = ["version", "security"]
        constraints = [
            UniqueConstraint(fields=["version", "security"], name="model_version_weight_once"),
            bounded("model_version_before", "before", lower=0, upper=Decimal("1.00000001")),
            bounded("model_version_after", "after", lower=0, upper=Decimal("1.00000001")),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.before} -> {self.after}"


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


class TransitionPlan(models.Model):
    """A household goes from what it brought along to its model, as far each year as the limits of a year let it (F44).

    Dollars of net gain by term and of tax, for each calendar year; None = no limit, and one limit there is. The
    household's budget of gains of a year (``proposals.GainBudget``) is set from them and is what binds.
    """

    firm_path = "household__firm"

    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="transition_plans"
    )
    short_limit = MoneyField(null=True, blank=True)
    long_limit = MoneyField(null=True, blank=True)
    tax_limit = MoneyField(null=True, blank=True)
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["household", "-started_on", "-pk"]
        constraints = [
            UniqueConstraint(
                fields=["household"],
                condition=Q(ended_on=None),
                name="transition_plan_one_under_way",
            ),
            positive_money("transition_plan_short", "short_limit"),
            positive_money("transition_plan_long", "long_limit"),
            positive_money("transition_plan_tax", "tax_limit"),
            CheckConstraint(
                condition=Q(short_limit__isnull=False)
                | Q(long_limit__isnull=False)
                | Q(tax_limit__isnull=False),
                name="transition_plan_has_a_limit",
            ),
            CheckConstraint(condition=~Q(reason=""), name="transition_plan_has_reason"),
            CheckConstraint(
                condition=Q(ended_on=None)
                | (
                    Q(ended_on__gte=F("started_on")) & Q(ended_by__isnull=False) & ~Q(end_reason="")
                ),
                name="transition_plan_end_is_told",
            ),
        ]

    def __str__(self) -> str:
        return f"Transition of {self.household} from {self.started_on}"


class ProposalFrontier(models.Model):
    """Points between little tax and little tracking error beside a rebalance, kept for its page (F40).

    Derived: can be dropped and is computed again. ``points`` are plain values, money and shares as text.
    """

    firm_path = "proposal__household__firm"

    proposal = models.OneToOneField(Proposal, on_delete=models.CASCADE, related_name="frontier")
    as_of = models.DateField()  # of the lots and prices that the points were computed on
    points = models.JSONField(default=list)
    left_out = models.PositiveSmallIntegerField(default=0)  # broke a rule in whole shares
    why_none = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"Frontier of {self.proposal}"
