"""What rooms above look at once more before a proposal is approved: they know approvals, these do not know them."""

from collections.abc import Callable, Iterable
from datetime import date

from proposals.models import Proposal
from proposals.types import Moved, ProposalKind

Recheck = Callable[[Proposal, date], Iterable[Moved]]

_rechecks: dict[ProposalKind, list[Recheck]] = {}
_before_release: dict[ProposalKind, list[Recheck]] = {}


def add(kind: ProposalKind, recheck: Recheck, *, is_lasting: bool = False) -> None:
    """Ask ``recheck`` for what has moved before every approval of the kind; once, when its room is set up.

    One that ``is_lasting`` is asked again before what was approved leaves for the custodian.
    """
    for known in (_rechecks, _before_release) if is_lasting else (_rechecks,):
        asked = known.setdefault(kind, [])
        if recheck not in asked:
            asked.append(recheck)


def moved(proposal: Proposal, today: date) -> tuple[Moved, ...]:
    """What they say has moved since the proposal was computed."""
    return _asked(_rechecks, proposal, today)


def moved_before_release(proposal: Proposal, today: date) -> tuple[Moved, ...]:
    """What the lasting ones say has moved since, of an approved proposal that is about to leave."""
    return _asked(_before_release, proposal, today)


def _asked(
    known: dict[ProposalKind, list[Recheck]], proposal: Proposal, today: date
) -> tuple[Moved, ...]:
    asked = known.get(ProposalKind(proposal.kind), ())
    return tuple(one for recheck in asked for one in recheck(proposal, today))
