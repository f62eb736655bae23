"""Guards around every web request: nothing larger than an upload may be, no NUL, nothing kept by a browser."""

from collections.abc import Callable
from urllib.parse import unquote_plus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Respond = Callable[[HttpRequest], HttpResponse]
_ROOM_FOR_A_FORM = 1024 * 1024  # a file's form has a little more than the file


def size_guard(get_response: Respond) -> Respond:
    """413 by the announced length, before anybody (CSRF first of all) reads the body."""
    limit = settings.IMPORT_MAX_BYTES + _ROOM_FOR_A_FORM

    def respond(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isascii() or not length.isdigit() or int(length) > limit:
            text = f"The request is larger than {settings.IMPORT_MAX_BYTES // 1024**2} MB: nothing was read.\n"
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return respond


def text_guard(get_response: Respond) -> Respond:
    """400 for a NUL in the address: PostgreSQL cannot store one, and no page needs one."""

    def respond(request: HttpRequest) -> HttpResponse:
        if "\x00" in unquote_plus(request.META.get("QUERY_STRING", "")):
            text = "The address holds a character that cannot be searched for.\n"
            return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return respond


def no_store(get_response: Respond) -> Respond:
    """Client data must not come back from a browser's memory after sign-out."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return respond
