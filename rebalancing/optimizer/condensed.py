"""The same problem, smaller and in one canonical order.

Lots the optimiser cannot tell apart (same position, gain, term, taxability, later tax) become one, lots
that may not be sold are left out, accounts and positions are sorted by what they hold. So the
answer does not depend on the order of the input, and splitting a lot in two changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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

    def at_risk_aversion(self, price: float) -> Condensed:
        """The same with another price of risk."""
        return replace(
            self,
            problem=self.problem.replace(risk_aversion=price),
            original=self.original.replace(risk_aversion=price),
        )

    def expand(self, buys: FloatArray, sells: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Trades for the original's positions and lots; a merged lot is sold largest lot first.

        What has to be sold of each comes before.
        """
        original_buys = np.zeros(len(self.original.weights))
        original_buys[self.positions] = buys
        least, most = self.original.least_sells, self.original.lot_sellable
        original_sells = np.zeros(len(self.original.lot_weight))
        alone = np.array([len(lots) == 1 for lots in self.members], dtype=np.bool_)
        first = np.array([lots[0] for lots in self.members], dtype=np.int64)[alone]
        original_sells[first] = np.minimum(sells[alone], most[first])
        for merged in np.flatnonzero(~alone):
            lots = self.members[merged]
            left = float(sells[merged]) - math.fsum(least[list(lots)])
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
    members = tuple(_largest_first(problem, lots[key]) for key in keys)
    sellable = _sums(problem.lot_sellable, members)
    location, buy_floor, buy_cap = problem.location_cost, problem.buy_floor, problem.buy_cap
    least = _sums(problem.least_sells, members)
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
        later_tax=None
        if problem.later_tax is None
        else np.array([key[4] for key in keys], dtype=np.float64),
        lot_position=np.array([position_rank[key[0]] for key in keys], dtype=np.int64),
    )
    return Condensed(canonical, problem, order, members)


# position, taxable, long-term, gain and later tax per dollar
LotKey = tuple[int, bool, bool, float, float]


def _merged_lots(problem: Problem) -> dict[LotKey, list[int]]:
    merged: dict[LotKey, list[int]] = {}
    taxable = problem.lot_is_taxable
    kept = np.flatnonzero(problem.lot_sellable > 0.0)
    facts = zip(
        problem.lot_position[kept].tolist(), taxable[kept].tolist(),
        (problem.lot_is_long | ~taxable)[kept].tolist(), problem.taxed_gain[kept].tolist(),
        problem.taxed_later[kept].tolist(), strict=True,
    )  # fmt: skip
    for lot, key in zip(kept.tolist(), facts, strict=True):
        merged.setdefault(key, []).append(lot)
    return merged


def _largest_first(problem: Problem, lots: list[int]) -> tuple[int, ...]:
    if len(lots) == 1:
        return tuple(lots)
    sellable, least = problem.lot_sellable, problem.least_sells
    return tuple(sorted(lots, key=lambda lot: (-float(sellable[lot]), -float(least[lot]), lot)))


def _sums(amounts: FloatArray, members: Iterable[Sequence[int]]) -> FloatArray:
    """Exact sums by group: the same whatever the order of the lots."""
    values = amounts.tolist()
    return np.array(
        [
            values[group[0]] if len(group) == 1 else math.fsum(values[lot] for lot in group)
            for group in members
        ],
        dtype=np.float64,
    )


def _account_order(problem: Problem, lots: dict[LotKey, list[int]]) -> IntArray:
    if len(problem.cash) == 1:
        return np.zeros(1, dtype=np.int64)
    location = problem.location_cost
    held: dict[int, list[Any]] = {p: [] for p in range(len(problem.weights))}
    sums = zip(
        _sums(problem.lot_sellable, lots.values()), _sums(problem.least_sells, lots.values()),
        strict=True,
    )  # fmt: skip
    for key, (sellable, least) in zip(lots, sums, strict=True):
        held[key[0]].append((*key[1:], sellable, least))
    place = np.zeros(len(problem.weights)) if location is None else location
    rows = zip(
        problem.position_account.tolist(), problem.position_security.tolist(),
        problem.weights.tolist(), problem.may_buy.tolist(), place.tolist(),
        problem.least_buys.tolist(), problem.most_buys.tolist(), strict=True,
    )  # fmt: skip
    content: list[list[Any]] = [[] for _ in problem.cash]
    for p, (account, *facts) in enumerate(rows):
        content[account].append((*facts, sorted(held[p])))
    keys = [
        (float(problem.cash[a]), float(problem.cash_min[a]), float(problem.cash_max[a]),
         sorted(content[a]))
        for a in range(len(problem.cash))
    ]  # fmt: skip
    return np.array(sorted(range(len(keys)), key=lambda a: keys[a]), dtype=np.int64)
