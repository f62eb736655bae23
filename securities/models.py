"""The firm's security master: what can be held, what it costs, and which securities the tax rules treat as one."""

import uuid
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from stdnum import cusip, isin
from stdnum.exceptions import ValidationError as CheckDigitError

from accounts.fields import (
    FractionField,
    MoneyField,
    PriceField,
    QuantityField,
    bounded,
    positive_quantity,
)
from accounts.models import Firm, User, choices, one_of
from accounts.types import MONEY_LIMIT
from securities.types import ActionKind, AssetClass, DistributionKind


def validate_cusip(value: str) -> None:
    """Refuses a CUSIP whose check digit is wrong."""
    try:
        cusip.validate(value)
    except CheckDigitError as error:
        raise ValidationError(f"{value!r} is no CUSIP: {error}") from error


def validate_isin(value: str) -> None:
    """Refuses an ISIN whose check digit is wrong."""
    try:
        isin.validate(value)
    except CheckDigitError as error:
        raise ValidationError(f"{value!r} is no ISIN: {error}") from error


class Security(models.Model):
    """A stock or fund. Masters are per firm: no firm's data can change another's."""

    firm_path = "firm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="securities")
    symbol = models.CharField(max_length=20)
    name = models.CharField(max_length=120, blank=True)
    cusip = models.CharField(max_length=9, blank=True, validators=[validate_cusip])
    isin = models.CharField(max_length=12, blank=True, validators=[validate_isin])
    asset_class = models.CharField(
        max_length=24, choices=choices(AssetClass), default=AssetClass.US_EQUITY
    )
    sector = models.CharField(max_length=60, blank=True)  # as the firm names it; mandates limit it
    # Of the price, paid on each side, before the first dated one of its own (``HalfSpread``). None = nobody has said.
    half_spread = FractionField(null=True, blank=True)
    is_fund = models.BooleanField(default=False)  # a regulated investment company: R22b
    # What a fund follows. Funds on one index are one identical group, unless the firm reads U1 otherwise.
    tracks_index = models.CharField(max_length=60, blank=True)
    expense_ratio = FractionField(default=Decimal(0))  # of a fund, a year
    # What a dollar of it pays in a year, by how that is taxed; for choosing the account that holds it (F36).
    ordinary_yield = FractionField(default=Decimal(0), db_default=Decimal(0))
    qualified_yield = FractionField(default=Decimal(0), db_default=Decimal(0))
    exempt_yield = FractionField(default=Decimal(0), db_default=Decimal(0))
    # Shares a day: what the impact of a trade is measured against; None = not known, no impact is counted.
    average_daily_volume = QuantityField(null=True, blank=True)
    delisted_on = models.DateField(null=True, blank=True)  # first day on which it no longer trades

    class Meta:
        ordering = ["symbol"]
        verbose_name_plural = "securities"
        constraints = [
            UniqueConstraint(fields=["firm", "symbol"], name="security_symbol_once"),
            UniqueConstraint(
                fields=["firm", "cusip"], condition=~Q(cusip=""), name="security_cusip_once"
            ),
            UniqueConstraint(
                fields=["firm", "isin"], condition=~Q(isin=""), name="security_isin_once"
            ),
            one_of("security_asset_class_known", "asset_class", AssetClass),
            bounded("security_half_spread", "half_spread", lower=0, upper=1),
            bounded("security_expense_ratio", "expense_ratio", lower=0, upper=1),
            bounded("security_ordinary_yield", "ordinary_yield", lower=0, upper=1),
            bounded("security_qualified_yield", "qualified_yield", lower=0, upper=1),
            bounded("security_exempt_yield", "exempt_yield", lower=0, upper=1),
            positive_quantity("security_daily_volume", "average_daily_volume"),
        ]

    def __str__(self) -> str:
        return self.symbol


class Price(models.Model):
    """A closing price in dollars a share."""

    firm_path = "security__firm"

    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="prices")
    day = models.DateField()
    close = PriceField()
    # Somebody has looked at it: it came with a file that was imported as checked.
    is_checked = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["security", "day"], name="price_once_a_day"),
            bounded("price_close", "close", lower=0, upper=Decimal(10) ** 10, above=True),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.day} {self.close}"


class PriceStamp(models.Model):
    """A number that a trigger draws anew with every change of a firm's prices, in the transaction of the change.

    Whoever keeps prices keeps the number beside them: while it is the same, so are they.
    """

    firm_path = "firm"

    firm = models.OneToOneField(Firm, on_delete=models.CASCADE, related_name="+")
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.firm} {self.number}"


class FactsChange(models.Model):
    """One change of what a firm's households share; a trigger adds it in the transaction of the change.

    Nothing is updated, so that nobody who changes something waits for anybody else. No row is ever deleted: how many
    there are, and the last, is a firm's stamp: what is committed never has one twice.
    """

    firm_path = "firm"

    # Without a constraint: a firm that is deleted changes its facts as it goes.
    firm = models.ForeignKey(
        Firm, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.firm_id} {self.pk}"


class HalfSpread(models.Model):
    """Half of a bid-ask spread from a day on: of a security, else the default of an asset class, else of the firm (F9).

    ``fraction`` is of the price, paid on each side. The newest row on or before a day is the one in force.
    """

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.CASCADE, related_name="half_spreads")
    security = models.ForeignKey(
        Security, on_delete=models.CASCADE, null=True, blank=True, related_name="half_spreads"
    )
    asset_class = models.CharField(max_length=24, choices=choices(AssetClass), blank=True)
    since = models.DateField()
    fraction = FractionField()

    class Meta:
        ordering = ["security__symbol", "asset_class", "since"]
        constraints = [
            UniqueConstraint(
                fields=["security", "since"],
                condition=Q(security__isnull=False),
                name="half_spread_of_security_once_a_day",
            ),
            UniqueConstraint(
                fields=["firm", "asset_class", "since"],
                condition=Q(security=None),
                name="half_spread_default_once_a_day",
            ),
            CheckConstraint(
                condition=Q(security=None) | Q(asset_class=""), name="half_spread_of_one_thing"
            ),
            CheckConstraint(
                condition=Q(asset_class__in=["", *(one.value for one in AssetClass)]),
                name="half_spread_class_known",
            ),
            bounded("half_spread_fraction", "fraction", lower=0, upper=1),
        ]

    def __str__(self) -> str:
        return f"{self.security or self.asset_class or self.firm} {self.fraction} from {self.since}"


class PriceStatistic(models.Model):
    """How much a security's price moves, estimated from its history; one row a security, of the latest night."""

    firm_path = "security__firm"

    security = models.OneToOneField(
        Security, on_delete=models.CASCADE, related_name="price_statistic"
    )
    as_of = models.DateField()
    annual_volatility = (
        FractionField()
    )  # standard deviation of daily returns, times the root of 252
    observations = models.PositiveIntegerField()  # daily returns behind it

    class Meta:
        constraints = [
            bounded("price_statistic_volatility", "annual_volatility", lower=0, upper=1000),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.annual_volatility}"


class Dividend(models.Model):
    """A dividend that was declared: who holds before the ex-date receives it on the pay date, or reinvests it (R25)."""

    firm_path = "security__firm"

    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="dividends")
    ex_date = models.DateField()
    pay_date = models.DateField()
    amount = PriceField()  # dollars a share
    is_qualified = models.BooleanField(
        default=True
    )  # by its payer; the holder's days decide too (R33)

    class Meta:
        ordering = ["ex_date", "security"]
        constraints = [
            UniqueConstraint(fields=["security", "ex_date"], name="dividend_once_a_day"),
            bounded("dividend_amount", "amount", lower=0, upper=Decimal(10) ** 10, above=True),
            CheckConstraint(
                condition=Q(ex_date__lte=F("pay_date")), name="dividend_paid_after_ex_date"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.ex_date} {self.amount}"


class AnnouncedDistribution(models.Model):
    """Gains that a fund has announced to distribute: taxed to who holds it before the ex-date (F39).

    Long- and short-term parts of one day are two rows, and a dividend of the day is another thing (``Dividend``).
    """

    firm_path = "security__firm"

    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="distributions")
    ex_date = models.DateField()
    kind = models.CharField(max_length=5, choices=choices(DistributionKind))
    amount = PriceField()  # dollars a share
    source = models.CharField(max_length=120, blank=True)  # who announced it, for people

    class Meta:
        ordering = ["ex_date", "security", "kind"]
        constraints = [
            UniqueConstraint(
                fields=["security", "ex_date", "kind"], name="distribution_once_a_day"
            ),
            one_of("distribution_kind_known", "kind", DistributionKind),
            bounded("distribution_amount", "amount", lower=0, upper=Decimal(10) ** 10, above=True),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.ex_date} {self.kind} {self.amount}"


class MarketValue(models.Model):
    """What all shares of a security are worth on a day, as somebody supplied it: dollars."""

    firm_path = "security__firm"

    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="market_values")
    day = models.DateField()
    dollars = MoneyField()

    class Meta:
        ordering = ["-day", "security"]
        constraints = [
            UniqueConstraint(fields=["security", "day"], name="market_value_once_a_day"),
            bounded("market_value_dollars", "dollars", lower=0, upper=MONEY_LIMIT, above=True),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.day} {self.dollars}"


class CorporateAction(models.Model):
    """A fact about a security on a date, known to the firm for all accounts.

    ``ratio``: new shares per old, for a split of the same security, for a rename (1), merge and spin-off of
    ``to_security``. ``basis_fraction``: the part of the basis that a spin-off moves to it.
    """

    firm_path = "security__firm"

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="actions")
    kind = models.CharField(max_length=16, choices=choices(ActionKind))
    effective_on = models.DateField()
    ratio = QuantityField()
    to_security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    basis_fraction = FractionField(null=True, blank=True)

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["security", "kind", "effective_on"],
                condition=~Q(kind=ActionKind.SPIN_OFF.value),
                name="action_once_a_day",
            ),
            UniqueConstraint(
                fields=["security", "effective_on", "to_security"],
                condition=Q(kind=ActionKind.SPIN_OFF.value),
                name="spin_off_once_a_day",
            ),
            one_of("action_kind_known", "kind", ActionKind),
            positive_quantity("action_ratio", "ratio"),
            bounded("action_basis_fraction", "basis_fraction", lower=0, upper=1),
            CheckConstraint(
                condition=Q(kind=ActionKind.SPLIT.value, to_security=None)
                | (~Q(kind=ActionKind.SPLIT.value) & Q(to_security__isnull=False)),
                name="action_successor",
            ),
            CheckConstraint(
                condition=Q(kind=ActionKind.SPIN_OFF.value, basis_fraction__isnull=False)
                | (~Q(kind=ActionKind.SPIN_OFF.value) & Q(basis_fraction=None)),
                name="action_basis_moved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.kind} {self.ratio} on {self.effective_on}"


class IdenticalGroup(models.Model):
    """Securities that count as substantially identical (R24): a tax fact with an author and a reason."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="identical_groups")
    name = models.CharField(max_length=120)
    reason = models.TextField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    effective_on = models.DateField()

    class Meta:
        constraints = [UniqueConstraint(fields=["firm", "name"], name="identical_group_name_once")]

    def __str__(self) -> str:
        return self.name


class IdenticalMember(models.Model):
    """Membership of a security from ``since`` (None = always) through ``ended_on``; an ended one stays on record."""

    firm_path = "group__firm"

    group = models.ForeignKey(IdenticalGroup, on_delete=models.PROTECT, related_name="members")
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="identical_members"
    )
    since = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["security"], condition=Q(ended_on=None), name="identical_in_one_group"
            ),
            CheckConstraint(
                condition=Q(since=None) | Q(ended_on=None) | Q(since__lte=F("ended_on")),
                name="identical_member_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} in {self.group}"


class IdenticalOverride(models.Model):
    """A firm's own word on one pair of securities, whatever index they follow (R24, U1). The newest one counts."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="identical_overrides")
    first = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    is_identical = models.BooleanField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # One order of the pair, so that its newest word is found under one key.
            CheckConstraint(condition=Q(first__lt=F("second")), name="identical_override_order"),
            CheckConstraint(condition=~Q(reason=""), name="identical_override_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.first} {'=' if self.is_identical else '≠'} {self.second}"
