"""What rooms above look at once more before a proposal is approved: they know approvals, these do not know them."""

from collections.abc import Callable, Iterable
from datetime import date

from proposals.models import Proposal
from proposals.types import Moved, ProposalKind

Recheck = Callable[[Proposal, date], Iterable[Moved]]

_rechecks: dict[ProposalKind, list[Recheck]] = {}


def add(kind: ProposalKind, recheck: Recheck) -> None:
    """Ask ``recheck`` for what has moved before every approval of the kind; once, when its room is set up."""
    known = _rechecks.setdefault(kind, [])
    if recheck not in known:
        known.append(recheck)


def moved(proposal: Proposal, today: date) -> tuple[Moved, ...]:
    """What they say has moved since the proposal was computed."""
    asked = _rechecks.get(ProposalKind(proposal.kind), ())
    return tuple(one for recheck in asked for one in recheck(proposal, today))
