"""GET lots and transactions, POST transactions, for the client systems of a firm."""

from collections.abc import Mapping
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.client_views import ClientList, client, query
from accounts.idempotency import keyed_response
from accounts.openapi import IDEMPOTENCY_KEY, REPLAYED, refusals
from accounts.selectors import account, household
from lots import postings, selectors
from lots.serializers import (
    AccountQuery,
    BookedSerializer,
    BookingQuery,
    LotSerializer,
    PreviewSerializer,
    TransactionSerializer,
    TransactionsInput,
)

M = TypeVar("M", bound=Model)


class LotList(ClientList):
    @extend_schema(
        operation_id="lots_list",
        parameters=[AccountQuery],
        responses={200: LotSerializer(many=True), **refusals(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """The lots that are held, oldest first."""
        rows = _of_the_place(request, selectors.tax_lots(client(request)))
        return self.page(rows, LotSerializer)


class Transactions(ClientList):
    @extend_schema(
        operation_id="transactions_list",
        parameters=[AccountQuery],
        responses={200: TransactionSerializer(many=True), **refusals(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """The booked transactions in the order of their execution."""
        rows = _of_the_place(request, selectors.transactions(client(request)))
        return self.page(rows, TransactionSerializer)

    @extend_schema(
        operation_id="transactions_book",
        parameters=[IDEMPOTENCY_KEY, REPLAYED, BookingQuery],
        request=TransactionsInput,
        responses={
            200: PreviewSerializer,
            201: BookedSerializer,
            **refusals(400, 413, 415, 422),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Book transactions, all or none. Inside a trade date their order is the order of execution.

        With `dry_run` nothing is booked, and the key stays free.
        """
        user = client(request)
        asked = BookingQuery(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        if asked.validated_data["dry_run"]:
            return Response(_preview(request))

        def effect() -> tuple[int, Mapping[str, object]]:
            checked = TransactionsInput(data=request.data)
            checked.is_valid(raise_exception=True)
            booked = postings.post(user=user, rows=checked.validated_data["transactions"])
            return 201, {"booked": booked.new, "known": booked.known}

        return keyed_response(request, user, effect)


def _preview(request: Request) -> Mapping[str, object]:
    checked = TransactionsInput(data=request.data)
    checked.is_valid(raise_exception=True)
    booked, changes = postings.preview(
        user=client(request), rows=checked.validated_data["transactions"]
    )
    return {
        "booked": booked.new,
        "known": booked.known,
        "alters_history": changes.alters_history,
        "changes": list(changes.lines()),
    }


def _of_the_place(request: Request, rows: QuerySet[M]) -> QuerySet[M]:
    """Only the rows of the account or household that the address names; another firm's is a 404."""
    user, asked = client(request), query(request, AccountQuery)
    if "household" in asked:
        rows = rows.filter(account__household=household(user, asked["household"]))
    if "account" in asked:
        rows = rows.filter(account=account(user, asked["account"]))
    return rows
