"""What every step of a proposal's life shares: the move from state to state, the audit event, the fresh role.

Lock order: household, then proposals, then orders, each by ascending id (``accounts.locks``).
"""

from collections.abc import Iterable, Mapping
from datetime import date

from django.db import transaction
from django.db.models import QuerySet

from accounts import access
from accounts.access import Action
from accounts.errors import Conflict
from accounts.locks import lock_households
from accounts.models import Firm, Household, User
from accounts.services import record_audit
from proposals.models import Order, Proposal
from proposals.transitions import may_move, may_move_order
from proposals.types import OrderStatus, ProposalKind, Status

SYSTEM = "lotwise"  # the actor of what no person did


def move(proposal_id: int, current: Status, target: Status) -> None:
    """Compare and set the status. Raises Conflict where somebody else moved it first."""
    if not may_move(current, target):
        raise Conflict(f"A proposal that is {current} cannot become {target}.")
    rows = Proposal.objects.filter(pk=proposal_id, status=current).update(status=target)
    if rows != 1:
        raise Conflict(f"The proposal is not {current} any more: load the page again.")


def move_orders(
    orders: QuerySet[Order], current: OrderStatus, target: OrderStatus, **values: object
) -> int:
    """Move those of the orders that are ``current`` and say how many. Raises Conflict for a move that cannot be."""
    if not may_move_order(current, target):
        raise Conflict(f"An order that is {current} cannot become {target}.")
    return orders.filter(status=current).update(status=target, **values)


def supersede_pending(*, household_id: int, kind: ProposalKind, as_of: date) -> int:
    """Let the pending proposal of a kind give way to the night of ``as_of``; the caller holds the lock."""
    rows = Proposal.objects.filter(household=household_id, kind=kind, status=Status.PENDING)
    return _end_all(rows.order_by("pk"), Status.SUPERSEDED, as_of)


@transaction.atomic
def expire(*, firm_id: int, as_of: date) -> int:
    """End the pending proposals whose time is over on ``as_of``; returns how many."""
    due = Proposal.objects.filter(
        household__firm=firm_id, status=Status.PENDING, expires_on__lt=as_of
    )
    lock_households(due.values_list("household_id", flat=True))
    return _end_all(due.order_by("household_id", "pk"), Status.EXPIRED, as_of)


def _end_all(proposals: Iterable[Proposal], target: Status, as_of: date) -> int:
    ended = 0
    for proposal in proposals:
        move(proposal.pk, Status.PENDING, target)
        audit(proposal, SYSTEM, f"proposal.{target}", {"as_of": as_of})
        ended += 1
    return ended


def require_now(user: User, action: Action) -> Firm:
    """The user's firm, role and firm as they are in the database now: a role may have been taken away (A8)."""
    fresh = User.objects.select_related("firm").get(pk=user.pk)
    access.require(fresh, action)
    assert fresh.firm is not None, "access.require wants a firm"
    return fresh.firm


def audit(proposal: Proposal, actor: str, action: str, facts: Mapping[str, object]) -> None:
    household = Household.objects.select_related("firm").get(pk=proposal.household_id)
    record_audit(
        firm=household.firm,
        actor=actor,
        action=action,
        subject=f"proposal {proposal.public_id}",
        facts={"kind": proposal.kind, "household": household.public_id, **facts},
    )
