"""Bearer tokens of API clients: hashed at rest, revocable, effective on the next request."""

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import token_hash
from accounts.types import Role


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer lw_...`` of a user whose role is API client."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's user; None where no bearer token came along. Raises AuthenticationFailed (401)."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send one token: Authorization: Bearer TOKEN")
        now = timezone.now()
        token = (
            ApiToken.objects.select_related("user__firm")
            .filter(token_hash=token_hash(parts[1].decode(errors="replace")), revoked_at=None)
            .filter(Q(expires_at=None) | Q(expires_at__gt=now))
            .filter(user__is_active=True, user__role=Role.API_CLIENT)
            .first()
        )
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="lotwise"'
