"""What is told of a universe change, and of a name that left a model and is still held."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from rebalancing.model_changes.recipes import ExitRule, VersionKind, VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseChange:
    """A universe change or reconstitution of a model. Symbols with weights, fractions; dates where there are any."""

    id: int
    model: str
    number: int
    public_id: UUID
    kind: VersionKind
    state: VersionState
    drafted_on: date
    effective_on: date | None
    begun_on: date | None
    steps: int
    steps_done: int
    author: str
    added: Mapping[str, Decimal]
    deleted: Mapping[str, Decimal]  # with the weight it had
    exit_rules: Mapping[str, ExitRule]
    turnover: Decimal  # one way, a fraction
    lapse: str  # why it lapsed

    @property
    def is_under_way(self) -> bool:
        """Whether steps are still to come."""
        return self.state is VersionState.PUBLISHED and self.steps_done < self.steps

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody, for its day, or for its next step."""
        return self.is_under_way or self.state in (VersionState.DRAFT, VersionState.SCHEDULED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenExit:
    """A name that left a model and is still held by households that follow it; dollars at the newest closes.

    ``gain`` is that of taxable accounts, losses negative; ``dollars`` and ``gain`` None: there is no price.
    """

    model: str
    symbol: str
    rule: ExitRule
    since: date
    version: int  # primary key of the one with which it left
    households: int
    dollars: Decimal | None
    gain: Decimal | None
