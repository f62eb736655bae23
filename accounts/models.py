"""Who owns what: firms, their people, households, accounts and tax profiles; the audit chain; API tokens."""

import uuid
from decimal import Decimal
from enum import StrEnum

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from accounts.fields import FractionField, MoneyField, bounded, positive_money, signed_money
from accounts.types import AccountKind, FilingStatus, OwnerKind, Role


def choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """Choices for a closed set of words kept as text."""
    return [
        (member.value, getattr(member, "label", member.name.replace("_", " ").capitalize()))
        for member in enum
    ]


def one_of(name: str, field: str, enum: type[StrEnum]) -> CheckConstraint:
    """CHECK that a column holds a word of the enum: choices alone bind forms, not the database."""
    return CheckConstraint(condition=Q(**{f"{field}__in": [m.value for m in enum]}), name=name)


class Firm(models.Model):
    """An advisory firm: the tenant. Nothing of one firm is ever visible to another."""

    firm_path = "pk"

    name = models.CharField(max_length=120, unique=True)
    # A demonstration or a replay stands still at a date in the past; None = the market's calendar.
    pinned_date = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person of one firm, or the service user behind an API client."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, null=True, related_name="users")
    role = models.CharField(max_length=16, choices=choices(Role), default=Role.ADVISER)

    class Meta(AbstractUser.Meta):
        constraints = [one_of("user_role_known", "role", Role)]


class Household(models.Model):
    """The people whose accounts are one tax unit: the unit of locking, scanning, wash sales and optimisation."""

    firm_path = "firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="households")
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [UniqueConstraint(fields=["firm", "name"], name="household_name_once")]

    def __str__(self) -> str:
        return self.name


class Owner(models.Model):
    """A person of the household, or a corporation that it controls (R18)."""

    firm_path = "household__firm"

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="owners")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=choices(OwnerKind), default=OwnerKind.PERSON)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["household", "name"], name="owner_name_once"),
            one_of("owner_kind_known", "kind", OwnerKind),
        ]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """An account at a custodian."""

    firm_path = "firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="accounts")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="accounts")
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=120)
    number = models.CharField(max_length=40)
    custodian = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=choices(AccountKind))
    reinvests_dividends = models.BooleanField(default=False)
    tax_managed = models.BooleanField(default=True)
    # Declared by the client, its transactions are not here: wash sales through it cannot be seen (R17).
    held_away = models.BooleanField(default=False)
    trades_fractions = models.BooleanField(default=False, db_default=False)  # of shares
    opened_on = models.DateField(null=True, blank=True)  # nothing can be booked before it

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(fields=["firm", "number"], name="account_number_once"),
            one_of("account_kind_known", "kind", AccountKind),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def is_taxable(self) -> bool:
        return AccountKind(self.kind).is_taxable


class TaxProfile(models.Model):
    """What the household pays on one more dollar in a tax year, and what it brings into the year.

    Rates are marginal fractions. Outside gains are realised elsewhere (losses negative); carryovers are
    positive dollars.
    """

    firm_path = "household__firm"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="tax_profiles")
    year = models.PositiveSmallIntegerField()
    filing_status = models.CharField(max_length=8, choices=choices(FilingStatus))
    federal_ordinary_rate = FractionField()
    federal_long_rate = FractionField()
    niit_rate = FractionField(default=Decimal(0))
    state_rate = FractionField(default=Decimal(0))
    short_outside = MoneyField(default=Decimal(0))
    long_outside = MoneyField(default=Decimal(0))
    short_carryover = MoneyField(default=Decimal(0))
    long_carryover = MoneyField(default=Decimal(0))
    # What a dollar of loss beyond this year's use is worth today: an assumption, shown wherever it matters.
    carried_loss_value = FractionField(default=Decimal("0.12"))
    # With the income the rates follow from the year's brackets (R34); without it the ones above are used. It is taxable
    # income after deductions, before capital gains and qualified dividends, and may be negative.
    ordinary_income = MoneyField(null=True, blank=True)
    qualified_dividends = MoneyField(default=Decimal(0))
    modified_agi = MoneyField(null=True, blank=True)  # for the NIIT, before capital gains
    net_investment_income = MoneyField(null=True, blank=True)  # likewise

    class Meta:
        constraints = [
            UniqueConstraint(fields=["household", "year"], name="tax_profile_once_a_year"),
            one_of("tax_profile_status_known", "filing_status", FilingStatus),
            bounded("tax_profile_ordinary", "federal_ordinary_rate", lower=0, upper=1),
            bounded("tax_profile_long", "federal_long_rate", lower=0, upper=1),
            bounded("tax_profile_niit", "niit_rate", lower=0, upper=1),
            bounded("tax_profile_state", "state_rate", lower=0, upper=1),
            bounded("tax_profile_carried", "carried_loss_value", lower=0, upper=1),
            signed_money("tax_profile_st_outside", "short_outside"),
            signed_money("tax_profile_lt_outside", "long_outside"),
            positive_money("tax_profile_st_carry", "short_carryover"),
            positive_money("tax_profile_lt_carry", "long_carryover"),
            signed_money("tax_profile_income", "ordinary_income"),
            positive_money("tax_profile_dividends", "qualified_dividends"),
            signed_money("tax_profile_agi", "modified_agi"),
            signed_money("tax_profile_nii", "net_investment_income"),
        ]

    def __str__(self) -> str:
        return f"{self.household} {self.year}"

    @property
    def short_rate(self) -> Decimal:
        """Marginal rate on short-term gains: federal ordinary + NIIT + state."""
        return Decimal(self.federal_ordinary_rate + self.niit_rate + self.state_rate)

    @property
    def long_rate(self) -> Decimal:
        """Marginal rate on long-term gains: federal preferential + NIIT + state."""
        return Decimal(self.federal_long_rate + self.niit_rate + self.state_rate)

    @property
    def ordinary_rate(self) -> Decimal:
        """Marginal rate on ordinary income, against which a limited net loss counts: federal + state."""
        return Decimal(self.federal_ordinary_rate + self.state_rate)


class AuditEvent(models.Model):
    """One state change, chained by hash to the one before it; the database refuses every change to a row."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="audit_events")
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    format_version = models.PositiveSmallIntegerField()
    payload = models.TextField()  # canonical text: jsonb would rewrite what the hash covers
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["firm", "sequence"]
        constraints = [UniqueConstraint(fields=["firm", "sequence"], name="audit_sequence_once")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.subject}"


class ApiToken(models.Model):
    """A bearer token of an API client: only its SHA-256 is kept."""

    firm_path = "user__firm"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    label = models.CharField(max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user} {self.label}"


class IdempotencyRecord(models.Model):
    """The answer to one keyed request: the same key and body replay it, another body is refused."""

    firm_path = "user__firm"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
