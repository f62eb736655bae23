"""What a set-up file says, checked on its own: the firm's records have not been asked yet.

``None`` and a missing key mean "left out": what is known stays, and a new row takes the default. ``where`` is
the path in the file. Rates, weights and fractions are Decimals (0.24 is 24 %), money is dollars.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from accounts.types import AccountKind, FilingStatus, OwnerKind, Role
from securities.types import AssetClass

Figures = Mapping[str, Decimal | int]  # column -> value, only what the file gives


@dataclass(frozen=True, slots=True)
class PersonEntry:
    where: str
    username: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class SecurityEntry:
    where: str
    symbol: str
    name: str | None
    cusip: str | None
    isin: str | None
    asset_class: AssetClass | None
    half_spread: Decimal | None
    is_fund: bool | None
    tracks_index: str | None
    average_daily_volume: Decimal | None


@dataclass(frozen=True, slots=True)
class CommissionEntry:
    """What a custodian charges for an order."""

    where: str
    custodian: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """All members of an identical group today; none dissolves it. Days by symbol, both included."""

    where: str
    name: str
    reason: str
    author: str
    effective_on: date
    symbols: tuple[str, ...]
    since: Mapping[str, date]
    ended: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class PairEntry:
    """Two securities that are, or are not, substantially identical."""

    where: str
    symbols: tuple[str, ...]
    is_identical: bool
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class TaxPolicyEntry:
    """Switch -> its answer, only what the file gives."""

    where: str
    answers: Mapping[str, StrEnum]
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class SubstituteEntry:
    """All substitutes of one security, the first choice first."""

    where: str
    symbol: str
    ranked: tuple[str, ...]
    reason: str
    author: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """All weights of a model by symbol; what they leave below 1 is cash."""

    where: str
    name: str
    description: str | None
    weights: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    where: str
    year: int
    filing_status: FilingStatus
    figures: Figures


@dataclass(frozen=True, slots=True)
class AccountEntry:
    where: str
    number: str
    name: str
    owner: str
    owner_kind: OwnerKind | None
    kind: AccountKind
    custodian: str
    reinvests_dividends: bool | None
    tax_managed: bool | None
    held_away: bool | None
    opened_on: date | None


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    where: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class HouseholdEntry:
    where: str
    name: str
    model: str | None
    harvest_policy: PolicyEntry | None
    rebalance_policy: PolicyEntry | None
    tax_profiles: tuple[ProfileEntry, ...]
    accounts: tuple[AccountEntry, ...]


@dataclass(frozen=True, slots=True)
class SetUpFile:
    """The whole file."""

    firm: str
    people: tuple[PersonEntry, ...]
    securities: tuple[SecurityEntry, ...]
    identical_groups: tuple[GroupEntry, ...]
    identical_pairs: tuple[PairEntry, ...]
    tax_policy: TaxPolicyEntry | None
    substitutes: tuple[SubstituteEntry, ...]
    models: tuple[ModelEntry, ...]
    harvest_policy: PolicyEntry | None
    rebalance_policy: PolicyEntry | None
    households: tuple[HouseholdEntry, ...]
    commissions: tuple[CommissionEntry, ...]
