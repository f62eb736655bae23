"""One convex subproblem of the search, and what an engine that solves it owes: trades, prices and a proven bound."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rebalancing.optimizer.problem import BoolArray, FloatArray, Problem
from rebalancing.optimizer.tax_schedule import Piece

if TYPE_CHECKING:
    from rebalancing.optimizer.cone_program import Built

PERCENT = 100.0
BASIS_POINTS = 1e4
# of TaxSchedule, in the order of `cap_prices`
CAPS = ("max_st_gain", "max_lt_gain", "max_tax", "max_net_gain")


class Status(enum.Enum):
    """What a solver call proved."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIMEOUT = "timeout"
    INACCURATE = "inaccurate"


@dataclass(frozen=True)
class Subproblem:
    """A convex part of a Problem: trades between floors and caps, S and L inside one piece.

    `undecided` lists ranks of groups whose side is relaxed; in those buys and loss sells have no
    floor, as one would decide the side. A decided group has it in its caps: no buys, or no loss
    sells.
    """

    problem: Problem
    piece: Piece
    buy_max: FloatArray  # (m,) zero: may not buy
    sell_max: FloatArray  # (L,)
    buy_min: FloatArray
    sell_min: FloatArray
    undecided: tuple[int, ...] = ()
    likely: BoolArray | None = None  # (m + L,) buys and sales to begin with: only a hint
    widest: Widest | None = None  # whose program this one's can be made from, where it lies within


@dataclass(frozen=True, eq=False)
class Widest:
    """Limits that many subproblems without undecided groups lie within, and the program of each piece.

    Deciding a side or a trade narrows limits, and a narrower program differs in its right-hand
    side and in what is left out of it.
    """

    problem: Problem
    buy_max: FloatArray  # (m,)
    sell_max: FloatArray  # (L,)
    built: dict[Piece, Built] = field(default_factory=dict)


class Apart(NamedTuple):
    """The proven bound taken apart: what holds of all trades and sides, whichever tax piece they end in.

    By weak duality nothing is better than `rest` + `short` S + `long` L + T(S, L), S and L being
    the totals of the year that the trades lead to and T its tax; fractions of V. `rest` has the
    tax of the year as it stands taken off.
    """

    rest: float
    short: float
    long: float


class Duals(NamedTuple):
    """What the objective would fall by per unit more cash, or rises by per unit more gain, all in fractions of V.

    Only where every side is decided: cash at the end of each account (A,), below zero where it has
    too much, and the year's short- and long-term gains with their caps.
    """

    cash: FloatArray
    short_gain: float
    long_gain: float
    joint: FloatArray  # (r,) of each joint limit: above zero where its most binds, below where its least does


@dataclass(frozen=True)
class Outcome:
    """What came back. Trades and sides are a solution when optimal, a hint when inaccurate.

    `bound` is a proven lower bound whatever the status (-inf where there is none).
    """

    status: Status
    bound: float  # fractions of V
    buys: FloatArray
    sells: FloatArray
    harvest: FloatArray  # z of each undecided group, 1: harvested
    # fall of the objective per unit of each of CAPS, all fractions of V; 0 where not binding
    cap_prices: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    # (2, undecided) by how much `bound` grows at least once a group is harvested, or bought
    side_prices: FloatArray | None = None
    apart: Apart | None = None
    duals: Duals | None = None
    likely: BoolArray | None = None  # (m + L,) buys and sales that are made, or nearly worth making


Engine = Callable[[Subproblem, float | None], Outcome]
