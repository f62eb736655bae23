"""Lots and transactions as client systems see and send them."""

from datetime import date
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.serializers import DecimalText, HouseholdQuery, StrictSerializer
from accounts.types import MONEY_LIMIT, PRICE_LIMIT, QUANTITY_LIMIT
from lots.booking_rules import (
    FRACTION_PLACES,
    LONGEST_ID,
    LONGEST_MEMO,
    MONEY_PLACES,
    PRICE_PLACES,
    QUANTITY_PLACES,
)
from lots.importers.refused_kinds import why_refused
from lots.types import EntryKind, Relief
from securities.importers import cells
from securities.importers.cells import CellError

MOST_ROWS = 5_000
MOST_LOTS = 500  # named by one row
MOST_PARTS = 10**6
KINDS = [kind.value for kind in EntryKind]
RELIEFS = [relief.value for relief in Relief]


# What comes in: every value is text, read by the same rules as a cell of a file


class Cell(serializers.Field[Any, Any, Any, Any]):
    """Text on its way to a value; a JSON number is refused, for it may have been rounded already."""

    def to_internal_value(self, data: Any) -> Any:
        """The value. Raises ValidationError."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string.")
        try:
            return self.read(data)
        except CellError as error:
            raise serializers.ValidationError(str(error)) from error

    def read(self, text: str) -> Any:
        raise NotImplementedError


def _number_schema(whole: int, places: int, example: str) -> dict[str, Any]:
    pattern = rf"^[0-9]{{1,{whole}}}(\.[0-9]{{1,{places}}})?$"
    return {"type": "string", "pattern": pattern, "example": example}


@extend_schema_field(_number_schema(12, QUANTITY_PLACES, "12.5"))
class QuantityCell(Cell):
    def read(self, text: str) -> Decimal:
        return cells.number(text, places=QUANTITY_PLACES, below=QUANTITY_LIMIT)


@extend_schema_field(_number_schema(10, PRICE_PLACES, "101.25"))
class PriceCell(Cell):
    def read(self, text: str) -> Decimal:
        return cells.number(text, places=PRICE_PLACES, below=PRICE_LIMIT)


@extend_schema_field(_number_schema(14, MONEY_PLACES, "1265.63"))
class MoneyCell(Cell):
    def read(self, text: str) -> Decimal:
        return cells.number(text, places=MONEY_PLACES, below=MONEY_LIMIT)


@extend_schema_field({"type": "string", "format": "date"})
class DayCell(Cell):
    """Whether the day may lie ahead is for the booking to say."""

    def read(self, text: str) -> date:
        return cells.day(text, as_of=None)


@extend_schema_field({"type": "string", "enum": KINDS})
class KindCell(Cell):
    def read(self, text: str) -> EntryKind:
        if (reason := why_refused(text)) is not None:
            raise CellError(f"{cells.shown(text)} {reason}")
        try:
            return EntryKind(text)
        except ValueError as error:
            raise CellError(
                f"{cells.shown(text)} is no kind; accepted are {', '.join(EntryKind)}"
            ) from error


@extend_schema_field({"type": "string", "enum": RELIEFS})
class ReliefCell(Cell):
    def read(self, text: str) -> Relief:
        try:
            return Relief(text)
        except ValueError as error:
            raise CellError(
                f"{cells.shown(text)} is no relief; accepted are {', '.join(Relief)}"
            ) from error


@extend_schema_field(_number_schema(1, FRACTION_PLACES, "0.2031"))
class FractionCell(Cell):
    def read(self, text: str) -> Decimal:
        return cells.number(text, places=FRACTION_PLACES, below=Decimal(1))


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": LONGEST_ID})
class NameCell(Cell):
    """An id, a symbol or an account number."""

    def read(self, text: str) -> str:
        if not text:
            raise CellError("is empty")
        return cells.name(text, longest=LONGEST_ID)


@extend_schema_field({"type": "string", "maxLength": LONGEST_MEMO})
class MemoCell(Cell):
    def read(self, text: str) -> str:
        if len(text) > LONGEST_MEMO:
            raise CellError(f"has {len(text)} characters, at most {LONGEST_MEMO} are accepted")
        if not text.isprintable():
            raise CellError("holds a character that cannot be printed")
        return text


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": MOST_PARTS})
class PartNumber(serializers.Field[Any, Any, Any, Any]):
    """A count, not an amount: the one JSON number that is taken."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int) or not 0 <= data <= MOST_PARTS:
            raise serializers.ValidationError(f"must be an integer from 0 to {MOST_PARTS:,}.")
        return data


class PickInput(StrictSerializer):
    opening = NameCell(help_text="External id of the transaction that opened the lot.")
    quantity = QuantityCell()
    part = PartNumber(required=False, help_text="One part of a lot that a wash sale divided.")


class TransactionInput(StrictSerializer):
    """A row of the canonical format; ``symbol`` or ``security`` names the security."""

    account = NameCell(help_text="The account's id or number.")
    external_id = NameCell(help_text="Your own id: the same row again changes nothing.")
    trade_date = DayCell()
    kind = KindCell()
    symbol = NameCell(required=False)
    security = NameCell(required=False, help_text="The security's id, instead of its symbol.")
    quantity = QuantityCell(
        required=False,
        help_text="Shares; for a split, merge and spin_off new shares per old. A rename and a "
        "return_of_capital have none.",
    )
    price = PriceCell(required=False)
    amount = MoneyCell(
        required=False,
        help_text="Dollars before the fee; left out: quantity times price. For deliveries the basis, for a "
        "split, merge and spin_off the cash in lieu of the account's fraction.",
    )
    fee = MoneyCell(required=False)
    settle_date = DayCell(required=False)
    lots: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=PickInput(), required=False, allow_empty=False, max_length=MOST_LOTS
    )
    block = NameCell(
        required=False, help_text="Purchases of one order share it; so do sales of one order."
    )
    to_account = NameCell(required=False, help_text="Transfers only.")
    holding_start = DayCell(required=False)
    acquired = DayCell(required=False)
    relief = ReliefCell(
        required=False,
        help_text="Left out: the account's standing order, else first in, first out.",
    )
    to_symbol = NameCell(required=False, help_text="What the shares become or bring.")
    to_security = NameCell(required=False, help_text="Its id, instead of its symbol.")
    basis_fraction = FractionCell(
        required=False, help_text="Spin-offs only: the part of the basis that moves, below 1."
    )
    market_value = MoneyCell(
        required=False, help_text="Gifts only: the value on the day of the gift, in dollars."
    )
    memo = MemoCell(required=False)


class TransactionsInput(StrictSerializer):
    """Rows to book, all or none: 1 to 5,000."""

    transactions: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=TransactionInput(), allow_empty=False, max_length=MOST_ROWS
    )


class BookedSerializer(serializers.Serializer[Any]):
    """What a POST did."""

    booked = serializers.IntegerField(help_text="New rows.")
    known = serializers.IntegerField(help_text="Rows that were booked before, unchanged.")


class PreviewSerializer(BookedSerializer):
    """What a POST would do."""

    alters_history = serializers.BooleanField(
        help_text="Whether figures of closed or reported years would become others."
    )
    changes = serializers.ListField(
        child=serializers.CharField(), help_text="What would change, a sentence each."
    )


# What is asked, and what goes out


class AccountQuery(HouseholdQuery):
    account = serializers.UUIDField(required=False, help_text="Only this account's.")


class BookingQuery(StrictSerializer):
    dry_run = serializers.BooleanField(
        default=False, help_text="Book nothing and say what would change."
    )


class OpeningSerializer(serializers.Serializer[Any]):
    """The transaction that opened a lot; after a transfer in another account than the lot."""

    account = serializers.UUIDField(source="account.public_id")
    external_id = serializers.CharField()


class LotSerializer(serializers.Serializer[Any]):
    """One part of a lot that is held; (opening, part) names it for good."""

    account = serializers.UUIDField(source="account.public_id")
    security = serializers.UUIDField(source="security.public_id")
    symbol = serializers.CharField(source="security.symbol")
    opening = OpeningSerializer()
    part = serializers.IntegerField()
    acquired = serializers.DateField()
    holding_start = serializers.DateField(help_text="With tacked periods: decides the term.")
    quantity = DecimalText()
    basis = DecimalText(help_text="Dollars, raised by wash sales.")
    is_inherited = serializers.BooleanField(help_text="Long-term whatever its dates.")
    loss_basis = DecimalText(
        allow_null=True, help_text="A gift worth less than its basis: a loss is measured on this."
    )
    loss_start = serializers.DateField(
        allow_null=True, help_text="And its holding period runs from this day."
    )


class SelectionSerializer(serializers.Serializer[Any]):
    opening = OpeningSerializer()
    part = serializers.IntegerField(allow_null=True)
    quantity = DecimalText()


class TransactionSerializer(serializers.Serializer[Any]):
    account = serializers.UUIDField(source="account.public_id")
    external_id = serializers.CharField()
    trade_date = serializers.DateField()
    settle_date = serializers.DateField(allow_null=True)
    kind = serializers.ChoiceField(choices=KINDS)
    security = serializers.UUIDField(source="security.public_id", allow_null=True, default=None)
    symbol = serializers.CharField(source="security.symbol", allow_null=True, default=None)
    quantity = DecimalText()
    price = DecimalText(allow_null=True)
    amount = DecimalText()
    fee = DecimalText()
    lots = SelectionSerializer(source="selections", many=True)
    block = serializers.CharField()
    to_account = serializers.UUIDField(source="to_account.public_id", allow_null=True, default=None)
    holding_start = serializers.DateField(allow_null=True)
    acquired = serializers.DateField(allow_null=True)
    relief = serializers.CharField(
        help_text="How its lots were chosen; empty: first in, first out."
    )
    to_security = serializers.UUIDField(
        source="to_security.public_id", allow_null=True, default=None
    )
    to_symbol = serializers.CharField(source="to_security.symbol", allow_null=True, default=None)
    basis_fraction = DecimalText(allow_null=True)
    market_value = DecimalText(allow_null=True)
    memo = serializers.CharField()
    booked_at = serializers.DateTimeField()
