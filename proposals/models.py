"""Proposals, the decisions on them, and the orders and fills that follow."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q, UniqueConstraint

from accounts.fields import (
    FractionField,
    MoneyField,
    PriceField,
    QuantityField,
    any_quantity,
    bounded,
    positive_money,
    positive_quantity,
    signed_money,
)
from accounts.models import Account, Firm, Household, User, choices, one_of
from accounts.types import PRICE_LIMIT
from lots.models import Transaction
from lots.types import Term
from proposals.types import OPEN, OrderStatus, ProposalKind, Side, Status, Verdict
from securities.models import Security


class Proposal(models.Model):
    """A set of trades put before an adviser. Its content never changes: an edit is a new version."""

    firm_path = "household__firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="proposals")
    kind = models.CharField(max_length=12, choices=choices(ProposalKind))
    status = models.CharField(max_length=12, choices=choices(Status), default=Status.PENDING)
    version = models.PositiveIntegerField(default=1)
    as_of = models.DateField()
    expires_on = models.DateField()
    sentence = models.TextField()
    reasons = models.JSONField(default=list)  # reason codes
    tax_saved = MoneyField(default=Decimal(0))  # what losses carried forward are worth included
    carried_worth = MoneyField(default=Decimal(0))  # that part of it
    cost = MoneyField(default=Decimal(0))
    short_gain = MoneyField(default=Decimal(0))
    long_gain = MoneyField(default=Decimal(0))
    risk_before = FractionField(null=True, blank=True)
    risk_after = FractionField(null=True, blank=True)
    gap_bp = FractionField(null=True, blank=True)
    explanation = models.JSONField(
        default=dict
    )  # a view for people; the hashed truth is ``content``
    content = models.TextField()  # canonical text of the trades and figures
    content_sha256 = models.CharField(max_length=64)
    inputs = models.TextField()  # canonical text of what it was computed from
    inputs_sha256 = models.CharField(max_length=64)
    code_version = models.CharField(max_length=40)
    held_back = models.JSONField(
        default=list, blank=True
    )  # why the last export left its orders waiting, in sentences
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-as_of", "household", "kind"]
        constraints = [
            UniqueConstraint(
                fields=["household", "kind"],
                condition=Q(status__in=[status.value for status in OPEN]),
                name="proposal_one_open_of_a_kind",
            ),
            UniqueConstraint(
                fields=["household", "kind", "as_of", "version"], name="proposal_version_once"
            ),
            one_of("proposal_kind_known", "kind", ProposalKind),
            one_of("proposal_status_known", "status", Status),
            signed_money("proposal_tax_saved", "tax_saved"),
            signed_money("proposal_carried_worth", "carried_worth"),
            positive_money("proposal_cost", "cost"),
            signed_money("proposal_short_gain", "short_gain"),
            signed_money("proposal_long_gain", "long_gain"),
            bounded("proposal_risk_before", "risk_before", lower=0, upper=1000),
            bounded("proposal_risk_after", "risk_after", lower=0, upper=1000),
            bounded("proposal_gap_bp", "gap_bp", lower=-1, upper=100_000),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.household} {self.as_of}"

    @property
    def saved_this_year(self) -> Decimal:
        return Decimal(self.tax_saved - self.carried_worth)

    @property
    def held_sentence(self) -> str:
        name = f"{self.household.name}, {self.kind.replace('_', '-')} of {self.as_of}"
        return f"{name}, is held back: {' '.join(self.held_back)}"

    @property
    def net_benefit(self) -> Decimal:
        return Decimal(self.tax_saved - self.cost)


class ProposedTrade(models.Model):
    """One line: shares of one lot to sell, or shares to buy."""

    firm_path = "proposal__household__firm"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="trades")
    ordinal = models.PositiveIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = QuantityField()
    price = PriceField()
    amount = MoneyField()
    opening = models.ForeignKey(Transaction, on_delete=models.PROTECT, null=True, related_name="+")
    part = models.PositiveIntegerField(null=True)
    basis = MoneyField(default=Decimal(0))
    term = models.CharField(max_length=5, choices=choices(Term), blank=True)
    pair = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=40)

    class Meta:
        ordering = ["proposal", "ordinal"]
        constraints = [
            UniqueConstraint(fields=["proposal", "ordinal"], name="proposed_trade_once"),
            one_of("proposed_trade_side_known", "side", Side),
            positive_quantity("proposed_trade_quantity"),
            bounded("proposed_trade_price", "price", lower=0, upper=PRICE_LIMIT, above=True),
            positive_money("proposed_trade_amount", "amount"),
            positive_money("proposed_trade_basis", "basis"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.security}"

    @property
    def gain(self) -> Decimal:
        return Decimal(self.amount - self.basis) if self.side == Side.SELL else Decimal(0)


class Decision(models.Model):
    """Who approved or rejected which exact content, and why."""

    firm_path = "proposal__household__firm"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="decisions")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=choices(Verdict))
    note = models.TextField(blank=True)
    content_sha256 = models.CharField(max_length=64)
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["proposal"], name="decision_once"),
            one_of("decision_verdict_known", "verdict", Verdict),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.user}"


class OrderExport(models.Model):
    """An order file as it was handed out: numbered, checksummed, kept."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="order_exports")
    number = models.PositiveIntegerField()
    orders_csv = models.TextField()
    lots_csv = models.TextField()
    sha256 = models.CharField(max_length=64)
    exported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    exported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [UniqueConstraint(fields=["firm", "number"], name="order_export_number_once")]

    def __str__(self) -> str:
        return f"Order file {self.number}"


class Order(models.Model):
    """An instruction to the custodian, made by an approval."""

    firm_path = "account__firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="orders")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="orders")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = QuantityField()
    filled_quantity = QuantityField(default=Decimal(0))
    reference_price = PriceField()
    pair = models.PositiveIntegerField(default=0)
    status = models.CharField(
        max_length=10, choices=choices(OrderStatus), default=OrderStatus.APPROVED
    )
    export = models.ForeignKey(
        OrderExport, on_delete=models.PROTECT, null=True, related_name="orders"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(
                fields=["proposal", "account", "security", "side"], name="order_once_a_proposal"
            ),
            one_of("order_side_known", "side", Side),
            one_of("order_status_known", "status", OrderStatus),
            positive_quantity("order_quantity"),
            any_quantity("order_filled_quantity", "filled_quantity"),
            models.CheckConstraint(
                condition=Q(filled_quantity__lte=models.F("quantity")), name="order_not_overfilled"
            ),
            bounded("order_price", "reference_price", lower=0, upper=PRICE_LIMIT, above=True),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.security}"


class OrderLot(models.Model):
    """Shares of a named lot that a sell order must relieve (specific identification, R22)."""

    firm_path = "order__account__firm"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lots")
    opening = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    part = models.PositiveIntegerField()
    quantity = QuantityField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(fields=["order", "opening", "part"], name="order_lot_once"),
            positive_quantity("order_lot_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.opening_id}"


class Fill(models.Model):
    """An execution reported by the custodian; it is booked as one transaction."""

    firm_path = "order__account__firm"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    external_id = models.CharField(max_length=100)
    trade_date = models.DateField()
    quantity = QuantityField()
    price = PriceField()
    fee = MoneyField(default=Decimal(0))
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="fill")

    class Meta:
        constraints = [
            UniqueConstraint(fields=["order", "external_id"], name="fill_once"),
            positive_quantity("fill_quantity"),
            bounded("fill_price", "price", lower=0, upper=PRICE_LIMIT, above=True),
            positive_money("fill_fee", "fee"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} at {self.price}"
