"""What becomes of a version that an adviser edited when a night looks at the household again.

It gives way, and the proposal in its place says so. A night never merges an edit into its own trades: lines that were
fixed on other prices and lots are the adviser's to fix again. What was edited, by whom and for when is told on every
proposal that follows until somebody decides.
"""

from dataclasses import replace
from datetime import date

from accounts.models import Household
from accounts.services import record_audit
from proposals.models import Proposal
from proposals.services.life import SYSTEM
from proposals.types import DraftProposal, ProposalKind, Status

_KEY = "in_place_of"  # of the explanation


def pending_edit(household_id: int) -> Proposal | None:
    """The household's pending rebalance where an adviser made it, or where it took such a one's place undecided."""
    pending = Proposal.objects.filter(
        household=household_id, kind=ProposalKind.REBALANCE, status=Status.PENDING
    ).first()
    if pending is None or not ({"edited", _KEY} & pending.explanation.keys()):
        return None
    return pending


def with_notice(draft: DraftProposal, edit: Proposal) -> DraftProposal:
    """The draft, telling in its explanation which edited version it takes the place of."""
    return replace(draft, explanation={**draft.explanation, _KEY: _notice(edit)})


def told_without(edit: Proposal) -> str:
    """A sentence for a night that proposes nothing in its place."""
    notice = _notice(edit)
    return f"The version that {notice['by']} edited for {notice['as_of']} has given way."


def record(edit: Proposal, new: Proposal | None, *, as_of: date) -> None:
    """Keep in the audit chain that the night of ``as_of`` took the place of a version that was edited.

    Nothing is kept of one that only followed it: its place is no person's work.
    """
    if "edited" not in edit.explanation:
        return
    record_audit(
        firm=Household.objects.select_related("firm").get(pk=edit.household_id).firm,
        actor=SYSTEM,
        action="proposal.edit_replaced",
        subject=f"proposal {edit.public_id}",
        facts={
            **_notice(edit),
            "its_content_sha256": edit.content_sha256,
            "night": as_of,
            "replaced_by": None if new is None else new.public_id,
        },
    )


def _notice(edit: Proposal) -> dict[str, object]:
    known = edit.explanation.get(_KEY)
    if known is not None and "edited" not in edit.explanation:
        return dict(known)
    edited = edit.explanation["edited"]
    rows = [] if "frontier" in edit.explanation else edited["rows"]
    return {
        "proposal": str(edit.public_id),
        "by": edited["by"],
        "as_of": edit.as_of.isoformat(),
        "version": edit.version,
        "rows": rows,
        "point": edit.explanation.get("frontier", {}).get("point"),
    }
