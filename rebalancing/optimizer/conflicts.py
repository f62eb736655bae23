"""Why a problem has no solution: the smallest relaxation of its limits, and what they stand against.

A mixed-integer program per tax piece chooses the sides of the wash-sale rule together with the
least total relaxation; the multipliers of the linear program with these sides name the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from rebalancing.errors import Infeasible
from rebalancing.optimizer.problem import BoolArray, FloatArray, IntArray, Problem
from rebalancing.optimizer.tax_schedule import Piece, reachable

_NOTICEABLE = 1e-8
_STEP = 1e-8  # relaxations are told in these, rounded up
_SCALE = 100.0  # the solver allows 1e-7 on a row: in per cent that is 1e-9 of V
_SECONDS = 10.0  # for one choice of sides; without it the wash-sale rule is left out
_TOLD = 5  # limits in the way that a message lists
_MAY_BUY, _MAY_SELL = "what may be bought", "what may be sold"
_CAPS = {
    "max_st_gain": "short-term gain cap", "max_lt_gain": "long-term gain cap", "max_tax": "tax cap",
    "max_net_gain": "net gain cap",
}  # fmt: skip
JOINT = ("joint_low", "joint_high")  # of Problem.joint_limits, as `Relaxation.limit` names them


@dataclass(frozen=True)
class Relaxation:
    """How far one limit would have to give: a field of Problem (or of its tax), and a row of it."""

    name: str
    limit: str
    row: int
    amount: float  # fractions of V, > 0

    def applied_to(self, problem: Problem) -> Problem:
        """The problem with this limit relaxed."""
        if self.limit in _CAPS:
            cap = getattr(problem.tax, self.limit) + self.amount
            return problem.replace(tax=replace(problem.tax, **{self.limit: cap}))
        if self.limit in JOINT:
            amounts = np.zeros(len(problem.joint))
            amounts[self.row] = self.amount
            side = {self.limit.removeprefix("joint_"): amounts}
            return problem.replace(joint_limits=problem.joint.given(**side))
        values = getattr(problem, self.limit).copy()
        lower = self.limit in ("lower", "cash_min", "buy_floor", "sell_floor")
        values[self.row] += -self.amount if lower else self.amount
        if self.limit in ("buy_floor", "sell_floor"):
            values = np.maximum(values, 0.0)
        return problem.replace(**{self.limit: values})

    def __str__(self) -> str:
        return f"{self.name} (short by {self.amount * 100:.2f} % of the household's value)"


@dataclass(frozen=True)
class _Limit:
    """row @ (buys, sells) <= most, in words; the border of a tax piece is hard and has none.

    Limits of the same field and row give together.
    """

    row: FloatArray
    most: float
    name: str = ""
    field: str = ""
    at: int = 0

    @property
    def key(self) -> tuple[str, int]:
        return self.field, self.at


@dataclass(frozen=True)
class _Choice:
    """The least total relaxation on one tax piece, with the sides it takes."""

    total: float
    limits: list[_Limit]
    harvest: BoolArray | None  # (G,); None: the wash-sale rule left out


def explain(problem: Problem, found: Infeasible, giving: Sequence[str] = ()) -> Infeasible:
    """Infeasible naming the limits in conflict and the least by which they would have to give.

    Only those of `giving` give, as `Relaxation.limit` names them, and none further than the household is out before
    it trades; none named: any, as far as it takes. Where that is not enough, it is the same error that comes back.
    What gives is measured without what trading costs, wherever that is possible: a limit must not be met, or missed by
    less, because money was spent on selling and buying back.
    """
    if giving:
        thrifty = _explained(problem, found, giving, is_thrifty=True)
        if thrifty is not found:
            return thrifty
    return _explained(problem, found, giving)


def _explained(
    problem: Problem, found: Infeasible, giving: Sequence[str], *, is_thrifty: bool = False
) -> Infeasible:
    pieces: tuple[Piece | None, ...] = (None,)
    if problem.tax.max_tax is not None:
        box = problem.gain_box(problem.lot_sellable)
        pieces = reachable(problem.tax, box)
    choices = [
        choice
        for piece in pieces
        if (
            choice := _choose(
                problem, _giving(problem, _limits(problem, piece, is_thrifty=is_thrifty), giving)
            )
        )
    ]
    if not choices:
        return found
    best = min(choices, key=lambda choice: choice.total)
    answer = _least(problem, best.limits, best.harvest)
    if answer is None:
        return found
    slack, opposing = answer
    names = {limit.key: limit.name for limit in best.limits}
    relaxations = tuple(
        Relaxation(names[key], *key, _rounded_up(amount))
        for key, amount in zip(_slack_keys(best.limits), slack, strict=True)
        if amount > _NOTICEABLE
    )
    if not relaxations:
        return found
    named = {relaxation.name for relaxation in relaxations}
    against = tuple(name for name in opposing if name not in named)
    conflicts = tuple(str(relaxation) for relaxation in relaxations)
    message = "No trades satisfy: " + "; ".join(conflicts) + "."
    if against:
        more = f" and {len(against) - _TOLD} more" if len(against) > _TOLD else ""
        message += f" In the way: {'; '.join(against[:_TOLD])}{more}."
    return Infeasible(message, conflicts=conflicts, against=against, relaxations=relaxations)


def _giving(problem: Problem, limits: list[_Limit], fields: Sequence[str]) -> list[_Limit]:
    """The limits, hard but for those of these fields as far as no trade at all misses them; no fields: as they are.

    Rows of joint limits that give together do so by the first of them.
    """
    if not fields:
        return limits
    hard, out = [], []
    shared = problem.joint.shared
    assert shared is not None  # set by JointLimits
    for one in limits:
        is_out = one.field in fields and one.most < 0.0
        hard.append(replace(one, name="", most=0.0 if is_out else one.most))
        if is_out and one.field in JOINT:
            one = replace(one, at=int(shared[one.at]))
        if is_out:
            out.append(one)
    return [*hard, *out]


def _rounded_up(amount: float) -> float:
    return (math.ceil(amount / _STEP) + 1) * _STEP


def _choose(problem: Problem, limits: list[_Limit]) -> _Choice | None:
    """The sides that need the least relaxation; without the rule where it makes no difference."""
    free = _least(problem, limits, None)
    if free is None:
        return None
    harvest = _best_sides(problem, limits)
    if harvest is None:
        return _Choice(float(free[0].sum()), limits, None)
    sided = _least(problem, limits, harvest)
    if sided is None or sided[0].sum() <= free[0].sum() + _NOTICEABLE:
        return _Choice(float(free[0].sum()), limits, None)
    return _Choice(float(sided[0].sum()), limits, harvest)


def _ceilings(problem: Problem, harvest: BoolArray | None) -> FloatArray:
    """(m + L,) most of each buy and sell, per cent: restrictions, and a side per group if given."""
    enough = _SCALE * _enough(problem)
    buys = np.where(problem.may_buy, enough, 0.0)
    sells = _SCALE * problem.lot_sellable
    if harvest is not None:
        buys = np.where(harvest[problem.position_group], 0.0, buys)
        sells = np.where(problem.lot_is_loss & ~harvest[problem.lot_group], 0.0, sells)
    return np.concatenate([buys, sells])


def _enough(problem: Problem) -> float:
    """More than any buy could have to be, whatever limit gives."""
    finite = np.where(np.isfinite(problem.lower), problem.lower, 0.0)
    wealth = problem.weights.sum() + np.abs(problem.cash).sum() + np.abs(finite).sum()
    return 1.0 + 2.0 * float(wealth + problem.least_buys.sum())


def _slack_keys(limits: Sequence[_Limit]) -> list[tuple[str, int]]:
    return list(dict.fromkeys(limit.key for limit in limits if limit.name))


def _rows(limits: Sequence[_Limit]) -> tuple[sparse.csr_array, FloatArray]:
    """Limits over (buys, sells, slack of each key): matrix and right side, per cent."""
    place = {key: at for at, key in enumerate(_slack_keys(limits))}
    soft = [(row, place[limit.key]) for row, limit in enumerate(limits) if limit.name]
    rows, columns = zip(*soft, strict=True)
    slack = sparse.csr_array(
        (np.full(len(soft), -1.0), (rows, columns)), shape=(len(limits), len(place))
    )
    trades = sparse.csr_array(np.array([limit.row for limit in limits]))
    most = _SCALE * np.array([limit.most for limit in limits])
    return sparse.csr_array(sparse.hstack([trades, slack])), most


def _least(
    problem: Problem, limits: list[_Limit], harvest: BoolArray | None
) -> tuple[FloatArray, tuple[str, ...]] | None:
    """Least slack per limit with these sides, and the names of what else is in the way."""
    from scipy.optimize import linprog  # half a second to import, only needed on failure

    if not _slack_keys(limits):
        return None
    matrix, most = _rows(limits)
    ceilings = _ceilings(problem, harvest)
    slacks = matrix.shape[1] - len(ceilings)
    top = np.concatenate([ceilings, np.full(slacks, np.inf)])
    cost = np.concatenate([np.zeros(len(ceilings)), np.ones(slacks)])
    bounds = np.column_stack([np.zeros(len(top)), top])
    answer: Any = linprog(cost, A_ub=matrix, b_ub=most, bounds=bounds, method="highs")
    if answer.status != 0:
        return None
    binding = [
        limit.name
        for limit, price in zip(limits, answer.ineqlin.marginals, strict=True)
        if limit.name and price < -1e-7
    ]
    held = np.asarray(answer.upper.marginals[: len(ceilings)]) < -1e-7
    binding += _held_back(problem, held, harvest)
    return answer.x[len(ceilings) :] / _SCALE, tuple(dict.fromkeys(binding))


def _held_back(problem: Problem, held: BoolArray, harvest: BoolArray | None) -> list[str]:
    """In words, which ceilings of buys and sells are in the way."""
    m = len(problem.weights)
    buys, sells = np.flatnonzero(held[:m]), np.flatnonzero(held[m:])
    names: list[str] = []
    if harvest is not None:
        washed = [problem.position_security[p] for p in buys if problem.may_buy[p]]
        sold = problem.position_security[problem.lot_position]
        washed += [
            sold[lot] for lot in sells
            if problem.lot_is_loss[lot] and not harvest[problem.lot_group[lot]]
        ]  # fmt: skip
        names += [f"wash-sale rule for security {i}" for i in sorted(set(map(int, washed)))]
        names += _deciding_floors(problem, np.unique(problem.group_ranks[washed]), harvest)
        sells = np.array([
            lot for lot in sells
            if harvest[problem.lot_group[lot]] or not problem.lot_is_loss[lot]
        ], dtype=np.int64)  # fmt: skip
    if np.any(~problem.may_buy[buys]):
        names.append(_MAY_BUY)
    if len(sells):
        names.append(_MAY_SELL)
    return names


def _deciding_floors(problem: Problem, groups: IntArray, harvest: BoolArray) -> list[str]:
    """Names of the floors that put these groups on their side."""
    lost = problem.lot_is_loss & harvest[problem.lot_group] & (problem.least_sells > 0.0)
    bought = ~harvest[problem.position_group] & (problem.least_buys > 0.0)
    m = len(problem.weights)
    columns = np.concatenate([
        np.flatnonzero(bought & np.isin(problem.position_group, groups)),
        m + np.flatnonzero(lost & np.isin(problem.lot_group, groups)),
    ])  # fmt: skip
    return [_floor_name(problem, int(column)) for column in columns]


def _floor_name(problem: Problem, column: int) -> str:
    """Words for the floor of a buy (column < m) or of a lot's sale."""
    m = len(problem.weights)
    position = column if column < m else problem.lot_position[column - m]
    where = (
        f"security {problem.position_security[position]} "
        f"in account {problem.position_account[position]}"
    )
    return (
        f"least to buy of {where}"
        if column < m
        else f"least to sell of lot {column - m} of {where}"
    )


def _best_sides(problem: Problem, limits: list[_Limit]) -> BoolArray | None:
    """(G,) the side of every group that needs the least relaxation; None where there is no choice."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    m, lots = len(problem.weights), len(problem.lot_weight)
    losses = np.flatnonzero(problem.lot_is_loss & (problem.lot_sellable > 0.0))
    buys = np.flatnonzero(problem.may_buy)
    groups = np.intersect1d(problem.lot_group[losses], problem.position_group[buys])
    if not len(groups) or not _slack_keys(limits):
        return None
    buys = buys[np.isin(problem.position_group[buys], groups)]
    losses = losses[np.isin(problem.lot_group[losses], groups)]
    ceilings = _ceilings(problem, None)
    matrix, most = _rows(limits)
    slacks, sides = matrix.shape[1] - len(ceilings), len(groups)
    place = np.searchsorted(groups, np.concatenate([
        problem.position_group[buys], problem.lot_group[losses],
    ]))  # fmt: skip
    trade = np.concatenate([buys, m + losses])
    own = np.arange(len(trade))
    # b <= M (1 - z) and s <= q z
    way = np.where(trade < m, 1.0, -1.0) * ceilings[trade]
    either = sparse.csr_array(
        (np.concatenate([np.ones(len(own)), way]),
         (np.concatenate([own, own]), np.concatenate([trade, m + lots + slacks + place]))),
        shape=(len(own), m + lots + slacks + sides),
    )  # fmt: skip
    rows = sparse.vstack([
        sparse.hstack([matrix, sparse.csr_array((len(limits), sides))]), either,
    ])  # fmt: skip
    top = np.concatenate([ceilings, np.full(slacks, np.inf), np.ones(sides)])
    answer: Any = milp(
        np.concatenate([np.zeros(m + lots), np.ones(slacks), np.zeros(sides)]),
        constraints=LinearConstraint(
            rows, -np.inf, np.concatenate([most, np.where(trade < m, ceilings[trade], 0.0)])
        ),
        integrality=np.concatenate([np.zeros(m + lots + slacks), np.ones(sides)]),
        bounds=Bounds(np.zeros(len(top)), top),
        options={"time_limit": _SECONDS},
    )
    if answer.x is None:
        return None
    harvest = np.ones(problem.group_count, dtype=np.bool_)
    harvest[problem.position_group[problem.may_buy]] = False  # nothing lost there: it may be bought
    harvest[groups] = answer.x[-sides:] > 0.5
    return harvest


def _limits(problem: Problem, piece: Piece | None, *, is_thrifty: bool = False) -> list[_Limit]:
    """Every limit that could give, and the borders of the tax piece, which cannot.

    With ``is_thrifty`` ceilings of cash do not count what trading costs: then costs help to keep none.
    """
    m, lots = len(problem.weights), len(problem.lot_weight)
    security = np.concatenate([
        problem.position_security, problem.position_security[problem.lot_position]
    ])  # fmt: skip
    account = np.concatenate([
        problem.position_account, problem.position_account[problem.lot_position]
    ])  # fmt: skip
    sign = np.concatenate([np.ones(m), -np.ones(lots)])
    flow = -sign - problem.cost_rates[security]
    kept = -sign if is_thrifty else flow
    start = problem.start
    limits: list[_Limit] = []
    for i in range(len(problem.targets)):
        row = np.where(security == i, sign, 0.0)
        limits += [
            _Limit(row, problem.upper[i] - start[i], f"upper bound of security {i}", "upper", i),
            _Limit(-row, start[i] - problem.lower[i], f"lower bound of security {i}", "lower", i),
        ]
    for a in range(len(problem.cash)):
        row, whole = np.where(account == a, flow, 0.0), np.where(account == a, kept, 0.0)
        cash, low, high = problem.cash[a], problem.cash_min[a], problem.cash_max[a]
        limits += [
            _Limit(whole, high - cash, f"cash ceiling of account {a}", "cash_max", a),
            _Limit(-row, cash - low, f"cash floor of account {a}", "cash_min", a),
        ]
    limits += _joint_limits(problem, security, sign, (flow, kept))
    limits += _trade_limits(problem)
    limits += _tax_limits(problem, piece)
    return [limit for limit in limits if np.isfinite(limit.most)]


def _joint_limits(
    problem: Problem, security: IntArray, sign: FloatArray, flows: tuple[FloatArray, FloatArray]
) -> list[_Limit]:
    """Those on several securities and cash together; of each trade (m + L,) its security, sign and flows of cash.

    The first flow counts where more cash helps, the second where less does.
    """
    joint = problem.joint
    now = joint.values(problem.start, float(problem.cash.sum()))
    limits: list[_Limit] = []
    for j in range(len(joint)):
        held, most_of, least_of = (
            joint.weights[j][security] * sign, *(flows if joint.cash[j] < 0.0 else flows[::-1]),
        )  # fmt: skip
        most, least = held + joint.cash[j] * most_of, held + joint.cash[j] * least_of
        limits += [
            _Limit(most, joint.high[j] - now[j], f"most of joint limit {j}", "joint_high", j),
            _Limit(-least, now[j] - joint.low[j], f"least of joint limit {j}", "joint_low", j),
        ]
    return limits


def _trade_limits(problem: Problem) -> list[_Limit]:
    m, size = len(problem.weights), len(problem.weights) + len(problem.lot_weight)
    least, most, least_sold = problem.least_buys, problem.most_buys, problem.least_sells
    limits: list[_Limit] = []

    def add(name: str, field: str, column: int, bound: float) -> None:
        row = np.zeros(size)
        row[column] = 1.0 if field == "buy_cap" else -1.0
        at = column if column < m else column - m
        limits.append(_Limit(row, row[column] * bound, name, field, at))

    for p in range(m):
        if least[p] > 0.0:
            add(_floor_name(problem, p), "buy_floor", p, float(least[p]))
        if np.isfinite(most[p]):
            name = _floor_name(problem, p).replace("least", "most")
            add(name, "buy_cap", p, float(most[p]))
    for lot in np.flatnonzero(least_sold > 0.0).tolist():
        add(_floor_name(problem, m + lot), "sell_floor", m + lot, float(least_sold[lot]))
    return limits


def _tax_limits(problem: Problem, piece: Piece | None) -> list[_Limit]:
    m, tax = len(problem.weights), problem.tax
    gain = np.concatenate([np.zeros(m), problem.taxed_gain])
    long = np.concatenate([np.zeros(m, np.bool_), problem.lot_is_long])
    short_gain, long_gain = np.where(long, 0.0, gain), np.where(long, gain, 0.0)
    limits = [
        _Limit(row, cap, _CAPS[field], field)
        for row, cap, field in (
            (short_gain, tax.max_st_gain, "max_st_gain"), (long_gain, tax.max_lt_gain, "max_lt_gain"),
            (short_gain + long_gain, tax.max_net_gain, "max_net_gain"),
        ) if cap is not None
    ]  # fmt: skip
    if piece is None or tax.max_tax is None:
        return limits
    before = tax.year_tax(tax.st_realised, tax.lt_realised)
    for half in piece.within:
        limits.append(_Limit(
            half.short * short_gain + half.long * long_gain,
            half.limit - half.short * tax.st_realised - half.long * tax.lt_realised,
        ))  # fmt: skip
    for plane in piece.planes:
        already = plane.short * tax.st_realised + plane.long * tax.lt_realised + plane.constant
        limits.append(_Limit(
            plane.short * short_gain + plane.long * long_gain, tax.max_tax + before - already,
            _CAPS["max_tax"], "max_tax",
        ))  # fmt: skip
    return limits
