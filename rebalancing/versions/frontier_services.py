"""The points beside a pending rebalance: computed by workers or when somebody asks, kept, and one of them picked."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from accounts import access
from accounts.access import Action
from accounts.models import User
from accounts.selectors import business_date
from lots.errors import LedgerError
from lots.selectors import open_lots
from proposals import selectors as proposal_selectors
from proposals.models import Proposal
from proposals.types import ProposalKind, ReasonCode, Status
from rebalancing.models import ProposalFrontier
from rebalancing.services import examine
from rebalancing.versions import edits as versions
from rebalancing.versions import frontier_points
from rebalancing.versions.edits import Edit, NoRebalance, NotResolved
from rebalancing.versions.frontier_points import FrontierWalk


@dataclass(frozen=True, slots=True)
class Found:
    """The points beside a rebalance as they are stored, or why there are none."""

    points: list[dict[str, object]]
    left_out: int
    why_none: str

    def columns(self, today: date) -> dict[str, Any]:
        """Of a ``ProposalFrontier``, by name."""
        return {
            "as_of": today,
            "points": self.points,
            "left_out": self.left_out,
            "why_none": self.why_none,
            "under_way": False,
        }


def frontier_of(proposal: Proposal) -> ProposalFrontier | None:
    """The points that are kept for a rebalance; of a pending one only those of today. Reads only."""
    known = ProposalFrontier.objects.filter(proposal=proposal, under_way=False).first()
    if known is None or proposal.status != Status.PENDING:
        return known
    return known if known.as_of == business_date(proposal.household.firm) else None


def find_points(*, user: User, public_id: UUID) -> ProposalFrontier:
    """Compute and keep the points of a pending rebalance, at most ``frontier_points.SECONDS`` of solving.

    Points of today are left as they are; where the workers found none, it is tried again. Raises NotAllowed, Http404,
    NoRebalance, and NotResolved for a proposal that is not pending any more.
    """
    access.require(user, Action.DECIDE)
    proposal = access.visible_or_404(user, Proposal, public_id)
    if proposal.kind != ProposalKind.REBALANCE:
        raise NoRebalance("Only a rebalance has other points beside it.")
    if proposal.status != Status.PENDING:
        raise NotResolved(f"This proposal is {proposal.status}: no more points are looked for.")
    known, today = frontier_of(proposal), business_date(proposal.household.firm)
    if known is not None and not known.tries:
        return known
    found = compute(proposal, today, seconds=frontier_points.SECONDS)
    row, _ = ProposalFrontier.objects.update_or_create(
        proposal=proposal, defaults={**found.columns(today), "tries": 0}
    )
    return row


def compute(proposal: Proposal, today: date, *, seconds: float) -> Found:
    """The points beside a pending rebalance on the lots and prices of ``today``. Reads only."""
    walk = FrontierWalk(
        lots={(lot.opening, lot.part): lot for lot in open_lots(proposal.household_id)},
        plan=versions.plan_of(proposal),
        seconds=seconds,
    )
    try:
        why_none = examine(
            household_id=proposal.household_id,
            as_of=today,
            drafts=versions.before(proposal),
            way=walk,
        ).detail
    except LedgerError as error:  # the page has more to show than this
        why_none = str(error)
    points = [frontier_points.record_of(point) for point in walk.points]
    return Found(points, walk.left_out, "" if points else why_none)


def pick(*, user: User, public_id: UUID, content_sha256: str, point: int) -> Proposal:
    """A new version with the trades of a point, counted from 0, at today's prices.

    Raises what ``versions.resolve`` raises, and NotResolved where the points are not kept any more or of another day.
    """
    shown = access.visible_or_404(user, Proposal, public_id)
    kept = ProposalFrontier.objects.filter(proposal=shown).first()
    today = business_date(shown.household.firm)
    # Points of another day come from other prices, and their proof from another risk model.
    if kept is None or kept.as_of != today or not 0 <= point < len(kept.points):
        raise NotResolved("This point is not kept any more: load the page again.")
    record = kept.points[point]
    new = versions.new_version(
        user=user,
        public_id=public_id,
        content_sha256=content_sha256,
        edit=Edit(
            rows=frontier_points.fixed_of(record),
            note=f"Point {point + 1} of {len(kept.points)}",
            reason=ReasonCode.FRONTIER.value,
            alone=frontier_points.proof_of_record(record),
            more={"frontier": {"point": point + 1, "of": len(kept.points)}},
        ),
    )
    if new.pk != shown.pk:  # the same points lie beside it
        ProposalFrontier.objects.update_or_create(
            proposal=new,
            defaults={**Found(kept.points, kept.left_out, "").columns(today), "tries": 0},
        )
    return new


def is_this(record: dict[str, object], proposal: Proposal) -> bool:
    """Whether a stored point is what the proposal proposes."""
    return frontier_points.is_of(record, proposal_selectors.draft_trades(proposal))
