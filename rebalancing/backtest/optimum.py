"""Optima: the objective of the study, and the product's own objective with a horizon for each name.

The product's problem (``rebalancing.optimizer.Problem``) is solved here by one quadratic program a look, because thirty
years of daily looks would take the optimiser, which proves its answers, an hour; a test holds the two to each other.

Over how long a correction counts is the product's own rule too (``rebalancing.trades.horizons``).
"""

from dataclasses import dataclass, field
from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from rebalancing import risk
from rebalancing.backtest.book import HALF_SPREAD, Book
from rebalancing.backtest.market import TRADING_DAYS, Market
from rebalancing.optimizer import Problem, TaxSchedule
from rebalancing.optimizer.problem import FloatArray, IntArray
from rebalancing.trades import horizons

RENEWED = 63  # days after which the covariance is estimated anew
_IGNORED = 2e-5  # a change of a weight that is not traded
_RIDGE = 1e-8
LotArrays = tuple[FloatArray, FloatArray, IntArray]  # weights, tax per dollar, names
_NOTHING = 1e-12
_NO_CASH = 1e-7  # of the portfolio may be left over
_PARTS = 8  # that the lots of a name are put to the optimiser in
_AS_GIVEN = TaxSchedule(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # a lot's "gain" is its tax


def may_trade(gradient: FloatArray, cost: float, *, tax: FloatArray | float = 0.0) -> bool:
    """Whether selling one name for another can be worth it: never False where an optimum trades.

    ``gradient`` (n,) is what a dollar more of each name adds to the objective, ``cost`` per dollar of each leg, ``tax``
    (n,) per dollar of the cheapest lot.
    """
    return bool((gradient - cost - tax).max() > (gradient + cost).min())


def best_trades(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Buys (n,) and sells (L,) of one account that ends without cash, every lot's tax a fixed sum per dollar sold.

    Of ``problem`` only the risk, the costs, the lots and their gains times the long-term rate are looked at.
    """
    n, lots = len(problem.weights), len(problem.lot_weight)
    scale = 1.0 / problem.cost_rates.min()  # so that tolerances mean something
    loadings = problem.factor_loadings
    variance = loadings @ loadings.T + np.diag(problem.specific_variance)
    quadratic = sparse.block_diag(
        [
            np.triu(2.0 * scale * problem.risk_aversion * variance),
            sparse.csc_matrix((n + lots,) * 2),
        ],
        format="csc",
    )
    sale = problem.cost_rates[problem.lot_position] + problem.tax.lt_rate * problem.lot_gain
    linear = scale * np.concatenate([np.zeros(n), problem.cost_rates, sale])
    by_lot = sparse.csc_matrix(
        (np.ones(lots), (problem.lot_position, np.arange(lots))), shape=(n, lots)
    )
    paid = np.concatenate([
        np.zeros(n), 1.0 + problem.cost_rates, -(1.0 - problem.cost_rates[problem.lot_position]),
    ])  # fmt: skip
    rows = sparse.vstack(
        [
            sparse.hstack([sparse.eye(n), -sparse.eye(n), by_lot]),  # active weights
            sparse.csc_matrix(paid[None, :]),
            sparse.hstack([sparse.csc_matrix((n + lots, n)), -sparse.eye(n + lots)]),
            sparse.hstack([sparse.csc_matrix((lots, 2 * n)), sparse.eye(lots)]),
        ],
        format="csc",
    )
    limits = np.concatenate([
        problem.weights - problem.targets, [0.0], np.zeros(n + lots), problem.lot_sellable,
    ])  # fmt: skip
    found = _minimum(quadratic, linear, rows, limits, equalities=n + 1)
    return np.maximum(found[n : 2 * n], 0.0), np.clip(found[2 * n :], 0.0, problem.lot_sellable)


def _minimum(
    quadratic: Any, linear: FloatArray, rows: Any, limits: FloatArray, *, equalities: int
) -> FloatArray:
    """Least ``x'Qx / 2 + l'x`` with ``rows x = limits`` in the first rows and ``<=`` in the others."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    cones = [
        clarabel.ZeroConeT(equalities),
        clarabel.NonnegativeConeT(len(limits) - equalities),
    ]
    found = clarabel.DefaultSolver(quadratic, linear, rows, limits, cones, settings).solve()
    if str(found.status) not in ("Solved", "AlmostSolved"):
        raise ArithmeticError(f"The optimum of a look was not found: {found.status}.")
    return np.array(found.x)


def _ignoring_specks(weights: FloatArray, wanted: FloatArray) -> FloatArray:
    changes = wanted - weights
    return weights + np.where(np.abs(changes) < _IGNORED, 0.0, changes)


@dataclass(eq=False)
class StudyOptimum:
    """Least ``variance + ratio * sum |change|`` of weights that are not negative and make one (method L3)."""

    market: Market
    ratio: float  # cost / lambda
    _epoch: int = -1
    _covariance: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def __call__(self, day: int, weights: FloatArray) -> FloatArray | None:
        epoch = (day - self.market.first) // RENEWED
        if epoch != self._epoch:
            self._epoch = epoch
            known = self.market.window(self.market.first + epoch * RENEWED)
            self._covariance = np.cov(known.T) * TRADING_DAYS + _RIDGE * np.eye(len(weights))
            self._prepare()
        return self._solved(weights)

    def _prepare(self) -> None:
        """Once for each covariance."""
        n = len(self._covariance)
        nothing, one = np.zeros((n, n)), np.eye(n)
        # Weights and the absolute changes above them, in units of the ratio so that tolerances mean something.
        quadratic = np.block([[2.0 * self._covariance / self.ratio, nothing], [nothing, nothing]])
        self._quadratic = sparse.csc_matrix(np.triu(quadratic))
        self._rows = sparse.csc_matrix(
            np.vstack([
                np.hstack([np.ones((1, n)), np.zeros((1, n))]),
                np.hstack([one, -one]), np.hstack([-one, -one]), np.hstack([-one, nothing]),
            ])
        )  # fmt: skip
        self._linear = np.concatenate([
            -2.0 * self._covariance @ self.market.targets / self.ratio, np.ones(n),
        ])  # fmt: skip

    def _solved(self, weights: FloatArray) -> FloatArray | None:
        gradient = 2.0 * self._covariance @ (weights - self.market.targets)
        if not may_trade(gradient, self.ratio):
            return None
        n = len(weights)
        limits = np.concatenate([[1.0], weights, -weights, np.zeros(n)])
        found = _minimum(self._quadratic, self._linear, self._rows, limits, equalities=1)
        return _ignoring_specks(weights, found[:n])


class PublishedOptimum(StudyOptimum):
    """The same through cvxpy at its own tolerances, as the study did it.

    They are absolute, and coarse for an objective of this size: specks of trades are counted that the optimum has not.
    """

    def _prepare(self) -> None:
        cp: Any = _cvxpy()
        self._solver = cp.CLARABEL

        n = len(self._covariance)
        self._start: Any = cp.Parameter(n)
        self._wanted: Any = cp.Variable(n)
        variance = cp.quad_form(self._wanted - self.market.targets, cp.psd_wrap(self._covariance))
        cost = self.ratio * cp.norm1(self._wanted - self._start)
        limits = [self._wanted >= 0, cp.sum(self._wanted) == 1]
        self._program: Any = cp.Problem(cp.Minimize(variance + cost), limits)

    def _solved(self, weights: FloatArray) -> FloatArray | None:
        self._start.value = weights
        self._program.solve(solver=self._solver)
        return _ignoring_specks(weights, np.array(self._wanted.value))


def _cvxpy() -> Any:
    import cvxpy  # takes seconds

    return cvxpy


@dataclass(eq=False)
class Optimum:
    """The best trades of the product's problem on what is held, with one horizon for all names or one for each.

    ``risk_price`` is per year. With a ``book`` the tax of its lots counts as well: with ``whole_tax`` as the product
    counts it, all of it over horizons that know of it; otherwise each lot's over the horizon of the spread.
    """

    market: Market
    risk_price: float
    horizon: float | None = None  # years for all names; None = each its own
    book: Book | None = None
    whole_tax: bool = False
    _epoch: int = -1

    def __call__(self, day: int, weights: FloatArray) -> FloatArray | None:
        epoch = (day - self.market.first) // RENEWED
        if epoch != self._epoch:
            self._epoch = epoch
            self._risk = estimated(self.market, self.market.first + epoch * RENEWED)
        lots = self._lots(weights, day)
        problem = self.problem(weights, lots)
        risk, active = horizons.risk_of(problem), weights - self.market.targets
        gradient = 2.0 * problem.risk_aversion * risk.times(active)
        cheapest = np.full(len(weights), np.inf)
        np.minimum.at(cheapest, lots[2], lots[1])
        # A little low: costs in the problem come out of the sales.
        if not may_trade(gradient, 0.98 * HALF_SPREAD, tax=0.98 * cheapest):
            return None
        buys, sells = best_trades(problem)
        sold = np.bincount(problem.lot_position, sells, len(weights))
        wanted = np.maximum(weights + buys - sold, 0.0)
        return np.maximum(_ignoring_specks(weights, wanted / wanted.sum()), 0.0)

    def problem(self, weights: FloatArray, lots: LotArrays) -> Problem:
        """The problem of a look, each name's risk counted over its horizon."""
        yearly = self._yearly(weights, lots)
        return horizons.counted_over(yearly, self._years(yearly))

    def _years(self, yearly: Problem) -> FloatArray:
        targets = self.market.targets
        if self.horizon is not None:
            return np.full(len(targets), self.horizon)
        if self.whole_tax:
            return horizons.by_name(yearly, targets, otherwise=horizons.LONGEST)
        return horizons.years(
            costs=yearly.cost_rates,
            risk_price=self.risk_price,
            targets=targets,
            drift=horizons.relative_volatility(self._risk, targets),
            otherwise=horizons.LONGEST,
        )

    def _yearly(self, weights: FloatArray, lots: LotArrays) -> Problem:
        n = len(weights)
        lot_weight, lot_tax, lot_position = lots
        return Problem(
            weights=weights,
            targets=self.market.targets,
            cash=np.zeros(1),
            cash_min=np.zeros(1),
            cash_max=np.full(1, _NO_CASH),
            factor_loadings=self._risk.loadings,
            specific_variance=self._risk.specific,
            cost_rates=np.full(n, HALF_SPREAD),
            lower=np.zeros(n),
            upper=np.ones(n),
            may_buy=np.ones(n, np.bool_),
            lot_weight=lot_weight,
            lot_sellable=lot_weight,
            lot_gain=lot_tax,
            lot_is_long=np.ones(len(lot_weight), np.bool_),
            lot_is_taxable=np.ones(len(lot_weight), np.bool_),
            lot_position=lot_position,
            position_account=np.zeros(n, np.int64),
            position_security=np.arange(n),
            tax=_AS_GIVEN,
            risk_aversion=self.risk_price,
        )

    def _lots(self, weights: FloatArray, day: int) -> LotArrays:
        """Weights of lots, tax per dollar sold as it counts, and names."""
        n = len(weights)
        if self.book is None:
            return weights, np.zeros(n), np.arange(n)
        today = self.market.days[day]
        short, long = self.book.marginal_rates()
        parts: list[tuple[float, float, int]] = []
        for name, lots in enumerate(self.book.lots):
            price = float(self.market.closes[day, name])
            rates = np.where(lots.is_long(today), long, short)
            tax = np.maximum(1.0 - lots.basis / price, 0.0) * rates
            share = lots.shares / max(float(lots.shares.sum()), _NOTHING) * weights[name]
            parts += [(weight, dear, name) for weight, dear in merged(share, tax)]
        weight, tax_of, position = zip(*parts, strict=True)
        counted = tax_of if self.whole_tax else [at_horizon(dear) for dear in tax_of]
        return np.array(weight), np.array(counted), np.array(position)


def at_horizon(tax: float) -> float:
    """A tax per dollar as the share of it that weighs beside a spread in the objective.

    What costs ``k`` times as much is worth doing at a band that is the cube root of ``k`` times as wide, and there its
    horizon is ``k^(2/3)`` times as long: over the horizon of the spread it counts ``k^(1/3)`` spreads.
    """
    return float(HALF_SPREAD * (np.cbrt(1.0 + tax / HALF_SPREAD) - 1.0))


def estimated(market: Market, day: int) -> horizons.Risk:
    """From the returns that were known before the day began."""
    model = risk.estimate(market.window(day))
    return horizons.Risk(model.loadings, model.specific_variance)


def merged(shares: FloatArray, tax: FloatArray) -> list[tuple[float, float]]:
    """A name's lots in a few parts of neighbouring tax per dollar: the mean stands for each."""
    order = np.argsort(tax, kind="stable")
    found = []
    for part in np.array_split(order, min(_PARTS, len(order))) if len(order) else ():
        weight = float(shares[part].sum())
        if weight > 0.0:
            found.append((weight, float(shares[part] @ tax[part]) / weight))
    return found
