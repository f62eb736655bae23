"""One convex subproblem solved as a cone program with Clarabel: one tax piece, some groups undecided.

Most lots would never be sold, so it is solved with few of its trades first; the multipliers tell
which of the others have to be let in.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

import clarabel
import numpy as np
from scipy import sparse

from rebalancing.optimizer.cone_columns import Columns, Layout
from rebalancing.optimizer.cone_program import Sizes, built
from rebalancing.optimizer.cone_rows import Program
from rebalancing.optimizer.multipliers import (
    RawSolution,
    apart,
    cap_prices,
    duals,
    is_certificate,
    safe_bound,
    side_prices,
    transposed,
)
from rebalancing.optimizer.problem import BoolArray, FloatArray
from rebalancing.optimizer.subproblem import PERCENT, Outcome, Status, Subproblem

SOLVER = f"clarabel {clarabel.__version__}"
# Refining every linear solve costs a third of the time: where a bound, or what is left out, is proven
# from the multipliers anyway, the first try is without. Clarabel can also stall on a first step into
# a power cone; a shorter or less regularised one passes.
ATTEMPTS: tuple[dict[str, float | bool], ...] = (
    {"iterative_refinement_enable": False},
    {},
    {"max_step_fraction": 0.95},
    {"static_regularization_constant": 1e-10},
    {"max_step_fraction": 0.8, "equilibrate_max_iter": 50},
    {"equilibrate_enable": False, "max_step_fraction": 0.9},
    {"static_regularization_enable": False, "max_step_fraction": 0.9},
)
_SIFTINGS = 2  # times that trades are left out before all of them are let in
_WORTH_SIFTING = 50  # trades at least to leave out
_MISSED = 1e-5  # bp: what the trades left out may be worth together
_SPLIT = 0.015  # per dollar: what selling a gain on the buy side may cost and still be likely
_NOTICED = 1e-4  # per cent of V: a sale that is counted on in the next subproblem
_NEARLY = 0.1  # bp per cent of V: trades priced below this come in with those that pay


def solve_conic(sub: Subproblem, time_limit: float | None) -> Outcome:
    """Solve one subproblem with Clarabel, more cautiously each time it stalls."""
    columns, layout, program, matrix, rhs, sizes = built(sub)
    raw = _sifted(sub, columns, program, (matrix, rhs, sizes), time_limit)
    status = _STATUS.get(raw.status, Status.INACCURATE)
    finite = bool(np.all(np.isfinite(raw.x)) and np.all(np.isfinite(raw.z)))
    if status is Status.OPTIMAL and not finite:
        status = Status.INACCURATE
    bound = -np.inf
    tried = status in (Status.OPTIMAL, Status.INACCURATE, Status.TIMEOUT)
    if tried and finite and len(raw.x) == program.width:
        bound = safe_bound(program, matrix, rhs, raw, sizes)
    if status is Status.OPTIMAL and bound == -np.inf:
        status = Status.INACCURATE
    if status is Status.INFEASIBLE and not is_certificate(program, matrix, rhs, raw, sizes):
        status = Status.INACCURATE
    found = _outcome(sub, columns, layout, raw, status, bound)
    if bound > -np.inf:
        found = replace(found, likely=_nearly(sub, columns, program, raw, sizes[0]))
    if bound > -np.inf and sub.undecided:
        found = replace(
            found,
            side_prices=side_prices(program, layout, raw, sizes[0]),
            apart=apart(program, layout, matrix, rhs, raw, sizes),
        )
    if status is Status.OPTIMAL:
        found = replace(
            found,
            cap_prices=cap_prices(program, raw, sizes[0]),
            duals=duals(program, raw, sizes[0], sub.problem),
        )
    return found


def _sifted(
    sub: Subproblem,
    columns: Columns,
    program: Program,
    assembled: tuple[sparse.csc_array, FloatArray, Sizes],
    time_limit: float | None,
) -> RawSolution:
    """The program's answer, found with few of its trades: most lots would never be sold.

    The multipliers price every trade left out. Where one would pay it is let in, and the program
    solved again; where none would, trade and multipliers are those of the whole program, and its
    bound is proven from them as ever. Whatever goes wrong, all trades are let in.
    """
    deadline = None if time_limit is None else perf_counter() + time_limit
    possible = columns.room > 0.0
    chosen = _likely(sub, columns) & possible
    for tries in range(_SIFTINGS + 1):
        few_left_out = np.count_nonzero(possible & ~chosen) < _WORTH_SIFTING
        everything = tries == _SIFTINGS or few_left_out
        if everything:
            chosen = possible
        left = None if deadline is None else max(deadline - perf_counter(), 0.0)
        part = _part(program, *assembled, chosen)
        raw = _attempted(part, 1 if everything and not sub.undecided else 0, left)
        is_whole = _is_whole(part, raw)
        if not everything and (raw.status not in ("Solved", "MaxTime") or not is_whole):
            chosen = possible
            continue
        if not is_whole or np.all(part.rows):
            return raw
        raw, prices = _embedded(program, *assembled, part, chosen, raw)
        missed = np.where(chosen, 0.0, np.maximum(-prices, 0.0))
        few_missed = float(missed @ program.size[: len(missed)]) <= _MISSED
        if everything or few_missed or raw.status == "MaxTime":
            return raw
        chosen = chosen | (possible & (prices < _NEARLY))
    return raw


def _likely(sub: Subproblem, columns: Columns) -> BoolArray:
    """Which trades to begin with: what paid before, or every buy, and sales that may save more risk or tax than
    they cost."""
    if sub.likely is not None and not sub.undecided:
        return np.asarray(sub.likely[columns.trade], dtype=np.bool_)
    problem = sub.problem
    over = np.maximum(problem.start - problem.targets, 0.0)[columns.security]
    saved = 2.0 * problem.risk_aversion * problem.specific_variance[columns.security] * over
    slopes = np.array([(plane.short, plane.long) for plane in sub.piece.planes])
    term = columns.is_long.astype(np.int64)
    tax = columns.gain * np.where(
        columns.gain < 0.0, slopes.max(axis=0)[term], slopes.min(axis=0)[term]
    )
    split = (columns.group >= 0) & ~columns.harvest_side  # on its own side it may be over by more
    likely = columns.is_buy | (columns.linear + tax < saved + np.where(split, _SPLIT, 0.0))
    if sub.likely is not None:
        likely |= sub.likely[columns.trade]
    return np.asarray(likely, dtype=np.bool_)


def _nearly(
    sub: Subproblem, columns: Columns, program: Program, raw: RawSolution, first: int
) -> BoolArray:
    """(m + L,) trades that are made, and those whose multiplier says that they nearly are."""
    count, start = len(columns.sign), first + program.trade_row
    likely = (raw.x[:count] > _NOTICED) | (raw.z[start : start + count] < _NEARLY)
    trades = np.zeros(len(sub.buy_max) + len(sub.sell_max), dtype=np.bool_)
    trades[columns.trade[likely]] = True
    return trades


class _Part(NamedTuple):
    """A program with some of its trades left out: the rows and columns that are kept, and what is solved."""

    rows: BoolArray
    columns: BoolArray
    quadratic: sparse.csc_array
    linear: FloatArray
    matrix: sparse.csc_array
    rhs: FloatArray
    sizes: Sizes


def _part(
    program: Program,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    sizes: Sizes,
    chosen: BoolArray,
) -> _Part:
    columns = np.ones(program.width, dtype=np.bool_)
    columns[: len(chosen)] = chosen
    rows = np.ones(len(rhs), dtype=np.bool_)
    first = sizes[0] + program.trade_row
    rows[first : first + len(program.trade_columns)] = chosen[program.trade_columns]
    if program.idle is not None:
        rows[sizes[0] : sizes[0] + sizes[1]] &= ~program.idle
    if not np.all(rows):
        matrix = _cut(matrix, rows, columns)
        zero, positive, triples, powers = sizes
        sizes = zero, int(np.count_nonzero(rows[zero : zero + positive])), triples, powers
    return _Part(
        rows, columns, _diagonal(program.quadratic[columns]), program.linear[columns],
        matrix, rhs[rows], sizes,
    )  # fmt: skip


def _cut(matrix: sparse.csc_array, rows: BoolArray, columns: BoolArray) -> sparse.csc_array:
    """Some rows and columns of a matrix, in its order."""
    column = np.repeat(np.arange(len(columns)), np.diff(matrix.indptr))
    kept = columns[column] & rows[matrix.indices]
    place = np.cumsum(rows) - 1
    ends = np.cumsum(np.bincount(column[kept], minlength=len(columns))[columns])
    return sparse.csc_array(
        (matrix.data[kept], place[matrix.indices[kept]], np.concatenate([[0], ends])),
        shape=(int(np.count_nonzero(rows)), int(np.count_nonzero(columns))),
    )


def _diagonal(values: FloatArray) -> sparse.csc_array:
    size, kept = len(values), np.flatnonzero(values)
    ends = np.concatenate([[0], np.cumsum(values != 0.0)])
    return sparse.csc_array((values[kept], kept, ends), shape=(size, size))


def _attempted(part: _Part, first: int, time_limit: float | None) -> RawSolution:
    """Clarabel's answer, more cautiously each time it stalls."""
    for attempt in range(first, len(ATTEMPTS)):
        raw = _answer(
            part.quadratic, part.linear, part.matrix, part.rhs, part.sizes, attempt, time_limit
        )
        if raw.status in _STATUS:
            break
    return raw


def _is_whole(part: _Part, raw: RawSolution) -> bool:
    """Whether an answer has a number for every row and column."""
    shapes = len(raw.x) == len(part.linear) and len(raw.z) == len(part.rhs)
    return shapes and bool(np.all(np.isfinite(raw.x)) and np.all(np.isfinite(raw.z)))


def _embedded(
    program: Program,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    sizes: Sizes,
    part: _Part,
    chosen: BoolArray,
    raw: RawSolution,
) -> tuple[RawSolution, FloatArray]:
    """The answer in the whole program, nothing traded of what was left out; and every trade's price.

    A price is what the objective grows by per unit at these multipliers; where it is above zero it
    is the multiplier of that trade >= 0.
    """
    x, z = np.zeros(program.width), np.zeros(len(rhs))
    x[part.columns], z[part.rows] = raw.x, raw.z
    count, first = len(chosen), sizes[0] + program.trade_row
    prices = (program.linear + transposed(matrix, z))[:count]
    z[first : first + count][~chosen] = np.maximum(prices[~chosen], 0.0)
    return RawSolution(raw.status, x, z), prices


_STATUS = {
    "Solved": Status.OPTIMAL,
    "PrimalInfeasible": Status.INFEASIBLE,
    "DualInfeasible": Status.UNBOUNDED,
    "MaxTime": Status.TIMEOUT,
}


def _answer(
    quadratic: sparse.csc_array,
    linear: FloatArray,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    sizes: Sizes,
    attempt: int,
    time_limit: float | None,
) -> RawSolution:
    """Clarabel's answer; where it breaks off, an answer that proves nothing."""
    try:
        return run_clarabel(quadratic, linear, matrix, rhs, sizes, attempt, time_limit)
    except BaseException as broken:  # a panic in Rust is no Exception in Python
        ours = isinstance(broken, (RuntimeError, ValueError, ArithmeticError))
        if not ours and type(broken).__name__ != "PanicException":
            raise
        return RawSolution("broken off", np.zeros(0), np.zeros(0))


def run_clarabel(
    quadratic: sparse.csc_array,
    linear: FloatArray,
    matrix: sparse.csc_array,
    rhs: FloatArray,
    sizes: Sizes,
    attempt: int,
    time_limit: float | None,
) -> RawSolution:
    """The one call that leaves Python: minimise x'Px/2 + q'x subject to b - Ax in the cones.

    `sizes` counts the zero rows, the rows at most, the second-order and the power cones.
    """
    zero, positive, triples, powers = sizes
    cones = [clarabel.ZeroConeT(zero), clarabel.NonnegativeConeT(positive)]
    cones += [clarabel.SecondOrderConeT(3)] * triples
    cones += [clarabel.PowerConeT(2.0 / 3.0)] * powers
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.direct_solve_method = "qdldl"
    settings.presolve_enable = False
    for name, value in ATTEMPTS[attempt].items():
        setattr(settings, name, value)
    if time_limit is not None:
        settings.time_limit = max(time_limit, 0.0)
    solver = clarabel.DefaultSolver(quadratic, linear, matrix, rhs, cones, settings)
    found = solver.solve()
    return RawSolution(str(found.status), np.array(found.x), np.array(found.z))


def _outcome(
    sub: Subproblem,
    columns: Columns,
    layout: Layout,
    raw: RawSolution,
    status: Status,
    bound: float,
) -> Outcome:
    buys, sells = sub.buy_min.copy(), sub.sell_min.copy()
    harvest = np.full(layout.sides, 0.5)
    if bound > -np.inf:
        trades = np.maximum(raw.x[: len(columns.sign)], 0.0) / PERCENT
        np.add.at(buys, columns.index[columns.is_buy], trades[columns.is_buy])
        np.add.at(sells, columns.index[~columns.is_buy], trades[~columns.is_buy])
        buys, sells = np.minimum(buys, sub.buy_max), np.minimum(sells, sub.sell_max)
        harvest = np.clip(raw.x[layout.side : layout.side + layout.sides], 0.0, 1.0)
    return Outcome(status, bound, buys, sells, harvest)
