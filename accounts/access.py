"""The one door between a user and client data: default deny, firm by firm.

A model names the way to its firm in ``firm_path``; a model without one cannot be asked for from outside at all.
"""

from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.errors import NotAllowed
from accounts.models import User
from accounts.types import Role

M = TypeVar("M", bound=Model)


class Action(StrEnum):
    """What the roles are about."""

    READ = "read"
    DECIDE = "decide"  # approve and reject proposals
    TRADE = "trade"  # export orders, load fills
    IMPORT = "import"
    SCAN = "scan"


_PEOPLE = frozenset({Role.ADVISER, Role.APPROVER, Role.OPERATIONS})
_ALLOWED = {
    Action.READ: _PEOPLE | {Role.API_CLIENT},
    Action.DECIDE: frozenset({Role.ADVISER, Role.APPROVER}),
    Action.TRADE: frozenset({Role.OPERATIONS, Role.ADVISER}),
    Action.IMPORT: frozenset({Role.OPERATIONS, Role.ADVISER, Role.API_CLIENT}),
    Action.SCAN: frozenset({Role.OPERATIONS, Role.ADVISER}),
}


def visible(user: User, model: type[M]) -> QuerySet[M]:
    """All rows of the model that belong to the user's firm; none for a user without a firm.

    Raises TypeError for a model that does not say whose it is.
    """
    path = getattr(model, "firm_path", None)
    if path is None:
        raise TypeError(f"{model.__name__} has no firm_path: it cannot be shown to anybody")
    manager = model._default_manager
    if not user.is_active or user.firm_id is None:
        return manager.none()
    return manager.filter(**{path: user.firm_id})


def visible_or_404(user: User, model: type[M], public_id: UUID) -> M:
    """One row by its public id. Another firm's row answers exactly like one that does not exist: 404."""
    return get_object_or_404(visible(user, model), public_id=public_id)


def may(user: User, action: Action) -> bool:
    """Whether the user's role permits the action."""
    return user.is_active and user.firm_id is not None and Role(user.role) in _ALLOWED[action]


def require(user: User, action: Action) -> None:
    """Raises NotAllowed unless the user's role permits the action."""
    if not may(user, action):
        raise NotAllowed(f"Your role ({user.role}) does not permit this action ({action}).")


def person(request: HttpRequest) -> User:
    """The signed-in person of a web request. Raises NotAllowed for nobody, or for an API client."""
    user = request.user
    if not isinstance(user, User) or user.firm is None or user.role == Role.API_CLIENT:
        raise NotAllowed("Sign in as a person of a firm.")
    return user
