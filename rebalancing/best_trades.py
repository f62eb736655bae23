"""From a household's state to its best trades in whole shares, checked, with every figure about them.

Knows no database: the state and the risk model are all it needs.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from importlib.metadata import version

from lots.types import Term
from lots.year_tax import added_tax, carried_worth
from proposals.types import DraftTrade, Side
from rebalancing import arrays, drift
from rebalancing.checks import BrokenRule, cash_after, verify
from rebalancing.errors import Infeasible
from rebalancing.explanation import Figures, Proof
from rebalancing.optimizer import Solution, solve
from rebalancing.optimizer.conflicts import explain
from rebalancing.optimizer.problem import Problem
from rebalancing.risk import RiskModel
from rebalancing.types import CENT, ZERO, HouseholdState
from rebalancing.worth import weigh

TIME_LIMIT_SECONDS = 20.0
SMALLEST_TRADE = "smallest trade"  # the optimiser's name for it among conflicts


def best_trades(state: HouseholdState, risk: RiskModel) -> Figures:
    """The optimiser's trades in whole shares; no trades where nothing is better than the present.

    ``risk`` has the securities of ``arrays.universe(state)`` in that order. Raises a RebalancingError where there is
    no answer, BrokenRule where the rounded trades break a hard rule.
    """
    problem, index = arrays.build(state, risk)
    solution = _solve(problem, index)
    trades = arrays.to_trades(solution, index)
    broken = verify(trades, state) if trades else []
    if broken:
        raise BrokenRule(" ".join(broken))
    gap = arrays.gap_bp(trades, problem, index, solution.bound)
    return _figures(trades, problem, index, _proof(solution, risk, index, gap))


def _solve(problem: Problem, index: arrays.Index) -> Solution:
    """The optimiser's trades; a smallest trade that stands in the way of a limit is left to rounding."""
    try:
        try:
            return solve(problem, time_limit=TIME_LIMIT_SECONDS)
        except Infeasible as error:
            if SMALLEST_TRADE not in error.conflicts:
                raise
            return solve(problem.replace(min_trade=0.0), time_limit=TIME_LIMIT_SECONDS)
    except Infeasible as error:
        found = explain(problem, error)  # counts rows as the index does; the solver sorts them
        conflicts = tuple(arrays.in_words(conflict, index) for conflict in found.conflicts)
        text = arrays.in_words(found.message, index)
        raise Infeasible(text, conflicts=conflicts, advice=found.advice) from error


def _figures(
    trades: Sequence[DraftTrade],
    problem: Problem,
    index: arrays.Index,
    proof: Proof,
) -> Figures:
    """All figures of the rounded trades, in Decimal but for the tracking errors."""
    state, measured = index.state, drift.of_state(index.state)
    after = arrays.holdings_after(trades, state)
    risk_before = arrays.tracking_error(problem, index, state.holdings())
    risk_after = arrays.tracking_error(problem, index, after)
    short, long = _gains(trades, state, Term.SHORT), _gains(trades, state, Term.LONG)
    cost = sum((trade.amount * state.half_spreads[trade.security] for trade in trades), ZERO)
    worth = weigh(
        value=measured.value,
        risk_aversion=state.limits.risk_aversion,
        horizon_years=state.limits.horizon_years,
        risk_before=risk_before,
        risk_after=risk_after,
        trading_cost=cost.quantize(CENT, rounding=ROUND_CEILING),
        tax=added_tax(state.tax, short=short, long=long),
    )
    return Figures(
        drift=measured,
        trades=tuple(trades),
        after=after,
        cash_after=cash_after(trades, state),
        risk_before=risk_before,
        risk_after=risk_after,
        worth=worth,
        carried_worth=carried_worth(state.tax, short=short, long=long),
        short_gain=short,
        long_gain=long,
        proof=proof,
    )


def _gains(trades: Sequence[DraftTrade], state: HouseholdState, term: Term) -> Decimal:
    """Dollars of gain (losses negative) that taxable sales of one term realise."""
    taxable = {account.id for account in state.accounts if account.is_taxable}
    gains = (
        trade.gain
        for trade in trades
        if trade.side is Side.SELL and trade.account in taxable and trade.term == term
    )
    return sum(gains, ZERO)


def _proof(solution: Solution, risk: RiskModel, index: arrays.Index, gap: Decimal) -> Proof:
    """``gap`` is that of the trades as proposed, in whole shares."""
    return Proof(
        solver=solution.solver,
        solver_version=_solver_version(),
        gap_bp=gap,
        risk_sha256=arrays.fingerprint(risk),
        risk_observations=risk.observations,
        risk_source=risk.source,
        risk_notes=tuple(arrays.in_words(note, index) for note in risk.notes),
    )


@lru_cache(maxsize=1)
def _solver_version() -> str:
    return version("clarabel")
