"""A risk model from the returns of given factors, such as those of factor ETFs: one regression a security.

Factor returns are often nearly the same series (five equity ETFs are mostly the market), so that plain betas are
large, of opposite signs and noisy. Regressions are therefore run on the factors' principal axes, where they do not
disturb each other, and shrunk there, axis by axis, towards the mean of all securities: each by as much as its standard
error says (Vasicek 1973).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import numpy as np

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import BoolArray, FloatArray
from rebalancing.risk.history import SHORTEST_HISTORY, TRADING_DAYS, Cell, History, history
from rebalancing.risk.missing import with_guesses
from rebalancing.risk.model import NamedFactors, RiskModel
from rebalancing.risk.statistical import SPECIFIC_SHARE, Moments, nothing_usable

FEWEST_TO_SHRINK = 10  # securities: a mean of fewer is no better than one's own figure
_SAME = (
    1e-8  # an axis with less than this share of the largest axis's variance is no factor of its own
)


def from_factor_returns(
    returns: FloatArray,
    factor_returns: FloatArray,
    *,
    factors: Sequence[str],
    periods_per_year: int = TRADING_DAYS,
    half_life: float | None = None,
    shortest_history: int = SHORTEST_HISTORY,
    longest_silence: int | None = None,
    days: Sequence[dt.date] | None = None,
    trusted: Collection[Cell] = (),
    trusted_factors: Collection[Cell] = (),
    classes: Sequence[str] | None = None,
    estimated_from: dt.date | None = None,
    estimated_to: dt.date | None = None,
) -> RiskModel:
    """Regress simple returns (T, n) on factor returns (T, k) of the same days, NaN where unknown.

    Only days on which all factors are known count. The factors' covariance Omega is that of their returns; loadings are
    F = B R with R R' = Omega; the specific variance is that of the residuals, at least SPECIFIC_SHARE of the security's
    variance. ``named`` holds betas, standard errors and R^2. Specific returns count as uncorrelated: what moves two
    securities and no factor is left out. A security that cannot be used is guessed; a factor must be usable.
    Raises BadReturns for malformed frames, an unusable factor (named), or where no security is usable.
    """
    if periods_per_year < 1:
        raise BadReturns("periods_per_year needs to be at least 1.")
    series = np.asarray(factor_returns, dtype=np.float64)
    frame = np.asarray(returns, dtype=np.float64)
    if series.ndim != 2 or frame.ndim != 2 or len(series) != len(frame):
        raise BadReturns(
            f"Returns {frame.shape} and factor returns {series.shape} need the same days (T, ...)."
        )
    if series.shape[1] != len(factors):
        raise BadReturns(f"{series.shape[1]} factor series have {len(factors)} names.")
    checks = {
        "half_life": half_life,
        "shortest_history": shortest_history,
        "longest_silence": longest_silence,
        "days": days,
    }
    given = history(series, trusted=trusted_factors, **checks)  # type: ignore[arg-type]
    _require_factors(given, factors)
    together: BoolArray = np.asarray(given.known.all(axis=1))
    if together.sum() < max(shortest_history, len(factors) + 2):
        raise BadReturns(
            f"All {len(factors)} factors are known on {int(together.sum())} days only.",
            advice="Load longer price histories of the factor series, or name fewer of them.",
        )
    seen = history(np.where(together[:, None], frame, np.nan), trusted=trusted, **checks)  # type: ignore[arg-type]
    usable = seen.usable
    if not np.any(usable):
        raise BadReturns(nothing_usable(seen, shortest_history))
    axes, remarks = _axes(given, together, factors)
    found = _regressions(seen, usable, given.returns @ axes.into)
    scores, shrunk = _towards_the_mean(found.scores, found.errors)
    specific, floored = _specific(seen, usable, given.returns @ axes.into, scores)
    if shrunk is not None:
        remarks.append(f"betas shrunk by {shrunk:.1%} in the median")
    if half_life is not None:
        remarks.append(f"days weighted with a half-life of {half_life:g}")
    if floored:
        remarks.append(
            f"specific variance raised to its floor: {floored} of {len(specific)} securities"
        )
    # An axis has variance 1: scores are betas times the root of the covariance, and back again.
    root = axes.root * np.sqrt(periods_per_year)
    betas, own, assumed = with_guesses(
        usable, scores @ axes.into.T, specific * periods_per_year, classes, root=root
    )
    return RiskModel(
        betas @ root,
        own,
        int(together.sum()),
        estimated_from,
        estimated_to,
        guessed=tuple(assumed),
        reasons=tuple(f"{seen.reasons[row]}: {what}" for row, what in assumed.items()),
        remarks=tuple(remarks),
        factors=tuple(factors),
        named=NamedFactors(
            betas,
            root @ root.T,
            _all_rows(found.beta_errors(axes.into), usable),
            _all_rows(found.r_squared, usable),
        ),
    )


def _require_factors(given: History, factors: Sequence[str]) -> None:
    if given.reasons:
        told = "; ".join(f"{factors[column]} {why}" for column, why in given.reasons.items())
        raise BadReturns(
            f"Not all factor series can be used: {told}.",
            advice="Load their prices, book the split or import the prices as checked, or take the factor out of the "
            "firm's risk setting.",
        )


class _Axes:
    """Principal axes of the factors: ``into`` (k, q) turns returns into scores of variance 1, ``root`` (k, q) back.

    root @ root.T is the factors' daily covariance.
    """

    def __init__(self, values: FloatArray, vectors: FloatArray) -> None:
        self.into: FloatArray = vectors / np.sqrt(values)
        self.root: FloatArray = vectors * np.sqrt(values)


def _axes(given: History, together: BoolArray, factors: Sequence[str]) -> tuple[_Axes, list[str]]:
    seen = History(
        np.where(together[:, None], given.returns, 0.0),
        np.repeat(together[:, None], len(factors), axis=1),
        given.weights,
        {},
    )
    moments = Moments(seen)
    correlation, _, _ = moments.correlation(seen.usable, moments.deviation)
    covariance = correlation * np.outer(moments.deviation, moments.deviation)
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    kept = values > _SAME * values.max()
    remarks = []
    if not np.all(kept):
        remarks.append(
            f"{int((~kept).sum())} of {len(factors)} factors follow from the others: their part is shared out"
        )
    return _Axes(values[kept], vectors[:, kept]), remarks


class _Regressions:
    """Least squares of m securities on q axes: ``scores`` (m, q), their covariances (m, q, q), ``r_squared`` (m,)."""

    def __init__(self, securities: int, axes: int) -> None:
        self.scores = np.zeros((securities, axes))
        self.covariances = np.zeros((securities, axes, axes))
        self.r_squared = np.zeros(securities)

    @property
    def errors(self) -> FloatArray:
        """(m, q) standard errors of the scores."""
        return np.asarray(np.sqrt(np.einsum("mqq->mq", self.covariances)))

    def beta_errors(self, into: FloatArray) -> FloatArray:
        """(m, k) standard errors of the betas."""
        squares = np.einsum("kq,mqr,kr->mk", into, self.covariances, into)
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _regressions(seen: History, usable: BoolArray, scores: FloatArray) -> _Regressions:
    """Weighted least squares with a constant; securities that are known on the same days are done together."""
    columns = np.flatnonzero(usable)
    found = _Regressions(len(columns), scores.shape[1])
    patterns, which = np.unique(seen.known[:, columns], axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        rows, members = patterns[:, number], np.flatnonzero(which.ravel() == number)
        weights = seen.weights[rows]
        design = np.column_stack([np.ones(int(rows.sum())), scores[rows]])
        returns = seen.returns[rows][:, columns[members]]
        inverse = np.linalg.pinv(design.T @ (weights[:, None] * design), hermitian=True)
        solved = inverse @ (design.T @ (weights[:, None] * returns))
        left = returns - design @ solved
        effective = weights.sum() ** 2 / np.square(weights).sum()
        degrees = max(effective - design.shape[1], 1.0)
        variance = (weights @ np.square(left)) / weights.sum() * effective / degrees
        mean = weights @ returns / weights.sum()
        total = weights @ np.square(returns - mean)
        sandwich = inverse @ (design.T @ (np.square(weights)[:, None] * design)) @ inverse
        found.scores[members] = solved[1:].T
        found.covariances[members] = variance[:, None, None] * sandwich[1:, 1:]
        found.r_squared[members] = 1.0 - (weights @ np.square(left)) / total
    return found


def _towards_the_mean(scores: FloatArray, errors: FloatArray) -> tuple[FloatArray, float | None]:
    """Scores (m, q) moved towards their mean by as much as they are noise, and by how much in the median.

    None where there are too few securities to know a mean.
    """
    if len(scores) < FEWEST_TO_SHRINK:
        return scores, None
    noise = np.square(errors)
    mean = scores.mean(axis=0)
    true = np.maximum(scores.var(axis=0, ddof=1) - noise.mean(axis=0), 0.0)
    together = true + noise
    kept = np.where(together > 0.0, true / np.where(together > 0.0, together, 1.0), 1.0)
    return mean + (scores - mean) * kept, float(1.0 - np.median(kept))


def _specific(
    seen: History, usable: BoolArray, axes: FloatArray, scores: FloatArray
) -> tuple[FloatArray, int]:
    """(m,) daily variance of what the scores leave, floored, and how many were."""
    columns = np.flatnonzero(usable)
    left = np.where(seen.known[:, columns], seen.returns[:, columns] - axes @ scores.T, 0.0)
    residual = Moments(History(left, seen.known[:, columns], seen.weights, {}))
    effective = _effective(seen, columns)
    degrees = np.maximum(effective - 1.0 - scores.shape[1], 1.0) / np.maximum(effective - 1.0, 1.0)
    variance = np.square(residual.deviation) / degrees
    total = np.square(scores).sum(axis=1) + variance
    floor = SPECIFIC_SHARE * total
    return np.maximum(variance, floor), int((variance < floor).sum())


def _effective(
    seen: History, columns: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> FloatArray:
    presence = seen.known[:, columns].astype(np.float64)
    return np.asarray((seen.weights @ presence) ** 2 / (np.square(seen.weights) @ presence))


def _all_rows(values: FloatArray, usable: BoolArray) -> FloatArray:
    """``values`` of the usable rows among all, NaN in the others."""
    full = np.full((len(usable), *values.shape[1:]), np.nan)
    full[usable] = values
    return full
