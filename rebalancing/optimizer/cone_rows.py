"""The rows of a subproblem's cone program, kind by kind: active weights, limits, risk, cash, tax and impact.

Weights are in per cent and the objective is in basis points: everything is of order one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rebalancing.optimizer.cone_columns import Columns, Layout
from rebalancing.optimizer.objective import Evaluation, cash_after, evaluate
from rebalancing.optimizer.problem import BoolArray, FloatArray, IntArray, Problem, summed
from rebalancing.optimizer.subproblem import BASIS_POINTS, PERCENT, Subproblem

# A variable without a finite bound is taken to stay below this many times V in the safe bound.
LARGEST = 10.0 * PERCENT
ROUNDED = 1e-10  # per cent of V: a bound that rounding alone could pass needs no row


class _Block(NamedTuple):
    """Some rows of A x + s = b: entries of A by row within the block, and b."""

    rows: IntArray
    columns: IntArray
    values: FloatArray
    rhs: FloatArray


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass
class Program:
    """Blocks of a cone program A x + s = b being collected, and the size of each variable."""

    width: int
    equal: list[_Block]
    at_most: list[_Block]
    cones: list[_Block]  # stacked second-order cones of three rows
    powers: list[_Block]  # stacked power cones, exponent 2/3
    quadratic: FloatArray
    linear: FloatArray
    size: FloatArray
    constant: float = 0.0
    gain_row: int = 0  # first of the rows of S and L among `equal`
    # rows of cash at most `way` its limit: whether among `equal`, the first, `way`, whose accounts
    cash_rows: list[tuple[bool, int, float, IntArray]] = field(default_factory=list)
    # rows of way * a joint limit's value among `at_most`: the first, `way`, whose
    joint_rows: list[tuple[int, float, IntArray]] = field(default_factory=list)
    cap_rows: tuple[int | None, ...] = ()  # row of each of CAPS among `at_most`
    trade_row: int = 0  # first of the rows about one trade alone among `at_most`: those >= 0
    trade_columns: IntArray = field(default_factory=_none)  # the trade that each is about
    side_row: int = 0  # first of the rows z >= 0, then z <= 1, among `at_most`
    tax_rows: tuple[int, int] = (0, 0)  # rows of S, L and T among `at_most`
    # rows of way * active weight at most its limit among `at_most`: the first, `way`, which, the limit
    bound_rows: list[tuple[int, float, IntArray, FloatArray]] = field(default_factory=list)
    idle: BoolArray | None = None  # rows among `at_most` that other rows imply


def compiled(sub: Subproblem, columns: Columns, layout: Layout) -> Program:
    width = layout.width
    program = Program(width, [], [], [], [], np.zeros(width), np.zeros(width), np.zeros(width))
    trades = slice(layout.trades, layout.active)
    program.linear[trades] = PERCENT * columns.linear
    program.size[trades] = np.minimum(columns.room, LARGEST)
    _add_active_weights(program, sub, columns, layout)
    _add_trade_limits(program, columns, layout)
    _add_risk(program, sub.problem, layout)
    _add_cash(program, sub, columns)
    _add_joint_limits(program, sub, columns, layout)
    base = evaluate(sub.problem, sub.buy_min, sub.sell_min)
    _add_tax(program, sub, columns, layout, base)
    if len(layout.moved):
        _add_impact(program, sub, layout)
    linear_cost = base.cost
    if sub.problem.impact is not None:
        net = net_trades(sub.problem, sub.buy_min, sub.sell_min)
        linear_cost -= float(sub.problem.impact @ np.abs(net) ** 1.5)
    program.constant += BASIS_POINTS * (linear_cost + base.location + base.later_tax)
    return program


def net_trades(problem: Problem, buys: FloatArray, sells: FloatArray) -> FloatArray:
    """(n,) net trade per security."""
    n = len(problem.targets)
    bought = summed(problem.position_security, buys, n)
    sold = summed(problem.position_security[problem.lot_position], sells, n)
    return bought - sold


def _add_active_weights(
    program: Program, sub: Subproblem, columns: Columns, layout: Layout
) -> None:
    """d = d0 + buys - sells per security and side, inside the bounds of that side."""
    problem = sub.problem
    start = problem.start + net_trades(problem, sub.buy_min, sub.sell_min) - problem.targets
    count, security, group = (
        len(layout.active_security), layout.active_security, layout.active_group,
    )  # fmt: skip
    row = columns.security.copy()
    on_buy_side = (columns.group >= 0) & ~columns.harvest_side
    row[on_buy_side] = layout.buy_side[columns.security[on_buy_side]]
    own = np.arange(count)
    split = np.flatnonzero(group >= 0)
    sign = np.where(layout.active_harvest, 1.0, -1.0)
    d0 = PERCENT * start[security]
    _append(
        program.equal,
        (np.concatenate([own, row, split]),
         np.concatenate([layout.active + own, np.arange(len(row)), layout.side + group[split]]),
         np.concatenate([np.ones(count), -columns.sign, -(d0 * sign)[split]])),
        np.where((group >= 0) & layout.active_harvest, 0.0, d0),
    )  # fmt: skip
    room = np.minimum(columns.room, LARGEST)
    up = summed(row, np.where(columns.is_buy, room, 0.0), count)
    down = summed(row, np.where(columns.is_buy, 0.0, room), count)
    program.size[layout.active + own] = np.maximum(np.abs(d0 + up), np.abs(d0 - down))
    for bound, way in ((problem.upper, 1.0), (problem.lower, -1.0)):
        limit = PERCENT * way * (bound - problem.targets)[security]
        # Out of reach whatever is traded; on a side as well, where all of it scales with z.
        reach = way * d0 + (up if way > 0 else down)
        kept = np.flatnonzero(np.isfinite(limit) & (reach > limit + ROUNDED))
        program.bound_rows.append((_height(program.at_most), way, kept, limit[kept]))
        _side_rows(program, layout, kept, layout.active + kept, way, limit[kept])


def _side_rows(
    program: Program,
    layout: Layout,
    entries: IntArray,
    columns: IntArray,
    way: float,
    limit: FloatArray,
) -> None:
    """way * x <= limit, times z or 1 - z where the entry belongs to a side."""
    group, harvest = layout.active_group[entries], layout.active_harvest[entries]
    _sided(program, layout, group, harvest, columns, way, limit)


def _sided(
    program: Program,
    layout: Layout,
    group: IntArray,
    harvest: BoolArray,
    columns: IntArray,
    way: float,
    limit: FloatArray,
) -> None:
    own = np.arange(len(columns))
    split = np.flatnonzero(group >= 0)
    coefficient = np.where(harvest, -limit, limit)
    _append(
        program.at_most,
        (np.concatenate([own, split]),
         np.concatenate([columns, layout.side + group[split]]),
         np.concatenate([np.full(len(own), way), coefficient[split]])),
        np.where((group >= 0) & harvest, 0.0, limit),
    )  # fmt: skip


def _add_trade_limits(program: Program, columns: Columns, layout: Layout) -> None:
    """Every trade >= 0 and within its room; z in [0, 1]."""
    count = len(columns.sign)
    own = np.arange(count)
    capped = np.flatnonzero(np.isfinite(columns.room))
    program.trade_row = _height(program.at_most)
    program.trade_columns = np.concatenate([own, capped])
    _append(program.at_most, (own, own, -np.ones(count)), np.zeros(count))
    _sided(
        program, layout, columns.group[capped], columns.harvest_side[capped], capped, 1.0,
        columns.room[capped],
    )  # fmt: skip
    sides = np.arange(layout.sides)
    program.side_row = _height(program.at_most)
    for way, limit in ((-1.0, 0.0), (1.0, 1.0)):
        _append(
            program.at_most,
            (sides, layout.side + sides, np.full(layout.sides, way)),
            np.full(layout.sides, limit),
        )  # fmt: skip
    program.size[layout.side + sides] = 1.0


def _add_risk(program: Program, problem: Problem, layout: Layout) -> None:
    """Factor exposures y = F'd in the quadratic, own risk there or under its perspective."""
    security = layout.active_security
    factors = problem.factor_loadings.shape[1]
    count = len(security)
    if factors:
        rows = np.repeat(np.arange(factors), count)
        active = np.tile(layout.active + np.arange(count), factors)
        loadings = problem.factor_loadings[security].T.ravel()
        own = np.arange(factors)
        _append(
            program.equal,
            (np.concatenate([own, rows]), np.concatenate([layout.exposure + own, active]),
             np.concatenate([np.ones(factors), -loadings])),
            np.zeros(factors),
        )  # fmt: skip
        size = program.size[layout.active : layout.active + count]
        program.size[layout.exposure + own] = np.abs(problem.factor_loadings[security]).T @ size
        program.quadratic[layout.exposure + own] = 2.0 * problem.risk_aversion
    price = problem.risk_aversion * problem.specific_variance[security]
    whole = np.flatnonzero(layout.active_group < 0)
    program.quadratic[layout.active + whole] = 2.0 * price[whole]
    curved, curve = layout.curved, layout.curve + np.arange(len(layout.curved))
    program.linear[curve] = price[curved]
    program.size[curve] = program.size[layout.active + curved] ** 2
    harvest = layout.active_harvest[curved]
    side, slope = layout.side + layout.active_group[curved], np.where(harvest, 1.0, -1.0)
    _append_cones(
        program.cones, len(curved),
        # rows (e + z, 2 d, e - z): e z >= d^2, with 1 - z on the buy side
        [(0, curve, np.ones(len(curved))), (0, side, slope),
         (1, layout.active + curved, np.full(len(curved), 2.0)),
         (2, curve, np.ones(len(curved))), (2, side, -slope)],
        (np.where(harvest, 0.0, 1.0), None, np.where(harvest, 0.0, -1.0)),
    )  # fmt: skip


def _add_cash(program: Program, sub: Subproblem, columns: Columns) -> None:
    """Each account's cash ends inside its band, linear costs paid."""
    problem = sub.problem
    rate = problem.cost_rates[columns.security]
    flow = -columns.sign - rate
    start = cash_after(problem, sub.buy_min, sub.sell_min)
    own = np.arange(len(flow))
    narrow = problem.cash_min == problem.cash_max
    bands = (
        (program.equal, problem.cash_max, 1.0, narrow),
        (program.at_most, problem.cash_max, 1.0, ~narrow & np.isfinite(problem.cash_max)),
        (program.at_most, problem.cash_min, -1.0, ~narrow & np.isfinite(problem.cash_min)),
    )
    for target, band, way, chosen in bands:
        rows = np.cumsum(chosen) - 1
        kept = chosen[columns.account]
        program.cash_rows.append(
            (target is program.equal, _height(target), way, np.flatnonzero(chosen))
        )
        _append(
            target,
            (rows[columns.account[kept]], own[kept], way * flow[kept]),
            PERCENT * way * (band - start)[chosen],
        )  # fmt: skip


def _add_joint_limits(program: Program, sub: Subproblem, columns: Columns, layout: Layout) -> None:
    """Several securities and cash together; an undecided security counts with both its sides."""
    problem, joint = sub.problem, sub.problem.joint
    if not len(joint):
        return
    flow = -columns.sign - problem.cost_rates[columns.security]
    cash = float(cash_after(problem, sub.buy_min, sub.sell_min).sum())
    fixed = joint.values(problem.targets, cash)
    table = np.zeros((len(joint), program.width))
    active = slice(layout.active, layout.active + len(layout.active_security))
    table[:, active] = joint.weights[:, layout.active_security]
    table[:, : len(flow)] = np.outer(joint.cash, flow)
    for limit, way in ((joint.high, 1.0), (joint.low, -1.0)):
        kept = np.flatnonzero(np.isfinite(limit))
        rows, entries = np.nonzero(table[kept])
        program.joint_rows.append((_height(program.at_most), way, kept))
        _append(
            program.at_most,
            (rows, entries, way * table[kept][rows, entries]),
            PERCENT * way * (limit - fixed)[kept],
        )


def _add_tax(
    program: Program, sub: Subproblem, columns: Columns, layout: Layout, base: Evaluation
) -> None:
    """S and L of the year, the piece they stay in, caps, and T above every plane of the piece."""
    tax = sub.problem.tax
    short, long, top = layout.gains, layout.gains + 1, layout.tax
    taxed = np.flatnonzero(columns.gain)
    rows = columns.is_long[taxed].astype(np.int64)
    start = PERCENT * np.array([tax.st_realised + base.st_gain, tax.lt_realised + base.lt_gain])
    program.gain_row = _height(program.equal)
    _append(
        program.equal,
        (np.concatenate([[0, 1], rows]), np.concatenate([[short, long], taxed]),
         np.concatenate([[1.0, 1.0], -columns.gain[taxed]])), start,
    )  # fmt: skip
    reach = summed(rows, np.abs(columns.gain[taxed]) * columns.room[taxed], 2)
    program.size[short : long + 1] = np.abs(start) + reach
    before = tax.year_tax(tax.st_realised, tax.lt_realised)
    lines: list[tuple[float, float, float, float]] = [
        (half.short, half.long, 0.0, half.limit) for half in sub.piece.within
    ]
    lines += [(p.short, p.long, -1.0, -p.constant) for p in sub.piece.planes]
    first = _height(program.at_most)
    cap_rows: list[int | None] = []
    for line, start_of_year, cap in (
        ((1.0, 0.0, 0.0), tax.st_realised, tax.max_st_gain),
        ((0.0, 1.0, 0.0), tax.lt_realised, tax.max_lt_gain),
        ((0.0, 0.0, 1.0), before, tax.max_tax),
        ((1.0, 1.0, 0.0), tax.st_realised + tax.lt_realised, tax.max_net_gain),
    ):
        cap_rows.append(None if cap is None else first + len(lines))
        if cap is not None:
            lines.append((*line, start_of_year + cap))
    program.cap_rows = tuple(cap_rows)
    program.tax_rows = (first, first + len(lines))
    table = np.array(lines)
    count = len(table)
    _append(
        program.at_most,
        (np.tile(np.arange(count), 3), np.repeat([short, long, top], count),
         table[:, :3].T.ravel()), PERCENT * table[:, 3],
    )  # fmt: skip
    program.linear[top] = PERCENT
    program.size[top] = program.size[short] + program.size[long]
    program.constant -= BASIS_POINTS * before


def _add_impact(program: Program, sub: Subproblem, layout: Layout) -> None:
    """t >= |x|^(3/2) for the net trade x of each security, under the perspective of its side.

    As a power cone: t^(2/3) z^(1/3) >= |x|, z being 1 where nothing is undecided.
    """
    problem = sub.problem
    assert problem.impact is not None
    moved = layout.moved
    security, group = layout.active_security[moved], layout.active_group[moved]
    harvest = layout.active_harvest[moved]
    top, active = layout.impact + np.arange(len(moved)), layout.active + moved
    start = PERCENT * (problem.start - problem.targets)[security]  # x = d - start, per side
    program.linear[top] = BASIS_POINTS * PERCENT**-1.5 * problem.impact[security]
    program.size[top] = (program.size[active] + np.abs(start)) ** 1.5
    whole, ones = group < 0, np.ones(len(moved))
    slope = np.where(whole, 0.0, np.where(harvest, 1.0, -1.0))
    side = np.where(whole, top, layout.side + group)  # slope 0 makes the first harmless
    _append_cones(
        program.powers, len(moved),
        [(0, top, ones), (1, side, slope), (2, active, ones), (2, side, -start * slope)],
        (None, np.where(~whole & harvest, 0.0, 1.0), np.where(~whole & harvest, 0.0, -start)),
    )  # fmt: skip


def _append(
    target: list[_Block], entries: tuple[IntArray, IntArray, FloatArray], rhs: FloatArray
) -> None:
    target.append(_Block(*entries, rhs))


def _height(blocks: list[_Block]) -> int:
    """Rows so far."""
    return sum(len(block.rhs) for block in blocks)


def _append_cones(
    target: list[_Block],
    count: int,
    parts: list[tuple[int, IntArray, FloatArray]],
    constants: tuple[FloatArray | None, FloatArray | None, FloatArray | None],
) -> None:
    """`count` cones of three affine rows: each part is (row, variable, coefficient) per cone."""
    first = 3 * np.arange(count)
    rhs = np.zeros(3 * count)
    for row, constant in enumerate(constants):
        if constant is not None:
            rhs[row::3] = constant
    entries = (
        np.concatenate([first + row for row, _, _ in parts]),
        np.concatenate([variable for _, variable, _ in parts]),
        np.concatenate([-coefficient for _, _, coefficient in parts]),
    )
    _append(target, entries, rhs)
