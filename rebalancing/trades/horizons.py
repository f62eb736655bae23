"""How long a correction lasts, for each security by itself: the policy's ``horizon = "by_name"``. numpy only.

The objective weighs a price of risk *per year* against costs that are paid *once*, so years stand between them. What a
trade corrects lasts until the weight has drifted across its band again. For a weight ``w`` that diffuses with relative
volatility ``s`` between +-b, a cost ``c`` per dollar traded and a price of risk ``lambda`` per year,

    cost of risk  lambda s^2 w^2 b^2 / 3  +  cost of trading  c w s^2 / (2 b)      dollars a year of the whole,
    least at      b^3 = 3 c / (4 lambda w)        (s drops out: the band is as wide for every name),

and the objective of one look stops trading at that edge where ``2 lambda H s^2 w b = c``, which gives
``H = 2 b^2 / (3 s^2)``. Tax is a cost as well (``correction_costs``). One ``H`` for all keeps a quiet name as long as a
lively one and so gives it a far wider band. Nothing here is fitted to a price history; ``docs/backtest.md`` measures it
on one.
"""

from dataclasses import dataclass

import numpy as np

from rebalancing.optimizer.problem import FloatArray, Problem

# Years. No shorter than one trading day, and no longer than anybody would count on a weight to stay.
SHORTEST, LONGEST = 1.0 / 252.0, 10.0
_ONE_DOLLAR_MORE = 1e-6  # of V: what a gain adds to the year's tax is measured with so much of it


@dataclass(frozen=True, slots=True)
class Risk:
    """Annualised active covariance ``F F' + diag(D)``; ``loadings`` F (n, k), ``specific`` D (n,)."""

    loadings: FloatArray
    specific: FloatArray

    def over(self, years: FloatArray) -> "Risk":
        """Of variance times years, ``S Sigma S`` with ``S = diag(sqrt(years))``: still positive semidefinite."""
        return Risk(self.loadings * np.sqrt(years)[:, None], self.specific * years)

    def shares(self, active: FloatArray) -> FloatArray:
        """(n,) what each security adds to the variance ``d' Sigma d`` of active weights (n,): they sum to it."""
        return np.asarray(active * self.times(active))

    def times(self, active: FloatArray) -> FloatArray:
        """(n,) ``Sigma d``."""
        return np.asarray(self.loadings @ (self.loadings.T @ active) + self.specific * active)


def band(cost: FloatArray | float, risk_price: float, targets: FloatArray) -> FloatArray:
    """(n,) half the relative width between two trades at which risk and trading together cost least."""
    return np.asarray(np.cbrt(0.75 * cost / (risk_price * targets)))


def horizons(band_width: FloatArray, drift: FloatArray) -> FloatArray:
    """(n,) years until a weight has drifted across its band again; ``drift`` (n,) is its relative volatility a year."""
    return np.asarray(2.0 / 3.0 * np.square(band_width / drift))


def relative_volatility(risk: Risk, targets: FloatArray) -> FloatArray:
    """(n,) yearly volatility of each return less that of the target portfolio; what targets leave over is cash."""
    of_targets = risk.times(targets)
    own = np.square(risk.loadings).sum(axis=1) + risk.specific
    variance = own - 2.0 * of_targets + targets @ of_targets
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def years(
    *,
    costs: FloatArray,
    risk_price: float,
    targets: FloatArray,
    drift: FloatArray,
    otherwise: float,
) -> FloatArray:
    """(n,) the horizon of each security, between ``SHORTEST`` and ``LONGEST``.

    ``costs`` (n,) per dollar traded. A security without a target has no band to drift across: it gets ``otherwise``.
    """
    found = np.full(len(targets), float(otherwise))
    if risk_price > 0.0:
        wanted = targets > 0.0
        # A weight that cannot drift (it is the whole target) stays as long as can be counted.
        moving = np.maximum(drift[wanted], 1e-12)
        found[wanted] = horizons(band(costs[wanted], risk_price, targets[wanted]), moving)
    return np.asarray(np.clip(found, SHORTEST, LONGEST))


def correction_costs(problem: Problem) -> FloatArray:
    """(n,) what a dollar of correcting each security costs, as a fraction.

    Half its spread and the commission, and the tax of a dollar sold of the household as it is: the mean over all its
    lots, at the rates that the next dollar of gain meets this year. The tax is the household's and not the security's:
    with a long horizon for names with gains and a short one for others the optimum hedges the first by trading the
    others to and fro. A loss makes nothing cheaper: what it saves does not come again with the next correction.
    """
    held = problem.lot_weight.sum()
    tax = problem.lot_weight @ _tax_per_dollar(problem) / held if held > 0.0 else 0.0
    return np.asarray(problem.cost_rates + tax)


def _tax_per_dollar(problem: Problem) -> FloatArray:
    """(L,) tax of a dollar sold from each lot, nothing where it is a loss or is not taxed."""
    schedule = problem.tax
    short = schedule.added_tax(_ONE_DOLLAR_MORE, 0.0) / _ONE_DOLLAR_MORE
    long = schedule.added_tax(0.0, _ONE_DOLLAR_MORE) / _ONE_DOLLAR_MORE
    rates = np.where(problem.lot_is_long, long, short)
    return np.asarray(
        np.where(problem.lot_is_taxable, np.maximum(problem.lot_gain, 0.0), 0.0) * rates
    )


def by_name(problem: Problem, targets: FloatArray, *, otherwise: float) -> FloatArray:
    """(n,) years of each security of a problem whose risk and price of risk are yearly; ``targets`` are the model's."""
    return years(
        costs=correction_costs(problem),
        risk_price=problem.risk_aversion,
        targets=targets,
        drift=relative_volatility(risk_of(problem), targets),
        otherwise=otherwise,
    )


def risk_of(problem: Problem) -> Risk:
    """The problem's risk."""
    return Risk(problem.factor_loadings, problem.specific_variance)


def counted_over(problem: Problem, horizon: FloatArray) -> Problem:
    """The yearly problem with each security's active risk counted over its own years (n,).

    The mean horizon goes into the price of risk and the rest into the risk, so that with one horizon for all the
    problem is ``risk_aversion x years`` on the yearly risk (T40), and active risk stays a yearly figure.
    """
    mean = float(horizon.mean())
    risk = risk_of(problem).over(horizon / mean)
    return problem.replace(
        factor_loadings=risk.loadings,
        specific_variance=risk.specific,
        risk_aversion=problem.risk_aversion * mean,
    )
