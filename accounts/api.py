"""GET households and accounts, for the client systems of a firm."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.client_views import ClientList, ClientView, client, query
from accounts.openapi import refusals
from accounts.serializers import (
    AccountSerializer,
    HouseholdDetailSerializer,
    HouseholdQuery,
    HouseholdSerializer,
    ListQuery,
)


class HouseholdList(ClientList):
    @extend_schema(
        operation_id="households_list",
        parameters=[ListQuery],
        responses={200: HouseholdSerializer(many=True), **refusals(400)},
    )
    def get(self, request: Request) -> Response:
        """The firm's households by name."""
        query(request, ListQuery)
        return self.page(selectors.households(client(request)), HouseholdSerializer)


class HouseholdRead(ClientView):
    @extend_schema(
        operation_id="households_read",
        responses={200: HouseholdDetailSerializer, **refusals(404)},
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """One household with its accounts."""
        user = client(request)
        household = selectors.household(user, public_id)
        detail = {
            "household": household,
            "as_of": selectors.business_date(household.firm),
            "accounts": selectors.accounts(user).filter(household=household),
        }
        return Response(HouseholdDetailSerializer(detail).data)


class AccountList(ClientList):
    @extend_schema(
        operation_id="accounts_list",
        parameters=[HouseholdQuery],
        responses={200: AccountSerializer(many=True), **refusals(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """The firm's accounts, or one household's. Another firm's household is a 404."""
        user, asked = client(request), query(request, HouseholdQuery)
        rows = selectors.accounts(user)
        if "household" in asked:
            rows = rows.filter(household=selectors.household(user, asked["household"]))
        return self.page(rows, AccountSerializer)
