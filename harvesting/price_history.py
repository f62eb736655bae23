"""Volatilities and pair figures from a year of daily closes: floats inside, Decimals out at eight places.

Returns are simple and of trading days, adjusted for booked splits. Standard deviations are those of a sample; a year
has 252 days. What is computed does not depend on what else is asked for: a stored figure is the one computed live.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from harvesting.figures import (
    OBSERVATIONS,
    PairKey,
    Statistics,
    Volatility,
    measured_pair,
    measured_volatility,
)
from harvesting.models import PairStatistic
from harvesting.types import PairFigures
from securities.calendar import trading_days
from securities.frames import adjusted_returns
from securities.models import PriceStatistic, Security

Floats = NDArray[np.float64]

_YEAR = 252.0
_PLACES = Decimal("0.00000001")
_LARGEST = Decimal(999)  # of a column that takes less than 1,000; no price history is that wild
_PAIRS_AT_ONCE = 4_000


def statistics(
    firm_id: int, as_of: date, securities: Collection[int], pairs: Collection[PairKey]
) -> Statistics:
    """The figures of the day: those stored for exactly this day, and the rest computed from prices.

    Two queries where the night has stored them all, four otherwise. A security of another firm has no figures but the
    assumed ones.
    """
    stored = {
        row.security_id: measured_volatility(row.annual_volatility, row.observations)
        for row in PriceStatistic.objects.filter(
            security__in=securities, security__firm=firm_id, as_of=as_of
        )
    }
    known = _stored_pairs(firm_id, as_of, pairs)
    missing = [one for one in securities if one not in stored]
    unknown = [pair for pair in pairs if pair not in known]
    if missing or unknown:
        computed = computed_statistics(firm_id, as_of, missing, unknown)
        stored |= computed.volatility
        known |= computed.pairs
    return Statistics(volatility=stored, pairs=known)


def volatilities(firm_id: int, as_of: date, securities: Collection[int]) -> dict[int, Decimal]:
    """Security -> annual volatility as a fraction, assumed where there is no history."""
    return statistics(firm_id, as_of, securities, ()).volatilities


def pair_figures(
    firm_id: int, as_of: date, pairs: Collection[PairKey]
) -> Mapping[PairKey, PairFigures]:
    """(security, substitute) -> how closely the second follows the first."""
    return statistics(firm_id, as_of, (), pairs).pairs


def computed_statistics(
    firm_id: int, as_of: date, securities: Collection[int], pairs: Collection[PairKey]
) -> Statistics:
    """``statistics`` from prices alone."""
    concerned = sorted({*securities, *(one for pair in pairs for one in pair)})
    days = trading_days(as_of, OBSERVATIONS + 1)
    own = Security.objects.filter(firm=firm_id, pk__in=concerned)
    ids = sorted(own.values_list("pk", flat=True))
    place = {security: row for row, security in enumerate(ids)}
    # One row a security, so that each is summed in the same order whatever stands beside it.
    returns = np.ascontiguousarray(adjusted_returns(ids, days).T)
    measured = dict(zip(ids, _volatilities(returns), strict=True))
    unknown = measured_volatility(Decimal(0), 0)
    return Statistics(
        volatility={security: measured.get(security, unknown) for security in securities},
        pairs=_pair_figures(returns, place, list(pairs)),
    )


def _stored_pairs(
    firm_id: int, as_of: date, wanted: Collection[PairKey]
) -> dict[PairKey, PairFigures]:
    if not wanted:
        return {}
    rows = PairStatistic.objects.filter(
        security__in={security for security, _ in wanted}, security__firm=firm_id, as_of=as_of
    )
    found = {
        (row.security_id, row.substitute_id): measured_pair(
            row.tracking_error, row.correlation, row.beta, row.observations
        )
        for row in rows
    }
    return {pair: found[pair] for pair in wanted if pair in found}


def _volatilities(returns: Floats) -> list[Volatility]:
    known = np.isfinite(returns)
    _, variances = _moments(np.where(known, returns, 0.0), known)
    return [
        measured_volatility(_decimal(annual), int(count))
        for annual, count in zip(np.sqrt(variances * _YEAR), known.sum(axis=1), strict=True)
    ]


def _pair_figures(
    returns: Floats, place: Mapping[int, int], pairs: Sequence[PairKey]
) -> dict[PairKey, PairFigures]:
    found: dict[PairKey, PairFigures] = {}
    measurable = [pair for pair in pairs if pair[0] in place and pair[1] in place]
    for start in range(0, len(measurable), _PAIRS_AT_ONCE):
        some = measurable[start : start + _PAIRS_AT_ONCE]
        first = returns[[place[security] for security, _ in some]]
        second = returns[[place[substitute] for _, substitute in some]]
        found.update(zip(some, _measured(first, second), strict=True))
    unknown = measured_pair(Decimal(0), Decimal(0), Decimal(0), 0)
    return {pair: found.get(pair, unknown) for pair in pairs}


def _measured(first: Floats, second: Floats) -> list[PairFigures]:
    """Row by row: the second returns against the first, on the days that both have."""
    known = np.isfinite(first) & np.isfinite(second)
    first, second = np.where(known, first, 0.0), np.where(known, second, 0.0)
    _, apart = _moments(second - first, known)
    around_first, first_variance = _moments(first, known)
    around_second, second_variance = _moments(second, known)
    counts = known.sum(axis=1)
    covariance = (around_first * around_second).sum(axis=1) / np.maximum(counts - 1, 1)
    spread = np.sqrt(first_variance * second_variance)
    # What never moves correlates with nothing.
    nothing = np.zeros_like(spread)
    correlation = np.divide(covariance, spread, out=nothing.copy(), where=spread > 0)
    beta = np.divide(covariance, first_variance, out=nothing.copy(), where=first_variance > 0)
    return [
        measured_pair(
            _decimal(error), _decimal(max(-1.0, min(1.0, rho))), _decimal(slope), int(count)
        )
        for error, rho, slope, count in zip(
            np.sqrt(apart * _YEAR), correlation, beta, counts, strict=True
        )
    ]


def _moments(values: Floats, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Deviations from each row's mean, zero where unknown, and the sample variance of each row."""
    counts = known.sum(axis=1)
    means = values.sum(axis=1) / np.maximum(counts, 1)
    deviations: Floats = np.where(known, values - means[:, None], 0.0)
    variances: Floats = (deviations**2).sum(axis=1) / np.maximum(counts - 1, 1)
    return deviations, variances


def _decimal(value: float) -> Decimal:
    figure = Decimal(repr(float(value))).quantize(_PLACES)
    return max(-_LARGEST, min(_LARGEST, figure))
