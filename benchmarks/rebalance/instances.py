"""Seeded accounts for the optimiser's benchmarks: a taxable account with 3-6 lots a name, and the same without lots.

Invented throughout, nothing is fitted to real prices: one market factor and four styles, names of 15-35 % risk of
their own, half spreads of 1-8 bp, lots bought over six years of a rising market. About a quarter of the lots stand at a
loss, and four names of ten can be either harvested or bought.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rebalancing.optimizer import Problem, TaxSchedule
from rebalancing.optimizer.problem import BoolArray, FloatArray, IntArray

SIZES = (20, 50, 100, 500)
FACTORS = 5
RISK_AVERSION = 10.0
CASH, CASH_MIN, CASH_MAX = 0.02, 0.01, 0.05
YEARS_OF_PURCHASES = 6.0
_DRIFT, _VOLATILITY = 0.10, 0.28  # of a price, in logarithms a year
_STYLES = 0.05  # yearly volatility that a unit of exposure to a style carries


class Year(StrEnum):
    """What the account has realised before the trades."""

    GAINS = "gains"  # so much of both terms that no loss on offer reaches another rate
    NETTING = "netting"  # little: what is sold decides which rates hold


@dataclass(frozen=True)
class Instance:
    """One account, and the name it has in the tables."""

    name: str
    year: Year
    problem: Problem

    @property
    def size(self) -> int:
        return len(self.problem.targets)


@dataclass(frozen=True)
class WithoutLots:
    """An account without cash, lots or tax: weights that sum to one."""

    name: str
    current: FloatArray  # (n,)
    target: FloatArray  # (n,)
    loadings: FloatArray  # (n, k) annualised
    specific_variance: FloatArray  # (n,)
    cost_rates: FloatArray  # (n,)

    @property
    def covariance(self) -> FloatArray:
        """(n, n) dense, yearly: what the anchors ask for."""
        return self.loadings @ self.loadings.T + np.diag(self.specific_variance)


def make(size: int, *, seed: int, year: Year) -> Instance:
    """A taxable account of ``size`` names; equal arguments give equal arrays."""
    random = np.random.default_rng([seed, size, list(Year).index(year)])
    target = random.dirichlet(np.full(size, 4.0)) * (1.0 - CASH)
    weights = _drifted(random, target, total=1.0 - CASH)
    position = np.repeat(np.arange(size), random.integers(3, 7, size))
    lot_weight = _parts(random, position, weights)
    gain, is_long = _gains(random, position)
    return Instance(
        name=f"n={size} {year} {seed}",
        year=year,
        problem=Problem(
            weights=weights,
            targets=target,
            cash=np.array([CASH]),
            cash_min=np.array([CASH_MIN]),
            cash_max=np.array([CASH_MAX]),
            factor_loadings=_loadings(random, size),
            specific_variance=random.uniform(0.15, 0.35, size) ** 2,
            cost_rates=random.uniform(0.0001, 0.0008, size),
            lower=np.zeros(size),
            upper=np.maximum(target, weights) + 0.05,
            may_buy=random.random(size) >= 0.05,
            lot_weight=lot_weight,
            lot_sellable=np.where(random.random(len(position)) < 0.03, 0.0, lot_weight),
            lot_gain=gain,
            lot_is_long=is_long,
            lot_is_taxable=np.ones(len(position), dtype=np.bool_),
            lot_position=position,
            position_account=np.zeros(size, dtype=np.int64),
            position_security=np.arange(size),
            tax=_tax(random, year),
            risk_aversion=RISK_AVERSION,
        ),
    )


def make_without_lots(size: int, *, seed: int) -> WithoutLots:
    """Weights that have drifted from their targets, both summing to one."""
    random = np.random.default_rng([seed, size, len(Year)])
    target = random.dirichlet(np.full(size, 4.0))
    return WithoutLots(
        name=f"n={size} without lots {seed}",
        current=_drifted(random, target, total=1.0),
        target=target,
        loadings=_loadings(random, size),
        specific_variance=random.uniform(0.15, 0.35, size) ** 2,
        cost_rates=random.uniform(0.0001, 0.0008, size),
    )


def _drifted(random: np.random.Generator, target: FloatArray, *, total: float) -> FloatArray:
    """Targets after prices moved: a name in twenty has left the model, a name in twenty is not held yet."""
    moved = target * np.exp(0.3 * random.standard_normal(len(target)))
    moved[random.random(len(target)) < 0.05] = 0.0
    return np.asarray(moved * (total / moved.sum()))


def _loadings(random: np.random.Generator, size: int) -> FloatArray:
    market = 0.16 * random.uniform(0.7, 1.3, size)
    styles = _STYLES * random.standard_normal((size, FACTORS - 1))
    return np.column_stack([market, styles])


def _parts(random: np.random.Generator, position: IntArray, weights: FloatArray) -> FloatArray:
    """(L,) each position's weight cut into its lots."""
    cut = random.uniform(0.2, 1.0, len(position))
    return np.asarray(cut / np.bincount(position, cut)[position] * weights[position])


def _gains(random: np.random.Generator, position: IntArray) -> tuple[FloatArray, BoolArray]:
    """(L,) gain per dollar sold and whether it is long-term; the lots of a name lie on one path of its price."""
    years = random.uniform(0.05, YEARS_OF_PURCHASES, len(position))
    order = np.lexsort((years, position))  # by name, the youngest lot first
    same = np.diff(position[order], prepend=-1) == 0
    since = np.where(same, np.diff(years[order], prepend=0.0), years[order])
    steps = _DRIFT * since + _VOLATILITY * np.sqrt(since) * random.standard_normal(len(since))
    walk = np.cumsum(steps)
    first = np.maximum.accumulate(np.where(same, 0, np.arange(len(walk))))
    growth = np.empty(len(walk))
    growth[order] = walk - walk[first] + steps[first]
    return 1.0 - np.exp(-growth), years > 1.0


def _tax(random: np.random.Generator, year: Year) -> TaxSchedule:
    """The top federal rates with NIIT; a $3,000 limit in an account of a million."""
    short, long = (1.0, 1.0) if year is Year.GAINS else random.uniform(-0.01, 0.02, 2).tolist()
    return TaxSchedule(
        st_rate=0.408,
        lt_rate=0.238,
        st_realised=short,
        lt_realised=long,
        loss_limit=0.003,
        ordinary_rate=0.37,
        carried_loss_value=0.12,
    )
