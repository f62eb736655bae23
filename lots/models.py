"""The ledger, which is the truth, and the tables derived from it, which can be dropped and rebuilt at any time."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Cast, Coalesce

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
from lots.types import (
    DisposalEvent,
    EntryKind,
    IndexFundPolicy,
    OlderLotPolicy,
    Relief,
    SoldReplacementPolicy,
    Source,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
    Term,
    Treatment,
)
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


class ImportDraft(models.Model):
    """A file that was uploaded and looked at, and not booked yet: one a person, gone when booked, discarded or old."""

    firm_path = "firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    firm = models.ForeignKey(Firm, on_delete=models.CASCADE, related_name="+")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=255)
    data = models.BinaryField()
    sha256 = models.CharField(max_length=64)  # of the bytes
    changes_sha256 = models.CharField(max_length=64)  # of what the person was shown
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Transaction(models.Model):
    """A booked fact. Append-only: the database refuses UPDATE, DELETE and TRUNCATE.

    Inside a trade date the order of booking (the primary key) is the order of execution.
    """

    firm_path = "account__firm"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transactions")
    external_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=choices(EntryKind))
    trade_date = models.DateField()  # a date in the market's zone (R6)
    settle_date = models.DateField(null=True, blank=True)  # recorded, never used by a tax rule
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions"
    )
    quantity = QuantityField(default=Decimal(0))  # shares; for splits and mergers the ratio
    price = PriceField(null=True, blank=True)
    amount = MoneyField(default=Decimal(0))  # before the fee; lots.types.LedgerEntry says more
    fee = MoneyField(default=Decimal(0))
    block = models.CharField(max_length=120, blank=True)  # fills of one order (R9)
    to_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="incoming"
    )
    holding_start = models.DateField(null=True, blank=True)
    acquired = models.DateField(null=True, blank=True)
    # Which lots a sale takes is settled when it is booked and never chosen again (R22). Empty = FIFO.
    relief = models.CharField(max_length=12, choices=choices(Relief), blank=True)
    to_security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    basis_fraction = FractionField(null=True, blank=True)  # spin-off
    market_value = MoneyField(null=True, blank=True)  # gift
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
            bounded("transaction_basis_fraction", "basis_fraction", lower=0, upper=1),
            positive_money("transaction_market_value", "market_value"),
        ]
        indexes = [
            models.Index(fields=["account", "trade_date"]),
            # Few rows, asked for by every window: which security became or brought which.
            models.Index(
                fields=["account", "kind"],
                condition=Q(to_security__isnull=False),
                name="transaction_successions",
            ),
        ]

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


class TaxPolicy(models.Model):
    """How a firm reads the unsettled points of the law (U1-U5, U7). Append-only: the newest row is in force."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="tax_policies")
    index_funds = models.CharField(max_length=30, choices=choices(IndexFundPolicy))  # U1
    spouse = models.CharField(max_length=30, choices=choices(SpousePolicy))  # U2
    tacking = models.CharField(max_length=30, choices=choices(TackingPolicy))  # U3
    sold_replacement = models.CharField(max_length=30, choices=choices(SoldReplacementPolicy))  # U4
    older_lot = models.CharField(max_length=30, choices=choices(OlderLotPolicy))  # U5
    tax_deferred = models.CharField(max_length=30, choices=choices(TaxDeferredPolicy))  # U7
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            one_of("tax_policy_index_funds_known", "index_funds", IndexFundPolicy),
            one_of("tax_policy_spouse_known", "spouse", SpousePolicy),
            one_of("tax_policy_tacking_known", "tacking", TackingPolicy),
            one_of("tax_policy_sold_known", "sold_replacement", SoldReplacementPolicy),
            one_of("tax_policy_older_lot_known", "older_lot", OlderLotPolicy),
            one_of("tax_policy_deferred_known", "tax_deferred", TaxDeferredPolicy),
            CheckConstraint(condition=~Q(reason=""), name="tax_policy_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.firm} {self.decided_at:%Y-%m-%d}"


class ReliefElection(models.Model):
    """The standing order of an account: which lots its sales take from a day on (R22, R22b). Append-only."""

    firm_path = "account__firm"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="relief_elections")
    method = models.CharField(max_length=12, choices=choices(Relief))
    effective_on = models.DateField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["effective_on", "pk"]
        constraints = [
            one_of("relief_election_method_known", "method", Relief),
            CheckConstraint(condition=~Q(reason=""), name="relief_election_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.method} from {self.effective_on}"


class ReportedYear(models.Model):
    """A tax year whose figures were given out, as they were then; later changes are told against it. Append-only."""

    firm_path = "household__firm"

    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="reported_years"
    )
    year = models.PositiveSmallIntegerField()
    figures = models.TextField()  # canonical text (accounts.canonical) of what was reported
    figures_sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-year", "-pk"]

    def __str__(self) -> str:
        return f"{self.household} {self.year}"


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
    is_inherited = models.BooleanField(default=False)  # long-term whatever its dates
    loss_basis = MoneyField(null=True, blank=True)  # a gift worth less than its basis
    loss_start = models.DateField(null=True, blank=True)
    # For the bulk screen alone, which reads millions: PostgreSQL turns a numeric into a float by way of its text.
    screen_quantity = models.GeneratedField(
        expression=Cast("quantity", models.FloatField()),
        output_field=models.FloatField(),
        db_persist=True,
    )
    screen_basis = models.GeneratedField(
        expression=Cast(Coalesce("loss_basis", "basis"), models.FloatField()),
        output_field=models.FloatField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["acquired", "opening", "part"]
        constraints = [
            UniqueConstraint(fields=["opening", "part"], name="tax_lot_once"),
            positive_quantity("tax_lot_quantity"),
            positive_money("tax_lot_basis", "basis"),
            positive_money("tax_lot_loss_basis", "loss_basis"),
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
    event = models.CharField(
        max_length=12, choices=choices(DisposalEvent), default=DisposalEvent.SALE.value
    )

    class Meta:
        ordering = ["trade_date", "sale", "opening", "part"]
        constraints = [
            UniqueConstraint(fields=["sale", "opening", "part"], name="disposal_once"),
            one_of("disposal_term_known", "term", Term),
            one_of("disposal_event_known", "event", DisposalEvent),
            any_quantity("disposal_quantity"),  # a distribution beyond the basis sells no shares
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


class PositionStatement(models.Model):
    """What a custodian says an account held at the end of a day; the lots must add up to it (I22, T53)."""

    firm_path = "account__firm"

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="position_statements"
    )
    as_of = models.DateField()
    content_sha256 = models.CharField(max_length=64)  # of the canonical text of its positions
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["account", "-as_of"]
        constraints = [
            UniqueConstraint(fields=["account", "as_of"], name="position_statement_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.as_of}"


class StatementPosition(models.Model):
    """Shares of one security in a statement."""

    firm_path = "statement__account__firm"

    statement = models.ForeignKey(
        PositionStatement, on_delete=models.CASCADE, related_name="positions"
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()

    class Meta:
        ordering = ["statement", "security"]
        constraints = [
            UniqueConstraint(fields=["statement", "security"], name="statement_position_once"),
            any_quantity("statement_position_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.security}"
