"""What the OpenAPI document says of every operation: the bearer token and the ways to be refused."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from accounts.serializers import ErrorEnvelopeSerializer

_REFUSALS = {
    400: "The request is not valid; `problems` names each fault.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The token's role does not permit this.",
    404: "No such object in your firm.",
    409: "Somebody else was first, or what you saw has changed.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Understood, and refused: by the ledger's rules, or because the key served another request.",
    429: "Too many calls in this minute.",
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its hook
    """Names our token to the document."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "Made by `issue_token`."}


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    type=str,
    location=OpenApiParameter.HEADER,
    required=True,
    description="A new one for each new request, the same one to try again: "
    "1 to 200 printable ASCII characters without blanks.",
)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed",
    type=str,
    enum=["true"],
    location=OpenApiParameter.HEADER,
    response=[201],
    description="Set when this is the stored answer to an earlier request with the same key.",
)


def refusals(*statuses: int) -> dict[int, OpenApiResponse]:
    """The given error answers and those that every operation has: 401, 403 and 429."""
    return {
        status: OpenApiResponse(ErrorEnvelopeSerializer, description=_REFUSALS[status])
        for status in sorted({401, 403, 429, *statuses})
    }
