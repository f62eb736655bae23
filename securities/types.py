"""Words about securities."""

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
