"""What a sale today changes of the tax on a later one: one rate for the optimiser's objective and for the verdict.

A dollar of loss harvested is a dollar more of gain later, one of gain realised a dollar less. The optimiser is given
the loss at the full rate. A gain it is credited with no more than the least that the gain can cost this year: beyond
that it would sell and buy back merely to raise the basis, which is what harvesting gains is for, with a proposal of its
own (``harvesting.gains``).
"""

from decimal import Decimal

import numpy as np

from proposals import later_tax
from rebalancing.optimizer.problem import FloatArray, Problem
from rebalancing.optimizer.tax_schedule import least_slopes
from rebalancing.types import HouseholdState


def rate(state: HouseholdState) -> Decimal:
    """Today's value of the tax on one more dollar of gain when what is held is sold."""
    limits = state.limits
    return later_tax.later_rate(
        rate=state.tax.long_rate,
        taxable_sale_chance=limits.taxable_sale_chance,
        discount_rate=limits.discount_rate,
        years=limits.later_sale_years,
    )


def counted(problem: Problem, state: HouseholdState) -> Problem:
    """The problem with later tax per dollar sold of each lot.

    On the gain that this year's tax is counted on: a small gain that may turn out a loss has neither.
    """
    full = float(rate(state))
    if full == 0.0 or not np.any(problem.lot_is_taxable):
        return problem
    return problem.replace(later_tax=_per_dollar(problem, full))


def _per_dollar(problem: Problem, full: float) -> FloatArray:
    """(L,) a loss at the ``full`` rate, a gain at no more than it costs at least."""
    short, long = least_slopes(problem.tax, problem.gain_box(problem.lot_sellable))
    credit = np.minimum(full, np.where(problem.lot_is_long, long, short))
    return np.asarray(-problem.taxed_gain * np.where(problem.lot_is_loss, full, credit))
