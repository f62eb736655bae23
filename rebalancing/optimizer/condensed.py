"""The same problem, smaller and in one canonical order.

Lots the optimiser cannot tell apart (same position, gain, term and taxability) become one, lots
that may not be sold are left out, accounts and positions are sorted by what they hold. So the
answer does not depend on the order of the input, and splitting a lot in two changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rebalancing.optimizer.problem import FloatArray, IntArray, Problem


@dataclass(frozen=True)
class Condensed:
    """A canonical problem and the way back to the original's arrays."""

    problem: Problem
    original: Problem
    positions: IntArray  # (m,) original index of each canonical position
    members: tuple[tuple[int, ...], ...]  # original lots of each canonical lot

    def expand(self, buys: FloatArray, sells: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Trades for the original's positions and lots; a merged lot is sold largest lot first.

        What has to be sold of each comes before.
        """
        original_buys = np.zeros(len(self.original.weights))
        original_buys[self.positions] = buys
        least, most = self.original.least_sells, self.original.lot_sellable
        original_sells = np.zeros(len(self.original.lot_weight))
        for lots, sold in zip(self.members, sells, strict=True):
            if len(lots) == 1:
                original_sells[lots[0]] = min(sold, most[lots[0]])
                continue
            left = float(sold) - math.fsum(least[list(lots)])
            for lot in lots:
                part = min(max(left, 0.0), float(most[lot] - least[lot]))
                original_sells[lot] = least[lot] + part
                left -= part
        return original_buys, original_sells


def condense(problem: Problem) -> Condensed:
    """Merge interchangeable lots and sort accounts, positions and lots by content."""
    lots = _merged_lots(problem)
    accounts = _account_order(problem, lots)
    rank = np.empty(len(accounts), dtype=np.int64)
    rank[accounts] = np.arange(len(accounts))
    order = np.lexsort((problem.position_security, rank[problem.position_account]))
    position_rank = np.empty(len(order), dtype=np.int64)
    position_rank[order] = np.arange(len(order))
    keys = sorted(lots, key=lambda key: (int(position_rank[key[0]]), *key[1:]))
    members = tuple(
        tuple(
            sorted(
                lots[key],
                key=lambda lot: (
                    -float(problem.lot_sellable[lot]),
                    -float(problem.least_sells[lot]),
                    lot,
                ),
            )
        )
        for key in keys
    )
    sellable = np.array([math.fsum(problem.lot_sellable[list(group)]) for group in members])
    location, buy_floor, buy_cap = problem.location_cost, problem.buy_floor, problem.buy_cap
    least = np.array([math.fsum(problem.least_sells[list(group)]) for group in members])
    canonical = problem.replace(
        weights=problem.weights[order],
        cash=problem.cash[accounts],
        cash_min=problem.cash_min[accounts],
        cash_max=problem.cash_max[accounts],
        may_buy=problem.may_buy[order],
        location_cost=None if location is None else location[order],
        buy_floor=None if buy_floor is None else buy_floor[order],
        buy_cap=None if buy_cap is None else buy_cap[order],
        sell_floor=None if problem.sell_floor is None else np.minimum(least, sellable),
        position_account=rank[problem.position_account[order]],
        position_security=problem.position_security[order],
        lot_weight=sellable,
        lot_sellable=sellable,
        lot_gain=np.array([key[3] for key in keys], dtype=np.float64),
        lot_is_long=np.array([key[2] for key in keys], dtype=np.bool_),
        lot_is_taxable=np.array([key[1] for key in keys], dtype=np.bool_),
        lot_position=np.array([position_rank[key[0]] for key in keys], dtype=np.int64),
    )
    return Condensed(canonical, problem, order, members)


LotKey = tuple[int, bool, bool, float]  # position, taxable, long-term, gain per dollar


def _merged_lots(problem: Problem) -> dict[LotKey, list[int]]:
    merged: dict[LotKey, list[int]] = {}
    for lot in np.flatnonzero(problem.lot_sellable > 0.0):
        taxable = bool(problem.lot_is_taxable[lot])
        key = (
            int(problem.lot_position[lot]),
            taxable,
            bool(problem.lot_is_long[lot]) if taxable else True,
            float(problem.lot_gain[lot]) if taxable else 0.0,
        )
        merged.setdefault(key, []).append(int(lot))
    return merged


def _account_order(problem: Problem, lots: dict[LotKey, list[int]]) -> IntArray:
    location = problem.location_cost
    held: dict[int, list[Any]] = {p: [] for p in range(len(problem.weights))}
    for key, members in lots.items():
        sums = (
            math.fsum(amounts[members]) for amounts in (problem.lot_sellable, problem.least_sells)
        )
        held[key[0]].append((*key[1:], *sums))
    content: list[list[Any]] = [[] for _ in problem.cash]
    for p, account in enumerate(problem.position_account):
        content[account].append((
            int(problem.position_security[p]), float(problem.weights[p]),
            bool(problem.may_buy[p]), 0.0 if location is None else float(location[p]),
            float(problem.least_buys[p]), float(problem.most_buys[p]), sorted(held[p]),
        ))  # fmt: skip
    keys = [
        (float(problem.cash[a]), float(problem.cash_min[a]), float(problem.cash_max[a]),
         sorted(content[a]))
        for a in range(len(problem.cash))
    ]  # fmt: skip
    return np.array(sorted(range(len(keys)), key=lambda a: keys[a]), dtype=np.int64)
