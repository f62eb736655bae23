"""What a little more of every trade would do to the objective, at trades that are optimal but for their limits.

A hint for the search, not a proof: prices of cash are read off the trades that are free to move, by
stationarity, and whatever is chosen for them is solved again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rebalancing.optimizer.conic import Subproblem
from rebalancing.optimizer.objective import cash_after, sold_by_position
from rebalancing.optimizer.problem import FloatArray, Problem, summed
from rebalancing.optimizer.sides import Candidate

_FREE = (
    1e-7  # fractions of V: farther than this from its limits, a trade or an account's cash is free
)


class Slopes(NamedTuple):
    """Growth of the objective per dollar more, impact left out; fractions of V in all."""

    buys: FloatArray  # (m,)
    sells: FloatArray  # (L,)


def slopes(sub: Subproblem, found: Candidate) -> Slopes:
    """Of every trade of `sub` at `found`, cash having to come from somewhere."""
    problem = sub.problem
    security, lot_position = problem.position_security, problem.lot_position
    rate = problem.cost_rates[security]
    place = problem.location_cost
    drag = np.zeros(len(security)) if place is None else place
    risk = _risk_slopes(problem, found)[security]
    buys = risk + drag + rate
    sells = (rate - risk - drag)[lot_position] + _tax_slopes(sub, found)
    prices = _cash_prices(sub, found, Slopes(buys, sells))[problem.position_account]
    return Slopes(
        buys + (1.0 + rate) * prices, sells - ((1.0 - rate) * prices)[lot_position]
    )  # fmt: skip


def _risk_slopes(problem: Problem, found: Candidate) -> FloatArray:
    """(n,) 2 lambda Sigma d."""
    traded = found.buys - sold_by_position(problem, found.sells)
    moved = summed(problem.position_security, traded, len(problem.targets))
    active = problem.start - problem.targets + moved
    loadings = problem.factor_loadings
    covered = loadings @ (loadings.T @ active) + problem.specific_variance * active
    return np.asarray(2.0 * problem.risk_aversion * covered)


def _tax_slopes(sub: Subproblem, found: Candidate) -> FloatArray:
    """(L,) tax per dollar sold on the plane that holds, and what the caps make of it."""
    problem, tax = sub.problem, sub.problem.tax
    gains, is_long = problem.taxed_gain * found.sells, problem.lot_is_long
    short = tax.st_realised + float(gains[~is_long].sum())
    long = tax.lt_realised + float(gains[is_long].sum())
    plane = max(
        sub.piece.planes, key=lambda one: one.short * short + one.long * long + one.constant
    )
    st_cap, lt_cap, tax_cap = found.cap_prices
    rates = (plane.short * (1.0 + tax_cap) + st_cap, plane.long * (1.0 + tax_cap) + lt_cap)
    return np.asarray(np.where(is_long, rates[1], rates[0]) * problem.taxed_gain)


def _cash_prices(sub: Subproblem, found: Candidate, before: Slopes) -> FloatArray:
    """(A,) the price of a dollar in each account: none inside its band, else what its free trades pay."""
    problem = sub.problem
    rate = problem.cost_rates[problem.position_security]
    lot_position, account = problem.lot_position, problem.position_account
    cash = cash_after(problem, found.buys, found.sells)
    inside = (cash > problem.cash_min + _FREE) & (cash < problem.cash_max - _FREE)
    bought = _free(found.buys, sub.buy_min, sub.buy_max)
    sold = _free(found.sells, sub.sell_min, sub.sell_max)
    prices = np.zeros(len(cash))
    for one in np.flatnonzero(~inside):
        buys = np.flatnonzero(bought & (account == one))
        sells = np.flatnonzero(sold & (account[lot_position] == one))
        told = np.concatenate([
            -before.buys[buys] / (1.0 + rate[buys]),
            before.sells[sells] / (1.0 - rate[lot_position[sells]]),
        ])  # fmt: skip
        if len(told):
            prices[one] = np.median(told)
    return prices


def _free(trades: FloatArray, least: FloatArray, most: FloatArray) -> np.ndarray:
    return (trades > least + _FREE) & (trades < most - _FREE)
