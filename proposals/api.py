"""GET windows and proposals, for the client systems of a firm."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.client_views import ClientList, ClientView, client, query
from accounts.openapi import refusals
from accounts.selectors import business_date, household
from proposals import selectors
from proposals.serializers import (
    ProposalDetailSerializer,
    ProposalQuery,
    ProposalSerializer,
    WindowsSerializer,
)
from proposals.types import ProposalKind, ReasonCode, Status


class HouseholdWindows(ClientView):
    @extend_schema(
        operation_id="windows_read",
        responses={200: WindowsSerializer, **refusals(404)},
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """What the household must not trade on the firm's business date, soonest clear first."""
        shown = household(client(request), public_id)
        as_of = business_date(shown.firm)
        windows = selectors.window_rows(shown.pk, as_of)
        table = selectors.window_table(shown, as_of)
        ahead = selectors.coming_purchases(shown.pk, as_of)
        detail = {
            "household": shown,
            "as_of": as_of,
            "windows": windows,
            "groups": table.rows,
            "not_checked": table.not_checked,
            "switches": [one.instruction for one in ahead if one.instruction],
        }
        return Response(WindowsSerializer(detail).data)


class ProposalList(ClientList):
    @extend_schema(
        operation_id="proposals_list",
        parameters=[ProposalQuery],
        responses={200: ProposalSerializer(many=True), **refusals(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """The firm's proposals, newest night and largest saving first."""
        user, asked = client(request), query(request, ProposalQuery)
        rows = selectors.inbox(
            user,
            status=Status(asked["status"]) if "status" in asked else None,
            kind=ProposalKind(asked["kind"]) if "kind" in asked else None,
            reason=ReasonCode(asked["reason"]) if "reason" in asked else None,
        )
        if "household" in asked:
            rows = rows.filter(household=household(user, asked["household"]))
        return self.page(rows, ProposalSerializer)


class ProposalRead(ClientView):
    @extend_schema(
        operation_id="proposals_read",
        responses={200: ProposalDetailSerializer, **refusals(404)},
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """One proposal with its trades, the lots they sell, and the decision."""
        shown = selectors.proposal(client(request), public_id)
        return Response(ProposalDetailSerializer(shown).data)
