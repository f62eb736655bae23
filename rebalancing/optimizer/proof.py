"""The bound that knows of the smallest trade, from the prices of whatever trades were found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from rebalancing.errors import SolverTimeout
from rebalancing.optimizer.price_ascent import raised
from rebalancing.optimizer.prices import prices_at
from rebalancing.optimizer.rounding import Step
from rebalancing.optimizer.security_bounds import Alone, alone_at
from rebalancing.optimizer.sides import Candidate, Search
from rebalancing.optimizer.tax_schedule import Piece

GOOD_ENOUGH = 5e-6  # fractions of V, 0.05 bp: a gap not worth looking further for


@dataclass
class Proof:
    """Bounds that know of the smallest trade, a tax piece each: the tax is convex on a piece only."""

    search: Search
    bounds: dict[Piece, float] = field(default_factory=dict)
    best: dict[Piece, Alone] = field(default_factory=dict)  # at whose prices they were proven
    _last: tuple[Candidate, Alone | None] | None = None

    def __post_init__(self) -> None:
        self.bounds = dict.fromkeys(self.search.pieces, -math.inf) | self.bounds

    def extend(self, step: Step, objective: float | None = None) -> None:
        """Raise the search's bound by the prices of these trades, as far as it pays.

        That is up to their objective, or to another one. Where they prove too little of another
        piece, it is asked for its own. Time that runs out leaves the bound as it was.
        """
        sub, found = step
        enough = (found.objective if objective is None else objective) - GOOD_ENOUGH
        alone = None if self.search.bound >= enough else self.alone(found)
        if alone is None:
            return
        for piece, known in self.bounds.items():
            if known < enough:
                self._raise(piece, alone)
            if self.bounds[piece] < enough and piece != sub.piece:
                self._ask(piece, step)
        self._conclude()

    def ascend(self, objective: float) -> None:
        """Look for better prices of every piece that proves too little of an objective."""
        search = self.search
        goal = objective - GOOD_ENOUGH
        limits = search.buy_max, search.sell_max, search.gains
        for piece in sorted(self.bounds, key=self.bounds.__getitem__):
            start = self.best.get(piece)
            if start is not None and self.bounds[piece] < goal:
                bound, self.best[piece] = raised(search.problem, start, piece, limits, goal)
                self.bounds[piece] = max(self.bounds[piece], bound)
            goal = min(goal, self.bounds[piece])  # the least of the pieces counts
        self._conclude()

    def alone(self, found: Candidate) -> Alone | None:
        """What each group would do by itself at the prices of these trades, where they have any."""
        if self._last is None or self._last[0] is not found:
            search = self.search
            prices = prices_at(search.problem, found)
            own = None
            if prices is not None:
                own = alone_at(search.problem, prices, search.buy_max, search.sell_max)
            self._last = found, own
        return self._last[1]

    def _conclude(self) -> None:
        least = min(self.bounds.values())
        if math.isfinite(least):
            self.search.bound = max(self.search.bound, least)

    def _raise(self, piece: Piece, alone: Alone) -> None:
        bound = alone.bound(self.search.problem, piece, self.search.gains)
        if bound > self.bounds[piece]:
            self.bounds[piece], self.best[piece] = bound, alone

    def _ask(self, piece: Piece, step: Step) -> None:
        sub, found = step
        try:
            there = self.search.solve_fixed(replace(sub, piece=piece), found.sides)
        except SolverTimeout:
            self.search.ended = "time_limit"
            return
        own = None if there is None else self.alone(there)
        if own is not None:
            self._raise(piece, own)
