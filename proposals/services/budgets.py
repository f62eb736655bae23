"""Setting what a household accepts of gains and tax in a year."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import access
from accounts.access import Action
from accounts.locks import lock_household
from accounts.models import Household, User
from accounts.services import record_audit
from proposals.errors import NoReason
from proposals.models import GainBudget
from proposals.services.life import SYSTEM, require_now
from proposals.types import Proration

FIGURES = ("short_limit", "long_limit", "tax_limit", "proration")


@transaction.atomic
def set_budget(
    *,
    user: User,
    household: UUID,
    year: int,
    short_limit: Decimal | None,
    long_limit: Decimal | None,
    tax_limit: Decimal | None,
    reason: str,
    proration: Proration = Proration.NONE,
) -> GainBudget:
    """Set the three limits of a year, dollars, and how they open over it; None = no limit.

    ``household`` is its public id.

    Holds the household's lock, as submission and approval do: no decision is checked against limits that are being
    changed. Raises NotAllowed, Http404, NoReason.
    """
    firm = require_now(user, Action.DECIDE)
    if not reason.strip():
        raise NoReason("A budget needs a reason: say who asked for it, and why.")
    locked = lock_household(access.visible_or_404(user, Household, household).pk)
    known = GainBudget.objects.filter(household=locked, year=year).first()
    limits = {
        "short_limit": short_limit,
        "long_limit": long_limit,
        "tax_limit": tax_limit,
        "proration": proration.value,
    }
    row, _ = GainBudget.objects.update_or_create(
        household=locked,
        year=year,
        defaults={**limits, "reason": reason.strip(), "author": user},
    )
    record_audit(
        firm=firm,
        actor=user.username,
        action="budget.set",
        subject=f"household {locked.public_id}",
        facts={
            "year": year,
            "reason": reason.strip(),
            "limits": limits,
            "before": None if known is None else {name: getattr(known, name) for name in FIGURES},
        },
    )
    return row


def keep_limits(
    *,
    household: Household,
    year: int,
    short_limit: Decimal | None,
    long_limit: Decimal | None,
    tax_limit: Decimal | None,
    author: User,
    reason: str,
) -> GainBudget | None:
    """Set the limits of a year that has none yet, as somebody decided earlier; None where the year has its own.

    The caller holds the household's lock in a transaction.
    """
    limits = {"short_limit": short_limit, "long_limit": long_limit, "tax_limit": tax_limit}
    row, is_new = GainBudget.objects.get_or_create(
        household=household, year=year, defaults={**limits, "reason": reason, "author": author}
    )
    if not is_new:
        return None
    record_audit(
        firm=household.firm,
        actor=SYSTEM,
        action="budget.set",
        subject=f"household {household.public_id}",
        facts={"year": year, "reason": reason, "limits": limits, "before": None},
    )
    return row
