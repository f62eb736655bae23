"""API clients for tests: Django's test client with a real bearer token."""

from django.test import Client

from accounts.models import Firm, User
from accounts.services import issue_token
from accounts.types import Role

API = "/api/v1/"


def make_api_user(firm: Firm, username: str = "robot") -> User:
    """An API client of the firm, without a password."""
    user, _ = User.objects.get_or_create(
        username=username, defaults={"firm": firm, "role": Role.API_CLIENT}
    )
    return user


def make_client(firm: Firm, username: str = "robot") -> Client:
    """A client that sends a token of the firm's API client."""
    return with_token(issue_token(user=make_api_user(firm, username), label="test"))


def with_token(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})
