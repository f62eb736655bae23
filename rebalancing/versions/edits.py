"""New versions of a pending rebalance: rows as an adviser fixed them, the rest solved again around them.

Everything happens under the household's lock, on today's lots and prices. The version that was looked at gives way by
its hash, so of two who edit at once the second is told. The new one is a proposal as any other: nothing of it is
approved by having been edited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts.errors import Conflict
from accounts.models import User
from accounts.selectors import business_date
from accounts.services import record_audit
from proposals import selectors as proposal_selectors
from proposals import services as proposal_services
from proposals.models import Proposal
from proposals.types import DraftProposal, ProposalKind, ReasonCode, Status
from rebalancing.services import examine
from rebalancing.telling.figures import Proof
from rebalancing.transition import selectors as transition_selectors
from rebalancing.versions.fixed_rows import FixedRow
from rebalancing.versions.ways import AroundRows, PlanStep


class NotResolved(Conflict):
    """No trades keep the rows as they were fixed; the text says what stands in their way."""

    code = "not_resolved"
    status = 422


class NoRebalance(Conflict):
    """Rows of another kind of proposal are not solved again: a harvest's pairs belong together."""

    code = "no_rebalance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What an edit is told and found as; ``alone``: nothing beside the rows is traded, and where they come from."""

    rows: tuple[FixedRow, ...]
    note: str
    reason: str = ReasonCode.EDITED.value
    alone: Proof | None = None
    more: Mapping[str, object] | None = None


def resolve(
    *,
    user: User,
    public_id: UUID,
    content_sha256: str,
    fixed: Sequence[FixedRow],
    note: str = "",
) -> Proposal:
    """A new version with the rows as they were fixed and everything else solved again.

    Raises NotAllowed, Http404, AlreadyDecided or ContentChanged for a version that is not the pending one any more,
    NoRebalance, NotResolved with every row that cannot be and why, BadDraft where the trades break a hard rule.
    """
    edit = Edit(rows=tuple(fixed), note=note)
    return new_version(user=user, public_id=public_id, content_sha256=content_sha256, edit=edit)


@transaction.atomic
def new_version(*, user: User, public_id: UUID, content_sha256: str, edit: Edit) -> Proposal:
    """Put an edit forward in the place of the version that was looked at. Raises as ``resolve``."""
    old = proposal_services.decidable(user, public_id, content_sha256)
    if old.kind != ProposalKind.REBALANCE:
        raise NoRebalance(
            f"This is a {old.kind.replace('_', ' ')}: only a rebalance is solved again."
        )
    firm = old.household.firm
    today = business_date(firm)
    moved = [str(change) for change in proposal_services.moved_since(old)]
    result = examine(
        household_id=old.household_id,
        as_of=today,
        drafts=before(old),
        way=AroundRows(
            rows=edit.rows,
            by=user.get_full_name() or user.username,
            plan=plan_of(old),
            alone=edit.alone,
            because=(edit.reason,),
            more={"moved": moved, **(edit.more or {})},
        ),
    )
    if result.draft is None:
        since = f" Since this version was computed: {'; '.join(moved)}." if moved else ""
        raise NotResolved(f"{result.detail}{since}")
    new = proposal_services.submit(draft=result.draft)
    record_audit(
        firm=firm,
        actor=user.username,
        action="proposal.edited",
        subject=f"proposal {new.public_id}",
        facts={
            "instead_of": old.public_id,
            "its_content_sha256": old.content_sha256,
            "content_sha256": new.content_sha256,
            "rows": len(edit.rows),
            "note": edit.note,
        },
    )
    return new


def before(old: Proposal) -> tuple[DraftProposal, ...]:
    """The household's pending harvest: the night counted it as executed, and so does the edit."""
    pending = Proposal.objects.filter(
        household=old.household_id, kind=ProposalKind.HARVEST, status=Status.PENDING
    )
    return tuple(
        DraftProposal(
            household=one.household_id,
            kind=ProposalKind(one.kind),
            as_of=one.as_of,
            sentence=one.sentence,
            reasons=tuple(one.reasons),
            trades=proposal_selectors.draft_trades(one),
            tax_saved=one.tax_saved,
            cost=one.cost,
            short_gain=one.short_gain,
            long_gain=one.long_gain,
        )
        for one in pending
    )


def plan_of(old: Proposal) -> PlanStep | None:
    """The plan whose step the proposal is, if it is still under way."""
    plan = transition_selectors.plan(old.household_id)
    if plan is None or "TRANSITION" not in old.reasons:
        return None
    return PlanStep(plan.started_on)
