"""What cash, gains and factor exposure are worth at trades that are optimal but for what was decided.

From the multipliers of the problem behind the trades. A hint where a search chooses; a proof where a
bound is taken from them, which holds at any prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancing.optimizer.objective import sold_by_position
from rebalancing.optimizer.problem import FloatArray, Problem, summed
from rebalancing.optimizer.sides import Candidate
from rebalancing.optimizer.subproblem import CAPS, Duals


@dataclass(frozen=True, eq=False)
class Prices:
    """Per dollar, in fractions of V."""

    exposure: FloatArray  # (k,) factor exposures F'd, each priced at twice lambda times itself
    active: FloatArray  # (n,) active weights, whose own risk is priced likewise
    net: FloatArray  # (n,) bought less sold
    cash: FloatArray  # (A,) positive: more of it would help; but for joint limits
    short_gain: float
    long_gain: float
    tax_cap: float  # of the tax, on top of paying it
    joint: (
        FloatArray  # (r,) of each joint limit: positive where less would help, negative where more
    )

    def of_weights(self, problem: Problem) -> FloatArray:
        """(n,) factor risk 2 lambda F F'd and joint limits per unit of weight; own risk is left out."""
        risk = 2.0 * problem.risk_aversion * (problem.factor_loadings @ self.exposure)
        return np.asarray(risk + self.joint @ problem.joint.weights)

    def of_cash(self, problem: Problem) -> FloatArray:
        """(A,) what more cash in an account is worth, joint limits counted."""
        return np.asarray(self.cash - self.joint @ problem.joint.cash)

    def of_buys(self, problem: Problem) -> FloatArray:
        """(m,) cost, location and cash per dollar bought; risk and impact are left out."""
        rate = problem.cost_rates[problem.position_security]
        cost = rate if problem.location_cost is None else rate + problem.location_cost
        return np.asarray(cost + (1.0 + rate) * self.of_cash(problem)[problem.position_account])

    def of_sells(self, problem: Problem) -> FloatArray:
        """(L,) cost, location, tax, later tax and cash per dollar sold; risk and impact are left out."""
        rate = problem.cost_rates[problem.position_security]
        cost = rate if problem.location_cost is None else rate - problem.location_cost
        raised = (1.0 - rate) * self.of_cash(problem)[problem.position_account]
        return np.asarray((cost - raised)[problem.lot_position] + _taxes(problem, self))


def _taxes(problem: Problem, prices: Prices | Duals) -> FloatArray:
    """(L,) tax of this year and later per dollar sold."""
    gain = np.where(problem.lot_is_long, prices.long_gain, prices.short_gain)
    return np.asarray(gain * problem.taxed_gain + problem.taxed_later)


def dearness(problem: Problem, prices: Prices | Duals | None) -> FloatArray:
    """(L,) what orders the lots of one position by what selling a dollar of them costs.

    Their gain, which this year's tax follows within a term, where later tax does not count or no prices are known:
    with it a deeper loss may be dearer than a slight one.
    """
    if prices is None or problem.later_tax is None:
        return problem.taxed_gain
    return _taxes(problem, prices)


def prices_at(problem: Problem, found: Candidate) -> Prices | None:
    """The prices of the problem that `found` answers; None where its solver told none."""
    if found.duals is None:
        return None
    sold = sold_by_position(problem, found.sells)
    net = summed(problem.position_security, found.buys - sold, len(problem.targets))
    active = problem.start - problem.targets + net
    return Prices(
        exposure=problem.factor_loadings.T @ active,
        active=active,
        net=net,
        cash=found.duals.cash,
        short_gain=found.duals.short_gain,
        long_gain=found.duals.long_gain,
        tax_cap=found.cap_prices[CAPS.index("max_tax")],
        joint=found.duals.joint,
    )
