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

# Of what a proposal says: what was given to it beside the record, or said afterwards. It is taken as it is stored.
NOT_COMPARED = {
    "format": "the form of the text",
    "household": "whose it is",
    "kind": "only harvests can be decided again",
    "tax_profile": "the profile as it stood that night; the rates are in the record",
    "deferrals": "where a deferred loss went: the tax engine said that when the harvest was put forward",
    "half_spreads": "where the half spreads came from: the firm's facts said that when the harvest was put forward",
}


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
    """``differences`` is empty where everything that was ``compared`` follows from the record, to the cent."""

    proposal: Proposal
    draft: DraftProposal
    compared: tuple[str, ...]  # figures and parts of the explanation, by name
    differences: tuple[Difference, ...]


def reproduced(public_id: UUID) -> Reproduction:
    """One query. Raises NoSuchHarvest, UnreadableRecord."""
    found = Proposal.objects.filter(public_id=public_id)
    proposal = found.select_related("household").first()
    if proposal is None:
        raise NoSuchHarvest(f"No harvest was ever proposed under {public_id}.")
    if proposal.kind != ProposalKind.HARVEST:
        kind = proposal.kind.replace("_", " ")
        raise NoSuchHarvest(f"{public_id} is a {kind}: only harvests can be decided again.")
    draft = decided_again(proposal.inputs, household=proposal.household_id)
    stored = json.loads(proposal.content)
    content = content_text(at_stored_precision(draft), tax_profile=stored["tax_profile"])
    both = [
        (_compared(stored), _compared(json.loads(content))),
        (
            _compared(proposal.explanation),
            _compared(json.loads(canonical_text(draft.explanation))),
        ),
    ]
    return Reproduction(
        proposal,
        draft,
        compared=tuple(sorted({name for one, other in both for name in (*one, *other)})),
        differences=tuple(each for one, other in both for each in _differences(one, other)),
    )


def decided_again(text: str, *, household: int) -> DraftProposal:
    """The draft that follows from a record. Pure. Raises UnreadableRecord."""
    read = record.read(text)
    book, around = read.book, read.around
    lots, screened = finder.screen(book)
    plan = replace(finder.find(book, lots, around), deferred=read.deferred)
    findings = finder.all_findings(screened, plan)
    return drafts.draft(household=household, plan=plan, findings=findings, book=book, around=around)


def _compared(said: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in said.items() if name not in NOT_COMPARED}


def _differences(stored: dict[str, object], again: dict[str, object]) -> list[Difference]:
    return [
        Difference(name, _told(stored.get(name)), _told(again.get(name)))
        for name in sorted({*stored, *again})
        if stored.get(name) != again.get(name)
    ]


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
