"""Store the night's volatilities and pair figures, so that each household's scan only reads them."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from harvesting.models import PairStatistic, SubstituteMapping
from harvesting.price_history import computed_statistics
from securities.models import PriceStatistic, Security


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many figures a refresh stored."""

    securities: int
    pairs: int


@transaction.atomic
def refresh_statistics(*, firm_id: int, as_of: date) -> Refreshed:
    """Measure all of the firm's securities and all pairs that are mapped, by the firm or by a household.

    Replaces the figures of the night before; doing it again changes nothing. Run it before the households are scanned.
    """
    securities = sorted(Security.objects.filter(firm=firm_id).values_list("pk", flat=True))
    mapped = SubstituteMapping.objects.filter(firm=firm_id, ended_on=None)
    pairs = sorted(set(mapped.values_list("security_id", "substitute_id")))
    found = computed_statistics(firm_id, as_of, securities, pairs)
    PriceStatistic.objects.bulk_create(
        [
            PriceStatistic(
                security_id=security,
                as_of=as_of,
                annual_volatility=found.volatility[security].annual,
                observations=found.volatility[security].observations,
            )
            for security in securities
        ],
        update_conflicts=True,
        unique_fields=["security"],
        update_fields=["as_of", "annual_volatility", "observations"],
    )
    PairStatistic.objects.bulk_create(
        [
            PairStatistic(
                security_id=security,
                substitute_id=substitute,
                as_of=as_of,
                tracking_error=found.pairs[security, substitute].tracking_error,
                correlation=found.pairs[security, substitute].correlation,
                beta=found.pairs[security, substitute].beta,
                observations=found.pairs[security, substitute].observations,
            )
            for security, substitute in pairs
        ],
        update_conflicts=True,
        unique_fields=["security", "substitute"],
        update_fields=["as_of", "tracking_error", "correlation", "beta", "observations"],
    )
    PairStatistic.objects.filter(security__firm=firm_id).exclude(as_of=as_of).delete()
    return Refreshed(len(securities), len(pairs))
