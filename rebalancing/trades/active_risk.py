"""Where a household's active risk comes from, before and after the trades: factors and single names (F20, F22).

Floats inside, Decimals out: what a proposal shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from rebalancing.optimizer.problem import FloatArray
from rebalancing.risk import RiskModel
from rebalancing.trades.border import decimal
from rebalancing.trades.measures import RISK_QUANTUM

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ActiveRisk:
    """Active risk a year as fractions. ``contributions`` add up to the tracking error.

    ``exposures`` are what each factor alone would cost in tracking error, with the sign of the exposure.
    """

    exposures: tuple[Decimal, ...]
    factor_risk: Decimal  # of all factors together
    contributions: Mapping[int, Decimal]


def active_risk(
    risk: RiskModel,
    securities: Sequence[int],
    *,
    weights: Mapping[int, Decimal],
    targets: Mapping[int, Decimal],
) -> ActiveRisk:
    """Of ``weights`` against ``targets``, fractions by security; ``risk`` has ``securities`` in that order."""
    active = np.array(
        [float(weights.get(one, ZERO) - targets.get(one, ZERO)) for one in securities],
        dtype=np.float64,
    )
    exposure = risk.loadings.T @ active
    own = risk.specific_variance * active
    total = float(np.sqrt(exposure @ exposure + own @ active))
    parts: FloatArray = active * (risk.loadings @ exposure + own)
    if total > 0.0:
        parts = parts / total
    return ActiveRisk(
        exposures=tuple(_shown(one) for one in _alone(risk, active, exposure)),
        factor_risk=_shown(float(np.sqrt(exposure @ exposure))),
        contributions={one: _shown(part) for one, part in zip(securities, parts, strict=True)},
    )


def _alone(risk: RiskModel, active: FloatArray, exposure: FloatArray) -> FloatArray:
    """(k,) tracking error a year that is owed to each factor alone: a named one is no column of the loadings."""
    if risk.named is None:
        return exposure
    return np.asarray(risk.exposures(active) * np.sqrt(np.diag(risk.named.covariance)))


def _shown(number: float) -> Decimal:
    return decimal(number).quantize(RISK_QUANTUM)
