"""The year's tax as a contender without our pieces would write it: five regions, linear inside each.

Taken from the table of the law (see ``lots.year_tax``), not from the optimiser: what checks the optimiser must not
share its reading of the tax.
"""

from dataclasses import dataclass

import numpy as np

from rebalancing.optimizer import Problem, TaxSchedule
from rebalancing.optimizer.problem import FloatArray

_TOUCH = 1e-9


@dataclass(frozen=True)
class Region:
    """T = short S + long L + constant where every (a, b, c) of ``within`` has a S + b L <= c."""

    name: str
    short: float
    long: float
    constant: float
    within: tuple[tuple[float, float, float], ...]

    def holds(self, short: float, long: float) -> bool:
        return all(a * short + b * long <= c + _TOUCH for a, b, c in self.within)


def regions(tax: TaxSchedule) -> tuple[Region, ...]:
    """The five, which cover the plane of (S, L)."""
    st, lt, net, carried = tax.st_rate, tax.lt_rate, tax.ordinary_rate, tax.carried_loss_value
    limit = tax.loss_limit
    short_gain, short_loss = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
    long_gain, long_loss = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)
    gain, loss = (-1.0, -1.0, 0.0), (1.0, 1.0, 0.0)
    return (
        Region("both gains", st, lt, 0.0, (short_gain, long_gain)),
        Region("short gain, long loss", st, st, 0.0, (short_gain, long_loss, gain)),
        Region("short loss, long gain", lt, lt, 0.0, (short_loss, long_gain, gain)),
        Region("net loss in the limit", net, net, 0.0, (loss, (-1.0, -1.0, limit))),
        Region(
            "net loss beyond it", carried, carried, (carried - net) * limit, ((1.0, 1.0, -limit),)
        ),
    )


def reachable(problem: Problem) -> tuple[Region, ...]:
    """The regions in which some choice of sales can end, cash and wash sales left aside."""
    box = problem.gain_box(problem.lot_sellable)
    low, high = (box.short_low, box.long_low), (box.short_high, box.long_high)
    return tuple(
        region
        for region in regions(problem.tax)
        if all(_least(half, low, high) <= half[2] for half in region.within)
    )


def of_trades(problem: Problem, sells: FloatArray) -> Region:
    """The region in which the year ends after selling ``sells`` (L,)."""
    gains = problem.taxed_gain * sells
    short = problem.tax.st_realised + float(gains[~problem.lot_is_long].sum())
    long = problem.tax.lt_realised + float(gains[problem.lot_is_long].sum())
    return next(region for region in regions(problem.tax) if region.holds(short, long))


def rates_of_lots(problem: Problem, region: Region) -> FloatArray:
    """(L,) tax per dollar sold inside a region."""
    rate = np.where(problem.lot_is_long, region.long, region.short)
    return np.asarray(rate * problem.taxed_gain)


def _least(
    half: tuple[float, float, float], low: tuple[float, float], high: tuple[float, float]
) -> float:
    return min(half[0] * low[0], half[0] * high[0]) + min(half[1] * low[1], half[1] * high[1])
