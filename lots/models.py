"""The ledger, which is the truth, and the tables derived from it, which can be dropped and rebuilt at any time."""

from decimal import Decimal

from django.db import models
from django.db.models import UniqueConstraint

from accounts.fields import (
    MoneyField,
    PriceField,
    QuantityField,
    any_quantity,
    bounded,
    positive_money,
    positive_quantity,
    signed_money,
)
from accounts.models import Account, Firm, User, choices, one_of
from lots.types import EntryKind, Source, Term, Treatment
from securities.models import Security


class ImportedFile(models.Model):
    """A file that was booked, known by its bytes: the same file again changes nothing."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="imported_files")
    sha256 = models.CharField(max_length=64)
    target = models.CharField(
        max_length=60, blank=True
    )  # the account it was read into, where the file names none
    name = models.CharField(max_length=255)
    format = models.CharField(max_length=30)
    rows_new = models.PositiveIntegerField(default=0)
    rows_known = models.PositiveIntegerField(default=0)
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["firm", "sha256", "target"], name="imported_file_once")
        ]

    def __str__(self) -> str:
        return self.name


class Transaction(models.Model):
    """A booked fact. Append-only: the database refuses UPDATE, DELETE and TRUNCATE.

    Inside a trade date the order of booking (the primary key) is the order of execution.
    """

    firm_path = "account__firm"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transactions")
    external_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=choices(EntryKind))
    trade_date = models.DateField()  # a date in the market's zone (R6)
    settle_date = models.DateField(null=True, blank=True)  # recorded, never used by a tax rule
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions"
    )
    quantity = QuantityField(default=Decimal(0))  # shares; for a split the ratio
    price = PriceField(null=True, blank=True)
    amount = MoneyField(default=Decimal(0))  # before the fee; for receive the carried basis
    fee = MoneyField(default=Decimal(0))
    block = models.CharField(max_length=120, blank=True)  # purchases of one order (R9)
    to_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="incoming"
    )
    holding_start = models.DateField(null=True, blank=True)
    acquired = models.DateField(null=True, blank=True)
    memo = models.CharField(max_length=200, blank=True)
    source = models.CharField(
        max_length=10, choices=choices(Source), default=Source.STATEMENT.value
    )
    content_sha256 = models.CharField(max_length=64)
    imported_file = models.ForeignKey(
        ImportedFile, on_delete=models.PROTECT, null=True, related_name="transactions"
    )
    booked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["trade_date", "pk"]
        constraints = [
            UniqueConstraint(fields=["account", "external_id"], name="transaction_once"),
            one_of("transaction_kind_known", "kind", EntryKind),
            one_of("transaction_source_known", "source", Source),
            any_quantity("transaction_quantity"),
            bounded("transaction_price", "price", lower=0, upper=Decimal(10) ** 10),
            positive_money("transaction_amount", "amount"),
            positive_money("transaction_fee", "fee"),
        ]
        indexes = [models.Index(fields=["account", "trade_date"])]

    def __str__(self) -> str:
        return f"{self.trade_date} {self.kind} {self.quantity} {self.security or ''}"


class LotSelection(models.Model):
    """Shares identified for a sale or transfer by the transaction that opened them (R22)."""

    firm_path = "transaction__account__firm"

    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="selections"
    )
    opening = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    part = models.PositiveIntegerField(null=True, blank=True)
    quantity = QuantityField()

    class Meta:
        ordering = ["pk"]
        constraints = [positive_quantity("lot_selection_quantity")]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.opening_id}"


class TaxLot(models.Model):
    """Derived: one part of a lot still held. (opening, part) is its identity and survives a rebuild."""

    firm_path = "account__firm"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tax_lots")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="tax_lots")
    opening = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="tax_lots")
    part = models.PositiveIntegerField()
    acquired = models.DateField()
    holding_start = models.DateField()
    quantity = QuantityField()
    basis = MoneyField()

    class Meta:
        ordering = ["acquired", "opening", "part"]
        constraints = [
            UniqueConstraint(fields=["opening", "part"], name="tax_lot_once"),
            positive_quantity("tax_lot_quantity"),
            positive_money("tax_lot_basis", "basis"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.security} of {self.acquired}"


class Disposal(models.Model):
    """Derived: one lot part sold by one sale. Retirement accounts have rows too, outside every tax total (R16)."""

    firm_path = "account__firm"

    sale = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="disposals")
    opening = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    part = models.PositiveIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="disposals")
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    trade_date = models.DateField()
    acquired = models.DateField()
    holding_start = models.DateField()
    term = models.CharField(max_length=5, choices=choices(Term))
    quantity = QuantityField()
    proceeds = MoneyField()
    basis = MoneyField()
    disallowed = MoneyField(default=Decimal(0))
    permanent = MoneyField(default=Decimal(0))
    is_taxable = models.BooleanField()

    class Meta:
        ordering = ["trade_date", "sale", "opening", "part"]
        constraints = [
            UniqueConstraint(fields=["sale", "opening", "part"], name="disposal_once"),
            one_of("disposal_term_known", "term", Term),
            positive_quantity("disposal_quantity"),
            signed_money("disposal_proceeds", "proceeds"),
            positive_money("disposal_basis", "basis"),
            positive_money("disposal_disallowed", "disallowed"),
            positive_money("disposal_permanent", "permanent"),
        ]

    def __str__(self) -> str:
        return f"{self.trade_date} {self.quantity} {self.security_id}"

    @property
    def gain(self) -> Decimal:
        return Decimal(self.proceeds - self.basis)

    @property
    def allowed(self) -> Decimal:
        return Decimal(self.gain + self.disallowed)


class WashSale(models.Model):
    """Derived: sold shares matched with replacement shares, with the rules that say so."""

    firm_path = "sale__account__firm"

    sale = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="wash_sales")
    sold_opening = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    replacement = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    ordinal = models.PositiveIntegerField()
    shares = QuantityField()
    amount = MoneyField()
    treatment = models.CharField(max_length=10, choices=choices(Treatment))
    rule_ids = models.CharField(max_length=60)

    class Meta:
        ordering = ["sale", "ordinal"]
        constraints = [
            UniqueConstraint(fields=["sale", "ordinal"], name="wash_sale_once"),
            one_of("wash_sale_treatment_known", "treatment", Treatment),
            positive_quantity("wash_sale_shares", "shares"),
            positive_money("wash_sale_amount", "amount"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.sale_id}"
