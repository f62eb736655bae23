"""Views on returns, blended with what a model's own weights imply (Black and Litterman 1992): float64, pure.

Returns are a year's, as fractions, above what cash earns. With the model's weights ``w`` (n,), the risk model's yearly
covariance ``Sigma`` (n, n) and the market's price of risk ``delta``:

- the prior is ``pi = delta Sigma w``: the returns for which ``w`` would be the best weights;
- view ``k`` is a row of ``P`` (k, n) and an entry of ``q``: 1 at a name whose return is ``q``, or 1 and -1 at two names
  of which the first returns ``q`` more than the second;
- the posterior is ``mu = pi + tau Sigma P' (P tau Sigma P' + Omega)^-1 (q - P pi)``, and the uncertainty of the mean
  ``tau Sigma - tau Sigma P' (P tau Sigma P' + Omega)^-1 P tau Sigma``.

``delta`` is the return above cash that a unit of *total* variance earns, which is the market's Sharpe ratio by its
volatility: 2.5 is the world's average by He and Litterman (1999), as a Sharpe ratio of 0.4 at 16 %. It is another
figure than a policy's ``risk_aversion``, the price of *active* variance, which a firm chooses by how closely it wants
its models followed. Views are returns in dollars, so that the larger figure would make sober ones look bearish.

``Omega`` is diagonal and follows from each view's confidence ``c`` in (0, 1]:
``omega_k = (1 - c) / c * p_k tau Sigma p_k'``. That is Idzorek's (2005) measure in Walters' closed form: a view alone
moves its own return by the part ``c`` of the way from the prior to the view. Near 0 the prior stays, at 1/2 it is He
and Litterman's (1999) Omega, at 1 the view is met exactly. ``tau`` cancels out of ``mu`` and is 1 here; so the
uncertainty is told as a part of the prior's.

Only the mean has views: the covariance that weights are weighed by stays the risk model's (as with Idzorek), so that
without a view nothing at all changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rebalancing.errors import BadProblem
from rebalancing.optimizer.problem import FloatArray
from rebalancing.risk import RiskModel

CUSTOMARY_RISK_PRICE = 2.5  # He and Litterman 1999
LARGEST_RETURN = 0.5  # a year, either way: a view beyond it is a mistype
_DEPENDENT = 1e-9


@dataclass(frozen=True, slots=True)
class View:
    """The name in ``row`` returns ``spread`` a year above cash, or with ``over`` above that other name."""

    row: int
    spread: float
    confidence: float
    over: int | None = None


@dataclass(frozen=True, eq=False)
class Posterior:
    """``returns`` (n,) a year; ``uncertainty`` (n, n) of them, in units in which the prior's is Sigma."""

    prior: FloatArray
    returns: FloatArray
    uncertainty: FloatArray


def implied(risk: RiskModel, weights: FloatArray, market_risk_price: float) -> FloatArray:
    """(n,) yearly returns above cash that make the weights (n,) the best ones: ``delta Sigma w``."""
    return market_risk_price * risk.marginal(weights)


def posterior(risk: RiskModel, prior: FloatArray, views: Sequence[View]) -> Posterior:
    """The prior (n,) and what becomes of it. Raises BadProblem for views that make no sense."""
    n = len(prior)
    check(views, n)
    sigma = risk.covariance()
    if not views:
        return Posterior(prior, np.array(prior), sigma)
    picks, wanted = _rows(views, n), np.array([one.spread for one in views])
    across = sigma @ picks.T  # (n, k)
    own = picks @ across  # (k, k)
    doubt = np.array([(1.0 - one.confidence) / one.confidence for one in views])
    both = own + np.diag(doubt * np.diag(own))
    # Confidences near 0 and 1 side by side differ by many orders: solved with views scaled to one size.
    scale = 1.0 / np.sqrt(np.diag(both))
    scaled = both * np.outer(scale, scale)
    surprise = wanted - picks @ prior
    moved = across @ (scale * np.linalg.solve(scaled, scale * surprise))
    gained = across @ (scale[:, None] * np.linalg.solve(scaled, scale[:, None] * across.T))
    left = sigma - gained
    return Posterior(prior, np.asarray(prior + moved), 0.5 * (left + left.T))


def of_views(returns: FloatArray, views: Sequence[View]) -> FloatArray:
    """(k,) what the returns (n,) say about each view: ``P returns``."""
    return np.asarray(_rows(views, len(returns)) @ returns, dtype=np.float64)


def check(views: Sequence[View], n: int) -> None:
    """Raises BadProblem for a view of no name, an absurd number, or views of which one follows from the others."""
    for view in views:
        rows = (view.row,) if view.over is None else (view.row, view.over)
        if not all(0 <= row < n for row in rows) or view.row == view.over:
            raise BadProblem(f"The view of row {view.row} is about none of {n} names.")
        if not abs(view.spread) <= LARGEST_RETURN:
            raise BadProblem(f"The view of row {view.row} is a return of {view.spread}.")
        if not 0.0 < view.confidence <= 1.0:
            raise BadProblem(f"The view of row {view.row} has the confidence {view.confidence}.")
    if len(views) > n:
        raise BadProblem(f"There are {len(views)} views on {n} names.")
    if follow_from_each_other(views, n):
        raise BadProblem("One of the views follows from the others: leave it out.")


def follow_from_each_other(views: Sequence[View], n: int) -> bool:
    """Whether some views say the same thing twice: A over B, B over C and A over C, say."""
    if not views:
        return False
    return int(np.linalg.matrix_rank(_rows(views, n), tol=_DEPENDENT)) < len(views)


def _rows(views: Sequence[View], n: int) -> FloatArray:
    """(k, n) P."""
    rows = np.zeros((len(views), n))
    for at, view in enumerate(views):
        rows[at, view.row] = 1.0
        if view.over is not None:
            rows[at, view.over] = -1.0
    return rows
