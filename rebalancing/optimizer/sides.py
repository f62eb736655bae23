"""Which groups to harvest and which to buy: branch and bound over sides and tax pieces.

Every node is one tax piece with some groups decided. Its relaxation gives a lower bound; rounding
it gives sides, and the problem with all sides fixed is convex and exact. The search is
deterministic: it is limited by a count of nodes, never by a clock.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from rebalancing.errors import Inaccurate, Infeasible, SolverTimeout, Unbounded
from rebalancing.optimizer.conic import Engine, Outcome, Status, Subproblem
from rebalancing.optimizer.objective import evaluate, sold_by_position, worst_violation
from rebalancing.optimizer.problem import FloatArray, IntArray, Problem, summed
from rebalancing.optimizer.tax_schedule import Piece, reachable

RESIDUAL = 1e-8  # fractions of V: what our own check allows
DUST = 1e-9  # trades below this are solver noise
CLOSE = 2e-8  # a gap of 0.0002 bp is closed
TOLERATED = 1e-6  # a gap this wide is honest after solver trouble; wider is an error
NODES = 40  # relaxations at most before the search stops with the bound it has

HARVEST, BUY = True, False
Sides = tuple[tuple[int, bool], ...]  # (group rank, harvest) of decided groups, sorted


@dataclass(frozen=True)
class Candidate:
    """Trades that passed our own check, and where they were found."""

    objective: float
    buys: FloatArray
    sells: FloatArray
    piece: Piece | None = None  # None: no trade at all
    sides: Sides = ()


@dataclass(frozen=True)
class _Node:
    piece: Piece
    sides: Sides
    outcome: Outcome


@dataclass
class Search:
    """One search: the problem, its limits, the best trades so far and what was tried."""

    problem: Problem
    engine: Engine
    deadline: float | None
    buy_max: FloatArray
    either_or: tuple[int, ...]  # ranks of groups that could be both bought and sold at a loss
    best: Candidate | None = None
    bound: float = np.inf  # smallest over the nodes that are not branched on any more
    troubles: int = 0
    calls: int = 0
    regions: list[str] = field(default_factory=list)
    tried: set[tuple[str, Sides]] = field(default_factory=set)

    def run(self) -> Candidate:
        """Best trades found. Raises Infeasible, Unbounded, Inaccurate or SolverTimeout."""
        self._offer(self.no_trade())
        nodes: list[tuple[float, int, _Node]] = []  # a heap: bound, order of creation, node
        count = 0
        box = self.problem.gain_box(self.problem.lot_sellable)
        for piece in reachable(self.problem.tax, box):
            self.regions.append(piece.name)
            node = self._node(piece, ())
            if node is not None:
                nodes.append((node.outcome.bound, count, node))
                count += 1
        heapq.heapify(nodes)
        while nodes and not self._is_closed(nodes[0][0]):
            _, _, node = heapq.heappop(nodes)
            group = self._round(node)
            if group is None:
                self._close(node)
                continue
            if count >= NODES:
                self._close(node)
                break
            for side in (HARVEST, BUY):
                child = self._node(node.piece, _with(node.sides, group, side), parent=node)
                if child is not None:
                    heapq.heappush(nodes, (child.outcome.bound, count, child))
                    count += 1
        return self._conclude(min([self.bound, *(bound for bound, _, _ in nodes)]), count)

    def _conclude(self, bound: float, count: int) -> Candidate:
        if self.best is None:
            if self.troubles or count >= NODES:
                raise Inaccurate("No trades that pass our own check were found.")
            raise Infeasible(
                "No choice of which groups to harvest and which to buy satisfies every limit.",
                conflicts=("wash-sale sides",),
            )
        self.bound = min(bound, self.best.objective)
        if self.troubles and self.best.objective - self.bound > TOLERATED:
            raise Inaccurate(f"The solver failed on {self.troubles} of {self.calls} subproblems.")
        return self.best

    def _is_closed(self, bound: float) -> bool:
        return self.best is not None and bound >= self.best.objective - CLOSE

    def _close(self, node: _Node) -> None:
        self.bound = min(self.bound, node.outcome.bound)

    def _node(self, piece: Piece, sides: Sides, parent: _Node | None = None) -> _Node | None:
        """Relax; None when the node is empty, or failed below a parent whose bound then stands.

        An inaccurate relaxation still serves when it proves a bound: its trades are only a hint.
        """
        decided = {group for group, _ in sides}
        undecided = tuple(group for group in self.either_or if group not in decided)
        outcome = self._solve(replace(self.subproblem(piece, sides), undecided=undecided))
        if outcome.status is Status.INFEASIBLE:
            return None
        if outcome.bound > -np.inf:
            return _Node(piece, sides, outcome)
        if parent is None:
            raise Inaccurate(
                f"The solver reported '{outcome.status.value}' for the relaxation "
                f"in tax region '{piece.name}'."
            )
        self.troubles += 1
        self._close(parent)
        return None

    def _round(self, node: _Node) -> int | None:
        """Try the roundings of a node; the group to branch on, or None when it has none left."""
        decided = {group for group, _ in node.sides}
        undecided = np.array([g for g in self.either_or if g not in decided], dtype=np.int64)
        bought, lost, net = self._group_trades(node.outcome)
        z = node.outcome.harvest
        both = np.minimum(bought, lost)[undecided]
        by_trade = net[undecided] <= 0.0
        by_side = z > 0.5
        clear = both < DUST
        by_trade[clear] = by_side[clear] = (lost >= bought)[undecided][clear]
        for harvest in (by_side, by_trade):
            extra = zip(undecided.tolist(), harvest.tolist(), strict=True)
            self.try_sides(node.piece, tuple(sorted((*node.sides, *extra))))
        if np.all(clear):
            return None
        return int(undecided[np.argmax(both)])

    def _group_trades(self, outcome: Outcome) -> tuple[FloatArray, FloatArray, FloatArray]:
        problem = self.problem
        size = problem.group_count
        bought = summed(problem.position_group, outcome.buys, size)
        sold = summed(problem.lot_group, outcome.sells, size)
        losses = np.where(problem.lot_is_loss, outcome.sells, 0.0)
        return bought, summed(problem.lot_group, losses, size), bought - sold

    def try_sides(self, piece: Piece, sides: Sides) -> None:
        """Solve with every side fixed and keep the trades if they are the best so far."""
        if (piece.name, sides) in self.tried:
            return
        self.tried.add((piece.name, sides))
        found = self.solve_fixed(self.subproblem(piece, sides), sides)
        if found is not None:
            self._offer(found)

    def solve_fixed(self, sub: Subproblem, sides: Sides) -> Candidate | None:
        """Clean, checked trades of a subproblem without undecided groups; None if there are none."""
        outcome = self._solve(sub)
        if outcome.status is Status.INFEASIBLE:
            return None
        if outcome.status is not Status.OPTIMAL:
            self.troubles += 1
            return None
        buys = np.where(outcome.buys < DUST, 0.0, outcome.buys)
        sells = np.where(outcome.sells < DUST, 0.0, outcome.sells)
        if not worst_violation(self.problem, buys, sells).amount <= RESIDUAL:
            self.troubles += 1
            return None
        buys, sells = netted(self.problem, buys, sells)
        objective = evaluate(self.problem, buys, sells).objective
        return Candidate(objective, buys, sells, sub.piece, sides)

    def subproblem(self, piece: Piece, sides: Sides) -> Subproblem:
        """Caps of the decided sides; groups not in `sides` keep both."""
        problem = self.problem
        buy_max, sell_max = self.buy_max.copy(), problem.lot_sellable.copy()
        harvest = [group for group, side in sides if side is HARVEST]
        buy = [group for group, side in sides if side is BUY]
        buy_max[np.isin(problem.position_group, harvest)] = 0.0
        sell_max[np.isin(problem.lot_group, buy) & problem.lot_is_loss] = 0.0
        return Subproblem(
            problem, piece, buy_max, sell_max, np.zeros_like(buy_max), np.zeros_like(sell_max)
        )

    def _solve(self, sub: Subproblem) -> Outcome:
        limit = None if self.deadline is None else self.deadline - perf_counter()
        if limit is not None and limit <= 0.0:
            raise SolverTimeout("The time limit passed before a solution was proven.")
        self.calls += 1
        outcome = self.engine(sub, limit)
        if outcome.status is Status.TIMEOUT:
            raise SolverTimeout("The time limit passed inside the solver.")
        if outcome.status is Status.UNBOUNDED:
            raise Unbounded("The objective can fall without end.")
        return outcome

    def _offer(self, found: Candidate | None) -> None:
        if found is not None and (self.best is None or found.objective < self.best.objective):
            self.best = found

    def no_trade(self) -> Candidate | None:
        """Standing still, where that satisfies every limit."""
        problem = self.problem
        buys, sells = np.zeros(len(problem.weights)), np.zeros(len(problem.lot_weight))
        if not worst_violation(problem, buys, sells).amount <= RESIDUAL:
            return None
        return Candidate(evaluate(problem, buys, sells).objective, buys, sells)


def _with(sides: Sides, group: int, side: bool) -> Sides:  # noqa: FBT001 - a side, not a switch
    return tuple(sorted((*sides, (group, side))))


def netted(problem: Problem, buys: FloatArray, sells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same holdings without selling and buying one position at once.

    Without costs the solver may do both. Undoing it saves costs and gains, never a loss: those
    are not sold where something is bought. Left alone where the cash saved would be too much.
    """
    both = np.minimum(buys, sold_by_position(problem, sells))
    fewer = sells.copy()
    for position in np.flatnonzero(both > 0.0):
        left = both[position]
        lots = np.flatnonzero(problem.lot_position == position)
        for lot in lots[np.argsort(-problem.taxed_gain[lots], kind="stable")]:
            part = min(left, fewer[lot])
            fewer[lot] -= part
            left -= part
    if worst_violation(problem, buys - both, fewer).amount > RESIDUAL:
        return buys, sells
    return buys - both, fewer


def largest_buys(problem: Problem) -> FloatArray:
    """(m,) what cash and upper bounds allow each position to buy; zero where it may not."""
    rate = problem.cost_rates[problem.position_security]
    sellable = sold_by_position(problem, problem.lot_sellable)
    raised = summed(problem.position_account, sellable * (1.0 - rate), len(problem.cash))
    by_cash = (problem.cash - problem.cash_min + raised)[problem.position_account] / (1.0 + rate)
    sold = summed(problem.position_security, sellable, len(problem.targets))
    by_bound = (problem.upper - problem.start + sold)[problem.position_security]
    most = np.minimum(by_cash, by_bound)
    return np.where(problem.may_buy & (most > DUST), most, 0.0)


def either_or_groups(problem: Problem, buy_max: FloatArray) -> tuple[int, ...]:
    """Ranks of groups that can both be bought and be sold at a loss."""
    bought = np.unique(problem.position_group[buy_max > 0.0])
    lost = np.unique(problem.lot_group[problem.lot_is_loss & (problem.lot_sellable > 0.0)])
    return tuple(int(group) for group in np.intersect1d(bought, lost))


def small_trades(problem: Problem, buys: FloatArray, sells: FloatArray, floor: float) -> (
    tuple[IntArray, IntArray]
):  # fmt: skip
    """Positions whose buy, and positions whose sales together, are above zero but below floor."""
    sold = sold_by_position(problem, sells)
    return (
        np.flatnonzero((buys > 0.0) & (buys < floor)),
        np.flatnonzero((sold > 0.0) & (sold < floor)),
    )
