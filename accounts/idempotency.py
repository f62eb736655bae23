"""A POST under an ``Idempotency-Key``: one effect, and the same bytes for whoever asks again."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.errors import LotwiseError
from accounts.models import User
from accounts.services import once

MOST_BYTES = 5 * 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class KeyNeeded(LotwiseError):
    """The request came without a usable key: a retry could do its work twice."""

    code = "idempotency_key_needed"


class BodyTooLarge(LotwiseError):
    code = "body_too_large"
    status = 413


def check_size(request: Request) -> None:
    """Raises BodyTooLarge by the announced length, before anything is read."""
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise BodyTooLarge(
            f"The body may have {MOST_BYTES:,} bytes: send the rows in several requests."
        )


def keyed_response(
    request: Request, user: User, effect: Callable[[], tuple[int, Mapping[str, object]]]
) -> HttpResponse:
    """Run ``effect`` once for this user, key and request, and answer with the stored bytes ever after.

    ``effect`` returns status and body. What it raises is kept nowhere: the same key may try again.
    Raises KeyNeeded, BodyTooLarge, and IdempotencyMismatch for a key that served another request.
    """
    check_size(request)
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise KeyNeeded(
            "Send an Idempotency-Key header, 1 to 200 printable ASCII characters without blanks: "
            "a new one for each new request, the same one when you try again."
        )
    told = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body)

    def text() -> tuple[int, str]:
        status, body = effect()
        return status, json.dumps(body, separators=(",", ":"))

    status, body, is_replay = once(user=user, key=key, request_sha256=told.hexdigest(), effect=text)
    response = HttpResponse(body, status=status, content_type="application/json")
    if is_replay:
        response["Idempotent-Replayed"] = "true"
    return response
