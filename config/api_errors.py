"""One envelope for every error of the API: {"error": {"code", "message", "problems"}}."""

import logging
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ValidationError
from rest_framework.exceptions import PermissionDenied as RestPermissionDenied
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from accounts.errors import LotwiseError

logger = logging.getLogger(__name__)


def handle(exception: Exception, context: dict[str, Any]) -> Response:
    """Turn a refusal into the envelope; what nobody foresaw goes to the log and says so in the envelope too."""
    set_rollback()
    if isinstance(exception, LotwiseError):
        problems = [str(problem) for problem in getattr(exception, "problems", ())]
        return _envelope(exception.status, exception.code, str(exception), problems)
    if isinstance(exception, Http404):
        exception = NotFound()  # another firm's object answers like one that does not exist
    elif isinstance(exception, PermissionDenied):
        exception = RestPermissionDenied()
    if isinstance(exception, ValidationError):
        return _envelope(400, "invalid", "The request is not valid.", _flatten(exception.detail))
    if isinstance(exception, APIException):
        response = _envelope(
            exception.status_code, str(exception.default_code), str(exception.detail), []
        )
        header = getattr(exception, "auth_header", None)
        if header:
            response["WWW-Authenticate"] = header
        wait = getattr(exception, "wait", None)
        if wait:
            response["Retry-After"] = str(ceil(wait))
        return response
    logger.error("the API failed at %s", context["request"].path, exc_info=exception)
    if isinstance(exception, OperationalError | InterfaceError):
        response = _envelope(
            503, "unavailable", "The database is away for the moment: try again.", []
        )
        response["Retry-After"] = "5"
        return response
    return _envelope(500, "failed", "Something failed on our side; nothing was changed.", [])


def _envelope(status: int, code: str, message: str, problems: list[str]) -> Response:
    body = {"error": {"code": code, "message": message, "problems": problems}}
    return Response(body, status=status)


def _flatten(detail: object, where: str = "") -> list[str]:
    """Problems as sentences that begin with the place: ``transactions[3].quantity: ...``."""
    if isinstance(detail, dict):
        return [
            line for key, value in detail.items() for line in _flatten(value, _inside(where, key))
        ]
    if isinstance(detail, list):
        if all(isinstance(item, ErrorDetail | str) for item in detail):
            return [f"{where}: {item}" if where else str(item) for item in detail]
        return [
            line
            for index, item in enumerate(detail)
            for line in _flatten(item, f"{where}[{index}]")
        ]
    return [f"{where}: {detail}" if where else str(detail)]


def _inside(where: str, key: object) -> str:
    """The place of a part: rows by number, fields by name, faults of the whole at the whole's own place."""
    if isinstance(key, int):
        return f"{where}[{key}]"
    if key == api_settings.NON_FIELD_ERRORS_KEY:
        return where or "body"
    return f"{where}.{key}" if where else str(key)
