"""Wash sales that our own orders made, against what was accepted by name (I9)."""

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum

from lots.models import Disposal, WashSale
from lots.types import Treatment
from proposals.models import Decision, Proposal
from proposals.types import OwnWash, ProposalKind, Verdict

ZERO = Decimal(0)


def unaccepted_washes(household_id: int) -> tuple[OwnWash, ...]:
    """Proposals whose filled sales were washed by shares that our orders bought, beyond what was accepted.

    What anybody else bought after the approval is left out: no decision could foresee it. What was booked before it
    counts, for the accepted sum did.
    """
    rows = list(
        WashSale.objects.filter(sale__account__household=household_id, sale__fill__isnull=False)
        .select_related("sale__fill__order", "replacement__fill")
        .order_by("sale_id", "ordinal")
    )
    by_proposal: dict[int, list[WashSale]] = {}
    for row in rows:
        by_proposal.setdefault(row.sale.fill.order.proposal_id, []).append(row)
    ours = [key for key, washes in by_proposal.items() if any(map(_is_ours, washes))]
    if not ours:
        return ()
    decisions = {
        one.proposal_id: one
        for one in Decision.objects.filter(proposal__in=ours, verdict=Verdict.APPROVE)
    }
    proposals = Proposal.objects.in_bulk(ours)
    found = [
        _own_wash(proposals[key], decisions.get(key), by_proposal[key]) for key in sorted(ours)
    ]
    return tuple(one for one in found if one.is_too_much)


def _is_ours(wash: WashSale) -> bool:
    return hasattr(wash.replacement, "fill")


def _own_wash(proposal: Proposal, decision: Decision | None, washes: Sequence[WashSale]) -> OwnWash:
    accepted = decision.accepted_wash if decision is not None else ZERO
    foreseen = [
        wash
        for wash in washes
        if _is_ours(wash) or (decision and wash.replacement.booked_at <= decision.decided_at)
    ]
    lost = [wash for wash in washes if _is_ours(wash) and wash.treatment == Treatment.PERMANENT]
    return OwnWash(
        proposal=proposal.public_id,
        kind=ProposalKind(proposal.kind),
        as_of=proposal.as_of,
        washed=sum((wash.amount for wash in foreseen), ZERO),
        as_shown=sum((_at_shown_price(wash) for wash in foreseen), ZERO),
        permanent=sum((wash.amount for wash in lost), ZERO),
        accepted=accepted,
    )


def _at_shown_price(wash: WashSale) -> Decimal:
    """Dollars that the same shares would have deferred at the price at which the sum was accepted."""
    sold = Disposal.objects.filter(sale=wash.sale_id).aggregate(
        shares=Sum("quantity"), proceeds=Sum("proceeds")
    )
    fell_by = wash.sale.fill.order.reference_price - sold["proceeds"] / sold["shares"]
    return Decimal(wash.amount - wash.shares * fell_by)
