"""Proposals, the decisions on them, and the orders and fills that follow."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

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
from accounts.types import MONEY_LIMIT, PRICE_LIMIT
from lots.models import Transaction
from lots.types import Term
from proposals.block_models import BlockFill
from proposals.types import (
    OPEN,
    Cadence,
    CashFlowKind,
    OrderStatus,
    OrderType,
    PairState,
    ProposalKind,
    Proration,
    RestrictionKind,
    Side,
    Status,
    Verdict,
)
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
    net = MoneyField(null=True, blank=True)  # the whole sum where the kind has one
    # Loss that its own trades would defer (a strategic wash sale): approved only by a person who accepts the sum.
    wash_deferred = MoneyField(default=Decimal(0))
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
            signed_money("proposal_net", "net"),
            positive_money("proposal_wash_deferred", "wash_deferred"),
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
    def added_this_year(self) -> Decimal:
        return -self.saved_this_year

    @property
    def held_sentence(self) -> str:
        name = f"{self.household.name}, {self.kind.replace('_', '-')} of {self.as_of}"
        return f"{name}, is held back: {' '.join(self.held_back)}"

    @property
    def net_benefit(self) -> Decimal:
        return Decimal(self.tax_saved - self.cost if self.net is None else self.net)


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
    # The deferred loss that this person accepted by name; 0 where there was none to accept.
    accepted_wash = MoneyField(default=Decimal(0))
    content_sha256 = models.CharField(max_length=64)
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["proposal"], name="decision_once"),
            one_of("decision_verdict_known", "verdict", Verdict),
            positive_money("decision_accepted_wash", "accepted_wash"),
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
    type = models.CharField(
        max_length=6, choices=choices(OrderType), default=OrderType.MARKET.value
    )
    limit_price = PriceField(null=True, blank=True)  # of a limit order
    # What it was expected to cost when it was approved, dollars; None of an order from before that was kept.
    expected_commission = MoneyField(null=True, blank=True)
    expected_spread = MoneyField(null=True, blank=True)
    expected_impact = MoneyField(null=True, blank=True)
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
            one_of("order_type_known", "type", OrderType),
            bounded("order_limit_price", "limit_price", lower=0, upper=PRICE_LIMIT, above=True),
            CheckConstraint(
                condition=Q(type=OrderType.LIMIT.value) ^ Q(limit_price=None),
                name="order_has_a_limit_if_it_is_one",
            ),
            positive_money("order_expected_commission", "expected_commission"),
            positive_money("order_expected_spread", "expected_spread"),
            positive_money("order_expected_impact", "expected_impact"),
            CheckConstraint(
                condition=Q(expected_commission=None, expected_spread=None, expected_impact=None)
                | Q(
                    expected_commission__isnull=False,
                    expected_spread__isnull=False,
                    expected_impact__isnull=False,
                ),
                name="order_expects_all_or_nothing",
            ),
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
    block = models.ForeignKey(  # that it is a share of; None = the custodian told it of the order
        BlockFill, on_delete=models.PROTECT, null=True, blank=True, related_name="fills"
    )

    class Meta:
        constraints = [
            UniqueConstraint(fields=["order", "external_id"], name="fill_once"),
            positive_quantity("fill_quantity"),
            bounded("fill_price", "price", lower=0, upper=PRICE_LIMIT, above=True),
            positive_money("fill_fee", "fee"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} at {self.price}"


class HarvestedPair(models.Model):
    """What one filled harvest pair holds in place of what it sold, and where that stands each night (F30, I23)."""

    firm_path = "proposal__household__firm"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="harvested_pairs")
    pair = models.PositiveIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    # None = the money of the sales was parked in cash (T9)
    substitute = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sold_on = models.DateField()  # the last fill of its sales
    due_on = models.DateField()  # day 31: the first day on which it may go back
    state = models.CharField(
        max_length=10, choices=choices(PairState), default=PairState.WAITING.value
    )
    since = models.DateField()  # of the state
    as_of = models.DateField()  # the night that looked last
    reason = models.TextField()
    figures = models.JSONField(default=dict)  # the sum behind the state, numbers as text

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            UniqueConstraint(fields=["proposal", "pair"], name="harvested_pair_once"),
            one_of("harvested_pair_state_known", "state", PairState),
            CheckConstraint(condition=~Q(reason=""), name="harvested_pair_has_reason"),
            CheckConstraint(condition=Q(due_on__gt=F("sold_on")), name="harvested_pair_due_later"),
        ]

    def __str__(self) -> str:
        return f"{self.proposal} {self.pair}: {self.state}"

    @property
    def holding(self) -> str:
        """What is held in place of what was sold, for people."""
        return "cash" if self.substitute is None else self.substitute.symbol


class Restriction(models.Model):
    """What must not be bought or sold, must be sold, or has a limit: of the firm, a household or an account (F37).

    ``limit`` is a fraction: with HOLD_GAINS of a lot's value that may be gain when it is sold, with MAX_WEIGHT of the
    household's value.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="restrictions")
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="restrictions"
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="restrictions"
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="restrictions")
    kind = models.CharField(max_length=12, choices=choices(RestrictionKind))
    limit = FractionField(null=True, blank=True)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)  # last day; None = until somebody ends it
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["security", "kind", "pk"]
        constraints = [
            one_of("restriction_kind_known", "kind", RestrictionKind),
            CheckConstraint(condition=~Q(reason=""), name="restriction_has_reason"),
            CheckConstraint(
                condition=Q(until=None) | Q(since__lte=F("until")), name="restriction_dates"
            ),
            CheckConstraint(
                condition=Q(account=None) | Q(household__isnull=False),
                name="restriction_names_the_household_of_its_account",
            ),
            bounded("restriction_limit", "limit", lower=0, upper=Decimal("1.00000001")),
            CheckConstraint(
                condition=Q(kind__in=[one.value for one in RestrictionKind if one.has_limit])
                ^ Q(limit=None),
                name="restriction_has_the_limit_of_its_kind",
            ),
            CheckConstraint(
                condition=~Q(kind=RestrictionKind.MAX_WEIGHT.value) | Q(account=None),
                name="restriction_of_weight_is_the_households",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.security}"

    @property
    def rule(self) -> str:
        """What it says of the security, for people."""
        told = RestrictionKind(self.kind).told
        return told if self.limit is None else f"{told}: {self.limit.normalize():%}"


class ScheduledPurchase(models.Model):
    """A purchase that is going to be made by itself: a savings plan, a monthly order (F31)."""

    firm_path = "account__firm"

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="scheduled_purchases"
    )
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    amount = MoneyField()  # dollars each time
    first_on = models.DateField()
    cadence = models.CharField(max_length=10, choices=choices(Cadence))
    ended_on = models.DateField(null=True, blank=True)  # last day; None = goes on
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["first_on", "pk"]
        constraints = [
            UniqueConstraint(
                fields=["account", "security", "first_on", "cadence"],
                name="scheduled_purchase_once",
            ),
            one_of("scheduled_purchase_cadence_known", "cadence", Cadence),
            positive_money("scheduled_purchase_amount", "amount"),
            CheckConstraint(
                condition=Q(ended_on=None) | Q(first_on__lte=F("ended_on")),
                name="scheduled_purchase_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.cadence} from {self.first_on}"


class ExpectedCashFlow(models.Model):
    """Cash that a client is going to take out or to put in, of one account or of the household; dated (F6).

    A need is made ready for from some days before until its day, or until it is settled.
    """

    firm_path = "household__firm"

    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="expected_cash_flows"
    )
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="expected_cash_flows",
    )
    kind = models.CharField(max_length=12, choices=choices(CashFlowKind))
    amount = MoneyField()  # dollars
    due_on = models.DateField()
    settled_on = models.DateField(null=True, blank=True)  # done, or called off; None = still ahead
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            UniqueConstraint(
                fields=["household", "account", "kind", "due_on"],
                nulls_distinct=False,
                name="expected_cash_flow_once",
            ),
            one_of("expected_cash_flow_kind_known", "kind", CashFlowKind),
            bounded("expected_cash_flow_amount", "amount", lower=0, upper=MONEY_LIMIT, above=True),
            CheckConstraint(condition=~Q(reason=""), name="expected_cash_flow_has_reason"),
            CheckConstraint(
                condition=~Q(kind=CashFlowKind.RMD.value) | Q(account__isnull=False),
                name="expected_cash_flow_rmd_names_its_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.amount} on {self.due_on}"


class GainBudget(models.Model):
    """How much gain, and how much tax on it, a household accepts in a year; None = no limit (F35)."""

    firm_path = "household__firm"

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="gain_budgets")
    year = models.PositiveSmallIntegerField()
    short_limit = MoneyField(null=True, blank=True)  # net short-term gain realised, dollars
    long_limit = MoneyField(null=True, blank=True)  # net long-term gain realised, dollars
    tax_limit = MoneyField(null=True, blank=True)  # tax that this year's trades here add, dollars
    proration = models.CharField(
        max_length=9, choices=choices(Proration), default=Proration.NONE.value
    )
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["household", "year"]
        constraints = [
            UniqueConstraint(fields=["household", "year"], name="gain_budget_once_a_year"),
            positive_money("gain_budget_short", "short_limit"),
            positive_money("gain_budget_long", "long_limit"),
            positive_money("gain_budget_tax", "tax_limit"),
            one_of("gain_budget_proration_known", "proration", Proration),
            CheckConstraint(condition=~Q(reason=""), name="gain_budget_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.household} {self.year}"


class CommissionSchedule(models.Model):
    """What a custodian charges for a trade (F8); a custodian without one charges nothing."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="commission_schedules")
    custodian = models.CharField(max_length=60)  # as accounts name it
    per_order = MoneyField(default=Decimal(0))
    per_share = PriceField(default=Decimal(0))
    of_amount = FractionField(default=Decimal(0))  # fraction of the dollars traded
    minimum = MoneyField(default=Decimal(0))

    class Meta:
        ordering = ["custodian"]
        constraints = [
            UniqueConstraint(fields=["firm", "custodian"], name="commission_schedule_once"),
            positive_money("commission_per_order", "per_order"),
            bounded("commission_per_share", "per_share", lower=0, upper=PRICE_LIMIT),
            bounded("commission_of_amount", "of_amount", lower=0, upper=1),
            positive_money("commission_minimum", "minimum"),
        ]

    def __str__(self) -> str:
        return f"{self.custodian}"
