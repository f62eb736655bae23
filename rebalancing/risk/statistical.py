"""Statistical factors from a frame of daily returns, all days alike or the newer ones counting more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import numpy as np
from scipy.linalg import eigh

from rebalancing.errors import BadReturns
from rebalancing.optimizer.problem import BoolArray, FloatArray
from rebalancing.risk.history import SHORTEST_HISTORY, TRADING_DAYS, Cell, History, history
from rebalancing.risk.missing import with_guesses
from rebalancing.risk.model import RiskModel

SPECIFIC_SHARE = 0.05  # least share of a security's own variance that no factor explains


def estimate(
    returns: FloatArray,
    *,
    periods_per_year: int = TRADING_DAYS,
    factors: int = 5,
    half_life: float | None = None,
    shortest_history: int = SHORTEST_HISTORY,
    longest_silence: int | None = None,
    days: Sequence[dt.date] | None = None,
    trusted: Collection[Cell] = (),
    classes: Sequence[str] | None = None,
    estimated_from: dt.date | None = None,
    estimated_to: dt.date | None = None,
) -> RiskModel:
    """Statistical factors of simple returns (T, n); NaN where a security has no price.

    Correlations are taken pair by pair, shrunk towards zero (oracle approximating shrinkage,
    Chen, Wiesel, Eldar and Hero 2010) and cut to the leading principal factors; what those do not
    explain is specific, with a floor. With ``half_life`` (rows) a day counts half as much as one that is so many days
    newer: in means, variances and correlations, and the shrinkage goes by the effective number of days
    (sum w)^2 / sum w^2. Columns that ``rebalancing.risk.history`` finds unusable are guessed conservatively
    (``rebalancing.risk.missing``, by ``classes``) and named in ``notes``; the other arguments are explained there.
    Raises BadReturns when the frame is malformed or no column is usable.
    """
    if periods_per_year < 1 or factors < 1:
        raise BadReturns("periods_per_year and factors need to be at least 1.")
    seen = history(
        returns,
        half_life=half_life,
        shortest_history=shortest_history,
        longest_silence=longest_silence,
        days=days,
        trusted=trusted,
    )
    usable = seen.usable
    if not np.any(usable):
        raise BadReturns(nothing_usable(seen, shortest_history))
    moments = Moments(seen)
    daily = moments.deviation[usable]
    correlation, shrunk = _shrunk_correlation(moments, usable, daily, shortest_history)
    scores, own, floored = _principal_factors(correlation, factors)
    remarks = [f"correlations shrunk by {shrunk:.1%}"]
    if half_life is not None:
        remarks.append(f"days weighted with a half-life of {half_life:g}")
    if floored:
        remarks.append(
            f"specific variance raised to its floor: {floored} of {len(daily)} securities"
        )
    yearly = daily * np.sqrt(periods_per_year)
    loadings, specific, assumed = with_guesses(
        usable, yearly[:, None] * scores, yearly**2 * own, classes
    )
    return RiskModel(
        loadings,
        specific,
        len(seen.returns),
        estimated_from,
        estimated_to,
        guessed=tuple(assumed),
        reasons=tuple(f"{seen.reasons[row]}: {what}" for row, what in assumed.items()),
        remarks=tuple(remarks),
        factors=tuple(f"statistical factor {number + 1}" for number in range(loadings.shape[1])),
    )


def nothing_usable(seen: History, shortest_history: int) -> str:
    """Why a frame carries no model, with the first reasons."""
    count = seen.returns.shape[1]
    why = "; ".join(f"column {column} {reason}" for column, reason in [*seen.reasons.items()][:3])
    return (
        f"None of {count} columns has {shortest_history} returns that move and can be used: {why}."
    )


class Moments:
    """Weighted means and deviations of a history; with equal weights the usual sample ones."""

    def __init__(self, seen: History) -> None:
        self._presence = seen.known.astype(np.float64)
        self._weights = seen.weights
        total, _, degrees = self._sizes(self._presence)
        weight = seen.weights[:, None] * self._presence
        mean = (weight * seen.returns).sum(axis=0) / np.where(total > 0.0, total, 1.0)
        self.centred: FloatArray = np.where(seen.known, seen.returns - mean, 0.0)  # (T, n)
        squares = (seen.weights[:, None] * np.square(self.centred)).sum(axis=0)
        self.deviation: FloatArray = np.sqrt(squares / degrees)  # (n,) daily

    def _sizes(self, presence: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        total = self._weights @ presence
        squares = np.square(self._weights) @ presence
        return total, squares, _degrees(total, squares)

    def correlation(
        self, columns: BoolArray, deviation: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of some columns pair by pair: correlation, days in common, and effective days, (m, m) each."""
        presence = self._presence[:, columns]
        standard = self.centred[:, columns] / deviation
        weighted = presence * self._weights[:, None]
        total, squares = presence.T @ weighted, weighted.T @ weighted
        found = (standard * self._weights[:, None]).T @ standard / _degrees(total, squares)
        effective = np.square(total) / np.where(squares > 0.0, squares, 1.0)
        return found, presence.T @ presence, effective


def _degrees(total: FloatArray, squares: FloatArray) -> FloatArray:
    """What a weighted sum of squares is divided by; n - 1 where all n weights are 1, and never nothing."""
    found = total - squares / np.where(total > 0.0, total, 1.0)
    return np.where(found > 0.0, found, 1.0)


def _shrunk_correlation(
    moments: Moments, usable: BoolArray, daily: FloatArray, shortest_history: int
) -> tuple[FloatArray, float]:
    """Pairwise correlation (m, m) shrunk towards the identity, and by how much.

    Pairs that hardly overlap count as uncorrelated.
    """
    correlation, overlap, effective = moments.correlation(usable, daily)
    rows = len(moments.centred)
    correlation = np.where(overlap >= min(shortest_history, rows), correlation, 0.0)
    correlation = np.clip(0.5 * (correlation + correlation.T), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    n, days = len(correlation), float(np.median(np.diag(effective)))
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
    out of the scores and stays specific. What is specific is at least SPECIFIC_SHARE.
    """
    n = len(correlation)
    count = min(factors, n)
    values, vectors = eigh(correlation, subset_by_index=(n - count, n - 1))  # ascending
    values, vectors = values[::-1], vectors[:, ::-1]
    left = n - count
    # The eigenvalues of a correlation matrix add up to n: the rest need not be found one by one.
    noise = max(float(n - values.sum()) / left, 0.0) if left else 0.0
    strength = np.sqrt(np.maximum(values - noise, 0.0))
    scores = vectors * strength
    scores = scores * np.where(scores.sum(axis=0) < 0.0, -1.0, 1.0)  # an eigenvector has no sign
    common = np.square(scores).sum(axis=1)
    floored = common > 1.0 - SPECIFIC_SHARE
    # The floor is taken from the factors: a security's own variance stays what was measured.
    scores[floored] *= np.sqrt((1.0 - SPECIFIC_SHARE) / common[floored])[:, None]
    return scores, np.where(floored, SPECIFIC_SHARE, 1.0 - common), int(floored.sum())
