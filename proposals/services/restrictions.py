"""What must not be bought or sold: said by a person, dated, with a reason (F37)."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction

from accounts import access
from accounts.access import Action
from accounts.errors import Conflict
from accounts.locks import lock_household, lock_households
from accounts.models import Account, Firm, Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from proposals.models import Restriction
from proposals.services.life import require_now
from proposals.types import RestrictionKind
from securities.models import Security


def restrict(
    *,
    user: User,
    security_id: int,
    kind: RestrictionKind,
    reason: str,
    since: date | None = None,
    until: date | None = None,
    limit: Decimal | None = None,
    household_id: int | None = None,
    account_id: int | None = None,
) -> Restriction:
    """Restrict a security from ``since`` (today) to ``until`` (until it is lifted), both included.

    ``limit`` is the fraction of the kinds that have one (HOLD_GAINS, MAX_WEIGHT).

    For one account, for one household, or with neither for the whole firm. What is proposed or approved already is
    refused at its approval, or held back at the export. Raises NotAllowed, Conflict for no reason, for dates the wrong
    way round and for the same restriction twice, and DoesNotExist for what is not the firm's.
    """
    with transaction.atomic():
        firm = require_now(user, Action.DECIDE)
        account = Account.objects.get(firm=firm, pk=account_id) if account_id else None
        if account is not None:
            household_id = account.household_id
        security = Security.objects.get(firm=firm, pk=security_id)
        household = _locked(firm, household_id)
        since = since or business_date(firm)
        reason = reason.strip()
        if not reason:
            raise Conflict("A restriction needs a reason: say why in a sentence.")
        _check_limit(kind, limit, has_account=account is not None)
        if until is not None and until < since:
            raise Conflict(f"A restriction from {since} cannot end on {until}.")
        same = Restriction.objects.filter(
            firm=firm, household=household, account=account, security=security, kind=kind
        )
        for row in same:
            if row.since <= (until or date.max) and since <= (row.until or date.max):
                ends = f"until {row.until}" if row.until else "without an end"
                raise Conflict(
                    f"{security} is restricted in this way already, since {row.since} {ends}: lift "
                    "that restriction first."
                )
        row = Restriction.objects.create(
            firm=firm,
            household=household,
            account=account,
            security=security,
            kind=kind,
            since=since,
            until=until,
            limit=limit,
            reason=reason,
            author=user,
        )
        _audit(row, user, "restriction.made", {"reason": reason})
    return row


def _check_limit(kind: RestrictionKind, limit: Decimal | None, *, has_account: bool) -> None:
    """Raises Conflict for a limit that is missing, out of place, or no fraction."""
    if kind.has_limit != (limit is not None):
        text = "needs a limit: a fraction such as 0.1" if kind.has_limit else "has no limit"
        raise Conflict(f"A restriction of the kind {kind} {text}.")
    if limit is not None and not 0 <= limit <= 1:
        raise Conflict(f"The limit is a fraction from 0 to 1, not {limit}.")
    if kind is RestrictionKind.MAX_WEIGHT and has_account:
        raise Conflict("A largest weight is one of the household: leave the account out.")


def lift_restriction(*, user: User, restriction_id: int, reason: str) -> Restriction:
    """End a restriction today; the row stays on record. Raises NotAllowed, or Conflict for one that is over.

    From today on it is in force no more, so its last day is yesterday; one that began today or begins later ends before
    it took effect and is taken off the books, the audit trail keeps it.
    """
    with transaction.atomic():
        firm = require_now(user, Action.DECIDE)
        row = access.visible(user, Restriction).filter(pk=restriction_id).first()
        if row is None:
            raise Conflict("There is no such restriction any more: load the page again.")
        _locked(firm, row.household_id)
        row.refresh_from_db()
        today = business_date(firm)
        if row.until is not None and row.until < today:
            raise Conflict(f"This restriction ended on {row.until}.")
        reason = reason.strip()
        if not reason:
            raise Conflict("Lifting a restriction needs a reason: say why in a sentence.")
        _audit(row, user, "restriction.lifted", {"reason": reason})
        if row.since >= today:
            row.delete()
        else:
            row.until = today - timedelta(days=1)
            row.save(update_fields=["until"])
    return row


def _locked(firm: Firm, household_id: int | None) -> Household | None:
    """Lock what the restriction reaches: nothing is approved while it changes."""
    if household_id is None:
        lock_households(Household.objects.filter(firm=firm).values_list("pk", flat=True))
        return None
    household = Household.objects.get(firm=firm, pk=household_id)
    return lock_household(household.pk)


def _audit(row: Restriction, user: User, action: str, facts: dict[str, object]) -> None:
    record_audit(
        firm=row.firm,
        actor=user.username,
        action=action,
        subject=f"restriction {row.pk}",
        facts={
            "kind": row.kind,
            "security": row.security.public_id,
            "household": row.household.public_id if row.household else "",
            "account": row.account.public_id if row.account else "",
            "since": row.since,
            "until": row.until or "",
            "limit": "" if row.limit is None else row.limit,
            **facts,
        },
    )
