"""Approving, rejecting, and taking an approval back."""

import json
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.access import Action
from accounts.canonical import canonical_text, sha256_of
from accounts.errors import Conflict
from accounts.locks import lock_household
from accounts.models import User
from accounts.selectors import business_date
from proposals import rechecks, selectors
from proposals.content import trade_facts
from proposals.errors import (
    AlreadyDecided,
    ContentChanged,
    StaleProposal,
    WashNotAccepted,
)
from proposals.models import (
    Decision,
    Proposal,
)
from proposals.services.life import audit, move, move_orders, require_now
from proposals.services.orders import make_orders
from proposals.staleness import moved_inputs
from proposals.types import (
    Moved,
    OrderStatus,
    Status,
    Verdict,
)

ZERO = Decimal(0)


def approve(
    *,
    user: User,
    public_id: UUID,
    content_sha256: str,
    note: str = "",
    accept_wash: Decimal | None = None,
) -> Proposal:
    """Approve exactly the content that was shown, after checking it against fresh facts under the household's lock.

    Writes the decision and the orders. ``accept_wash`` are the dollars of deferred loss that the user accepts by name:
    those of the proposal, no others (I9). Raises NotAllowed, Http404, AlreadyDecided, ContentChanged, WashNotAccepted,
    or StaleProposal with every input that moved; a stale proposal is marked so, and that stays.
    """
    with transaction.atomic(durable=True):
        proposal = decidable(user, public_id, content_sha256)
        _require_acceptance(proposal, accept_wash)
        moved = moved_since(proposal)
        if moved:
            move(proposal.pk, Status.PENDING, Status.STALE)
            facts = {"moved": [str(change) for change in moved]}
            audit(proposal, user.username, "proposal.stale", facts)
        else:
            move(proposal.pk, Status.PENDING, Status.APPROVED)
            _decide(proposal, user, Verdict.APPROVE, note, accepted=proposal.wash_deferred)
            make_orders(proposal)
    if moved:  # outside the transaction: the mark must outlive the refusal
        raise StaleProposal(moved)
    proposal.refresh_from_db()
    return proposal


def reject(*, user: User, public_id: UUID, content_sha256: str, note: str = "") -> Proposal:
    """Reject exactly the content that was shown. Raises NotAllowed, Http404, AlreadyDecided, ContentChanged."""
    with transaction.atomic(durable=True):
        proposal = decidable(user, public_id, content_sha256)
        move(proposal.pk, Status.PENDING, Status.REJECTED)
        _decide(proposal, user, Verdict.REJECT, note)
    proposal.refresh_from_db()
    return proposal


def cancel(*, user: User, public_id: UUID, note: str = "") -> Proposal:
    """Take back an approval while none of its orders has been exported.

    Raises NotAllowed, Http404, or Conflict once the orders have left.
    """
    with transaction.atomic(durable=True):
        require_now(user, Action.DECIDE)
        proposal = access.visible_or_404(user, Proposal, public_id)
        lock_household(proposal.household_id)
        proposal.refresh_from_db()
        if proposal.status != Status.APPROVED:
            raise Conflict(
                f"This proposal is {proposal.status}: only approved orders that were not exported "
                "can be taken back."
            )
        move(proposal.pk, Status.APPROVED, Status.CANCELLED)
        move_orders(proposal.orders.all(), OrderStatus.APPROVED, OrderStatus.CANCELLED)
        audit(proposal, user.username, "proposal.cancelled", {"note": note})
    proposal.refresh_from_db()
    return proposal


def decidable(user: User, public_id: UUID, content_sha256: str) -> Proposal:
    """The proposal, its household locked; refused unless it is pending and is what was looked at.

    Must run inside a transaction. Raises NotAllowed, Http404, AlreadyDecided, ContentChanged.
    """
    require_now(user, Action.DECIDE)
    household_id = access.visible_or_404(user, Proposal, public_id).household_id
    lock_household(household_id)
    proposal = Proposal.objects.select_related("household__firm").get(public_id=public_id)
    if proposal.status != Status.PENDING:
        raise AlreadyDecided(_how_it_ended(proposal))
    if content_sha256 != proposal.content_sha256:
        raise ContentChanged(
            "This proposal is not the one you looked at: load the page again and look at the trades."
        )
    stored = json.loads(proposal.content)
    rows = json.loads(canonical_text(trade_facts(selectors.draft_trades(proposal))))
    is_whole = (
        sha256_of(proposal.content) == proposal.content_sha256
        and stored["trades"] == rows
        and Decimal(stored.get("wash_deferred", 0)) == proposal.wash_deferred
    )
    if not is_whole:
        raise ContentChanged(
            "The stored trades are not the ones this proposal was made with. Reject it, tell "
            "whoever runs the system, and let the next scan make a fresh one."
        )
    return proposal


def _require_acceptance(proposal: Proposal, accept_wash: Decimal | None) -> None:
    """Raises WashNotAccepted unless exactly the deferred loss of the proposal is accepted."""
    deferred, accepted = proposal.wash_deferred, accept_wash or ZERO
    if accepted == deferred:
        return
    if deferred:
        raise WashNotAccepted(
            f"This is a strategic wash sale: ${deferred:,.2f} of its loss is deferred. Tick "
            f'"I accept that ${deferred:,.2f} of this loss is deferred" to approve it, or reject it.'
        )
    raise WashNotAccepted(
        f"This proposal defers no loss, ${accepted:,.2f} was accepted: load the page again."
    )


def _how_it_ended(proposal: Proposal) -> str:
    decision = Decision.objects.filter(proposal=proposal).select_related("user").first()
    if decision is None:
        return f"This proposal is {proposal.status}: it can no longer be decided."
    who = decision.user.get_full_name() or decision.user.username
    when = timezone.localtime(decision.decided_at)
    verb = "approved" if decision.verdict == Verdict.APPROVE else "rejected"
    return f"{who} {verb} this proposal on {when:%Y-%m-%d at %H:%M %Z}."


def moved_since(proposal: Proposal) -> tuple[Moved, ...]:
    """What has moved since a pending proposal was computed: what an approval would refuse it for."""
    household = proposal.household
    today = business_date(household.firm)
    on_the_way = selectors.intentions(household.pk, without=proposal.pk)
    moved = moved_inputs(
        selectors.draft_trades(proposal),
        selectors.facts(household.pk, today, on_the_way=on_the_way),
        as_of=proposal.as_of,
        expires_on=proposal.expires_on,
        tax_profile=json.loads(proposal.content)["tax_profile"],
        tax_profile_now=selectors.tax_profile_facts(household.pk, proposal.as_of.year),
        accepted_wash=proposal.wash_deferred,
        price_age=rechecks.price_age(proposal),
    )
    return (*moved, *selectors.waived_pairs(proposal), *rechecks.moved(proposal, today))


def _decide(
    proposal: Proposal, user: User, verdict: Verdict, note: str, *, accepted: Decimal = ZERO
) -> None:
    Decision.objects.create(
        proposal=proposal,
        user=user,
        verdict=verdict,
        note=note,
        accepted_wash=accepted,
        content_sha256=proposal.content_sha256,
    )
    facts = {"content_sha256": proposal.content_sha256, "note": note}
    if accepted:
        name = user.get_full_name() or user.username
        facts["accepted_wash"] = f"accepted ${accepted:.2f} of deferred loss by {name}"
    audit(
        proposal,
        user.username,
        f"proposal.{'approved' if verdict is Verdict.APPROVE else 'rejected'}",
        facts,
    )
