"""How much a security moves and how closely another follows it, as the harvest's sum takes them. Pure.

Annual figures from the daily returns of a year of trading days. With fewer than ``MINIMUM_OBSERVATIONS`` returns there
is nothing to estimate from, and the assumptions below stand in, marked as assumed: a restless single stock, and a pair
of such stocks that have only half of their moves in common. They err on the side of leaving a loss alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from harvesting.types import PairFigures, refuse_float

OBSERVATIONS = 252  # daily returns: a year of trading
MINIMUM_OBSERVATIONS = 60  # about a quarter

ASSUMED_VOLATILITY = Decimal("0.4")
ASSUMED_CORRELATION = Decimal("0.5")
ASSUMED_BETA = Decimal("0.5")
ASSUMED_TRACKING_ERROR = Decimal("0.4")  # follows from the three: 0.4 x sqrt(2 - 2 x 0.5)

PairKey = tuple[int, int]  # (security, substitute)


@dataclass(frozen=True, slots=True)
class Volatility:
    """Annual standard deviation of daily returns, as a fraction."""

    annual: Decimal
    observations: int
    is_assumed: bool = False

    def __post_init__(self) -> None:
        refuse_float(annual=self.annual)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything that was asked for, of one day."""

    volatility: Mapping[int, Volatility]
    pairs: Mapping[PairKey, PairFigures]

    @property
    def volatilities(self) -> dict[int, Decimal]:
        """Security -> annual volatility."""
        return {security: one.annual for security, one in self.volatility.items()}


def measured_volatility(annual: Decimal, observations: int) -> Volatility:
    """The estimate, or the assumption where too little stands behind it."""
    if observations < MINIMUM_OBSERVATIONS:
        return Volatility(ASSUMED_VOLATILITY, observations, is_assumed=True)
    return Volatility(annual, observations)


def measured_pair(
    tracking_error: Decimal, correlation: Decimal, beta: Decimal, observations: int
) -> PairFigures:
    """The estimate, or the assumption where too little stands behind it."""
    if observations < MINIMUM_OBSERVATIONS:
        return PairFigures(
            ASSUMED_TRACKING_ERROR, ASSUMED_CORRELATION, ASSUMED_BETA, observations, is_assumed=True
        )
    return PairFigures(tracking_error, correlation, beta, observations)
