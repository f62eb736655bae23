"""Decisions on what is substantially identical (R24): an author, a reason, dates, and what follows rebuilt."""

from collections.abc import Collection
from datetime import date

from django.db import IntegrityError, transaction

from accounts import access
from accounts.errors import Conflict
from accounts.locks import lock_firm, lock_households
from accounts.models import Firm, User
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import selectors
from lots.errors import LedgerError
from lots.services.policies import reason_given
from lots.services.rebuilding import rebuild_lots
from securities.models import IdenticalGroup, IdenticalMember, IdenticalOverride, Security


@transaction.atomic
def join_group(
    *, user: User, group_id: int, security_id: int, since: date | None, reason: str
) -> IdenticalMember:
    """Let a security belong to an identical group from a day on (None = always), and rebuild who traded the group.

    Raises NotAllowed, ReasonMissing, DoesNotExist for what is not the firm's, and Conflict where the
    security belongs to a group already, where it belonged later than ``since``, or where a substitute would become
    identical to what it replaces.
    """
    firm, reason = _locked_firm(user), reason_given(reason)
    group = IdenticalGroup.objects.get(firm=firm, pk=group_id)
    security = Security.objects.get(firm=firm, pk=security_id)
    _refuse_overlap(group, security, since)
    _lock(group, security)
    try:
        with transaction.atomic():
            member = IdenticalMember.objects.create(group=group, security=security, since=since)
    except IntegrityError as error:
        raise Conflict(
            f"{security} is a substitute of a member of {group.name}, or a member one of its: "
            "strike the substitute first."
        ) from error
    _rebuild(_members(group))
    _record(user, firm, "identical_member.joined", group.name, reason, security=security.symbol,
            since=since)  # fmt: skip
    return member


@transaction.atomic
def leave_group(*, user: User, member_id: int, ended_on: date, reason: str) -> IdenticalMember:
    """End a membership on a day, the last one on which it counts, and rebuild who traded the group.

    Raises NotAllowed, ReasonMissing, DoesNotExist, and Conflict for a membership that has ended, a day before it
    began, or a day to come: nobody knows it yet.
    """
    firm, reason = _locked_firm(user), reason_given(reason)
    member = IdenticalMember.objects.select_related("group", "security").get(
        group__firm=firm, pk=member_id
    )
    if member.ended_on is not None:
        raise Conflict(f"{member} ended on {member.ended_on} already.")
    if member.since is not None and ended_on < member.since:
        raise Conflict(f"{member} begins on {member.since}: it cannot end on {ended_on}.")
    if ended_on > business_date(firm):
        raise Conflict(f"{ended_on} is still to come: end the membership when it has ended.")
    _lock(member.group)
    member.ended_on = ended_on
    member.save(update_fields=["ended_on"])
    _rebuild(_members(member.group))
    _record(user, firm, "identical_member.left", member.group.name, reason,
            security=member.security.symbol, ended_on=ended_on)  # fmt: skip
    return member


@transaction.atomic
def override_pair(
    *, user: User, first_id: int, second_id: int, is_identical: bool, reason: str
) -> IdenticalOverride:
    """Say of two securities that they are identical or not, whatever groups and indexes say, on all days.

    Raises NotAllowed, ReasonMissing, DoesNotExist, and Conflict for a security and itself, or for what is said already.
    """
    firm, reason = _locked_firm(user), reason_given(reason)
    if first_id == second_id:
        raise Conflict("A security is identical to itself: name two.")
    first, second = (Security.objects.get(firm=firm, pk=pk) for pk in sorted((first_id, second_id)))
    lock_households(selectors.traders([first.pk, second.pk]))
    last = IdenticalOverride.objects.filter(firm=firm, first=first, second=second).first()
    if last is not None and last.is_identical == is_identical:
        raise Conflict(f"That is said of {first} and {second} already.")
    try:
        with transaction.atomic():
            row = IdenticalOverride.objects.create(
                firm=firm, first=first, second=second, is_identical=is_identical, author=user,
                reason=reason,
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(
            f"One of {first} and {second} is the other's substitute: strike it first."
        ) from error
    _rebuild([first.pk, second.pk])
    _record(user, firm, "identical_override.set", f"{first} {second}", reason,
            is_identical=is_identical)  # fmt: skip
    return row


def _refuse_overlap(group: IdenticalGroup, security: Security, since: date | None) -> None:
    """Raises Conflict where the security belongs to a group, or belonged to this one on a day of the new stretch."""
    rows = IdenticalMember.objects.filter(security=security).select_related("group")
    active = rows.filter(ended_on=None).first()
    if active is not None:
        raise Conflict(f"{security} belongs to {active.group.name}: end that membership first.")
    last = rows.filter(group=group).order_by("-ended_on").first()
    if last is not None and last.ended_on is not None and (since is None or since < last.ended_on):
        raise Conflict(
            f"{security} left {group.name} on {last.ended_on}: say since when it belongs again."
        )


def _lock(group: IdenticalGroup, *more: Security) -> None:
    lock_households(selectors.traders({*_members(group), *(one.pk for one in more)}))


def _members(group: IdenticalGroup) -> set[int]:
    """Every security that belongs or belonged."""
    return set(group.members.values_list("security_id", flat=True))


def _rebuild(securities: Collection[int]) -> None:
    for household_id in selectors.traders(securities):
        try:
            rebuild_lots(household_id=household_id)
        except LedgerError as error:
            raise Conflict(
                f"The ledger of household {household_id} cannot be followed: {error}"
            ) from error


def _record(
    user: User, firm: Firm, action: str, subject: str, reason: str, **facts: object
) -> None:
    record_audit(
        firm=firm,
        actor=user.username,
        action=action,
        subject=subject[:120],
        facts={**facts, "reason": reason},
    )


def _locked_firm(user: User) -> Firm:
    """The user's firm, in which nothing is being booked: whoever trades the securities can be seen."""
    access.require(user, access.Action.DECIDE)
    assert user.firm is not None, "require refuses users without a firm"
    lock_firm(user.firm.pk)
    return user.firm
