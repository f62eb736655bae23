"""Which substitute stands in for which security, what is worth harvesting, and what the last scan found."""

from datetime import timedelta
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
    """A policy choice, never a tax fact: a trigger keeps a substitute that is in force out of its own identical group.

    The firm's mapping, or a household's own, which goes first. An ended one stays on record. One past ``valid_until``
    has to be reviewed before it is used again.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="substitutes")
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="substitutes"
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="substitutes")
    substitute = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField()  # 1 = primary, 2 = secondary, 3 = tertiary ...
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    since = models.DateField(null=True, blank=True)  # first day; None = from the beginning
    ended_on = models.DateField(null=True, blank=True)  # last day; None = in force
    reviewed_on = models.DateField()
    valid_until = models.DateField(null=True, blank=True)  # last day without another review

    class Meta:
        ordering = ["security", "rank"]
        constraints = [
            UniqueConstraint(
                fields=["firm", "household", "security", "rank"],
                condition=Q(ended_on=None),
                nulls_distinct=False,
                name="substitute_rank_once",
            ),
            UniqueConstraint(
                fields=["firm", "household", "security", "substitute"],
                condition=Q(ended_on=None),
                nulls_distinct=False,
                name="substitute_once",
            ),
            CheckConstraint(condition=~Q(substitute=F("security")), name="substitute_is_another"),
            CheckConstraint(condition=Q(rank__gte=1), name="substitute_rank_from_one"),
            # One that ended the day before it begins was taken back before it was ever used.
            CheckConstraint(
                condition=Q(since=None)
                | Q(ended_on=None)
                | Q(since__lte=F("ended_on") + timedelta(days=1)),
                name="substitute_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} -> {self.substitute} ({self.rank})"


class PairStatistic(models.Model):
    """How closely a substitute follows what it stands in for; one row a pair, of the latest night (F26)."""

    firm_path = "security__firm"

    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="+")
    substitute = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="+")
    as_of = models.DateField()
    tracking_error = FractionField()  # annual standard deviation of the difference of daily returns
    correlation = FractionField()
    beta = FractionField()  # of the substitute to the security
    observations = models.PositiveIntegerField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["security", "substitute"], name="pair_statistic_once"),
            bounded("pair_statistic_error", "tracking_error", lower=0, upper=1000),
            bounded(
                "pair_statistic_correlation", "correlation", lower=-1, upper=Decimal("1.00000001")
            ),
            bounded("pair_statistic_beta", "beta", lower=-1000, upper=1000),
        ]

    def __str__(self) -> str:
        return f"{self.security} / {self.substitute}"


class HarvestPolicy(models.Model):
    """What a harvest must be worth, and how its terms are priced: the firm's, or a household's own words on some of it.

    In a household's row a field that is empty is the firm's. ``harvesting.types.HarvestRules`` says what each means.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="harvest_policies")
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    minimum_loss = MoneyField(null=True, blank=True)
    minimum_loss_fraction = FractionField(null=True, blank=True)
    year_end_easing = FractionField(null=True, blank=True)
    minimum_benefit = MoneyField(null=True, blank=True)
    minimum_pair_benefit = MoneyField(null=True, blank=True)
    maximum_price_age_days = models.PositiveSmallIntegerField(null=True, blank=True)
    maximum_price_jump = FractionField(null=True, blank=True)
    discount_rate = FractionField(null=True, blank=True)
    horizon_years = FractionField(null=True, blank=True)
    taxable_sale_chance = FractionField(null=True, blank=True)
    future_rate = FractionField(null=True, blank=True)
    risk_price = FractionField(null=True, blank=True)
    window_fraction = FractionField(null=True, blank=True)
    swap_back_chance = FractionField(null=True, blank=True)
    swap_back_horizon_years = FractionField(null=True, blank=True)
    may_keep_substitute = models.BooleanField(null=True, blank=True)
    parks_in_cash = models.BooleanField(null=True, blank=True)
    prices_washes = models.BooleanField(null=True, blank=True)
    harvests_gains = models.BooleanField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "harvest policies"
        constraints = [
            UniqueConstraint(
                fields=["firm", "household"], nulls_distinct=False, name="harvest_policy_once"
            ),
            positive_money("harvest_policy_loss", "minimum_loss"),
            bounded("harvest_policy_fraction", "minimum_loss_fraction", lower=0, upper=1),
            bounded(
                "harvest_policy_easing", "year_end_easing", lower=0, upper=Decimal("1.00000001")
            ),
            positive_money("harvest_policy_benefit", "minimum_benefit"),
            positive_money("harvest_policy_pair_benefit", "minimum_pair_benefit"),
            bounded("harvest_policy_jump", "maximum_price_jump", lower=0, upper=100, above=True),
            bounded("harvest_policy_discount", "discount_rate", lower=0, upper=1),
            bounded("harvest_policy_horizon", "horizon_years", lower=0, upper=100),
            bounded(
                "harvest_policy_chance", "taxable_sale_chance", lower=0, upper=Decimal("1.00000001")
            ),
            bounded("harvest_policy_future", "future_rate", lower=0, upper=1),
            bounded("harvest_policy_risk", "risk_price", lower=0, upper=100_000),
            bounded("harvest_policy_window", "window_fraction", lower=0, upper=10),
            bounded(
                "harvest_policy_swap", "swap_back_chance", lower=0, upper=Decimal("1.00000001")
            ),
            bounded(
                "harvest_policy_swap_horizon",
                "swap_back_horizon_years",
                lower=0,
                upper=100,
                above=True,
            ),
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
    tax_saved = MoneyField(default=Decimal(0))  # term S
    cost = MoneyField(default=Decimal(0))  # term K
    net = MoneyField(default=Decimal(0))  # the whole sum
    terms = models.JSONField(default=dict)  # the sum term by term with its inputs, numbers as text
    substitute = models.ForeignKey(
        Security, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    wait_until = models.DateField(null=True, blank=True)  # when it can, or had better, be taken

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
            signed_money("harvest_finding_net", "net"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.security} {self.loss}"
