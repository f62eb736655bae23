"""Words about securities."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class AssetClass(StrEnum):
    US_EQUITY = "us_equity"
    INTERNATIONAL_EQUITY = "international_equity"
    FIXED_INCOME = "fixed_income"
    REAL_ESTATE = "real_estate"
    COMMODITY = "commodity"
    CASH = "cash"
    OTHER = "other"

    @property
    def words(self) -> str:
        """``US equity``, as it stands in a sentence."""
        return self.value.replace("_", " ").replace("us ", "US ")


class ActionKind(StrEnum):
    SPLIT = "split"
    RENAME = "rename"
    MERGE = "merge"
    SPIN_OFF = "spin_off"


class DistributionKind(StrEnum):
    """How a fund held what it distributes the gain of."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Quote:
    """A closing price (dollars a share) and the day it is of."""

    price: Decimal
    day: date


class SpreadOf(StrEnum):
    """Whose half spread is in force for a security."""

    SECURITY = "security"
    ASSET_CLASS = "asset_class"
    FIRM = "firm"
    BUILT_IN = "built_in"


@dataclass(frozen=True, slots=True)
class SpreadSource:
    """Where the half spread of a security comes from (F9).

    ``name`` is the symbol or the asset class; ``since`` the day from which on it holds, None where it never had one.
    """

    of: SpreadOf
    name: str = ""
    since: date | None = None

    @property
    def words(self) -> str:
        """``AAPL's own, of 2 March 2026``, ``default of US equity, of ...``, ``built in``."""
        if self.of is SpreadOf.BUILT_IN:
            return "built in"
        dated = f", of {self.since.day} {self.since:%B %Y}" if self.since else ""
        if self.of is SpreadOf.SECURITY:
            return f"{self.name}'s own{dated}"
        if self.of is SpreadOf.ASSET_CLASS:
            return f"default of {AssetClass(self.name).words}{dated}"
        return f"the firm's default{dated}"


BUILT_IN_SPREAD = Decimal("0.0005")  # half of it, a fraction of the price: where nobody has said


@dataclass(frozen=True, slots=True)
class TradingFacts:
    """What the cost of trading a security follows from (F9, F10)."""

    half_spread: Decimal  # fraction of the price
    daily_volume: Decimal | None  # shares; None = not known
    annual_volatility: Decimal | None  # None = not known on the day asked for
    spread_source: SpreadSource = SpreadSource(SpreadOf.BUILT_IN)


@dataclass(frozen=True, slots=True)
class Yields:
    """What a dollar of a security pays in a year, by how it is taxed; fractions."""

    ordinary: Decimal = Decimal(0)  # interest, and dividends that do not qualify
    qualified: Decimal = Decimal(0)
    exempt: Decimal = Decimal(0)
