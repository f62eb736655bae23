"""A factor risk model from a frame of daily returns.

Sigma = F F' + diag(D) with D > 0, so it is positive definite by construction, whatever the
returns look like: short, gappy, with duplicated or constant columns.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import BoolArray, FloatArray

TRADING_DAYS = 252
SHORTEST_HISTORY = 60  # returns: about three months
SPECIFIC_SHARE = 0.05  # least share of a security's own variance that no factor explains
_NO_MOVE = 1e-10  # a daily volatility below this is a stale price, not a quiet security


@dataclass(frozen=True, eq=False)
class RiskModel:
    """Annualised factor covariance, and what it was estimated from.

    `guessed` lists the columns without a usable history: they carry the median security's factor
    loadings and the ninth decile of specific variance.
    """

    loadings: FloatArray  # (n, k)
    specific_variance: FloatArray  # (n,)
    observations: int  # rows of returns
    estimated_from: dt.date | None = None
    estimated_to: dt.date | None = None
    guessed: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def variance(self, weights: FloatArray) -> float:
        """weights' Sigma weights, yearly; weights (n,)."""
        exposure = self.loadings.T @ weights
        return float(exposure @ exposure + self.specific_variance @ np.square(weights))

    def tracking_error(self, active_weights: FloatArray) -> float:
        """Yearly standard deviation of the return of active weights (n,)."""
        return float(np.sqrt(self.variance(active_weights)))

    def volatility(self) -> FloatArray:
        """(n,) yearly volatility of each security."""
        total = np.square(self.loadings).sum(axis=1) + self.specific_variance
        return np.asarray(np.sqrt(total))

    def covariance(self) -> FloatArray:
        """(n, n) dense Sigma: for reports and tests, never for the optimiser."""
        return self.loadings @ self.loadings.T + np.diag(self.specific_variance)


def estimate(
    returns: FloatArray,
    *,
    periods_per_year: int = TRADING_DAYS,
    factors: int = 5,
    shortest_history: int = SHORTEST_HISTORY,
    estimated_from: dt.date | None = None,
    estimated_to: dt.date | None = None,
) -> RiskModel:
    """Statistical factors of simple returns (T, n); NaN where a security has no price.

    Correlations are taken pair by pair, shrunk towards zero (oracle approximating shrinkage,
    Chen, Wiesel, Eldar and Hero 2010) and cut to the leading principal factors; what those do not
    explain is specific, with a floor. Columns with fewer than `shortest_history` returns, or
    that never move, are guessed conservatively and named in `notes`.
    Raises BadReturns when the frame is malformed or no column is usable.
    """
    frame = _checked(returns, periods_per_year, factors)
    known = np.isfinite(frame)
    counts = known.sum(axis=0)
    centred = np.where(known, frame - _mean(frame, known), 0.0)
    daily = np.sqrt(np.square(centred).sum(axis=0) / np.maximum(counts - 1, 1))
    usable = (counts >= shortest_history) & (daily > _NO_MOVE)
    if not np.any(usable):
        raise BadReturns(
            f"None of {frame.shape[1]} columns has {shortest_history} returns that move."
        )
    yearly = daily[usable] * np.sqrt(periods_per_year)
    standard = centred[:, usable] / daily[usable]
    correlation, shrunk = _shrunk_correlation(standard, known[:, usable], shortest_history)
    scores, own, floored = _principal_factors(correlation, factors)
    notes = [f"correlations shrunk by {shrunk:.1%}"]
    if floored:
        notes.append(f"specific variance raised to its floor in {floored} columns")
    loadings, specific = _with_guesses(usable, yearly[:, None] * scores, yearly**2 * own)
    guessed = tuple(int(i) for i in np.flatnonzero(~usable))
    notes += [_guess_note(i, int(counts[i]), shortest_history) for i in guessed]
    return RiskModel(
        loadings, specific, len(frame), estimated_from, estimated_to, guessed, tuple(notes)
    )


def _checked(returns: FloatArray, periods_per_year: int, factors: int) -> FloatArray:
    frame = np.asarray(returns, dtype=np.float64)
    if frame.ndim != 2 or frame.shape[1] == 0:
        raise BadReturns(f"Returns have shape {frame.shape}; they need (days, securities).")
    if periods_per_year < 1 or factors < 1:
        raise BadReturns("periods_per_year and factors need to be at least 1.")
    wrong = np.isinf(frame) | (frame < -1.0)
    if np.any(wrong):
        day, column = (int(at[0]) for at in np.nonzero(wrong))
        raise BadReturns(f"The return of column {column} on row {day} is {frame[day, column]}.")
    return frame


def _mean(frame: FloatArray, known: BoolArray) -> FloatArray:
    total = np.where(known, frame, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(known.sum(axis=0), 1))


def _shrunk_correlation(
    standard: FloatArray, known: BoolArray, shortest_history: int
) -> tuple[FloatArray, float]:
    """Pairwise correlation (n, n) shrunk towards the identity, and by how much.

    Pairs that hardly overlap count as uncorrelated.
    """
    presence = known.astype(np.float64)
    overlap = presence.T @ presence
    correlation = (standard.T @ standard) / np.maximum(overlap - 1.0, 1.0)
    correlation = np.where(overlap >= min(shortest_history, len(known)), correlation, 0.0)
    correlation = np.clip(0.5 * (correlation + correlation.T), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    n, days = len(correlation), float(np.median(np.diag(overlap)))
    if n == 1:
        return correlation, 0.0
    squares = float(np.square(correlation).sum())
    noise = (1.0 - 2.0 / n) * squares + n**2
    signal = (days + 1.0 - 2.0 / n) * (squares - n)
    shrunk = 1.0 if signal <= 0.0 else min(1.0, noise / signal)
    return (1.0 - shrunk) * correlation + shrunk * np.eye(n), shrunk


def _principal_factors(correlation: FloatArray, factors: int) -> tuple[FloatArray, FloatArray, int]:
    """Scores (n, k) of the leading factors, the share left over (n,), and how many were floored.

    The mean of the remaining eigenvalues is noise that every factor also carries: it is taken
    out of the scores and stays specific.
    """
    values, vectors = np.linalg.eigh(correlation)
    order = np.argsort(values)[::-1]
    count = min(factors, len(values))
    rest = values[order[count:]]
    noise = max(float(rest.mean()), 0.0) if len(rest) else 0.0
    strength = np.sqrt(np.maximum(values[order[:count]] - noise, 0.0))
    scores = vectors[:, order[:count]] * strength
    scores = scores * np.where(scores.sum(axis=0) < 0.0, -1.0, 1.0)  # an eigenvector has no sign
    left = 1.0 - np.square(scores).sum(axis=1)
    return scores, np.maximum(left, SPECIFIC_SHARE), int((left < SPECIFIC_SHARE).sum())


def _with_guesses(
    usable: BoolArray, loadings: FloatArray, specific: FloatArray
) -> tuple[FloatArray, FloatArray]:
    full = np.tile(np.median(loadings, axis=0), (len(usable), 1))
    own = np.full(len(usable), np.quantile(specific, 0.9))
    full[usable], own[usable] = loadings, specific
    return full, own


def _guess_note(column: int, count: int, shortest_history: int) -> str:
    why = "never moves" if count >= shortest_history else f"has {count} returns"
    return f"column {column} {why}: median loadings and top-decile specific variance assumed"
