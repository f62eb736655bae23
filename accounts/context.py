"""What every page's frame shows: the firm, its business date, and what the user may do."""

from django.http import HttpRequest

from accounts import access
from accounts.selectors import business_date


def desk(request: HttpRequest) -> dict[str, object]:
    """Context for the frame; empty before sign-in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or user.firm is None:
        return {}
    return {
        "firm": user.firm,
        "today": business_date(user.firm),
        "may": {action.value: access.may(user, action) for action in access.Action},
    }
