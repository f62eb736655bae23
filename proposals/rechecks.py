"""What rooms above look at once more before a proposal is approved: they know approvals, these do not know them."""

from collections.abc import Callable, Iterable
from datetime import date

from proposals.models import Proposal
from proposals.staleness import UNSAID, PriceAge
from proposals.types import Moved, ProposalKind

Recheck = Callable[[Proposal, date], Iterable[Moved]]
AgeOf = Callable[[Proposal], PriceAge | None]

_rechecks: dict[ProposalKind, list[Recheck]] = {}
_before_release: dict[ProposalKind, list[Recheck]] = {}
_price_ages: dict[ProposalKind, AgeOf] = {}


def add(kind: ProposalKind, recheck: Recheck, *, is_lasting: bool = False) -> None:
    """Ask ``recheck`` for what has moved before every approval of the kind; once, when its room is set up.

    One that ``is_lasting`` is asked again before what was approved leaves for the custodian.
    """
    for known in (_rechecks, _before_release) if is_lasting else (_rechecks,):
        asked = known.setdefault(kind, [])
        if recheck not in asked:
            asked.append(recheck)


def add_price_age(kind: ProposalKind, age_of: AgeOf) -> None:
    """Ask ``age_of`` how old a price a proposal of the kind was permitted to be made at, None = it does not say."""
    _price_ages[kind] = age_of


def price_age(proposal: Proposal) -> PriceAge:
    """How old a price may be when the proposal is approved: as old as the night that made it permitted (T46)."""
    age_of = _price_ages.get(ProposalKind(proposal.kind))
    return (age_of(proposal) if age_of else None) or UNSAID


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
