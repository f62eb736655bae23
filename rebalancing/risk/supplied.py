"""A risk model that somebody else estimated: checked, and made positive definite where it is not quite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import FloatArray
from rebalancing.risk.missing import with_guesses
from rebalancing.risk.model import NamedFactors, RiskModel

SPECIFIC_FLOOR = 1e-6  # annual variance: 0.1 % a year
MOST_CLIPPED = 0.05  # of the sum of the positive eigenvalues; beyond, this is no covariance
_ASYMMETRY = 1e-6  # relative: what rounding in a file leaves


def supplied(
    loadings: FloatArray,
    factor_covariance: FloatArray,
    specific_variance: FloatArray,
    *,
    factors: Sequence[str],
    classes: Sequence[str] | None = None,
    estimated_to: dt.date | None = None,
) -> RiskModel:
    """The model B Omega B' + diag(D): B (n, k), Omega (k, k) and D (n,), annual; NaN rows where nothing was supplied.

    F = B U sqrt(Lambda) from Omega = U Lambda U', negative eigenvalues set to zero and told in the notes; D is raised
    to SPECIFIC_FLOOR. Securities without loadings or specific variance are guessed as in ``rebalancing.risk.missing``.
    Raises BadReturns for wrong shapes, for what is no covariance matrix, and where no security is covered.
    """
    betas, own = np.asarray(loadings, dtype=np.float64), np.asarray(specific_variance, np.float64)
    _check_shapes(betas, np.asarray(factor_covariance), own, factors)
    root, remarks = factor_root(np.asarray(factor_covariance, dtype=np.float64), factors)
    usable = np.isfinite(betas).all(axis=1) & np.isfinite(own)
    if not np.any(usable):
        raise BadReturns(f"None of {len(betas)} securities has supplied loadings.", advice=_ADVICE)
    if np.any(own[usable] < 0.0):
        column = int(np.flatnonzero(usable & (own < 0.0))[0])
        raise BadReturns(f"The specific variance of column {column} is negative.", advice=_ADVICE)
    low = usable & (own < SPECIFIC_FLOOR)
    if np.any(low):
        remarks.append(
            f"specific variance raised to its floor: {int(low.sum())} of {int(usable.sum())} securities"
        )
    known = np.where(low, SPECIFIC_FLOOR, own)[usable]
    full, specific, assumed = with_guesses(usable, betas[usable], known, classes, root=root)
    return RiskModel(
        full @ root,
        specific,
        0,
        None,
        estimated_to,
        guessed=tuple(assumed),
        reasons=tuple(f"has no supplied loadings: {what}" for what in assumed.values()),
        remarks=tuple(remarks),
        factors=tuple(factors),
        named=NamedFactors(full, root @ root.T),
    )


_ADVICE = "Correct the file of loadings and import it again."


def factor_root(covariance: FloatArray, factors: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """R (k, k) with R R' = the covariance, its negative eigenvalues set to zero, and what was done in words.

    Raises BadReturns for a matrix that is not finite or symmetric, or too far from positive semidefinite.
    """
    if not np.all(np.isfinite(covariance)):
        at = np.argwhere(~np.isfinite(covariance))[0]
        raise BadReturns(
            f"The covariance of {factors[at[0]]} and {factors[at[1]]} is no number.", advice=_ADVICE
        )
    scale = float(np.abs(covariance).max(initial=0.0))
    if np.any(np.abs(covariance - covariance.T) > _ASYMMETRY * scale):
        raise BadReturns("The factor covariance is not symmetric.", advice=_ADVICE)
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    negative, positive = -values[values < 0.0].sum(), values[values > 0.0].sum()
    if negative > MOST_CLIPPED * positive:
        raise BadReturns(
            f"The factor covariance has negative eigenvalues of {negative:.3g} against positive ones of "
            f"{positive:.3g}: it is no covariance matrix.",
            advice=_ADVICE,
        )
    remarks = []
    if negative > 1e-12 * positive:
        remarks.append(
            f"negative eigenvalues of the factor covariance set to zero, {negative / positive:.2%} of the whole"
        )
    return vectors * np.sqrt(np.maximum(values, 0.0)), remarks


def _check_shapes(
    loadings: FloatArray, covariance: FloatArray, specific: FloatArray, factors: Sequence[str]
) -> None:
    count = len(factors)
    wanted = f"they need (n, {count}), ({count}, {count}) and (n,)"
    if (
        loadings.ndim != 2
        or not count
        or loadings.shape[1] != count
        or covariance.shape != (count, count)
        or specific.shape != (len(loadings),)
        or not len(loadings)
    ):
        raise BadReturns(
            f"Loadings, factor covariance and specific variance have the shapes {loadings.shape}, "
            f"{covariance.shape} and {specific.shape}; {wanted}.",
            advice=_ADVICE,
        )
