"""What a risk model says of a household, as exact figures: over the border and back."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from rebalancing.mandates.rules import RiskFigures
from rebalancing.optimizer.problem import FloatArray
from rebalancing.risk import RiskModel
from rebalancing.trades import border, measures
from rebalancing.trades.index import universe
from rebalancing.types import ZERO, HouseholdState

# Factors of a model that was put together by hand have no names.
_NUMBERED = "factor {}"


def risk_figures(
    state: HouseholdState, risk: RiskModel, holdings: Mapping[int, Decimal] | None = None
) -> RiskFigures:
    """Risk of the household with ``holdings`` (dollars per security; None: its own) against its targets.

    ``risk`` has the securities of ``universe(state)`` in that order. Exposures are as
    ``RiskModel.exposures`` says; an active one is against the targets.
    """
    held = state.holdings() if holdings is None else holdings
    securities, value = universe(state), state.value
    weights = _floats(held.get(one, ZERO) / value for one in securities)
    active = weights - _floats(state.targets.get(one, ZERO) for one in securities)
    return RiskFigures(
        tracking_error=_exact(risk.tracking_error(active)),
        volatility=_exact(risk.tracking_error(weights)),
        active_exposures=_by_name(risk, active),
        exposures=_by_name(risk, weights),
    )


def unit_exposures(state: HouseholdState, risk: RiskModel) -> dict[str, dict[int, Decimal]]:
    """Factor -> security -> exposure of a unit of its weight; ``risk`` as for ``risk_figures``."""
    securities = universe(state)
    columns = [_by_name(risk, unit) for unit in np.eye(len(securities))]
    found: dict[str, dict[int, Decimal]] = {}
    for security, column in zip(securities, columns, strict=True):
        for factor, exposure in column.items():
            found.setdefault(factor, {})[security] = exposure
    return found


def risk_of_weights(weights: Sequence[Decimal], risk: RiskModel) -> RiskFigures:
    """Risk of a model's weights, in the risk model's order, against themselves: nothing of it is active."""
    held = _floats(weights)
    return RiskFigures(
        tracking_error=ZERO,
        volatility=_exact(risk.tracking_error(held)),
        active_exposures=_by_name(risk, 0.0 * held),
        exposures=_by_name(risk, held),
    )


def _by_name(risk: RiskModel, weights: FloatArray) -> dict[str, Decimal]:
    exposures = risk.exposures(weights)
    names = risk.factors or tuple(_NUMBERED.format(at + 1) for at in range(len(exposures)))
    return {name: _exact(float(exposure)) for name, exposure in zip(names, exposures, strict=True)}


def _exact(number: float) -> Decimal:
    return border.decimal(number).quantize(measures.RISK_QUANTUM)


def _floats(amounts: Iterable[Decimal]) -> FloatArray:
    return np.array([float(amount) for amount in amounts], dtype=np.float64)
