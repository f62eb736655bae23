"""Windows and proposals as client systems see them."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import DecimalText, HouseholdQuery
from lots.serializers import OpeningSerializer
from lots.types import Term
from proposals.types import Origin, ProposalKind, ReasonCode, Side, Status, Verdict, WindowKind
from proposals.window_table import Grade

KINDS = [kind.value for kind in ProposalKind]
REASONS = [reason.value for reason in ReasonCode]
STATUSES = [status.value for status in Status]


class ProposalQuery(HouseholdQuery):
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    reason = serializers.ChoiceField(
        choices=REASONS,
        required=False,
        help_text="One of the proposal's reasons, whether the first or a further one.",
    )


class CauseSerializer(serializers.Serializer[Any]):
    """One fact that keeps a window open."""

    origin = serializers.ChoiceField(choices=[origin.value for origin in Origin])
    day = serializers.DateField()
    shares = DecimalText()
    text = serializers.CharField()
    retirement = serializers.BooleanField(help_text="Bought in a retirement account.")


class WindowSerializer(serializers.Serializer[Any]):
    """An open wash-sale window, or a reinvestment that endangers a loss."""

    symbol = serializers.CharField()
    what = serializers.ChoiceField(choices=[what.value for what in WindowKind])
    shares = DecimalText()
    clear_on = serializers.DateField(help_text="The first day on which it is safe again.")
    cause = serializers.CharField()
    permanent = serializers.BooleanField(
        help_text="A loss would be gone for ever: a retirement account is part of it."
    )
    is_endless = serializers.BooleanField(
        help_text="A scheduled purchase goes on: ``clear_on`` is only as far as plans were laid out."
    )
    opened_by = CauseSerializer(many=True)


class WindowSideSerializer(serializers.Serializer[Any]):
    """Selling at a loss today, or buying today."""

    shares = DecimalText()
    at_risk = DecimalText(help_text="Dollars of loss.")
    grade = serializers.ChoiceField(choices=[grade.value for grade in Grade])
    clear_on = serializers.DateField(allow_null=True, help_text="Null: clear.")
    days = serializers.IntegerField()
    is_endless = serializers.BooleanField()
    if_approved = serializers.DateField(
        allow_null=True, help_text="The clear date once what is pending is approved, if later."
    )
    opened_by = CauseSerializer(many=True, source="causes")


class GroupSerializer(serializers.Serializer[Any]):
    """An identical group of the household with a window open."""

    symbol = serializers.CharField()
    others = serializers.ListField(child=serializers.CharField(), help_text="Identical to it.")
    held = DecimalText()
    deferred = DecimalText(source="lost.deferred", help_text="Dollars, of sales in the window.")
    permanent = DecimalText(source="lost.permanent")
    incomplete = serializers.BooleanField()
    unreviewed = serializers.BooleanField()
    sell = WindowSideSerializer(allow_null=True)
    buy = WindowSideSerializer(allow_null=True)


class WindowsSerializer(serializers.Serializer[Any]):
    household = serializers.UUIDField(source="household.public_id")
    as_of = serializers.DateField(help_text="The firm's business date.")
    windows = WindowSerializer(many=True)
    groups = GroupSerializer(
        many=True, help_text="The same windows by identical group, with the dollars at stake."
    )
    not_checked = serializers.ListField(
        child=serializers.CharField(),
        help_text="Accounts held away: purchases there can disallow a loss, and were not seen.",
    )
    switches = serializers.ListField(
        child=serializers.CharField(), help_text="Reinvestments to switch off, in sentences."
    )


class TradeSerializer(serializers.Serializer[Any]):
    """Shares of one lot to sell, or shares to buy; trades of one ``pair`` stand or fall together."""

    ordinal = serializers.IntegerField()
    account = serializers.UUIDField(source="account.public_id")
    security = serializers.UUIDField(source="security.public_id")
    symbol = serializers.CharField(source="security.symbol")
    side = serializers.ChoiceField(choices=[side.value for side in Side])
    quantity = DecimalText()
    price = DecimalText()
    amount = DecimalText()
    opening = OpeningSerializer(allow_null=True, help_text="Of the lot to sell; null for buys.")
    part = serializers.IntegerField(allow_null=True)
    basis = DecimalText()
    term = serializers.ChoiceField(
        choices=[term.value for term in Term], allow_blank=True, help_text="Empty for buys."
    )
    pair = serializers.IntegerField(help_text="0: none.")
    reason = serializers.CharField()


class DecisionSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    by = serializers.CharField(source="user.username")
    note = serializers.CharField()
    accepted_wash = DecimalText(help_text="Dollars of deferred loss that this person accepted.")
    content_sha256 = serializers.CharField()
    decided_at = serializers.DateTimeField()


class ProposalSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    household = serializers.UUIDField(source="household.public_id")
    household_name = serializers.CharField(source="household.name")
    kind = serializers.ChoiceField(choices=KINDS)
    status = serializers.ChoiceField(choices=STATUSES)
    version = serializers.IntegerField()
    as_of = serializers.DateField()
    expires_on = serializers.DateField()
    sentence = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Stable codes.")
    tax_saved = DecimalText(help_text="Dollars; positive: less tax this year.")
    cost = DecimalText()
    wash_deferred = DecimalText(
        help_text="Dollars of loss that its own sales defer into shares held or bought: a strategic wash "
        "sale, approved only by a person who accepts the sum."
    )
    short_gain = DecimalText()
    long_gain = DecimalText()
    risk_before = DecimalText(allow_null=True, help_text="Tracking error, a fraction a year.")
    risk_after = DecimalText(allow_null=True)
    gap_bp = DecimalText(allow_null=True, help_text="Distance to the proven bound.")
    content_sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()


class ProposalDetailSerializer(ProposalSerializer):
    trades = TradeSerializer(many=True)
    decisions = DecisionSerializer(many=True)
