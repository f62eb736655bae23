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


class ActionKind(StrEnum):
    SPLIT = "split"
    RENAME = "rename"
    MERGE = "merge"
    SPIN_OFF = "spin_off"


@dataclass(frozen=True, slots=True)
class Quote:
    """A closing price (dollars a share) and the day it is of."""

    price: Decimal
    day: date


@dataclass(frozen=True, slots=True)
class TradingFacts:
    """What the cost of trading a security follows from (F9, F10)."""

    half_spread: Decimal  # fraction of the price
    daily_volume: Decimal | None  # shares; None = not known
    annual_volatility: Decimal | None  # None = not known on the day asked for


@dataclass(frozen=True, slots=True)
class Yields:
    """What a dollar of a security pays in a year, by how it is taxed; fractions."""

    ordinary: Decimal = Decimal(0)  # interest, and dividends that do not qualify
    qualified: Decimal = Decimal(0)
    exempt: Decimal = Decimal(0)
