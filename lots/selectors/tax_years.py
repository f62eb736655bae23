"""A household's tax year: what is realised, and what one more dollar costs."""

from decimal import Decimal

from django.db.models import F, Sum

from accounts.selectors import tax_profile
from accounts.types import FilingStatus
from lots.models import Disposal
from lots.types import (
    Source,
    Term,
    YearToDate,
)
from lots.year_tax import TaxPosition, capital_loss_limit


def realized(household_id: int, year: int, *, source: Source | None = None) -> YearToDate:
    """Allowed gain or loss of the sales in taxable accounts with a trade date in the year (R6).

    With ``source`` only of the sales that it told of.
    """
    sales = Disposal.objects.filter(
        account__household=household_id, is_taxable=True, trade_date__year=year
    )
    if source is not None:
        sales = sales.filter(sale__source=source)
    rows = (
        sales.order_by()
        .values_list("term")
        .annotate(total=Sum(F("proceeds") - F("basis") + F("disallowed")))
    )
    by_term: dict[str, Decimal] = dict(rows)
    return YearToDate(
        short=by_term.get(Term.SHORT, Decimal(0)), long=by_term.get(Term.LONG, Decimal(0))
    )


def tax_position(household_id: int, year: int) -> TaxPosition | None:
    """Rates and the year so far: realised here, outside gains, carryovers in. None without a tax profile."""
    profile = tax_profile(household_id, year)
    if profile is None:
        return None
    so_far = realized(household_id, year)
    return TaxPosition(
        short_rate=profile.short_rate,
        long_rate=profile.long_rate,
        ordinary_rate=profile.ordinary_rate,
        loss_limit=capital_loss_limit(FilingStatus(profile.filing_status)),
        carried_loss_value=profile.carried_loss_value,
        short=so_far.short + profile.short_outside - profile.short_carryover,
        long=so_far.long + profile.long_outside - profile.long_carryover,
    )
