"""What a rebalance is told from: its trades with what they are worth, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from proposals.types import DraftTrade
from rebalancing.policies.drift import Drift
from rebalancing.policies.worth import Worth
from rebalancing.types import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Where the trades come from and how good they are.

    ``objective`` and ``bound`` are dollars of one and the same objective, that of the problem the trades were found
    with: its horizon, its price of risk, its straight lines of tax. Apart they are as far as ``gap_bp`` says.
    """

    solver: str
    solver_version: str
    gap_bp: Decimal
    risk_sha256: str
    risk_observations: int  # daily returns; 0 where the model was supplied
    risk_source: str  # what the model was estimated from, in words
    risk_notes: tuple[str, ...]
    cut_short: str = ""  # a sentence where the search was stopped far from its bound
    objective: Decimal | None = None  # None where an earlier version kept the proof
    bound: Decimal | None = None  # never above the objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Over how long one security's correction counts, and its part of the tracking cost avoided: they add up to it.

    What one security adds to tracking error depends on the others, so one that is not traded has a part too.
    """

    security: int
    years: Decimal
    avoided: Decimal  # dollars over its years
    is_traded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything a proposal says about its trades; dollars, and fractions a year for the risks."""

    drift: Drift
    trades: tuple[DraftTrade, ...]
    after: Mapping[int, Decimal]  # dollars per security
    cash_after: Mapping[int, Decimal]  # dollars per account
    risk_before: Decimal
    risk_after: Decimal
    worth: Worth
    carried_worth: Decimal  # the part of the tax saved that no return of this year shows
    short_gain: Decimal
    long_gain: Decimal
    proof: Proof
    # Dollars of tax a year that the accounts' share of yields saves against the average location (F36).
    location_before: Decimal = ZERO
    location_after: Decimal = ZERO
    lasting: tuple[Lasting, ...] = ()  # empty where one horizon counts for all


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be done, priced by the optimum's objective: dollars over the horizon, or over the securities' own (F4).

    The less the better.

    ``rule`` is None where the band rule has no trades, and then ``why_no_rule`` says why. ``why_not_rule`` is why it is
    not proposed though it is better: what stands behind "the band rule, which".
    """

    nothing: Decimal
    optimum: Decimal
    rule: Decimal | None = None
    is_rule: bool = False  # the band rule's trades are proposed
    why_no_rule: str = ""
    why_not_rule: str = ""

    @property
    def proposed(self) -> Decimal:
        """Of what is proposed."""
        return self.rule if self.is_rule and self.rule is not None else self.optimum
