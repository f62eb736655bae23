"""Who looks at a household in a night, and in what order. A new kind of proposal enters here, and nowhere else.

Each sees the drafts of those before it and counts them as filled, so that no two of a night trade the same shares or
wash each other:

1. Losses first: they are worth most, and their windows bind everybody after them.
2. Drift, in the light of what the harvest sells and of the substitutes it buys (T33).
3. Which substitutes go back: a rebalance may have bought the original with new money. What the harvest said of each
   loss lot counts too: a substitute that is harvested itself does not go back.
4. Gains last: what anybody else sells is left alone (T48).

A kind that was looked at and has nothing to say of the household may leave it out of the night's reason.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

import harvesting.gain_services
import harvesting.pair_services
import harvesting.services
import rebalancing.services
from harvesting.screening import nothing_to_harvest
from harvesting.types import Finding, HarvestResult
from proposals.types import DraftProposal, ProposalKind


class Result(Protocol):
    """What a look of any kind came to. ``reason`` is a stable code, ``detail`` one plain sentence."""

    @property
    def household(self) -> int: ...
    @property
    def draft(self) -> DraftProposal | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def detail(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tonight:
    """What a producer is told: the household, the night, and what those before it have found."""

    household: int
    as_of: date
    is_quiet: bool  # the bulk screen says that no taxable lot is at a loss
    drafts: tuple[DraftProposal, ...] = ()
    losses: tuple[Finding, ...] = ()  # what the harvest said of each loss lot

    def after(self, result: Result) -> "Tonight":
        """The night as the next producer finds it."""
        drafts = self.drafts if result.draft is None else (*self.drafts, result.draft)
        losses = result.findings if isinstance(result, HarvestResult) else self.losses
        return replace(self, drafts=drafts, losses=losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """``look`` reads only, ``store`` writes what it found; a result whose reason is ``unsaid`` tells nothing.

    ``store`` takes the ``result``, and the kinds of which the household has something ``pending``.
    """

    kind: ProposalKind
    look: Callable[[Tonight], Result]
    store: Callable[[Any, Collection[ProposalKind]], object]
    unsaid: str | None = None

    def speaks(self, result: Result) -> bool:
        """Whether the result belongs into the night's reason."""
        return result.reason != self.unsaid


def _losses(night: Tonight) -> Result:
    look = nothing_to_harvest if night.is_quiet else harvesting.services.examine
    return look(household_id=night.household, as_of=night.as_of)


def _drift(night: Tonight) -> Result:
    return rebalancing.services.examine(
        household_id=night.household, as_of=night.as_of, drafts=night.drafts
    )


def _ways_back(night: Tonight) -> Result:
    return harvesting.pair_services.examine_pairs(
        household_id=night.household,
        as_of=night.as_of,
        drafts=night.drafts,
        findings=night.losses,
    )


def _gains(night: Tonight) -> Result:
    return harvesting.gain_services.examine_gains(
        household_id=night.household, as_of=night.as_of, drafts=night.drafts
    )


PRODUCERS = (
    Producer(
        kind=ProposalKind.HARVEST,
        look=_losses,
        store=lambda found, pending: harvesting.services.store(result=found, pending=pending),
    ),
    Producer(
        kind=ProposalKind.REBALANCE,
        look=_drift,
        store=lambda found, pending: rebalancing.services.store(result=found, pending=pending),
    ),
    Producer(
        kind=ProposalKind.SWAP_BACK,
        look=_ways_back,
        store=lambda found, pending: harvesting.pair_services.store_pairs(
            result=found, pending=pending
        ),
        unsaid="",  # the household has no pairs
    ),
    Producer(
        kind=ProposalKind.GAIN_HARVEST,
        look=_gains,
        store=lambda found, pending: harvesting.gain_services.store_gains(
            result=found, pending=pending
        ),
        unsaid=harvesting.gain_services.OFF,
    ),
)
