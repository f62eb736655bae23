"""What every view of the API for client systems has in common."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.access import Action, require
from accounts.errors import NotAllowed
from accounts.models import User
from accounts.serializers import MOST_ROWS_A_PAGE, ListQuery
from accounts.throttle import TokenThrottle

M = TypeVar("M", bound=Model)


class ClientPagination(LimitOffsetPagination):
    """``?limit=&offset=``: 100 rows unless told, at most 1,000."""

    default_limit = 100
    max_limit = MOST_ROWS_A_PAGE


class ClientView(APIView):
    """One operation for an API client: bearer token, role, calls a minute."""

    throttle_classes = [TokenThrottle]
    metadata_class = None
    needs = Action.READ

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises NotAllowed for a role that does not permit what the view needs."""
        super().initial(request, *args, **kwargs)
        require(client(request), self.needs)


class ClientList(ClientView, GenericAPIView[Any]):
    """One page of rows."""

    pagination_class = ClientPagination
    query_serializer: type[ListQuery] = ListQuery

    def page(self, rows: QuerySet[M], serializer: type[BaseSerializer[Any]]) -> Response:
        """The page that the address asks for, with count, next and previous."""
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer(page, many=True).data)


def client(request: Request) -> User:
    """The client's user. Raises NotAllowed for anybody else."""
    if not isinstance(request.user, User):
        raise NotAllowed("Send a bearer token.")
    return request.user


def query(request: Request, serializer: type[ListQuery]) -> dict[str, Any]:
    """The checked parameters of the address. Raises ValidationError naming an unknown or bad one."""
    checked = serializer(data=request.query_params.dict())
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


class NoSuchAddress(ClientView):
    """Whatever else stands under /api/v1/ answers in the envelope too."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises NotFound for every client and method."""
        super().initial(request, *args, **kwargs)
        raise NotFound
