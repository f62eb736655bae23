"""One household's rebalancing problem in numbers: the optimiser's only input, checked on entry.

All weights and amounts are fractions of the household's value V. Index sets: A accounts,
n securities, m positions (a pair account-security held or that may be bought), L lots.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from rebalancing.errors import BadProblem
from rebalancing.optimizer import joint_limits
from rebalancing.optimizer.checked_arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    flags,
    floats,
    indices,
    length,
    loadings,
    price,
)
from rebalancing.optimizer.joint_limits import JointLimits
from rebalancing.optimizer.tax_schedule import Box, TaxSchedule

__all__ = ["BoolArray", "FloatArray", "IntArray", "Problem", "summed"]

# Inputs are rounded to cents before they become fractions: this much disagreement is rounding.
ROUNDING = 1e-6


def summed(index: IntArray, amounts: FloatArray, count: int) -> FloatArray:
    """(count,) amounts added up by index."""
    return np.asarray(np.bincount(index, amounts, count), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Arrays of one household; shapes beside each field. Raises BadProblem on bad input.

    `lower` and `cash_min` may hold -inf, `upper`, `cash_max` and `buy_cap` +inf (no bound);
    nothing else may be infinite and nothing may be NaN. Arrays are copied and made read-only.

    Floors and caps of single trades say what has been decided already: a row fixed by an adviser
    has floor = cap, a lot that must go has `sell_floor` = `lot_sellable`. A trade with a floor is
    wanted at any size, so `min_trade` does not apply to its position.
    """

    weights: FloatArray  # (m,) current weight of each position
    targets: FloatArray  # (n,) target weight per security, household level
    cash: FloatArray  # (A,)
    cash_min: FloatArray  # (A,)
    cash_max: FloatArray  # (A,)
    factor_loadings: FloatArray  # (n, k) annualised: Sigma = F F' + diag(D)
    specific_variance: FloatArray  # (n,) D
    cost_rates: FloatArray  # (n,) half spread + commission per dollar traded
    lower: FloatArray  # (n,) bounds on the household's weight after trading
    upper: FloatArray  # (n,)
    may_buy: BoolArray  # (m,)
    lot_weight: FloatArray  # (L,) value of the lot today
    lot_sellable: FloatArray  # (L,) what may be sold of it
    lot_gain: FloatArray  # (L,) gain per dollar sold, on tax-adjusted basis
    lot_is_long: BoolArray  # (L,)
    lot_is_taxable: BoolArray  # (L,) a lot in an IRA carries no tax
    lot_position: IntArray  # (L,) -> position
    position_account: IntArray  # (m,) -> account
    position_security: IntArray  # (m,) -> security
    tax: TaxSchedule
    risk_aversion: float  # price of active variance, per year
    impact: FloatArray | None = None  # (n,) coefficient of |x|^(3/2), x the net trade
    location_cost: FloatArray | None = None  # (m,) yearly after-tax drag of holding it there
    security_group: IntArray | None = None  # (n,) default: each security its own group
    min_trade: float = 0.0  # smallest trade in one position
    buy_floor: FloatArray | None = None  # (m,) least to buy, default nothing
    buy_cap: FloatArray | None = None  # (m,) most to buy, default no cap
    sell_floor: FloatArray | None = None  # (L,) least to sell, default nothing
    # (L,) today's value of the tax that a later sale owes, per dollar sold of the lot (negative: saves)
    later_tax: FloatArray | None = None
    joint_limits: JointLimits | None = None  # on several securities and cash together

    def __post_init__(self) -> None:
        m, n = length(self.weights, "weights"), length(self.targets, "targets")
        a, lots = length(self.cash, "cash"), length(self.lot_weight, "lot_weight")
        for name, size in (
            ("weights", m), ("targets", n), ("cash", a), ("specific_variance", n),
            ("cost_rates", n), ("lot_weight", lots), ("lot_sellable", lots), ("lot_gain", lots),
        ):  # fmt: skip
            self._store(name, floats(getattr(self, name), name, (size,)))
        for name, size, open_end in (
            ("impact", n, None), ("location_cost", m, None), ("buy_floor", m, None),
            ("buy_cap", m, np.inf), ("sell_floor", lots, None), ("later_tax", lots, None),
        ):  # fmt: skip
            values = getattr(self, name)
            if values is not None:
                self._store(name, floats(values, name, (size,), open_end=open_end))
        for name, size, open_end in (
            ("lower", n, -np.inf), ("upper", n, np.inf),
            ("cash_min", a, -np.inf), ("cash_max", a, np.inf),
        ):  # fmt: skip
            self._store(name, floats(getattr(self, name), name, (size,), open_end=open_end))
        self._store("factor_loadings", loadings(self.factor_loadings, n))
        for name, size in (("may_buy", m), ("lot_is_long", lots), ("lot_is_taxable", lots)):
            self._store(name, flags(getattr(self, name), name, size))
        if self.security_group is None:
            self._store("security_group", np.arange(n))
        for name, size, limit in (
            ("lot_position", lots, m), ("position_account", m, a),
            ("position_security", m, n), ("security_group", n, None),
        ):  # fmt: skip
            self._store(name, indices(getattr(self, name), name, size, limit))
        for name in ("risk_aversion", "min_trade"):
            self._store(name, price(getattr(self, name), name))
        self._check_values()

    def _store(self, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        object.__setattr__(self, name, value)

    def _check_values(self) -> None:
        for name in ("weights", "specific_variance", "cost_rates", "impact", "lot_weight",
                     "lot_sellable", "buy_floor", "buy_cap", "sell_floor"):  # fmt: skip
            values = getattr(self, name)
            if values is not None and np.any(values < 0.0):
                at = int(np.argmin(values))
                raise BadProblem(f"Problem.{name}[{at}] is {values[at]}, which is negative.")
        if np.any(self.cost_rates >= 1.0):
            raise BadProblem("Problem.cost_rates holds a rate of 1 or more: no trade is worth it.")
        for low, high in (
            ("lower", "upper"), ("cash_min", "cash_max"), ("buy_floor", "buy_cap"),
            ("sell_floor", "lot_sellable"),
        ):  # fmt: skip
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and np.any(least > most):
                at = int(np.argmax(least > most))
                raise BadProblem(f"Problem.{low}[{at}] is above {high}[{at}].")
        over = self.lot_sellable > self.lot_weight + ROUNDING
        if np.any(over):
            at = int(np.argmax(over))
            raise BadProblem(f"Problem.lot_sellable[{at}] is more than the lot's weight.")
        sellable = summed(self.lot_position, self.lot_sellable, len(self.weights))
        over = sellable > self.weights + ROUNDING
        if np.any(over):
            at = int(np.argmax(over))
            raise BadProblem(f"The sellable lots of position {at} exceed its weight.")
        pairs = self.position_account * len(self.targets) + self.position_security
        if len(np.unique(pairs)) != len(pairs):
            raise BadProblem("Two positions name the same account and security.")
        if self.joint.weights.shape[1] != len(self.targets):
            raise BadProblem(
                f"Problem.joint_limits has {self.joint.weights.shape[1]} securities in a row; "
                f"the problem has {len(self.targets)}."
            )
        if not isinstance(self.tax, TaxSchedule):
            raise BadProblem("Problem.tax is not a TaxSchedule.")

    @property
    def groups(self) -> IntArray:
        """(n,) identical group of each security."""
        assert self.security_group is not None  # set in __post_init__
        return self.security_group

    @cached_property
    def group_ranks(self) -> IntArray:
        """(n,) identical group of each security, numbered 0, 1, ... in the order of its id."""
        return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def group_count(self) -> int:
        """How many identical groups there are, G."""
        return len(np.unique(self.groups))

    @cached_property
    def position_group(self) -> IntArray:
        """(m,) rank of each position's identical group."""
        return self.group_ranks[self.position_security]

    @cached_property
    def lot_group(self) -> IntArray:
        """(L,) rank of each lot's identical group."""
        return self.position_group[self.lot_position]

    @cached_property
    def lot_is_loss(self) -> BoolArray:
        """(L,) lots whose sale is a loss the wash-sale rule looks at; an IRA has none."""
        return self.lot_is_taxable & (self.lot_gain < 0.0)

    @cached_property
    def taxed_gain(self) -> FloatArray:
        """(L,) gain per dollar sold that reaches the tax return."""
        return np.where(self.lot_is_taxable, self.lot_gain, 0.0)

    @cached_property
    def taxed_later(self) -> FloatArray:
        """(L,) later tax per dollar sold; an IRA's lots have none.

        Where it pays more for a gain than any tax that the gain could cost this year, selling the lot and
        buying it back is worth it, and that is not the problem meant (`tax_schedule.least_slopes`).
        """
        if self.later_tax is None:
            return np.zeros(len(self.lot_weight))
        return np.where(self.lot_is_taxable, self.later_tax, 0.0)

    @cached_property
    def least_buys(self) -> FloatArray:
        """(m,) what has to be bought."""
        return np.zeros(len(self.weights)) if self.buy_floor is None else self.buy_floor

    @cached_property
    def most_buys(self) -> FloatArray:
        """(m,) cap of each buy, +inf where there is none; restrictions apart."""
        return np.full(len(self.weights), np.inf) if self.buy_cap is None else self.buy_cap

    @cached_property
    def least_sells(self) -> FloatArray:
        """(L,) what has to be sold of each lot."""
        return np.zeros(len(self.lot_weight)) if self.sell_floor is None else self.sell_floor

    @cached_property
    def joint(self) -> JointLimits:
        """`joint_limits`, with no rows where there are none."""
        if self.joint_limits is None:
            return joint_limits.none(len(self.targets))
        return self.joint_limits

    @cached_property
    def start(self) -> FloatArray:
        """(n,) household weight per security before trading."""
        return summed(self.position_security, self.weights, len(self.targets))

    def gain_box(self, sell_max: FloatArray) -> Box:
        """Range of the year's (S, L) when lots sell between their floor and `sell_max` (L,)."""
        least, most = self.taxed_gain * self.least_sells, self.taxed_gain * sell_max
        low, high = np.minimum(least, most), np.maximum(least, most)
        short, long = ~self.lot_is_long, self.lot_is_long
        s, t = self.tax.st_realised, self.tax.lt_realised
        return Box(
            s + float(low[short].sum()), s + float(high[short].sum()),
            t + float(low[long].sum()), t + float(high[long].sum()),
        )  # fmt: skip

    def replace(self, **changes: Any) -> Problem:
        """A checked copy with some fields changed."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Problem(**{**values, **changes})
