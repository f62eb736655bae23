"""The ways in which no tax of a household's year can be computed, and what is said then."""

from decimal import Decimal

import pytest

from accounts.models import Household, TaxProfile
from accounts.types import FilingStatus
from lots import rates
from tests import factories

GAPS = {
    "no profile": "Nobody entered this household's tax profile for {year}: enter its filing status",
    "half an income": "for {year} gives ordinary_income without modified_agi",
    "no tables": "There are no tax rates of {year}",
    "separate returns": "and Zoe file separate returns for {year}",
}


def open_gap(gap: str, household: Household, year: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes the year one that cannot be computed; returns the words that say so."""
    profile = TaxProfile.objects.get(household=household, year=year)
    if gap == "no profile":
        profile.delete()
        return GAPS[gap].format(year=year)
    profile.ordinary_income = Decimal(70_000)
    is_whole = gap != "half an income"
    profile.modified_agi = Decimal(90_000) if is_whole else None
    profile.net_investment_income = Decimal(0) if is_whole else None
    if gap == "no tables":
        known = {known: rates.rates(known) for known in rates.known_years() if known != year}
        monkeypatch.setattr(rates, "_tables", lambda: known)
    if gap == "separate returns":
        profile.filing_status = FilingStatus.MARRIED_SEPARATELY
        factories.make_account(household, "Z-1", owner="Zoe")
    profile.save()
    return GAPS[gap].format(year=year)
