"""GET what a sale today would do, for the client systems of a firm. Nothing is booked or ordered."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.client_views import ClientView, client
from accounts.errors import LotwiseError
from accounts.openapi import refusals
from accounts.selectors import business_date, household
from accounts.serializers import DecimalText, StrictSerializer
from lots.errors import LedgerError
from lots.selectors import what_if as selectors
from lots.types import Relief, Term

SMALLEST = Decimal("0.00000001")
TERMS = [term.value for term in Term]


class WhatIfUnanswered(LotwiseError):
    """The sale has no answer: the account does not hold the shares, or its sales are not taxed."""

    code = "what_if_refused"
    status = 422


class WhatIfQuery(StrictSerializer):
    account = serializers.UUIDField(help_text="A taxable account of the household.")
    security = serializers.CharField(max_length=20, help_text="Its symbol.")
    shares = serializers.DecimalField(max_digits=20, decimal_places=8, min_value=SMALLEST)
    price = serializers.DecimalField(
        max_digits=16,
        decimal_places=6,
        min_value=Decimal("0.000001"),
        required=False,
        help_text="Dollars a share; the latest close unless told.",
    )


class SoldLotSerializer(serializers.Serializer[Any]):
    acquired = serializers.DateField()
    term = serializers.ChoiceField(choices=TERMS)
    shares = DecimalText()
    proceeds = DecimalText()
    basis = DecimalText()
    gain = DecimalText(help_text="Before wash sales.")
    disallowed = DecimalText()


class ReplacementSerializer(serializers.Serializer[Any]):
    """Shares bought that wash a loss of the sale."""

    bought_on = serializers.DateField()
    account = serializers.CharField()
    symbol = serializers.CharField()
    shares = DecimalText()
    amount = DecimalText(help_text="Dollars of loss that they take.")
    is_permanent = serializers.BooleanField(help_text="A retirement account bought them.")
    rules = serializers.CharField()


class ReadingSerializer(serializers.Serializer[Any]):
    """A switch of the firm that decides these wash sales, and the figures if it stood otherwise."""

    rule = serializers.CharField(help_text="U2, U3, U4, U5 or U7.")
    question = serializers.CharField()
    in_force = serializers.CharField(help_text="The firm's answer; the method's figures follow it.")
    reading = serializers.CharField(help_text="The other answer; the figures here follow it.")
    disallowed = DecimalText()
    permanent = DecimalText()
    short_allowed = DecimalText()
    long_allowed = DecimalText()
    tax = DecimalText(allow_null=True)
    carried = DecimalText(allow_null=True)


class MethodSerializer(serializers.Serializer[Any]):
    """One relief method; where ``refusal`` says why it is not possible the figures mean nothing."""

    relief = serializers.ChoiceField(source="code", choices=[relief.value for relief in Relief])
    refusal = serializers.CharField(help_text="Empty where the method is possible.")
    is_lowest = serializers.BooleanField(
        help_text="No method has less tax this year, nor more loss carried on at the same tax."
    )
    short_gain = DecimalText(source="short", help_text="Before wash sales.")
    long_gain = DecimalText(source="long", help_text="Before wash sales.")
    disallowed = DecimalText()
    permanent = DecimalText(help_text="The part of `disallowed` that is gone for ever.")
    short_allowed = DecimalText(help_text="What counts this year.")
    long_allowed = DecimalText(help_text="What counts this year.")
    tax = DecimalText(allow_null=True, help_text="This year's, more or (negative) less.")
    federal = DecimalText(allow_null=True)
    niit = DecimalText(allow_null=True)
    state = DecimalText(allow_null=True)
    carried = DecimalText(allow_null=True, help_text="Loss that goes into the next year.")
    open_until = serializers.DateField(
        allow_null=True, help_text="The last day on which a purchase can still wash a loss."
    )
    clean_from = serializers.DateField(
        allow_null=True, help_text="The first day on which the same sale would not be washed."
    )
    sold = SoldLotSerializer(many=True)
    replacements = ReplacementSerializer(many=True)
    readings = ReadingSerializer(
        many=True, help_text="Other readings of the unsettled points that decide these wash sales."
    )


class WhatIfSerializer(serializers.Serializer[Any]):
    account = serializers.UUIDField(source="position.account.public_id")
    security = serializers.UUIDField(source="position.security.public_id")
    symbol = serializers.CharField(source="position.security.symbol")
    as_of = serializers.DateField(help_text="The firm's business date, on which it would be sold.")
    shares = DecimalText(source="answer.shares")
    price = DecimalText(source="position.price")
    priced_on = serializers.DateField(
        source="position.priced_on", allow_null=True, help_text="Null: the price was sent."
    )
    tax_note = serializers.CharField(source="answer.tax_note", help_text="How tax was computed.")
    buy_back_from = serializers.DateField(
        source="answer.buy_back_from",
        help_text="The first day on which a purchase washes no loss of this sale.",
    )
    not_checked = serializers.ListField(
        source="answer.held_away", child=serializers.CharField(), help_text="Accounts held away."
    )
    methods = MethodSerializer(source="answer.columns", many=True)


class WhatIf(ClientView):
    @extend_schema(
        operation_id="what_if_read",
        parameters=[WhatIfQuery],
        responses={200: WhatIfSerializer, **refusals(400, 404, 422)},
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """What selling shares of one security today would do, by every relief method side by side."""
        shown = household(client(request), public_id)
        checked = WhatIfQuery(data=request.query_params.dict())
        checked.is_valid(raise_exception=True)
        asked, today = checked.validated_data, business_date(shown.firm)
        try:
            position = selectors.chosen(
                shown,
                account=asked["account"],
                symbol=asked["security"],
                price=asked.get("price"),
                today=today,
            )
            answer = selectors.answer(
                shown, position, shares=asked["shares"], picks=(), today=today
            )
        except LedgerError as refusal:
            raise WhatIfUnanswered(str(refusal)) from refusal
        told = {"position": position, "answer": answer, "as_of": today}
        return Response(WhatIfSerializer(told).data)
