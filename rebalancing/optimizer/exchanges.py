"""Better choices where the gap is: each group of securities has its own part in it.

At the prices of the trades found, the objective less the bound by securities is the sum of what each
group's part is worse than the best that the group could do by itself, and of what limits leave
unused. So the groups with the largest parts take over their own best choices, sides and trades, first
all of them, then half, then one by one, and the rest is solved again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from rebalancing.errors import SolverTimeout
from rebalancing.optimizer.objective import sold_by_position
from rebalancing.optimizer.prices import dearness
from rebalancing.optimizer.problem import BoolArray
from rebalancing.optimizer.proof import Proof
from rebalancing.optimizer.rounding import (
    Step,
    Trade,
    decided,
    never_large_enough,
    reopened,
    rounded,
)
from rebalancing.optimizer.security_bounds import Alone
from rebalancing.optimizer.sides import RESIDUAL, Search, Sides
from rebalancing.optimizer.tax_schedule import Piece

WORTH = 1e-5  # fractions of V, 0.1 bp: a gap worth exchanging choices for
_PART = 1e-6  # fractions of V: a group's part in the gap worth looking at
_CALLS = 60  # convex problems at most
_TRIES = 4  # of them to get rid of trades that became too small by an exchange
_TRIES_ANEW = 12  # the same where every other trade may be chosen anew
_ANEW = 4  # groups at most whose choices are kept while every other trade is chosen anew


def exchanged(search: Search, step: Step, proof: Proof) -> Step:
    """The best trades that exchanging choices leads to, on every tax piece that is not proven to hold no better.

    When the time is up, what was found by then.
    """
    exchange = _Exchange(search, proof, search.calls + _CALLS)
    try:
        exchange.improve(step)
        for piece in sorted(search.pieces, key=lambda one: proof.bounds[one]):
            if piece != step[0].piece:
                exchange.look_at(piece, step)
    except SolverTimeout:
        search.ended = "time_limit"
    return exchange.best or step


def begun_anew(search: Search, step: Step | None, proof: Proof) -> Step | None:
    """The same from what every group would do by itself at the best prices known of each piece."""
    exchange = _Exchange(search, proof, search.calls + _CALLS, step)
    try:
        for piece in sorted(search.pieces, key=lambda one: proof.bounds[one]):
            exchange.begin(piece)
    except SolverTimeout:
        search.ended = "time_limit"
    return exchange.best


Choice = tuple[
    tuple[int, ...], bool
]  # groups that take over their own, and whether all others choose anew


@dataclass
class _Exchange:
    search: Search
    proof: Proof
    last_call: int
    best: Step | None = None
    tried: set[tuple[object, ...]] = field(default_factory=set)

    def improve(self, step: Step) -> None:
        """Exchange choices on the tax piece that these trades are on while that helps."""
        following: Step | None = step
        while following is not None:
            step = following
            self._offer(step)
            self.proof.extend(step, self._objective())
            following = self._better(step)

    def look_at(self, piece: Piece, step: Step) -> None:
        """The same on another piece, from the same choices, or the same sides, there."""
        if not self._is_worth(piece):
            return
        search, sides = self.search, step[1].sides
        for sub in (replace(step[0], piece=piece), search.subproblem(piece, sides)):
            found = search.solve_fixed(sub, sides)
            if found is not None:
                there = rounded(search, sub, found, search.calls + _TRIES_ANEW)
                if there is not None:
                    self.improve(there)
                return

    def begin(self, piece: Piece) -> None:
        """From the groups' own sides and trades on a piece, or as much of that as is possible."""
        search, alone = self.search, self.proof.best.get(piece)
        if alone is None or not self._is_worth(piece):
            return
        sides = tuple((one, bool(alone.harvest[one])) for one in search.either_or)
        whole = search.subproblem(piece, sides)
        fewer, larger = self._own_trades(alone, np.ones(len(whole.buy_max), dtype=np.bool_))
        hopeless = never_large_enough(search.problem, whole)
        dear = dearness(search.problem, alone.prices)
        for out, made in (([*fewer, *hopeless], larger), (hopeless, larger), (hopeless, [])):
            other = decided(search, whole, sides, fewer=out, larger=made, dear=dear)
            there = other and rounded(search, *other, search.calls + _TRIES_ANEW)
            if there is not None:
                self.improve(there)
                return

    def _offer(self, step: Step) -> None:
        if self.best is None or step[1].objective < self._objective() - RESIDUAL:
            self.best = step

    def _objective(self) -> float:
        return np.inf if self.best is None else self.best[1].objective

    def _is_worth(self, piece: Piece) -> bool:
        """Whether a piece may hold something better, and there are calls left to find it."""
        proven = max(self.search.bound, self.proof.bounds[piece])
        open_ = self._objective() > proven + WORTH
        return open_ and self.search.calls < self.last_call

    def _better(self, step: Step) -> Step | None:
        """The first exchange that helps."""
        found = step[1]
        alone = self.proof.alone(found) if self._is_worth(step[0].piece) else None
        if alone is None:
            return None
        worse = alone.worse(self.search.problem, found.buys, found.sells)
        order = np.argsort(-worse, kind="stable")
        for choice in _choices(tuple(order[worse[order] > _PART].tolist())):
            if not self._is_worth(step[0].piece):
                return None
            other = self._taken(step, alone, choice) if self._is_new(alone, choice) else None
            if other is not None and other[1].objective < found.objective - RESIDUAL:
                return other
        return None

    def _is_new(self, alone: Alone, choice: Choice) -> bool:
        groups, anew = choice
        own = self._positions(groups)
        key = (
            groups, anew, alone.harvest[list(groups)].tobytes(), (alone.buys > 0.0)[own].tobytes(),
            (sold_by_position(self.search.problem, alone.sells) > 0.0)[own].tobytes(),
        )  # fmt: skip
        is_new = key not in self.tried
        self.tried.add(key)
        return is_new

    def _positions(self, groups: tuple[int, ...]) -> BoolArray:
        return np.isin(self.search.problem.position_group, groups)

    def _taken(self, step: Step, alone: Alone, choice: Choice) -> Step | None:
        """With the choices of some groups as each of them would choose by itself."""
        search, (sub, found), (groups, anew) = self.search, step, choice
        own = {one: bool(alone.harvest[one]) for one in groups if one in search.either_or}
        sides: Sides = tuple(sorted({**dict(found.sides), **own}.items()))
        whole = search.subproblem(sub.piece, sides)
        at = self._positions(groups)
        fewer, larger = self._own_trades(alone, at)
        if anew:
            fewer += never_large_enough(search.problem, whole)
        other = decided(
            search, whole if anew else reopened(sub, whole, at), sides, fewer=fewer, larger=larger,
            dear=dearness(search.problem, alone.prices),
        )  # fmt: skip
        tries = _TRIES_ANEW if anew else _TRIES
        return other and rounded(search, *other, search.calls + tries)

    def _own_trades(self, alone: Alone, at: BoolArray) -> tuple[list[Trade], list[Trade]]:
        """Those that are left out and those that are made, trades with a floor of their own apart."""
        problem = self.search.problem
        free = problem.least_buys == 0.0, sold_by_position(problem, problem.least_sells) == 0.0
        sold = sold_by_position(problem, alone.sells)
        fewer: list[Trade] = []
        larger: list[Trade] = []
        for bought, size, chosen in ((True, alone.buys, free[0]), (False, sold, free[1])):
            for position in np.flatnonzero(at & chosen).tolist():
                trade = Trade(0.0, bought=bought, position=position)
                (larger if size[position] > 0.0 else fewer).append(trade)
        return fewer, larger


def _choices(groups: tuple[int, ...]) -> Iterator[Choice]:
    """In the order in which they are tried, each once."""
    half = groups[: len(groups) // 2]
    together = [several for several in (groups, half) if len(several) > 1]
    yield from ((several, False) for several in together)
    yield from (((one,), False) for one in groups)
    yield from (((one,), True) for one in groups[:_ANEW])
