"""A harvest that was once proposed, decided again from its stored record alone.

Asked for when somebody wants to know, years later, why a client was shown what they were shown. Nothing of today is
read: not the prices, lots, policies or mappings, only the proposal's own row. The code is today's; the row says which
version it was then.
"""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.canonical import canonical_text
from accounts.errors import LotwiseError
from harvesting import drafts, finder, record
from proposals.content import at_stored_precision, content_text
from proposals.models import Proposal
from proposals.types import DraftProposal, ProposalKind


class NoSuchHarvest(LotwiseError):
    """Asked for by an id that no harvest proposal has."""

    code = "no_such_harvest"
    status = 404


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure, a trade or a part of the explanation that came out otherwise."""

    name: str
    stored: str
    again: str


@dataclass(frozen=True, slots=True)
class Reproduction:
    """``differences`` is empty where everything that was shown follows from the record, to the cent."""

    proposal: Proposal
    draft: DraftProposal
    differences: tuple[Difference, ...]


def reproduced(public_id: UUID) -> Reproduction:
    """One query. Raises NoSuchHarvest, UnreadableRecord."""
    found = Proposal.objects.filter(public_id=public_id, kind=ProposalKind.HARVEST)
    proposal = found.select_related("household").first()
    if proposal is None:
        raise NoSuchHarvest(f"No harvest was ever proposed under {public_id}.")
    draft = decided_again(proposal.inputs, household=proposal.household_id)
    profile = json.loads(proposal.content)["tax_profile"]
    content = content_text(at_stored_precision(draft), tax_profile=profile)
    differences = [
        *_differences(json.loads(proposal.content), json.loads(content)),
        *_differences(_explained(proposal), json.loads(canonical_text(draft.explanation))),
    ]
    return Reproduction(proposal, draft, tuple(differences))


def decided_again(text: str, *, household: int) -> DraftProposal:
    """The draft that follows from a record. Pure. Raises UnreadableRecord."""
    read = record.read(text)
    book, around = read.book, read.around
    lots, screened = finder.screen(book)
    plan = replace(finder.find(book, lots, around), deferred=read.deferred)
    findings = finder.all_findings(screened, plan)
    return drafts.draft(household=household, plan=plan, findings=findings, book=book, around=around)


def _explained(proposal: Proposal) -> dict[str, object]:
    """What was explained, but where the deferred loss goes: the tax engine said that when it was put forward."""
    return {name: value for name, value in proposal.explanation.items() if name != "deferrals"}


def _differences(stored: dict[str, object], again: dict[str, object]) -> list[Difference]:
    return [
        Difference(name, _told(stored.get(name)), _told(again.get(name)))
        for name in sorted({*stored, *again})
        if stored.get(name) != again.get(name)
    ]


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
