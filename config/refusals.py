"""A refusal becomes a page that says what is wrong; never a 500, never a half-done change."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import LotwiseError


class RefusalMiddleware:
    """Renders every LotwiseError that a web view raises, with its own status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, LotwiseError):
            return None
        context = {"refusal": exception, "problems": getattr(exception, "problems", ())}
        return render(request, "refused.html", context, status=exception.status)
