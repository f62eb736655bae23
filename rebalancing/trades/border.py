"""The one border between Decimal and float64.

Outwards every amount becomes a fraction of the household's value V (``rebalancing.trades.arrays``). Inwards a float is
read digit by digit, ``Decimal(repr(x))``, and becomes whole shares (``rebalancing.trades.whole_shares``) that are
checked again in Decimal (``rebalancing.household.checks``) before anybody sees them.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from rebalancing.optimizer.problem import FloatArray, IntArray
from rebalancing.risk import RiskModel


def decimal(number: float) -> Decimal:
    """The number as its shortest digits say it, not its binary expansion."""
    return Decimal(repr(float(number)))


def fractions(amounts: Iterable[Decimal], value: Decimal) -> FloatArray:
    """Dollars as fractions of V, in their order."""
    return floats(amount / value for amount in amounts)


def floats(amounts: Iterable[Decimal]) -> FloatArray:
    """The nearest floats, in their order."""
    return np.array([float(amount) for amount in amounts], dtype=np.float64)


def numbers(values: Iterable[int]) -> IntArray:
    """Whole numbers, such as rows of other arrays."""
    return np.array(list(values), dtype=np.int64)


def fingerprint(risk: RiskModel) -> str:
    """SHA-256 of the risk model's numbers: floats have no canonical text, their bytes have."""
    digest = hashlib.sha256()
    for array in (risk.loadings, risk.specific_variance):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()
