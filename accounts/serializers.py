"""What every answer of the API is made of, and what accounts put into it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.canonical import decimal_text
from accounts.types import AccountKind

MOST_ROWS_A_PAGE = 1000
KINDS = [kind.value for kind in AccountKind]


class StrictSerializer(serializers.Serializer[Any]):
    """Input that refuses what it does not know: a field with a typing mistake is not silently left out (A3)."""

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError naming every unknown field beside the faults of the known ones."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        problems = {name: ["is no field of this request."] for name in unknown}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **problems}) from error
            raise
        if problems:
            raise serializers.ValidationError(problems)
        return value


class ListQuery(StrictSerializer):
    """What every list takes in its address."""

    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ROWS_A_PAGE)
    offset = serializers.IntegerField(required=False, min_value=0, max_value=10**9)


class HouseholdQuery(ListQuery):
    household = serializers.UUIDField(required=False, help_text="Only this household's.")


@extend_schema_field({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "example": "1250.75"})
class DecimalText(serializers.Field[Decimal, Any, str, Any]):
    """An exact number as text, without trailing zeros: JSON numbers turn binary on their way."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return decimal_text(value)


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable: programs may rely on it.")
    message = serializers.CharField(help_text="For people: what is wrong and what to do.")
    problems = serializers.ListField(
        child=serializers.CharField(),
        help_text="One line for each problem, beginning with its place: transactions[3].quantity.",
    )


class ErrorEnvelopeSerializer(serializers.Serializer[Any]):
    error = ErrorSerializer()


class HouseholdSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    account_count = serializers.IntegerField()


class AccountSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    household = serializers.UUIDField(source="household.public_id")
    number = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.CharField(source="owner.name")
    custodian = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    is_taxable = serializers.BooleanField()
    reinvests_dividends = serializers.BooleanField()
    tax_managed = serializers.BooleanField()
    held_away = serializers.BooleanField(
        help_text="Declared, not imported: wash sales through it count as not checked."
    )
    opened_on = serializers.DateField(allow_null=True)


class HouseholdDetailSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="household.public_id")
    name = serializers.CharField(source="household.name")
    as_of = serializers.DateField(help_text="The firm's business date.")
    accounts = AccountSerializer(many=True)
