"""The risk model that every estimator makes and the optimiser reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebalancing.optimizer.problem import FloatArray


@dataclass(frozen=True, eq=False)
class NamedFactors:
    """What is known of factors that have a name; F = betas chol(covariance), up to a rotation.

    ``standard_errors`` and ``r_squared`` are those of the regressions before any shrinkage; None where the betas were
    supplied, and NaN in the rows of securities that were not regressed.
    """

    betas: FloatArray  # (n, k)
    covariance: FloatArray  # (k, k), annual
    standard_errors: FloatArray | None = None  # (n, k)
    r_squared: FloatArray | None = None  # (n,)


@dataclass(frozen=True, eq=False)
class RiskModel:
    """Annualised factor covariance Sigma = F F' + diag(D), and what it was estimated from.

    ``guessed`` lists the rows without a usable history, ``reasons`` says why, one for each: they carry a documented
    conservative guess (``rebalancing.risk.missing``), never a zero. ``remarks`` concern the model as a whole.
    """

    loadings: FloatArray  # (n, k)
    specific_variance: FloatArray  # (n,)
    observations: int  # rows of returns; 0 where the model was supplied
    estimated_from: dt.date | None = None
    estimated_to: dt.date | None = None
    guessed: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()  # (k,) names; empty in a model that was put together by hand
    named: NamedFactors | None = None  # None: the factors are statistical

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its figures should know; ``column i`` stands for the security of row i."""
        told = (f"column {row} {why}" for row, why in zip(self.guessed, self.reasons, strict=True))
        return (*self.remarks, *told)

    @property
    def source(self) -> str:
        """What it was estimated from, and when, in words."""
        what = f"{self.observations} daily returns" if self.observations else "supplied loadings"
        if self.estimated_to is None:
            return what
        return f"{what} {'up to' if self.observations else 'as of'} {self.estimated_to}"

    def marginal(self, weights: FloatArray) -> FloatArray:
        """(n,) Sigma weights: half of what a little more of each name adds to the yearly variance of weights (n,)."""
        return np.asarray(
            self.loadings @ (self.loadings.T @ weights) + self.specific_variance * weights,
            dtype=np.float64,
        )

    def variance(self, weights: FloatArray) -> float:
        """weights' Sigma weights, yearly; weights (n,)."""
        exposure = self.loadings.T @ weights
        return float(exposure @ exposure + self.specific_variance @ np.square(weights))

    def tracking_error(self, active_weights: FloatArray) -> float:
        """Yearly standard deviation of the return of active weights (n,)."""
        return float(np.sqrt(self.variance(active_weights)))

    def exposures(self, active_weights: FloatArray) -> FloatArray:
        """(k,) exposure of active weights (n,) to each of ``factors`` (F14).

        The beta of the weights to a named factor. A statistical factor has no unit of its own: there it is the yearly
        standard deviation that the weights owe to it, with a sign.
        """
        betas = self.loadings if self.named is None else self.named.betas
        return np.asarray(betas.T @ active_weights)

    def volatility(self) -> FloatArray:
        """(n,) yearly volatility of each security."""
        total = np.square(self.loadings).sum(axis=1) + self.specific_variance
        return np.asarray(np.sqrt(total))

    def covariance(self) -> FloatArray:
        """(n, n) dense Sigma: for reports and tests, never for the optimiser."""
        return self.loadings @ self.loadings.T + np.diag(self.specific_variance)

    def take(self, rows: Sequence[int]) -> RiskModel:
        """The same model of some of its securities, in the order given."""
        at = np.asarray(rows, dtype=np.int64)
        why = dict(zip(self.guessed, self.reasons, strict=True))
        named = self.named
        if named is not None:
            named = replace(
                named,
                betas=named.betas[at],
                standard_errors=None
                if named.standard_errors is None
                else named.standard_errors[at],
                r_squared=None if named.r_squared is None else named.r_squared[at],
            )
        guessed = tuple(place for place, row in enumerate(rows) if row in why)
        return replace(
            self,
            loadings=self.loadings[at],
            specific_variance=self.specific_variance[at],
            guessed=guessed,
            reasons=tuple(why[rows[place]] for place in guessed),
            named=named,
        )
