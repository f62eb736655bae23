"""The optimiser's objective and constraints, evaluated on trades: numpy only, no solver.

Everything a solution claims comes from here, never from what a solver reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancing.optimizer.problem import FloatArray, Problem, summed


@dataclass(frozen=True)
class Evaluation:
    """The objective at given trades and its parts, in fractions of V."""

    objective: float
    active_variance: float  # d' Sigma d, yearly, not yet priced
    cost: float  # linear cost and impact
    tax: float  # of this year, against no trade; negative: saved
    later_tax: float  # today's value of what a later sale owes; negative: saves
    location: float
    st_gain: float
    lt_gain: float

    @property
    def active_risk(self) -> float:
        return float(np.sqrt(self.active_variance))


@dataclass(frozen=True)
class Violation:
    """By how much one constraint is missed, in fractions of V."""

    amount: float
    constraint: str


def sold_by_position(problem: Problem, sells: FloatArray) -> FloatArray:
    """(m,) weight sold per position."""
    return summed(problem.lot_position, sells, len(problem.weights))


def evaluate(problem: Problem, buys: FloatArray, sells: FloatArray) -> Evaluation:
    """The exact objective at buys (m,) and sells (L,): five-region tax, later tax, 3/2-power impact."""
    n = len(problem.targets)
    sold = sold_by_position(problem, sells)
    holdings = problem.weights + buys - sold
    active = summed(problem.position_security, holdings, n) - problem.targets
    exposure = problem.factor_loadings.T @ active
    variance = float(exposure @ exposure + problem.specific_variance @ active**2)
    traded = summed(problem.position_security, buys + sold, n)
    cost = float(problem.cost_rates @ traded)
    if problem.impact is not None:
        net = summed(problem.position_security, buys - sold, n)
        cost += float(problem.impact @ np.abs(net) ** 1.5)
    gains = problem.taxed_gain * sells
    st_gain = float(gains[~problem.lot_is_long].sum())
    lt_gain = float(gains[problem.lot_is_long].sum())
    tax = problem.tax.added_tax(st_gain, lt_gain)
    later = float(problem.taxed_later @ sells)
    location = 0.0 if problem.location_cost is None else float(problem.location_cost @ holdings)
    return Evaluation(
        objective=problem.risk_aversion * variance + cost + tax + later + location,
        active_variance=variance,
        cost=cost,
        tax=tax,
        later_tax=later,
        location=location,
        st_gain=st_gain,
        lt_gain=lt_gain,
    )


def cash_after(problem: Problem, buys: FloatArray, sells: FloatArray) -> FloatArray:
    """(A,) cash each account ends with, linear costs paid."""
    rate = problem.cost_rates[problem.position_security]
    flow = sold_by_position(problem, sells) * (1.0 - rate) - buys * (1.0 + rate)
    return problem.cash + summed(problem.position_account, flow, len(problem.cash))


def worst_violation(problem: Problem, buys: FloatArray, sells: FloatArray) -> Violation:
    """The constraint missed by most at these trades (amount <= 0: all hold)."""
    if not (np.all(np.isfinite(buys)) and np.all(np.isfinite(sells))):
        return Violation(np.inf, "trades are not numbers")
    sold = sold_by_position(problem, sells)
    after = summed(problem.position_security, problem.weights + buys - sold, len(problem.targets))
    cash = cash_after(problem, buys, sells)
    together = problem.joint.values(after, float(cash.sum()))
    checks = [
        _worst("buy below zero in position", -buys),
        _worst("buy not allowed in position", np.where(problem.may_buy, -1.0, buys)),
        _worst("buy below its floor in position", problem.least_buys - buys),
        _worst("buy above its cap in position", buys - problem.most_buys),
        _worst("sell below zero of lot", -sells),
        _worst("less sold than its floor of lot", problem.least_sells - sells),
        _worst("more sold than allowed of lot", sells - problem.lot_sellable),
        _worst("lower bound of security", problem.lower - after),
        _worst("upper bound of security", after - problem.upper),
        _worst("cash floor of account", problem.cash_min - cash),
        _worst("cash ceiling of account", cash - problem.cash_max),
        _worst("least of joint limit", problem.joint.low - together),
        _worst("most of joint limit", together - problem.joint.high),
        _worst("loss sold and bought in group", washed(problem, buys, sells)),
    ]
    found = evaluate(problem, buys, sells)
    for name, value, cap in (
        ("short-term gain cap", found.st_gain, problem.tax.max_st_gain),
        ("long-term gain cap", found.lt_gain, problem.tax.max_lt_gain),
        ("tax cap", found.tax, problem.tax.max_tax),
        ("net gain cap", found.st_gain + found.lt_gain, problem.tax.max_net_gain),
    ):
        if cap is not None:
            checks.append(Violation(value - cap, name))
    return max(checks, key=lambda check: check.amount)


def washed(problem: Problem, buys: FloatArray, sells: FloatArray) -> FloatArray:
    """(G,) the smaller of what a group buys and what it sells at a loss: must be zero."""
    size = problem.group_count
    bought = summed(problem.position_group, buys, size)
    lost = summed(problem.lot_group, np.where(problem.lot_is_loss, sells, 0.0), size)
    return np.minimum(bought, lost)


def _worst(name: str, amounts: FloatArray) -> Violation:
    if not len(amounts):
        return Violation(-np.inf, name)
    at = int(np.argmax(amounts))
    return Violation(float(amounts[at]), f"{name} {at}")
