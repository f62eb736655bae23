"""The shadow price of a budget (F35): "$1,000 more gain buys x bp of tracking". Decimals out, floats inside.

The optimiser prices its own caps. The budget that is kept is the exact one of ``rebalancing.trades.budget``, on whole
shares; what a little more of it would buy is told from the capped problem, before shares are rounded.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from proposals.budgets import Limit, Usage
from rebalancing.errors import RebalancingError
from rebalancing.optimizer import Problem, Solution, solve, tracking_bought
from rebalancing.optimizer.problem import summed
from rebalancing.risk import RiskModel
from rebalancing.trades import arrays, border
from rebalancing.trades.index import Index
from rebalancing.types import ZERO, HouseholdState

MORE = Decimal(1000)  # dollars of gain, or of tax, that are priced
TIME_LIMIT_SECONDS = 20.0
QUANTUM = Decimal("0.01")  # basis points
_CAPS = {
    Limit.SHORT: "max_st_gain",
    Limit.LONG: "max_lt_gain",
    Limit.FACTOR: "max_net_gain",
    Limit.TAX: "max_tax",
}
Prices = Mapping[Limit, Decimal] | str  # or a clause: why they are not known


def room(usage: Usage) -> dict[Limit, Decimal]:
    """Dollars of net gain, or of tax, that each limit still lets a draft add; nothing where it is overdrawn.

    Without a limit on tax where the year's tax is not known.
    """
    found: dict[Limit, Decimal] = {}
    for limit, most in usage.budget.limits.items():
        if limit is Limit.FACTOR:  # of the draft alone
            found[limit] = most
        elif limit is Limit.TAX:
            taxes = [usage.use(limit, world) for world in usage.worlds]
            known = [tax for tax in taxes if tax is not None]
            if len(known) == len(taxes):
                found[limit] = max(most - max(known), ZERO)
        else:
            used = max(
                world.short if limit is Limit.SHORT else world.long for world in usage.worlds
            )
            found[limit] = max(most - used, ZERO)
    return found


def gain_prices(state: HouseholdState, risk: RiskModel, usage: Usage, *, haste: int = 1) -> Prices:
    """Basis points of yearly tracking error that $1,000 more of each limit would buy.

    ``state`` is the household without the budget's restrictions; ``haste`` how much dearer than by the policy risk was
    to the trades, and is to the price. Where a band rule aims elsewhere than at the model it is tracking error against
    what the rule aims at. A clause where no price is known: sales count that are no gain of the household's return, or
    the optimiser has no answer inside the caps.
    """
    caps = room(usage)
    taxable = {account.id for account in state.accounts if account.is_taxable}
    if not caps:
        return usage.why_no_tax or "no limit of the budget has a price"
    if not taxable <= usage.accounts:
        return "an account is taxed on another return"
    problem, index = arrays.build(state, risk)
    most = {_CAPS[limit]: float(dollars / index.value) for limit, dollars in caps.items()}
    tax = replace(problem.tax, **most)
    capped = problem.replace(tax=tax, risk_aversion=haste * problem.risk_aversion)
    try:
        solution = solve(capped, time_limit=TIME_LIMIT_SECONDS)
    except RebalancingError:
        return "before rounding the optimiser finds no trades inside the budget"
    more = float(MORE / index.value)
    yearly = _yearly(capped, index, solution)
    return {
        limit: border.decimal(
            yearly * tracking_bought(capped, solution, _CAPS[limit], more)
        ).quantize(QUANTUM)
        for limit in caps
    }


def _yearly(problem: Problem, index: Index, solution: Solution) -> float:
    """Yearly tracking error per unit of the problem's active risk, at its solution.

    Another figure than one only where each security counts over years of its own: then a little less of all active
    weights alike is what the price is told as.
    """
    if index.years is None or solution.active_risk == 0.0:
        return 1.0
    sold = summed(problem.lot_position, solution.sells, len(problem.weights))
    held = problem.weights + solution.buys - sold
    active = summed(problem.position_security, held, len(problem.targets)) - problem.targets
    return index.risk.tracking_error(active) / solution.active_risk
