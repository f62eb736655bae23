"""A refusal becomes a page that says what is wrong; never a 500, never a half-done change."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import LotwiseError

logger = logging.getLogger(__name__)
_BUSY = (
    "Somebody else's work holds these records, or the database is away for the moment: try again."
)


class RefusalMiddleware:
    """Renders every LotwiseError that a web view raises, with its own status, and 503 where the database cannot now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):  # a lock's time, a deadlock
            logger.error("the page at %s failed", request.path, exc_info=exception)
            # text alone: the page's frame would ask the database again
            return HttpResponse(
                f"{_BUSY} Nothing was changed.\n",
                status=503,
                content_type="text/plain; charset=utf-8",
                headers={"Retry-After": "5"},
            )
        if not isinstance(exception, LotwiseError):
            return None
        context = {"refusal": exception, "problems": getattr(exception, "problems", ())}
        return render(request, "refused.html", context, status=exception.status)
