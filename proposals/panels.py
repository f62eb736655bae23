"""Parts of the proposal page that rooms above add: they know the page, it does not know them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from proposals.models import Proposal
from proposals.types import ProposalKind

Typed = Mapping[str, str]  # what a person typed into a part's form that was refused
NOTHING: Typed = {}


@dataclass(frozen=True, slots=True)
class Panel:
    """A template, and what it shows of a proposal; None where it shows nothing."""

    template: str
    context: Callable[[User, Proposal, Typed], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with what it shows."""

    template: str
    context: Mapping[str, object]


_panels: dict[ProposalKind, list[Panel]] = {}


def add(kind: ProposalKind, panel: Panel) -> None:
    """Add a panel to the pages of a kind, once, when its room is set up."""
    known = _panels.setdefault(kind, [])
    if panel not in known:
        known.append(panel)


def of(user: User, proposal: Proposal, typed: Typed = NOTHING) -> Sequence[Shown]:
    """The panels of a proposal's page, in the order in which they were added."""
    found = [
        (panel.template, panel.context(user, proposal, typed))
        for panel in _panels.get(ProposalKind(proposal.kind), ())
    ]
    return [Shown(template, context) for template, context in found if context is not None]
