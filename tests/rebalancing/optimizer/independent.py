"""The problem once more in cvxpy, straight from its statement: sides and tax regions by choice.

Shares no line with `rebalancing.optimizer`: net weights instead of lots on sides, one plane a region.
"""

import itertools
from typing import Any

import cvxpy
import numpy as np

cp: Any = cvxpy  # its functions carry no types

SCALE = 1e4  # basis points, so that a solver's tolerance is one of these


class Statement:
    """Trades, the convex part of the objective, and every limit but sides and tax regions."""

    def __init__(self, problem):
        self.problem = p = problem
        m, lots, n = len(p.weights), len(p.lot_weight), len(p.targets)
        self.buys, self.sells = cp.Variable(m, nonneg=True), cp.Variable(lots, nonneg=True)
        into = np.zeros((n, m))
        into[p.position_security, np.arange(m)] = 1.0
        lot_to_position = np.zeros((m, lots))
        lot_to_position[p.lot_position, np.arange(lots)] = 1.0
        account = np.zeros((len(p.cash), m))
        account[p.position_account, np.arange(m)] = 1.0
        rate = p.cost_rates[p.position_security]
        sold = lot_to_position @ self.sells
        after = into @ (p.weights + self.buys - sold)
        active = after - p.targets
        location = np.zeros(m) if p.location_cost is None else p.location_cost
        later = np.zeros(lots) if p.later_tax is None else p.later_tax * p.lot_is_taxable
        self.without_tax = (
            p.risk_aversion * cp.sum_squares(p.factor_loadings.T @ active)
            + p.risk_aversion * cp.sum_squares(cp.multiply(np.sqrt(p.specific_variance), active))
            + rate @ (self.buys + sold) + location @ (p.weights + self.buys - sold)
            + later @ self.sells
        )  # fmt: skip
        cash = p.cash + account @ (cp.multiply(1 - rate, sold) - cp.multiply(1 + rate, self.buys))
        self.limits = [
            self.sells <= p.lot_sellable, self.buys[~p.may_buy] == 0, cash >= p.cash_min,
            cash <= p.cash_max, after >= p.lower, after <= p.upper,
        ]  # fmt: skip
        if p.joint_limits is not None:
            joint = p.joint_limits
            together = joint.weights @ after + joint.cash * cp.sum(cash)
            for at in range(len(joint.low)):
                if np.isfinite(joint.low[at]):
                    self.limits.append(together[at] >= joint.low[at])
                if np.isfinite(joint.high[at]):
                    self.limits.append(together[at] <= joint.high[at])
        gains = cp.multiply(np.where(p.lot_is_taxable, p.lot_gain, 0.0), self.sells)
        self.short = p.tax.st_realised + cp.sum(gains[~p.lot_is_long])
        self.long = p.tax.lt_realised + cp.sum(gains[p.lot_is_long])
        self.sold = sold
        self.is_loss = p.lot_is_taxable & (p.lot_gain < 0)
        self.group_of_buy = p.security_group[p.position_security]
        self.group_of_lot = p.security_group[p.position_security[p.lot_position]]

    def regions(self):
        """(limits <= 0, tax) of each of the five regions of the year's totals."""
        tax, s, t = self.problem.tax, self.short, self.long
        limit = tax.loss_limit
        beyond = -tax.ordinary_rate * limit + tax.carried_loss_value * (s + t + limit)
        return (
            ([-s, -t], tax.st_rate * s + tax.lt_rate * t),
            ([-s, t, -s - t], tax.st_rate * (s + t)),
            ([s, -t, -s - t], tax.lt_rate * (s + t)),
            ([s + t, -limit - s - t], tax.ordinary_rate * (s + t)),
            ([s + t + limit], beyond),
        )

    def year_tax(self):
        tax = self.problem.tax
        return tax.year_tax(tax.st_realised, tax.lt_realised)

    def either_or(self):
        """Groups with a loss to sell and something to buy."""
        lots = self.is_loss & (self.problem.lot_sellable > 0)
        return sorted(
            set(self.group_of_lot[lots].tolist())
            & set(self.group_of_buy[self.problem.may_buy].tolist())
        )


def enumerated(problem, solver=cp.CLARABEL, **options):
    """The best objective over every choice of sides and every region, a QP each."""
    best, calls = np.inf, 0
    groups = Statement(problem).either_or()
    for harvested in itertools.product((True, False), repeat=len(groups)):
        for region in range(5):
            said = Statement(problem)
            inside, tax = said.regions()[region]
            limits = said.limits + [limit <= 0 for limit in inside]
            for group, harvest in zip(groups, harvested, strict=True):
                if harvest:
                    limits.append(said.buys[said.group_of_buy == group] == 0)
                else:
                    limits.append(said.sells[said.is_loss & (said.group_of_lot == group)] == 0)
            program = cp.Problem(cp.Minimize(SCALE * (said.without_tax + tax)), limits)
            program.solve(solver=solver, **options)
            calls += 1
            if program.status == "optimal":
                best = min(best, program.value / SCALE - said.year_tax())
    return best, calls


def mixed_integer(problem, **options):
    """The best objective by one mixed-integer QP: binaries for sides, regions and smallest trades, big M."""
    said, groups = Statement(problem), Statement(problem).either_or()
    limits = list(said.limits)
    if problem.min_trade:
        size = len(problem.weights)
        bought, sold = cp.Variable(size, boolean=True), cp.Variable(size, boolean=True)
        for trade, made in ((said.buys, bought), (said.sold, sold)):
            limits += [trade >= problem.min_trade * made, trade <= 2.0 * made]
        limits.append(bought + sold <= 1)
    if groups:
        side = cp.Variable(len(groups), boolean=True)
        for at, group in enumerate(groups):
            limits.append(said.buys[said.group_of_buy == group] <= 2.0 * (1 - side[at]))
            limits.append(said.sells[said.is_loss & (said.group_of_lot == group)] <= side[at])
    region, tax = cp.Variable(5, boolean=True), cp.Variable()
    limits.append(cp.sum(region) == 1)
    for at, (inside, value) in enumerate(said.regions()):
        limits += [limit <= 2.0 * (1 - region[at]) for limit in inside]
        limits.append(tax >= value - 2.0 * (1 - region[at]))
    program = cp.Problem(cp.Minimize(SCALE * (said.without_tax + tax)), limits)
    program.solve(solver=cp.SCIP, **options)
    assert program.status == "optimal", program.status
    return program.value / SCALE - said.year_tax()
