"""The work list: what has to be scanned on which night, who holds it, and how it ended."""

import uuid

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from accounts.fields import FractionField, bounded
from accounts.models import Account, Firm, Household, User, choices, one_of
from harvesting.types import Look
from rebalancing.models import ModelVersion, TargetModel
from rebalancing.reviews.types import FindingState, Topic, Unit
from scans.types import AccountState, ItemState, Job


class ScanRun(models.Model):
    """One job of one firm for one business date."""

    firm_path = "firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="scan_runs")
    job = models.CharField(max_length=12, choices=choices(Job), default=Job.DAILY)
    business_date = models.DateField()
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-business_date", "-pk"]
        constraints = [
            UniqueConstraint(fields=["firm", "job", "business_date"], name="scan_run_once"),
            one_of("scan_run_job_known", "job", Job),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.business_date}"


class ScanItem(models.Model):
    """One household of a run. A lease ends by the database's clock; the fence refuses a late writer."""

    firm_path = "run__firm"

    run = models.ForeignKey(ScanRun, on_delete=models.PROTECT, related_name="items")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="scan_items")
    state = models.CharField(max_length=8, choices=choices(ItemState), default=ItemState.READY)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=160, blank=True)  # code of how it ended
    detail = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What the bulk screen said when the night was opened, and of which ledger and prices; empty = not screened.
    screened = models.CharField(max_length=8, choices=choices(Look), blank=True)
    screen_stamp = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["run", "household"]
        constraints = [
            UniqueConstraint(fields=["run", "household"], name="scan_item_once"),
            one_of("scan_item_state_known", "state", ItemState),
        ]
        indexes = [models.Index(fields=["run", "state"])]

    def __str__(self) -> str:
        return f"{self.household} {self.state}"


class AccountOutcome(models.Model):
    """Every account ends a night scanned, or skipped with a reason."""

    firm_path = "item__run__firm"

    item = models.ForeignKey(ScanItem, on_delete=models.CASCADE, related_name="accounts")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=choices(AccountState))
    reason = models.CharField(max_length=160, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["item", "account"]
        constraints = [
            UniqueConstraint(fields=["item", "account"], name="account_outcome_once"),
            one_of("account_outcome_known", "state", AccountState),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.state}"


class Review(models.Model):
    """A review by the calendar: its run's findings, and who signed them. A signed one stays as it is."""

    firm_path = "run__firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.OneToOneField(ScanRun, on_delete=models.PROTECT, related_name="review")
    signed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)
    remarks = models.JSONField(
        default=list
    )  # sentences about the firm: what became of each model's draft

    class Meta:
        ordering = ["-run__business_date", "-pk"]
        constraints = [
            CheckConstraint(
                condition=Q(signed_by=None, signed_at=None)
                | Q(signed_by__isnull=False, signed_at__isnull=False),
                name="review_signed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"Review {self.run}"


class ReviewFinding(models.Model):
    """One line of a review about a household, a model, or (neither) the firm; figures as their unit says."""

    firm_path = "review__run__firm"

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="findings")
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    model = models.ForeignKey(
        TargetModel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # of the model, where the line is about one
    place = models.PositiveSmallIntegerField()  # order of the lines about one of them
    topic = models.CharField(max_length=20, choices=choices(Topic))
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=choices(FindingState))
    is_hard = models.BooleanField(default=False)
    unit = models.CharField(max_length=10, choices=choices(Unit))
    value = FractionField(max_digits=24, null=True, blank=True)
    low = FractionField(max_digits=24, null=True, blank=True)
    high = FractionField(max_digits=24, null=True, blank=True)
    by = FractionField(max_digits=24, default=0)
    sentence = models.TextField()

    class Meta:
        ordering = ["review", "household", "place"]
        constraints = [
            UniqueConstraint(
                fields=["review", "household", "model", "topic", "key"],
                nulls_distinct=False,
                name="review_finding_once",
            ),
            CheckConstraint(
                condition=Q(household=None) | Q(model=None), name="review_finding_of_one"
            ),
            one_of("review_finding_topic", "topic", Topic),
            one_of("review_finding_state", "state", FindingState),
            one_of("review_finding_unit", "unit", Unit),
            bounded("review_finding_value", "value", lower=-(10**15), upper=10**15),
            bounded("review_finding_low", "low", lower=-(10**15), upper=10**15),
            bounded("review_finding_high", "high", lower=-(10**15), upper=10**15),
            bounded("review_finding_by", "by", lower=0, upper=10**15),
        ]
        indexes = [models.Index(fields=["review", "state"])]

    def __str__(self) -> str:
        return f"{self.household or self.model or 'firm'} {self.topic} {self.key} {self.state}"
