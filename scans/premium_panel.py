"""The rebalancing premium on the page of a contrarian rebalance, as a review has measured it (F21)."""

from collections.abc import Mapping

from accounts.models import User
from proposals import panels
from proposals.models import Proposal
from proposals.panels import Panel, Typed
from proposals.types import ProposalKind, ReasonCode
from rebalancing.reviews.types import FindingState, Topic
from scans.models import ReviewFinding
from scans.types import REVIEWS


def add_panel() -> None:
    """Called once, when the room is set up."""
    panels.add(ProposalKind.REBALANCE, Panel("scans/premium_panel.html", panel))


def panel(user: User, proposal: Proposal, typed: Typed) -> Mapping[str, object] | None:
    """What the newest review up to the proposal's day says of it; None for a rebalance that is not contrarian.

    One query, none where it is not. A review that has returns and no premium knows no rebalance of the twelve months.
    """
    if ReasonCode.CONTRARIAN not in proposal.reasons:
        return None
    found = (
        ReviewFinding.objects.filter(
            household=proposal.household_id,
            topic__in=(Topic.PREMIUM, Topic.PERFORMANCE),
            review__run__job__in=REVIEWS,
            review__run__business_date__lte=proposal.as_of,
        )
        .select_related("review__run")
        # Of one review the premium comes before the returns.
        .order_by("-review__run__business_date", "-review", "-topic", "place")
        .first()
    )
    if found is None:
        return {"review": None}
    is_premium, is_unknown = found.topic == Topic.PREMIUM, found.state == FindingState.UNKNOWN
    return {
        "review": found.review,
        "premium": found.sentence if is_premium else "",
        "why_not": found.sentence if is_unknown and not is_premium else "",
    }
