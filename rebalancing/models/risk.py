"""How a firm estimates risk, and the figures it supplies itself."""

from decimal import Decimal

from django.db import models
from django.db.models import F, UniqueConstraint
from django.db.models.functions import Greatest, Least

from accounts.fields import FractionField, bounded
from accounts.models import Firm, choices, one_of
from rebalancing.types import RiskMethod
from securities.models import Security


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
    # Return above cash, a year, for a unit of total variance: what weights imply (model_changes.return_views).
    market_risk_price = FractionField(default=Decimal("2.5"))

    class Meta:
        constraints = [
            one_of("risk_method_known", "method", RiskMethod),
            bounded("risk_observations", "observations", lower=60, upper=5_001),
            bounded("risk_half_life", "half_life", lower=20, upper=5_001),
            bounded("risk_factor_count", "factor_count", lower=1, upper=51),
            bounded("risk_staleness", "maximum_staleness_days", lower=1, upper=3_651),
            bounded("risk_coverage", "minimum_coverage", lower=0, upper=Decimal("1.00000001")),
            bounded("risk_market_price", "market_risk_price", lower=0, upper=100, above=True),
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
