"""Blocks: executions for many orders at once, and how each was divided. Append-only, as fills are."""

from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from accounts.fields import (
    MoneyField,
    PriceField,
    QuantityField,
    any_quantity,
    bounded,
    positive_money,
    positive_quantity,
)
from accounts.models import Firm, User, choices, one_of
from accounts.types import PRICE_LIMIT
from proposals.types import Side
from securities.models import Security


class BlockFill(models.Model):
    """An execution that the custodian told of a security and side, not of an order (T49)."""

    firm_path = "firm"

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="block_fills")
    external_id = models.CharField(max_length=100)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=4, choices=choices(Side))
    export = models.ForeignKey("proposals.OrderExport", on_delete=models.PROTECT, related_name="+")
    custodian = models.CharField(max_length=60)  # of the orders' accounts
    trade_date = models.DateField()
    quantity = QuantityField()
    price = PriceField()  # the one price of all its orders
    fee = MoneyField(default=Decimal(0))
    seed = models.PositiveBigIntegerField()  # of the random order that broke the ties
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(fields=["firm", "external_id"], name="block_fill_once"),
            one_of("block_fill_side_known", "side", Side),
            positive_quantity("block_fill_quantity"),
            bounded("block_fill_price", "price", lower=0, upper=PRICE_LIMIT, above=True),
            positive_money("block_fill_fee", "fee"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.side} {self.quantity} {self.security} at {self.price}"


class BlockShare(models.Model):
    """What one order wanted of a block and what it got; nought is told too."""

    firm_path = "block__firm"

    block = models.ForeignKey(BlockFill, on_delete=models.PROTECT, related_name="shares")
    order = models.ForeignKey("proposals.Order", on_delete=models.PROTECT, related_name="+")
    wanted = QuantityField()
    fractions = models.BooleanField()  # whether the account traded fractions of shares
    allocated = QuantityField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(fields=["block", "order"], name="block_share_once"),
            positive_quantity("block_share_wanted", "wanted"),
            any_quantity("block_share_allocated", "allocated"),
            CheckConstraint(
                condition=Q(allocated__lte=F("wanted")), name="block_share_not_overfilled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.allocated} of {self.wanted}"
