"""A subproblem as the arrays of a cone program: A x + s = b, s in the cones, a diagonal quadratic.

Groups still undecided enter through the perspective of each side (a second-order cone), so with
undecided groups the value is a lower bound, and with none the program is the exact problem.
Inside, weights are in per cent and the objective in basis points: everything is of order one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from rebalancing.optimizer.cone_columns import Columns, Layout, columns_of
from rebalancing.optimizer.cone_rows import LARGEST, ROUNDED, Program, compiled, net_trades
from rebalancing.optimizer.problem import BoolArray, FloatArray, summed
from rebalancing.optimizer.subproblem import PERCENT, Subproblem, Widest

Sizes = tuple[int, int, int, int]  # zero rows, rows at most, second-order and power cones


class Built(NamedTuple):
    """A subproblem as a program, A and b put together."""

    columns: Columns
    layout: Layout
    program: Program
    matrix: sparse.csc_array
    rhs: FloatArray
    sizes: Sizes


def built(sub: Subproblem) -> Built:
    widest = sub.widest
    if widest is None or sub.undecided or not _lies_within(sub, widest):
        return _build(sub)
    if sub.piece not in widest.built:
        problem = widest.problem
        widest.built[sub.piece] = _build(Subproblem(
            problem, sub.piece, widest.buy_max, widest.sell_max, problem.least_buys,
            problem.least_sells,
        ))  # fmt: skip
    return _narrowed(widest.built[sub.piece], sub)


def _lies_within(sub: Subproblem, widest: Widest) -> bool:
    return (
        sub.problem is widest.problem
        and bool(np.all(sub.buy_max <= widest.buy_max) and np.all(sub.sell_max <= widest.sell_max))
        and bool(np.all(sub.buy_min >= sub.problem.least_buys))
        and bool(np.all(sub.sell_min >= sub.problem.least_sells))
        and bool(np.all(np.isfinite(widest.buy_max)))
    )


def _build(sub: Subproblem) -> Built:
    columns = columns_of(sub)
    layout = Layout(sub, columns)
    program = compiled(sub, columns, layout)
    return Built(columns, layout, program, *_assemble(program))


def _narrowed(built: Built, sub: Subproblem) -> Built:
    """The program with other floors and caps of its trades; those without room stay, of size zero.

    Trades are counted from their floors, and the objective is linear in them.
    """
    columns, program, matrix, problem = built.columns, built.program, built.matrix, sub.problem
    floor = np.concatenate([sub.buy_min - problem.least_buys, sub.sell_min - problem.least_sells])
    room = np.concatenate([sub.buy_max - sub.buy_min, sub.sell_max - sub.sell_min])
    floor, room = PERCENT * floor[columns.trade], PERCENT * np.maximum(room[columns.trade], 0.0)
    count, first = len(room), built.sizes[0] + program.trade_row
    size, rhs, constant = program.size.copy(), built.rhs.copy(), program.constant
    size[:count] = np.minimum(room, LARGEST)
    if np.any(floor):
        entries = matrix.indptr[count]
        column = np.repeat(np.arange(count), np.diff(matrix.indptr[: count + 1]))
        rhs -= summed(matrix.indices[:entries], matrix.data[:entries] * floor[column], len(rhs))
        constant += float(program.linear[:count] @ floor)
    rhs[first : first + count] = 0.0
    rhs[first + count : first + len(program.trade_columns)] = room[program.trade_columns[count:]]
    idle = _idle(built, sub, room)
    narrowed = replace(program, size=size, constant=constant, idle=idle)
    return built._replace(columns=replace(columns, room=room), program=narrowed, rhs=rhs)


def _idle(built: Built, sub: Subproblem, room: FloatArray) -> BoolArray:
    """Rows at most that cannot bind: a bound out of reach, or a buy's cap where the upper bound says as much."""
    columns, program, problem = built.columns, built.program, sub.problem
    count = len(problem.targets)
    start = problem.start + net_trades(problem, sub.buy_min, sub.sell_min) - problem.targets
    d0, kinds = PERCENT * start, (columns.is_buy, ~columns.is_buy)
    up, down = (summed(columns.security, np.where(kind, room, 0.0), count) for kind in kinds)
    idle = np.zeros(built.sizes[1], dtype=np.bool_)
    most = np.full(count, np.inf)  # that the upper bound lets be bought
    for first, way, security, limit in program.bound_rows:
        reach = (way * d0 + (up if way > 0.0 else down))[security]
        out = reach <= limit + ROUNDED
        idle[first : first + len(security)] = out
        if way > 0.0:
            most[security[~out]] = (limit - (d0 - down)[security])[~out]
    caps = program.trade_columns[len(room) :]
    start_of_caps = program.trade_row + len(room)
    idle[start_of_caps : start_of_caps + len(caps)] = (columns.is_buy & (
        room >= most[columns.security] - ROUNDED
    ))[caps]  # fmt: skip
    return idle


def _assemble(
    program: Program,
) -> tuple[sparse.csc_array, FloatArray, Sizes]:
    """A, b and how many rows or cones of each kind, in the order Clarabel is told."""
    kinds = (program.equal, program.at_most, program.cones, program.powers)
    blocks = [block for kind in kinds for block in kind]
    rhs = np.concatenate([block.rhs for block in blocks])
    first = np.cumsum([0, *(len(block.rhs) for block in blocks)])
    rows = [block.rows + start for block, start in zip(blocks, first[:-1], strict=True)]
    columns = np.concatenate([block.columns for block in blocks])
    values = np.concatenate([block.values for block in blocks])
    shape = (len(rhs), program.width)
    matrix = sparse.csc_array((values, (np.concatenate(rows), columns)), shape=shape)
    zero, positive, second, power = (sum(len(b.rhs) for b in kind) for kind in kinds)
    return matrix, rhs, (zero, positive, second // 3, power // 3)
