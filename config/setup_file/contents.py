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
from proposals.types import Cadence, CashFlowKind, Proration, RestrictionKind
from rebalancing.mandates.rules import RuleKind
from rebalancing.model_changes.recipes import Recipe
from rebalancing.types import RiskMethod
from securities.types import AssetClass, DistributionKind

Figures = Mapping[str, Decimal | int | bool]  # column -> value, only what the file gives
Words = Mapping[str, Decimal | int | bool | StrEnum]


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
    sector: str | None
    half_spread: Decimal | None
    is_fund: bool | None
    tracks_index: str | None
    yields: Figures
    expense_ratio: Decimal | None
    average_daily_volume: Decimal | None
    delisted_on: date | None


@dataclass(frozen=True, slots=True)
class HalfSpreadEntry:
    """A half spread from a day on: of a security, the default of an asset class, or with neither that of the firm."""

    where: str
    symbol: str | None
    asset_class: AssetClass | None
    half_spread: Decimal
    since: date

    @property
    def name(self) -> str:
        """As a change or a problem names it."""
        return f"{self.symbol or self.asset_class or 'the firm'} from {self.since}"


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
    """All substitutes of one security, the first choice first: the firm's list, or that of a household."""

    where: str
    symbol: str
    household: str | None
    ranked: tuple[str, ...]
    reason: str
    author: str
    reviewed_on: date
    since: date | None
    valid_until: date | None

    @property
    def list_name(self) -> str:
        """As a change or a problem names the list."""
        return f"{self.symbol} ({self.household})" if self.household else self.symbol


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    where: str
    figures: Words


@dataclass(frozen=True, slots=True)
class BandEntry:
    """The band of one security by its symbol, or of an asset class."""

    where: str
    figures: Words


@dataclass(frozen=True, slots=True)
class RebalanceEntry(PolicyEntry):
    """A rebalance policy with the bands of single securities, by symbol, and of asset classes."""

    inherits: tuple[str, ...]  # keys that shall say nothing any more
    securities: Mapping[str, BandEntry]
    classes: Mapping[AssetClass, BandEntry]


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """A view on returns of a model's names: a year, above cash or above ``over``."""

    where: str
    symbol: str
    over: str | None
    yearly_return: Decimal
    confidence: Decimal
    since: date
    until: date | None
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """All weights of a model by symbol; what they leave below 1 is cash."""

    where: str
    name: str
    description: str | None
    recipe: Recipe | None
    weights: Mapping[str, Decimal]
    rebalance_policy: RebalanceEntry | None = None
    views: tuple[ViewEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One limit of a mandate; ``subject`` is an asset class, a sector, a factor or a symbol."""

    where: str
    key: str
    kind: RuleKind
    subject: str
    low: Decimal | None
    high: Decimal | None
    is_hard: bool


@dataclass(frozen=True, slots=True)
class MandateEntry:
    """All rules of a mandate; of the firm where it names neither a model nor a household."""

    where: str
    name: str
    model: str | None
    household: str | None
    rules: tuple[RuleEntry, ...]


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    where: str
    year: int
    filing_status: FilingStatus
    figures: Figures


@dataclass(frozen=True, slots=True)
class DividendEntry:
    """A dividend declared: dollars a share."""

    where: str
    symbol: str
    ex_date: date
    pay_date: date
    amount: Decimal
    qualified: bool | None


@dataclass(frozen=True, slots=True)
class DistributionEntry:
    """Gains that a fund has announced to distribute: dollars a share, of one kind."""

    where: str
    symbol: str
    ex_date: date
    kind: DistributionKind
    amount: Decimal
    source: str | None

    @property
    def name(self) -> str:
        """As a change or a problem names it."""
        return f"{self.symbol} {self.ex_date} {self.kind}"


@dataclass(frozen=True, slots=True)
class ScheduledEntry:
    """A savings plan of an account: dollars each time."""

    where: str
    symbol: str
    amount: Decimal
    first_on: date
    cadence: Cadence
    ended_on: date | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class RestrictionEntry:
    """What is restricted, and how: by an account's number, a household's name, or neither for the whole firm."""

    where: str
    symbol: str
    kind: RestrictionKind
    household: str | None
    account: str | None
    since: date
    until: date | None
    limit: Decimal | None
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class CashFlowEntry:
    """Dollars that leave or come in on a day: of an account by its number, or of the household."""

    where: str
    kind: CashFlowKind
    amount: Decimal
    due_on: date
    account: str | None
    settled_on: date | None
    reason: str
    author: str


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
    trades_fractions: bool | None
    opened_on: date | None
    scheduled: tuple[ScheduledEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskEntry:
    """How the risk model is made; ``factors`` are all named factors with their symbols, None where none are given."""

    where: str
    method: RiskMethod | None
    figures: Figures
    factors: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class BudgetEntry:
    """Limits of one year, only what the file gives."""

    where: str
    year: int
    figures: Figures
    proration: Proration | None
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class HouseholdEntry:
    where: str
    name: str
    model: str | None
    harvest_policy: PolicyEntry | None
    rebalance_policy: RebalanceEntry | None
    tax_profiles: tuple[ProfileEntry, ...]
    budgets: tuple[BudgetEntry, ...]
    accounts: tuple[AccountEntry, ...]
    cash_flows: tuple[CashFlowEntry, ...] = ()


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
    rebalance_policy: RebalanceEntry | None
    households: tuple[HouseholdEntry, ...]
    commissions: tuple[CommissionEntry, ...]
    dividends: tuple[DividendEntry, ...] = ()
    restrictions: tuple[RestrictionEntry, ...] = ()
    risk: RiskEntry | None = None
    mandates: tuple[MandateEntry, ...] = ()
    half_spreads: tuple[HalfSpreadEntry, ...] = ()
    distributions: tuple[DistributionEntry, ...] = ()
