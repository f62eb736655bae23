"""The trades that come nearest to the model, whatever they cost, within caps on gains and tax: a transition's step.

Beside ``rebalancing.trades.best_trades``, which weighs tracking against cost and tax. Here tracking error is priced so
high that costs and taxes only choose between ways to the same place; how far it goes is said by the caps, the cash, the
smallest trade and the windows. What the trades are worth is told at the household's own price and horizon.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from lots.year_tax import TaxPosition, carried_forward
from rebalancing.optimizer.problem import Problem
from rebalancing.policies.policy import Horizon
from rebalancing.risk import RiskModel
from rebalancing.telling.figures import Figures
from rebalancing.trades.best_trades import (
    Adjust,
    best_trades,
    counted_by,
    with_needs_placed,
)
from rebalancing.trades.index import Index
from rebalancing.trades.risk_rows import RiskRows
from rebalancing.transition.schedule import Caps
from rebalancing.types import ZERO, HouseholdState

# 0.1 % of tracking error costs a hundredth of the household: more than any tax on what would avoid it.
PRICE_OF_TRACKING = Decimal(10_000)
_ROUNDS = 4
_NEARLY_ALL = Decimal("0.98")


def tracking_first(state: HouseholdState) -> HouseholdState:
    """The state with the price of tracking that a transition solves with."""
    limits = state.limits
    price = max(PRICE_OF_TRACKING, limits.risk_aversion * limits.horizon_years)
    return replace(
        state,
        limits=replace(limits, risk_aversion=price, horizon_years=Decimal(1), horizon=Horizon.ONE),
    )


class TrackingFirst:
    """``transition.Solve`` with one risk model for all states of a household (``RiskRows``)."""

    def __init__(self, risk: RiskModel, securities: Sequence[int]) -> None:
        self._risk = RiskRows(risk, securities)

    def __call__(
        self, state: HouseholdState, caps: Caps, *, adjust: Adjust | None = None
    ) -> Figures:
        """Raises a RebalancingError where there is no answer. ``adjust`` as in ``best_trades``.

        The optimiser's tax follows straight lines from the household's place in the brackets. Where the exact tax of
        its trades passes the cap, a smaller one is asked for along the chord, which stays inside a tax that grows ever
        faster, until nearly all of the cap is used.
        """
        figures = self._once(state, caps, adjust)
        if caps.tax is None or tax_added(figures) <= caps.tax:
            return figures
        low, low_tax, inside = ZERO, ZERO, figures
        high, high_tax = caps.tax, tax_added(figures)
        for _ in range(_ROUNDS):
            asked = low + (caps.tax - low_tax) * (high - low) / (high_tax - low_tax)
            figures = self._once(state, replace(caps, tax=asked), adjust)
            tax = tax_added(figures)
            if tax > caps.tax:  # whole shares: a little too far
                high, high_tax = asked, tax
                continue
            low, low_tax, inside = asked, tax, figures
            if tax >= caps.tax * _NEARLY_ALL:
                break
        return inside

    def _once(self, state: HouseholdState, caps: Caps, adjust: Adjust | None) -> Figures:
        def narrowed(problem: Problem, index: Index) -> Problem:
            found = capped(problem, caps, state.tax, index.value)
            return found if adjust is None else adjust(found, index)

        risk = self._risk.of(state)
        placed = with_needs_placed(tracking_first(state), risk)
        figures = best_trades(placed, risk, adjust=narrowed)
        # The problem's price chose the trades; what they are worth is told at the household's.
        return counted_by(replace(placed, limits=state.limits), risk, figures)


def tax_added(figures: Figures) -> Decimal:
    """Dollars that the trades add to the tax of the year; what carried losses are worth later counts not."""
    return figures.worth.tax + figures.carried_worth


def capped(problem: Problem, caps: Caps, tax: TaxPosition, value: Decimal) -> Problem:
    """The problem with caps on what its trades may add; ``value`` is the household's in dollars.

    The optimiser's tax counts what a carried loss is worth later, a budget does not: gains may use up all of that.
    """
    carried = tax.carried_loss_value * carried_forward(tax)
    most = {
        "max_st_gain": caps.short,
        "max_lt_gain": caps.long,
        "max_tax": None if caps.tax is None else caps.tax + carried,
    }
    given = {name: float(dollars / value) for name, dollars in most.items() if dollars is not None}
    return problem.replace(tax=replace(problem.tax, **given)) if given else problem
