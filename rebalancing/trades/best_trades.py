"""From a household's state to its best trades in whole shares, checked, with every figure about them.

Knows no database: the state and the risk model are all it needs.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from importlib.metadata import version

from lots.types import Term
from lots.year_tax import added_tax, carried_worth
from proposals.costs import TradeCost, orders_of
from proposals.types import DraftTrade, Side
from rebalancing.errors import Infeasible, RebalancingError, TooFarFromBest
from rebalancing.household import location
from rebalancing.household.cash_needs import candidates, within_reach
from rebalancing.household.checks import BrokenRule, cash_after, verify
from rebalancing.household.shortfalls import refuse_beyond_means
from rebalancing.optimizer import Solution, solve
from rebalancing.optimizer.conflicts import explain
from rebalancing.optimizer.problem import Problem
from rebalancing.policies.policy_words import over_horizon
from rebalancing.policies.worth import Worth, weigh
from rebalancing.risk import RiskModel
from rebalancing.telling import conflict_words
from rebalancing.telling.amounts import dollars
from rebalancing.telling.figures import Figures, Lasting, Proof
from rebalancing.trades import arrays, border, draft_lines, later_tax, measures
from rebalancing.trades.bracket_rates import Rates, best_by_brackets
from rebalancing.trades.giving_way import giving_way
from rebalancing.trades.index import Index, in_words
from rebalancing.types import BASIS_POINTS, CENT, ZERO, HouseholdState, Position

TIME_LIMIT_SECONDS = 20.0
# How far trades of a search that was cut short may be from the best possible, in basis points of the household's value:
TOLD_GAP_BP = 5.0  # beyond it the proposal says so
MOST_GAP_BP = 25.0  # beyond it there is no proposal
_STOPPED = {"time_limit": "by the clock", "node_limit": "after a fixed number of steps"}
SMALLEST_TRADE = "smallest trade"  # the optimiser's name for it among conflicts


Adjust = Callable[[Problem, Index], Problem]


def best_trades(state: HouseholdState, risk: RiskModel, *, adjust: Adjust | None = None) -> Figures:
    """The optimiser's trades in whole shares; no trades where nothing is better than the present.

    Where they lead into dearer brackets than the optimiser reckoned with, the best by the exact tax of a few answers
    (``rebalancing.trades.bracket_rates``). ``risk`` has the securities of ``universe(state)`` in that order.
    ``adjust`` may narrow the problem: caps, or what an adviser has fixed. Raises a RebalancingError where there is no
    answer, TooFarFromBest where the search was cut short too far from its bound, BrokenRule where the rounded trades
    break a hard rule.
    """
    first = _found(state, risk, adjust)
    if not first.figures.trades:
        return first.figures

    def again(rates: Rates) -> _Found:
        try:
            return _found(state, risk, _at_rates(rates, adjust))
        except RebalancingError:
            return first  # what is there stands

    return best_by_brackets(first, state.tax, first.index.value, again).figures


@dataclass(frozen=True, slots=True)
class _Found:
    """Trades with the problem that they answer."""

    figures: Figures
    problem: Problem
    index: Index

    @property
    def short_gain(self) -> Decimal:
        return self.figures.short_gain

    @property
    def long_gain(self) -> Decimal:
        return self.figures.long_gain

    @property
    def unreckoned(self) -> Decimal:
        reckoned = measures.reckoned_tax(self.figures.trades, self.problem, self.index)
        return self.figures.worth.tax - reckoned

    @property
    def objective(self) -> Decimal:
        return measures.objective(self.figures.trades, self.problem, self.index)


def _found(state: HouseholdState, risk: RiskModel, adjust: Adjust | None) -> _Found:
    """The optimiser's trades in whole shares, verified."""
    solution, problem, index = _solved(state, risk, adjust)
    trades = draft_lines.to_trades(solution, index)
    broken = verify(trades, state)
    if broken:
        raise BrokenRule(" ".join(broken))
    proof = _proof(solution, risk, problem, index, trades)
    return _Found(_figures(trades, index, proof), problem, index)


def _at_rates(rates: Rates, adjust: Adjust | None) -> Adjust:
    """The problem with other rates on gains, narrowed as before."""

    def adjusted(problem: Problem, index: Index) -> Problem:
        narrowed = problem if adjust is None else adjust(problem, index)
        tax = replace(narrowed.tax, st_rate=float(rates.short), lt_rate=float(rates.long))
        return narrowed.replace(tax=tax)

    return adjusted


def dearer_risk(haste: int) -> Adjust:
    """The problem with risk ``haste`` times as dear as the policy says; figures stay at the policy's price."""

    def adjust(problem: Problem, index: Index) -> Problem:
        return problem.replace(risk_aversion=haste * problem.risk_aversion)

    return adjust


def with_needs_placed(state: HouseholdState, risk: RiskModel) -> HouseholdState:
    """The state with the household's cash need in the account, or accounts, where raising it costs least (F6).

    Each candidate's best trades are found and the least objective is taken. Raises NeedBeyondMeans where the accounts
    that have to pay are worth less than what is needed, and what the last candidate raised where none has an answer.
    """
    refuse_beyond_means(state)
    state = within_reach(state)
    if not state.unplaced_need:
        return state
    found: list[tuple[float, int, HouseholdState]] = []
    failure: RebalancingError | None = None
    for number, candidate in enumerate(candidates(state)):
        try:
            solution, _, _ = _solved(candidate, risk)
        except RebalancingError as error:
            failure = error
        else:
            found.append((solution.objective, number, candidate))
    if not found:
        if failure is not None:
            raise failure
        return state
    return min(found, key=lambda one: one[:2])[2]


def figures_of(
    trades: Sequence[DraftTrade], state: HouseholdState, risk: RiskModel, proof: Proof
) -> Figures:
    """All figures of trades that were found in another way; ``proof`` is where they come from.

    Raises BrokenRule where they break a hard rule.
    """
    broken = verify(trades, state)
    if broken:
        raise BrokenRule(" ".join(broken))
    _, index = arrays.build(state, risk)
    return _figures(trades, index, proof)


def proof_of(
    solution: Solution,
    risk: RiskModel,
    problem: Problem,
    index: Index,
    trades: Sequence[DraftTrade],
) -> Proof:
    """Where trades come from that a solution of the problem became in whole shares; how far they are from its bound.

    Raises TooFarFromBest where its search was cut short too far from it.
    """
    _near_enough(solution, index)
    return _proof(solution, risk, problem, index, trades)


def _solved(
    state: HouseholdState, risk: RiskModel, adjust: Adjust | None = None
) -> tuple[Solution, Problem, Index]:
    """The optimiser's trades; what must be sold stays in cash where it can go nowhere else."""
    problem, index = _built(state, risk, adjust)
    try:
        return _near_enough(_solve(problem, index), index), problem, index
    except Infeasible:
        if not any(state.forced().values()):
            raise
    problem, index = _built(state, risk, adjust, is_loose=True)
    return _near_enough(_solve(problem, index), index), problem, index


def _built(
    state: HouseholdState, risk: RiskModel, adjust: Adjust | None, *, is_loose: bool = False
) -> tuple[Problem, Index]:
    problem, index = arrays.build(state, risk, is_loose=is_loose)
    return (problem if adjust is None else adjust(problem, index)), index


def _solve(problem: Problem, index: Index) -> Solution:
    """The optimiser's trades. Rules on several securities together that cannot be kept give by the least that helps."""
    try:
        return _whatever_the_smallest(problem)
    except Infeasible as error:
        given = giving_way(problem, index.state.joint, error)
        if given is not None:
            with suppress(Infeasible):  # a limit that gave way is met on a knife's edge
                return _whatever_the_smallest(given)
        found = explain(problem, error)  # counts rows as the index does; the solver sorts them
        raise conflict_words.for_people(found, index) from error


def _whatever_the_smallest(problem: Problem) -> Solution:
    """The optimiser's trades; a smallest trade that stands in the way of a limit is left to rounding."""
    try:
        return solve(problem, time_limit=TIME_LIMIT_SECONDS)
    except Infeasible as error:
        if SMALLEST_TRADE not in error.conflicts:
            raise
        return solve(problem.replace(min_trade=0.0), time_limit=TIME_LIMIT_SECONDS)


def _near_enough(solution: Solution, index: Index) -> Solution:
    """The solution, unless its search was cut short too far from the proven bound. Raises TooFarFromBest."""
    if solution.status in _STOPPED and solution.gap_bp > MOST_GAP_BP:
        far = _distance(border.decimal(solution.gap_bp), index)
        raise TooFarFromBest(
            f"The search for the best trades was stopped {_STOPPED[solution.status]}, and what it found may be {far} "
            f"from the best possible; beyond {MOST_GAP_BP:g} bp nothing is proposed."
        )
    return solution


def _cut_short(solution: Solution, index: Index, gap: Decimal) -> str:
    """What a proposal says of a search that was cut short; ``gap`` is that of its trades. Empty where it is not far."""
    if solution.status not in _STOPPED or solution.gap_bp <= TOLD_GAP_BP:
        return ""
    return (
        f"The search was stopped {_STOPPED[solution.status]}: these trades are at most {_distance(gap, index)} "
        "from the best possible."
    )


def _distance(gap: Decimal, index: Index) -> str:
    """A gap in basis points as dollars over the horizon of the objective."""
    far = (gap / BASIS_POINTS * index.value).quantize(CENT, rounding=ROUND_CEILING)
    over = over_horizon(index.state.limits)
    return f"{dollars(far)} over {over} ({gap:.1f} bp of the household's value)"


def _figures(
    trades: Sequence[DraftTrade],
    index: Index,
    proof: Proof,
) -> Figures:
    """All figures of the rounded trades, in Decimal but for the tracking errors."""
    state, measured = index.state, index.drift
    after = measures.holdings_after(trades, state)
    short, long = _gains(trades, state, Term.SHORT), _gains(trades, state, Term.LONG)
    return Figures(
        drift=measured,
        trades=tuple(trades),
        after=after,
        cash_after=cash_after(trades, state),
        risk_before=measures.tracking_error(index, state.holdings()),
        risk_after=measures.tracking_error(index, after),
        worth=_worth(trades, index, short=short, long=long),
        lasting=_lasting(trades, index),
        carried_worth=carried_worth(state.tax, short=short, long=long),
        short_gain=short,
        long_gain=long,
        proof=proof,
        location_before=location.benefit(state, state.shares()),
        location_after=location.benefit(state, _shares_after(trades, state)),
    )


def counted_by(state: HouseholdState, risk: RiskModel, figures: Figures) -> Figures:
    """The same trades, their worth counted at the price of risk and over the horizons of ``state``'s policy."""
    _, index = arrays.build(state, risk)
    short, long = figures.short_gain, figures.long_gain
    return replace(
        figures,
        worth=_worth(figures.trades, index, short=short, long=long),
        lasting=_lasting(figures.trades, index),
    )


def _worth(trades: Sequence[DraftTrade], index: Index, *, short: Decimal, long: Decimal) -> Worth:
    """The rule of thumb; ``short`` and ``long`` are the dollars of gain that the trades realise by term."""
    state = index.state
    before, after = state.holdings(), measures.holdings_after(trades, state)
    parts = measures.variance_years(index, before), measures.variance_years(index, after)
    return weigh(
        value=index.value,
        risk_aversion=state.limits.risk_aversion,
        horizon_years=state.limits.horizon_years,
        risk_before=measures.tracking_error(index, before),
        risk_after=measures.tracking_error(index, after),
        variance_years=None
        if parts[0] is None or parts[1] is None
        else (sum(parts[0].values(), ZERO), sum(parts[1].values(), ZERO)),
        trading=_trading_cost(trades, state),
        tax=added_tax(state.tax, short=short, long=long),
        later_tax=_later_tax(short + long, state),
    )


def _lasting(trades: Sequence[DraftTrade], index: Index) -> tuple[Lasting, ...]:
    """How long each security counts, and its part of the tracking cost avoided; empty where one horizon is for all."""
    state = index.state
    before = measures.variance_years(index, state.holdings())
    after = measures.variance_years(index, measures.holdings_after(trades, state))
    if index.years is None or before is None or after is None:
        return ()
    traded = {trade.security for trade in trades}
    price = index.value * state.limits.risk_aversion
    return tuple(
        Lasting(
            security=security,
            years=border.decimal(years),
            avoided=price * (before[security] - after[security]),
            is_traded=security in traded,
        )
        for security, years in zip(index.securities, index.years, strict=True)
    )


def _shares_after(trades: Sequence[DraftTrade], state: HouseholdState) -> dict[Position, Decimal]:
    """Shares per account and security once the trades are done."""
    shares = state.shares()
    for trade in trades:
        position = (trade.account, trade.security)
        sign = 1 if trade.side is Side.BUY else -1
        shares[position] = shares.get(position, ZERO) + sign * trade.quantity
    return shares


def _trading_cost(trades: Sequence[DraftTrade], state: HouseholdState) -> TradeCost:
    """Commission, half spread and impact of the orders that the trades become, each rounded up to the cent."""
    spread = sum((trade.amount * state.half_spreads[trade.security] for trade in trades), ZERO)
    orders = [order.cost(state.costs) for order in orders_of(trades)]
    commission = sum((cost.commission for cost in orders), ZERO)
    impact = sum((cost.impact for cost in orders), ZERO)
    return TradeCost(*(_up(dollars) for dollars in (commission, spread, impact)))


def _up(dollars: Decimal) -> Decimal:
    return dollars.quantize(CENT, rounding=ROUND_CEILING)


def _later_tax(gain: Decimal, state: HouseholdState) -> Decimal:
    """What the gain realised now (loss negative) takes off the tax on a later sale, today's value; negative: saved."""
    return (-gain * later_tax.rate(state)).quantize(CENT)


def _gains(trades: Sequence[DraftTrade], state: HouseholdState, term: Term) -> Decimal:
    """Dollars of gain (losses negative) that taxable sales of one term realise."""
    taxable = {account.id for account in state.accounts if account.is_taxable}
    gains = (
        trade.gain
        for trade in trades
        if trade.side is Side.SELL and trade.account in taxable and trade.term == term
    )
    return sum(gains, ZERO)


def _proof(
    solution: Solution,
    risk: RiskModel,
    problem: Problem,
    index: Index,
    trades: Sequence[DraftTrade],
) -> Proof:
    """How far the trades as proposed, in whole shares, are from the solution's bound."""
    gap = measures.gap_bp(trades, problem, index, solution.bound)
    objective = measures.reckoned(trades, problem, index)
    return Proof(
        solver=solution.solver,
        solver_version=_solver_version(),
        gap_bp=gap,
        cut_short=_cut_short(solution, index, gap),
        objective=objective,
        # Rounding may pass the bound by less than a share: no distance, as the gap says.
        bound=min(border.decimal(solution.bound) * index.value, objective),
        risk_sha256=border.fingerprint(risk),
        risk_observations=risk.observations,
        risk_source=risk.source,
        risk_notes=tuple(in_words(note, index) for note in risk.notes),
    )


@lru_cache(maxsize=1)
def _solver_version() -> str:
    return version("clarabel")
