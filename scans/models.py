"""The work list: what has to be scanned on which night, who holds it, and how it ended."""

import uuid

from django.db import models
from django.db.models import UniqueConstraint

from accounts.models import Account, Firm, Household, choices, one_of
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
    reason = models.CharField(max_length=120, blank=True)  # code of how it ended
    detail = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

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
    reason = models.CharField(max_length=60, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["item", "account"]
        constraints = [
            UniqueConstraint(fields=["item", "account"], name="account_outcome_once"),
            one_of("account_outcome_known", "state", AccountState),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.state}"
