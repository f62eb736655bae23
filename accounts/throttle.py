"""How often one token may call: counted a minute at a time in Valkey, for all web workers together."""

import logging
from functools import lru_cache
from time import time

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.models import ApiToken

logger = logging.getLogger(__name__)
MINUTE = 60


class TokenThrottle(BaseThrottle):
    """At most ``settings.API_CALLS_A_MINUTE`` calls of a token in a minute of the clock.

    Where Valkey does not answer, the call passes: it guards against haste, not against forgery.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return True  # nobody: refused before, by the permission
        try:
            return _calls_so_far(token.pk) <= int(settings.API_CALLS_A_MINUTE)
        except redis.RedisError:
            logger.warning("calls are not counted: Valkey does not answer", exc_info=True)
            return True

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return MINUTE - time() % MINUTE


def _calls_so_far(token_id: int) -> int:
    key = f"lotwise:calls:{token_id}:{int(time()) // MINUTE}"
    with _client(settings.REDIS_URL).pipeline() as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, 2 * MINUTE)
        return int(pipeline.execute()[0])


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
