"""A household's tax year: what is realised, and what one more dollar costs."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial, reduce
from operator import or_

from django.db.models import Q, Sum
from django.db.models.functions import ExtractYear

from accounts.models import Account, TaxProfile
from accounts.one_look import read_once
from accounts.selectors import tax_profile
from accounts.types import FilingStatus, OwnerKind
from lots.errors import NoTaxPosition
from lots.models import Disposal
from lots.netting import YearInputs, gain_in_income
from lots.rates import capital_loss_limit
from lots.reports.filings import TaxOwner, one_return
from lots.rounding import stored_money
from lots.selectors.reports import owners_taxed, tax_owners
from lots.types import (
    Source,
    Term,
    YearToDate,
)
from lots.year_tax import MissingIncome, TaxPosition, position_at


@dataclass(frozen=True, slots=True)
class _Total:
    """Of the sales of one term: dollars before wash sales, and what they disallow."""

    gain: Decimal = Decimal(0)
    disallowed: Decimal = Decimal(0)


_Totals = dict[Term, _Total]


def realized(household_id: int, year: int, *, source: Source | None = None) -> YearToDate:
    """Allowed gain or loss of the sales in taxable accounts with a trade date in the year (R6).

    With ``source`` only of the sales that it told of. A corporation's sales are not on the household's return.
    """
    return _so_far(_totals([household_id], [year], source)[household_id, year])


def _so_far(totals: _Totals) -> YearToDate:
    short, long = totals[Term.SHORT], totals[Term.LONG]
    return YearToDate(short=short.gain + short.disallowed, long=long.gain + long.disallowed)


def _totals(
    households: Collection[int], years: Collection[int], source: Source | None = None
) -> dict[tuple[int, int], _Totals]:
    """(household, year) -> what its sales come to, for every household and year of those given. One query."""
    in_years = reduce(or_, (Q(trade_date__year=year) for year in years))
    sales = Disposal.objects.filter(
        in_years, account__household__in=households, is_taxable=True
    ).exclude(account__owner__kind=OwnerKind.CORPORATION)
    if source is not None:
        sales = sales.filter(sale__source=source)
    rows = (
        sales.order_by()
        .values_list("account__household", ExtractYear("trade_date"), "term")
        .annotate(proceeds=Sum("proceeds"), basis=Sum("basis"), disallowed=Sum("disallowed"))
    )
    found = {
        (household, year): {term: _Total() for term in Term}
        for household in households
        for year in years
    }
    for household, year, term, proceeds, basis, disallowed in rows:
        found[household, year][Term(term)] = _Total(proceeds - basis, disallowed)
    return found


def year_inputs(household_id: int, year: int) -> YearInputs | None:
    """What the household brings into the netting of a year (``lots.netting.net``); dollars.

    Gains and losses of its taxable sales by term with the sales realised outside, before carryovers; what wash sales
    disallow apart from them; carryovers in; income. None without a tax profile of the year, or where it states rates
    and no ``ordinary_income``: taxable income, and with it the carryover, cannot be computed then. Modified AGI and net
    investment income of the profile are before capital gains; here they include the gain that reaches income.
    Three queries. Raises MissingIncome, lots.reports.filings.SeveralReturns: separate returns are never netted as one.
    """
    profile = tax_profile(household_id, year)
    if profile is None:
        return None
    one_return(tax_owners(household_id), FilingStatus(profile.filing_status), year)
    return _inputs(profile, _totals([household_id], [year])[household_id, year])


def _inputs(profile: TaxProfile, totals: _Totals) -> YearInputs | None:
    if profile.ordinary_income is None:
        return None
    if profile.modified_agi is None or profile.net_investment_income is None:
        raise MissingIncome(household=str(profile.household), year=profile.year)
    short, long = totals[Term.SHORT], totals[Term.LONG]
    inputs = YearInputs(
        year=profile.year,
        filing_status=FilingStatus(profile.filing_status),
        ordinary_taxable_income=profile.ordinary_income,
        st_gain_loss=short.gain + profile.short_outside,
        lt_gain_loss=long.gain + profile.long_outside,
        st_disallowed=short.disallowed,
        lt_disallowed=long.disallowed,
        st_carryover_in=profile.short_carryover,
        lt_carryover_in=profile.long_carryover,
        qualified_dividends=profile.qualified_dividends,
        state_rate=profile.state_rate,
    )
    reached = stored_money(gain_in_income(inputs))
    return replace(
        inputs,
        magi=reached + profile.modified_agi,
        nii=reached + profile.net_investment_income,
    )


@read_once
def tax_position(household_id: int, year: int) -> TaxPosition | None:
    """Rates and the year so far: realised here, outside gains, carryovers in. None without a tax profile.

    With ``ordinary_income`` the rates are those of the household's own place in the year's brackets, else the
    profile's. Raises lots.rates.UnknownYear, MissingIncome and lots.reports.filings.SeveralReturns: no figure stands
    in for one that is not there. ``tax_or_reason`` tells the reason instead.
    """
    profile = tax_profile(household_id, year)
    if profile is None:
        return None
    totals = _totals([household_id], [year])[household_id, year]
    return _position(profile, tax_owners(household_id), totals)


def _position(profile: TaxProfile, owners: Sequence[TaxOwner], totals: _Totals) -> TaxPosition:
    """Raises what ``tax_position`` raises."""
    one_return(owners, FilingStatus(profile.filing_status), profile.year)
    inputs = _inputs(profile, totals)
    if inputs is not None:
        return position_at(inputs, carried_loss_value=profile.carried_loss_value)
    so_far = _so_far(totals)
    return TaxPosition(
        short_rate=profile.short_rate,
        long_rate=profile.long_rate,
        ordinary_rate=profile.ordinary_rate,
        loss_limit=capital_loss_limit(FilingStatus(profile.filing_status)),
        carried_loss_value=profile.carried_loss_value,
        short=so_far.short + profile.short_outside - profile.short_carryover,
        long=so_far.long + profile.long_outside - profile.long_carryover,
    )


def tax_or_reason(household_id: int, year: int) -> tuple[TaxPosition | None, str]:
    """``tax_position``; None with a sentence that says what is missing and what to do where there is none.

    A ledger that cannot be followed is another matter: its LedgerError is raised.
    """
    return _or_reason(year, lambda: tax_position(household_id, year))


def taxes_or_reasons(
    asked: Collection[tuple[int, int]],
) -> dict[tuple[int, int], tuple[TaxPosition | None, str]]:
    """``tax_or_reason`` of every (household, year) asked about. At most three queries, however many."""
    if not asked:
        return {}
    households = sorted({household for household, _ in asked})
    years = sorted({year for _, year in asked})
    profiles = {
        (row.household_id, row.year): row
        for row in TaxProfile.objects.filter(
            household__in=households, year__in=years
        ).select_related("household")
    }
    accounts: dict[int, list[Account]] = {household: [] for household in households}
    rows = Account.objects.filter(household__in=households).select_related("owner")
    for account in rows.order_by("pk"):
        accounts[account.household_id].append(account)
    totals = _totals(households, years)

    def position(key: tuple[int, int]) -> TaxPosition | None:
        profile = profiles.get(key)
        if profile is None:
            return None
        return _position(profile, owners_taxed(accounts[key[0]]), totals[key])

    return {key: _or_reason(key[1], partial(position, key)) for key in asked}


def _or_reason(
    year: int, position_of: Callable[[], TaxPosition | None]
) -> tuple[TaxPosition | None, str]:
    try:
        position = position_of()
    except NoTaxPosition as missing:
        return None, str(missing)
    if position is None:
        return None, (
            f"Nobody entered this household's tax profile for {year}: enter its filing status, and its income or its "
            "rates."
        )
    return position, ""
