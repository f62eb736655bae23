"""Which groups to harvest and which to buy: branch and bound over sides and tax pieces.

Every node is one tax piece with some groups decided. Its relaxation gives a lower bound; rounding
it gives sides, and the problem with all sides fixed is convex and exact. The search is
deterministic: it is limited by a count of nodes, and by a clock only where one is set.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Literal

import numpy as np

from rebalancing.errors import Inaccurate, Infeasible, SolverTimeout, Unbounded
from rebalancing.optimizer.objective import evaluate, sold_by_position, worst_violation
from rebalancing.optimizer.problem import BoolArray, FloatArray, IntArray, Problem, summed
from rebalancing.optimizer.subproblem import (
    CAPS,
    Duals,
    Engine,
    Outcome,
    Status,
    Subproblem,
    Widest,
)
from rebalancing.optimizer.tax_schedule import Box, Piece, reachable

RESIDUAL = 1e-8  # fractions of V: what our own check allows
DUST = 1e-9  # trades below this are solver noise
CLOSE = 2e-8  # a gap of 0.0002 bp is closed
TOLERATED = 1e-6  # a gap this wide is honest after solver trouble; wider is an error
NODES = 40  # relaxations at most before the search stops with the bound it has

Ended = Literal["optimal", "node_limit", "time_limit"]
_MORE = 1e-6  # of a cap, fractions of V: where its price is read
_NO_PRICE = 1e-7  # multipliers below this are solver noise

HARVEST, BUY = True, False
_ANYWHERE = Box(-np.inf, np.inf, -np.inf, np.inf)
_SPENT = "The time limit passed before any trades and a bound were proven."
Sides = tuple[tuple[int, bool], ...]  # (group rank, harvest) of decided groups, sorted


@dataclass(frozen=True)
class Candidate:
    """Trades that passed our own check, and where they were found."""

    objective: float
    buys: FloatArray
    sells: FloatArray
    piece: Piece | None = None  # None: no trade at all
    sides: Sides = ()
    cap_prices: tuple[float, ...] = (0.0,) * len(CAPS)
    duals: Duals | None = None  # of the subproblem that it answers


@dataclass(frozen=True)
class _Node:
    """Some sides decided on a tax piece; without an outcome a piece that is not relaxed yet."""

    piece: Piece
    sides: Sides
    outcome: Outcome | None


_Entry = tuple[float, int, _Node]  # bound, order of creation, node


@dataclass
class Search:
    """One search: the problem, its limits, the best trades so far and what was tried."""

    problem: Problem
    engine: Engine
    deadline: float | None
    buy_max: FloatArray  # (m,)
    sell_max: FloatArray  # (L,)
    either_or: tuple[int, ...]  # ranks of groups that could be both bought and sold at a loss
    best: Candidate | None = None
    bound: float = np.inf  # smallest over the nodes that are not branched on any more
    troubles: int = 0
    calls: int = 0
    close: float = CLOSE  # a gap this small is closed
    ended: Ended = "optimal"
    pieces: tuple[Piece, ...] = ()  # tax pieces that the trades can reach
    gains: Box = _ANYWHERE  # the year's totals that they can reach
    likely: BoolArray | None = None  # (m + L,) trades of the subproblems so far
    widest: Widest | None = None  # of the subproblems without undecided groups
    tried: set[tuple[str, Sides]] = field(default_factory=set)

    def run(self) -> Candidate:
        """Best trades found. Raises Infeasible, Unbounded, Inaccurate or SolverTimeout.

        The last only where no trades or no bound were proven in time: else `ended` says it.
        """
        self._offer(self.no_trade())
        nodes: list[_Entry] = [
            (-np.inf, order, _Node(piece, (), None))
            for order, piece in enumerate(self._promising())
        ]
        try:
            self._branch(nodes)
        except SolverTimeout:
            if self.best is None or any(bound == -np.inf for bound, _, _ in nodes):
                raise
            self.ended = "time_limit"
        return self._conclude(min([self.bound, *(bound for bound, _, _ in nodes)]))

    def _branch(self, nodes: list[_Entry]) -> None:
        """Round and split the node of the lowest bound until the gap is closed."""
        count = len(nodes)
        while nodes and not self._is_closed(nodes[0][0]):
            bound, order, node = nodes[0]
            if node.outcome is None:
                self._open(nodes)
                continue
            group = self._round(node, node.outcome)
            heapq.heappop(nodes)  # not before: the bound of a node stands until it is done with
            if group is None:
                self._close(node)
                continue
            if count >= NODES:
                self._close(node)
                self.ended = "node_limit"
                return
            for piece, sides in self._children(node, group):
                try:
                    child = self._node(piece, sides, parent=node)
                except SolverTimeout:
                    heapq.heappush(nodes, (bound, order, node))
                    raise
                if child is not None:
                    heapq.heappush(nodes, (_bound(child), count, child))
                    count += 1

    def _promising(self) -> list[Piece]:
        """The tax pieces, first those that selling every loss and no gain leads to."""
        short, long = self.gains.short_low, self.gains.long_low
        return sorted(self.pieces, key=lambda piece: not piece.contains(short, long))

    def _open(self, nodes: list[_Entry]) -> None:
        """Relax the tax piece of the lowest bound; its multipliers bound the pieces still to come.

        Where that is as good as its own bound, rounding it first may leave nothing to look for.
        """
        bound, order, node = nodes[0]
        root = self._node(node.piece, ())
        heapq.heappop(nodes)
        if root is None or root.outcome is None:
            return
        own = max(bound, root.outcome.bound)
        heapq.heappush(nodes, (own, order, root))
        as_good = False
        for at, (known, place, waiting) in enumerate(nodes):
            if waiting.outcome is None:
                other = max(known, self.elsewhere(root.outcome, waiting.piece))
                nodes[at] = other, place, waiting
                as_good |= other > own - self.close
        heapq.heapify(nodes)
        if as_good:
            self._round(root, root.outcome)

    def elsewhere(self, outcome: Outcome, piece: Piece) -> float:
        """A lower bound on another tax piece, by weak duality from the multipliers of this one."""
        apart = outcome.apart
        if apart is None:
            return -np.inf
        return apart.rest + piece.least(apart.short, apart.long, self.gains)

    def _children(self, node: _Node, group: int) -> list[tuple[Piece, Sides]]:
        """Both sides of a group, without what the multipliers prove no better than the best trades.

        Weak duality: `bound + side_prices` holds for everything on that side of a group. What is
        left out for it stands in the bound.
        """
        bounds = self._side_bounds(node)
        sides = node.sides
        for one, (harvested, bought) in bounds.items():
            if one != group and self._is_closed(max(harvested, bought)):
                sides = _with(sides, one, BUY if harvested >= bought else HARVEST)
                self.bound = min(self.bound, max(harvested, bought))
        children: list[tuple[Piece, Sides]] = []
        for side, bound in zip((HARVEST, BUY), bounds[group], strict=True):
            if self._is_closed(bound):
                self.bound = min(self.bound, bound)
            else:
                children.append((node.piece, _with(sides, group, side)))
        return children

    def _side_bounds(self, node: _Node) -> dict[int, tuple[float, float]]:
        """Per undecided group, a lower bound once it is harvested, and once it is bought."""
        decided = {one for one, _ in node.sides}
        undecided = [one for one in self.either_or if one not in decided]
        prices = None if node.outcome is None else node.outcome.side_prices
        if prices is None:
            prices = np.zeros((2, len(undecided)))
        bounds = (_bound(node) + prices).T.tolist()
        return {one: (low, high) for one, (low, high) in zip(undecided, bounds, strict=True)}

    def _conclude(self, bound: float) -> Candidate:
        if self.best is None:
            if self.troubles or self.ended == "node_limit":
                raise Inaccurate("No trades that pass our own check were found.")
            raise Infeasible(
                "No choice of which groups to harvest and which to buy satisfies every limit.",
                conflicts=("wash-sale sides",),
            )
        self.bound = min(bound, self.best.objective)
        timely = self.ended != "time_limit"
        if timely and self.troubles and self.best.objective - self.bound > TOLERATED:
            raise Inaccurate(f"The solver failed on {self.troubles} of {self.calls} subproblems.")
        return self.best

    def _is_closed(self, bound: float) -> bool:
        return self.best is not None and bound >= self.best.objective - self.close

    def _close(self, node: _Node) -> None:
        self.bound = min(self.bound, _bound(node))

    def _node(self, piece: Piece, sides: Sides, parent: _Node | None = None) -> _Node | None:
        """Relax; None when the node is empty, or failed below a parent whose bound then stands.

        An inaccurate relaxation still serves when it proves a bound: its trades are only a hint.
        """
        decided = {group for group, _ in sides}
        undecided = tuple(group for group in self.either_or if group not in decided)
        sub = replace(self.subproblem(piece, sides), undecided=undecided)
        outcome = self._solve(sub)
        if outcome.status is Status.INFEASIBLE:
            return None
        if not undecided and outcome.status is Status.OPTIMAL:  # a relaxation of nothing
            self.tried.add((piece.name, sides))
            self._offer(self._checked(sub, sides, outcome))
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

    def _round(self, node: _Node, outcome: Outcome) -> int | None:
        """Try the roundings of a node; the group to branch on, or None when it has none left."""
        decided = {group for group, _ in node.sides}
        undecided = np.array([g for g in self.either_or if g not in decided], dtype=np.int64)
        bought, lost, net = self._group_trades(outcome)
        z = outcome.harvest
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
        if outcome.status is Status.TIMEOUT:
            raise SolverTimeout(_SPENT)
        return self._checked(sub, sides, outcome)

    def _checked(self, sub: Subproblem, sides: Sides, outcome: Outcome) -> Candidate | None:
        if outcome.status is not Status.OPTIMAL:
            self.troubles += 1
            return None
        buys, sells = outcome.buys, outcome.sells
        clean = np.where(buys < DUST, 0.0, buys), np.where(sells < DUST, 0.0, sells)
        if worst_violation(self.problem, *clean).amount <= RESIDUAL:
            buys, sells = clean  # not where many specks together fill an account's cash
        elif not worst_violation(self.problem, buys, sells).amount <= RESIDUAL:
            self.troubles += 1
            return None
        buys, sells = netted(self.problem, buys, sells)
        objective = evaluate(self.problem, buys, sells).objective
        return Candidate(
            objective, buys, sells, sub.piece, sides, outcome.cap_prices, outcome.duals
        )

    def subproblem(self, piece: Piece, sides: Sides) -> Subproblem:
        """Caps of the decided sides; groups not in `sides` keep both."""
        problem = self.problem
        buy_max, sell_max = self.buy_max.copy(), self.sell_max.copy()
        harvest = [group for group, side in sides if side is HARVEST]
        buy = [group for group, side in sides if side is BUY]
        buy_max[np.isin(problem.position_group, harvest)] = 0.0
        sell_max[np.isin(problem.lot_group, buy) & problem.lot_is_loss] = 0.0
        return Subproblem(
            problem, piece, buy_max, sell_max, problem.least_buys, problem.least_sells,
            likely=self.likely, widest=self.widest,
        )  # fmt: skip

    def _solve(self, sub: Subproblem) -> Outcome:
        limit = None if self.deadline is None else self.deadline - perf_counter()
        if limit is not None and limit <= 0.0:
            raise SolverTimeout(_SPENT)
        self.calls += 1
        outcome = self.engine(sub, limit)
        if outcome.likely is not None:
            known = outcome.likely if self.likely is None else self.likely
            self.likely = known | outcome.likely
        if outcome.status is Status.TIMEOUT and outcome.bound == -np.inf:
            raise SolverTimeout(_SPENT)
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

    def pieces_at_rest(self) -> tuple[Piece, ...]:
        """Tax pieces that hold the year as it stands."""
        tax = self.problem.tax
        return tuple(one for one in self.pieces if one.contains(tax.st_realised, tax.lt_realised))

    def priced(self, found: Candidate, sub: Subproblem) -> Candidate:
        """The candidate with the slope of its subproblem for a little more of each cap that binds.

        Where a cap leaves no room at all its own multiplier is not unique; beyond it, it is.
        """
        tax = self.problem.tax
        binding = [
            cap for cap, price in zip(CAPS, found.cap_prices, strict=True) if price > _NO_PRICE
        ]
        if not binding:
            return found
        more = replace(tax, **{cap: getattr(tax, cap) + _MORE for cap in binding})
        beyond = self._solve(replace(sub, problem=self.problem.replace(tax=more)))
        if beyond.status is not Status.OPTIMAL:
            return found
        return replace(found, cap_prices=beyond.cap_prices)


def _bound(node: _Node) -> float:
    return -np.inf if node.outcome is None else node.outcome.bound


def _with(sides: Sides, group: int, side: bool) -> Sides:  # noqa: FBT001 - a side, not a switch
    return tuple(sorted((*sides, (group, side))))


def netted(problem: Problem, buys: FloatArray, sells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same holdings without selling and buying one position at once.

    Without costs the solver may do both. Undoing it saves costs and gains, never a loss: those
    are not sold where something is bought. Floors stay, and everything is left alone where the
    cash saved would be too much, or where what a gain saves later is more than it costs.
    """
    more = sold_by_position(problem, np.maximum(sells - problem.least_sells, 0.0))
    both = np.minimum(np.maximum(buys - problem.least_buys, 0.0), more)
    fewer = sells.copy()
    for position in np.flatnonzero(both > 0.0):
        left = both[position]
        lots = np.flatnonzero(problem.lot_position == position)
        for lot in lots[np.argsort(-problem.taxed_gain[lots], kind="stable")]:
            part = min(left, max(fewer[lot] - problem.least_sells[lot], 0.0))
            fewer[lot] -= part
            left -= part
    if worst_violation(problem, buys - both, fewer).amount > RESIDUAL:
        return buys, sells
    if problem.later_tax is not None and np.any(both > 0.0):
        left_alone = evaluate(problem, buys, sells).objective
        if evaluate(problem, buys - both, fewer).objective > left_alone + RESIDUAL:
            return buys, sells
    return buys - both, fewer


def open_search(problem: Problem, engine: Engine, deadline: float | None = None) -> Search:
    """A search of a problem whose floors do not contradict each other (`contradiction`)."""
    buy_max, sell_max = largest_buys(problem), problem.lot_sellable.copy()
    must_lose, must_buy = _decided_groups(problem)
    buy_max[must_lose[problem.position_group]] = 0.0
    sell_max[must_buy[problem.lot_group] & problem.lot_is_loss] = 0.0
    either_or = either_or_groups(problem, buy_max, sell_max)
    box = problem.gain_box(sell_max)
    pieces = reachable(problem.tax, box)
    return Search(
        problem, engine, deadline, buy_max, sell_max, either_or, pieces=pieces, gains=box,
        widest=Widest(problem, buy_max, sell_max),
    )  # fmt: skip


def _decided_groups(problem: Problem) -> tuple[BoolArray, BoolArray]:
    """(G,) groups of which a loss has to be sold, and groups that have to be bought."""
    size = problem.group_count
    losses = np.where(problem.lot_is_loss, problem.least_sells, 0.0)
    return (
        summed(problem.lot_group, losses, size) > 0.0,
        summed(problem.position_group, problem.least_buys, size) > 0.0,
    )


def contradicts_itself(problem: Problem) -> bool:
    """Whether floors alone rule out every answer: a wash sale, or a buy that is not allowed."""
    must_lose, must_buy = _decided_groups(problem)
    forbidden = (problem.least_buys > 0.0) & ~problem.may_buy
    return bool(np.any(must_lose & must_buy) or np.any(forbidden))


def largest_buys(problem: Problem) -> FloatArray:
    """(m,) what cash, upper bounds and caps allow each position to buy; zero where it may not.

    Never below the floor of a buy: where that is too much, the solver finds out.
    """
    rate = problem.cost_rates[problem.position_security]
    sellable = sold_by_position(problem, problem.lot_sellable)
    raised = summed(problem.position_account, sellable * (1.0 - rate), len(problem.cash))
    by_cash = (problem.cash - problem.cash_min + raised)[problem.position_account] / (1.0 + rate)
    sold = summed(problem.position_security, sellable, len(problem.targets))
    by_bound = (problem.upper - problem.start + sold)[problem.position_security]
    most = np.minimum(np.minimum(by_cash, by_bound), problem.most_buys)
    most = np.where(problem.may_buy & (most > DUST), most, 0.0)
    return np.maximum(most, problem.least_buys)


def either_or_groups(
    problem: Problem, buy_max: FloatArray, sell_max: FloatArray
) -> tuple[int, ...]:
    """Ranks of groups that can both be bought and be sold at a loss."""
    bought = np.unique(problem.position_group[buy_max > 0.0])
    lost = np.unique(problem.lot_group[problem.lot_is_loss & (sell_max > 0.0)])
    return tuple(int(group) for group in np.intersect1d(bought, lost))


def small_trades(problem: Problem, buys: FloatArray, sells: FloatArray, floor: float) -> (
    tuple[IntArray, IntArray]
):  # fmt: skip
    """Positions whose buy, and positions whose sales together, are above zero but below floor.

    Where a trade has a floor of its own it is wanted at any size.
    """
    sold = sold_by_position(problem, sells)
    must_sell = sold_by_position(problem, problem.least_sells) > 0.0
    return (
        np.flatnonzero((buys > 0.0) & (buys < floor) & (problem.least_buys == 0.0)),
        np.flatnonzero((sold > 0.0) & (sold < floor) & ~must_sell),
    )
