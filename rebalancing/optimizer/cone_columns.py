"""The variables of a subproblem's cone program and where each kind stands: trades, active weights, sides, gains.

Weights are in per cent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancing.optimizer.problem import BoolArray, FloatArray, IntArray
from rebalancing.optimizer.subproblem import PERCENT, Subproblem


@dataclass(frozen=True)
class Columns:
    """Trade variables: every open buy and sell, the latter once per side when undecided."""

    is_buy: BoolArray
    index: IntArray  # position of a buy, lot of a sell
    sign: FloatArray  # +1 buy, -1 sell
    security: IntArray
    account: IntArray
    room: FloatArray  # largest value above the floor
    group: IntArray  # place in `undecided`, -1 when decided
    harvest_side: BoolArray  # which side of an undecided group it belongs to
    gain: FloatArray  # taxed gain per dollar (0 for buys)
    is_long: BoolArray
    linear: FloatArray  # trading cost, location cost and later tax per dollar
    trade: IntArray  # place among all buys, then all lots


def columns_of(sub: Subproblem) -> Columns:
    problem = sub.problem
    place = np.full(problem.group_count, -1, dtype=np.int64)
    place[list(sub.undecided)] = np.arange(len(sub.undecided))
    buys = np.flatnonzero(sub.buy_max > sub.buy_min)
    lots = np.flatnonzero(sub.sell_max > sub.sell_min)
    undecided = place[problem.lot_group[lots]] >= 0
    both = lots[undecided & ~problem.lot_is_loss[lots]]  # a gain may be sold on either side
    sells = np.concatenate([lots, both])
    on_harvest = np.concatenate([np.ones(len(lots), np.bool_), np.zeros(len(both), np.bool_)])
    position = np.concatenate([buys, problem.lot_position[sells]])
    security = problem.position_security[position]
    location = np.zeros(len(problem.weights))
    if problem.location_cost is not None:
        location = problem.location_cost
    sign = np.concatenate([np.ones(len(buys)), -np.ones(len(sells))])
    none = np.zeros(len(buys))
    return Columns(
        is_buy=sign > 0.0,
        index=np.concatenate([buys, sells]),
        sign=sign,
        security=security,
        account=problem.position_account[position],
        room=PERCENT * np.concatenate([
            (sub.buy_max - sub.buy_min)[buys], (sub.sell_max - sub.sell_min)[sells],
        ]),
        group=place[problem.position_group[position]],
        harvest_side=np.concatenate([none > 0.0, on_harvest]),
        gain=np.concatenate([none, problem.taxed_gain[sells]]),
        is_long=np.concatenate([none > 0.0, problem.lot_is_long[sells]]),
        linear=problem.cost_rates[security] + sign * location[position]
        + np.concatenate([none, problem.taxed_later[sells]]),
        trade=np.concatenate([buys, len(problem.weights) + sells]),
    )  # fmt: skip


class Layout:
    """Where each kind of variable stands: trades, active weights, sides, exposures, gains."""

    def __init__(self, sub: Subproblem, columns: Columns) -> None:
        problem = sub.problem
        place = np.full(problem.group_count, -1, dtype=np.int64)
        place[list(sub.undecided)] = np.arange(len(sub.undecided))
        group = place[problem.group_ranks]
        split = np.flatnonzero(group >= 0)
        n, self.sides = len(group), len(sub.undecided)
        # One active weight per security; an undecided security has one per side instead.
        self.active_security = np.concatenate([np.arange(n), split])
        self.active_group = np.concatenate([group, group[split]])
        self.active_harvest = np.concatenate([np.ones(n, np.bool_), np.zeros(len(split), np.bool_)])
        self.buy_side = np.full(n, -1, dtype=np.int64)
        self.buy_side[split] = n + np.arange(len(split))
        priced = problem.risk_aversion * problem.specific_variance > 0.0
        self.curved = np.flatnonzero((self.active_group >= 0) & priced[self.active_security])
        self.moved = np.zeros(0, dtype=np.int64)
        if problem.impact is not None:
            self.moved = np.flatnonzero(problem.impact[self.active_security] > 0.0)
        self.trades = 0
        self.active = self.trades + len(columns.sign)
        self.side = self.active + len(self.active_security)
        self.curve = self.side + self.sides
        self.exposure = self.curve + len(self.curved)
        self.gains = self.exposure + problem.factor_loadings.shape[1]
        self.tax = self.gains + 2
        self.impact = self.tax + 1
        self.width = self.impact + len(self.moved)
