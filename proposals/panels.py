"""Parts of the proposal page that rooms above add, of the reader, the proposal and what he typed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from accounts.models import User
from accounts.page_panels import Panel, Panels, Shown
from proposals.models import Proposal
from proposals.types import ProposalKind

__all__ = ["NOTHING", "Panel", "Typed", "add", "of"]

Typed = Mapping[str, str]  # what a person typed into a part's form that was refused
NOTHING: Typed = {}

_panels: defaultdict[ProposalKind, Panels[[User, Proposal, Typed]]] = defaultdict(Panels)


def add(kind: ProposalKind, panel: Panel[[User, Proposal, Typed]]) -> None:
    """Add a panel to the pages of a kind, once, when its room is set up."""
    _panels[kind].add(panel)


def of(user: User, proposal: Proposal, typed: Typed = NOTHING) -> Sequence[Shown]:
    """The panels of a proposal's page, in the order in which they were added."""
    return _panels[ProposalKind(proposal.kind)].of(user, proposal, typed)
