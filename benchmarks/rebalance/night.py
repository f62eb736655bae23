"""A night of rebalances: from an account's state to its verified draft in whole shares, one account after the other.

What is measured is ``rebalancing.trades.best_trades.best_trades`` on one core: the problem is built, solved, rounded to
whole shares, verified in Decimal and explained in figures. Every account is solved in full, those inside their bands
too, and all are taxable. The risk model is estimated once, before the clock. Reading the books from the database and
storing proposals are not in it: ``--only night`` measures those.

Accounts know nothing of one another, so a night of 10,000 takes 10,000 times the mean of the measured ones; the
interval is that of the mean over accounts drawn again with replacement (bootstrap), and says nothing about how much
real accounts differ from invented ones.
"""

import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from unittest import mock

import numpy as np
from tqdm import tqdm

from benchmarks.rebalance import goals, tables
from benchmarks.rebalance.households import household, market
from benchmarks.rebalance.instances import Year, make
from benchmarks.rebalance.process import alone
from benchmarks.rebalance.race import as_figure
from benchmarks.rebalance.timing import timed
from benchmarks.report import Figure
from rebalancing.errors import RebalancingError
from rebalancing.household.checks import verify
from rebalancing.optimizer import Solution, solve
from rebalancing.risk import RiskModel
from rebalancing.telling.figures import Figures
from rebalancing.trades import arrays, draft_lines
from rebalancing.trades import best_trades as deciding
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState

NAMES = 100
ACCOUNTS = 200
DRAWS = 2_000
STAGED = 20  # accounts whose time is told by stage
SMALLEST, LARGEST = 300_000.0, 3_000_000.0  # dollars
_T = TypeVar("_T")


@dataclass(frozen=True)
class Night:
    """Processor seconds of each account, and how many came to which end."""

    seconds: tuple[float, ...]
    outcomes: dict[str, int]
    lots: int  # median an account


def measure(*, accounts: int, seed: int) -> list[Figure]:
    """Print the night and where its time goes; return what it takes extrapolated, beside its goal."""
    return alone(_measure, accounts, seed)


def _measure(accounts: int, seed: int) -> list[Figure]:
    states, risk = _firm(accounts, seed)
    _decide(states[0], risk)  # loads the solver, as a worker has long done
    night = _night(states, risk)
    low, high = interval(night.seconds, seed=seed)
    mean = statistics.fmean(night.seconds)
    scale = goals.NIGHT_ACCOUNTS
    _say(
        f"\n{accounts} accounts, {NAMES} names, {night.lots} lots (median): {mean * 1e3:.1f} ms of the processor each, "
        f"slowest {max(night.seconds) * 1e3:.0f} ms; outcomes {night.outcomes}"
    )
    _say(
        f"{scale} accounts on one core: {mean * scale / 60:.1f} minutes, "
        f"95 % of bootstrap means {low * scale / 60:.1f} to {high * scale / 60:.1f}"
    )
    _tell_stages(states[:STAGED], risk)
    goal = goals.of_night(mean)
    tables.goals([goal])
    return [
        as_figure(goal),
        Figure("rebalance.night_low", low * scale, "s", goal.limit, "goal, at most"),
        Figure("rebalance.night_high", high * scale, "s", goal.limit, "goal, at most"),
    ]


def interval(seconds: Sequence[float], *, seed: int, share: float = 0.95) -> tuple[float, float]:
    """The middle ``share`` of the means of as many accounts drawn with replacement."""
    drawn = np.random.default_rng(seed).choice(np.array(seconds), (DRAWS, len(seconds)))
    tail = (1.0 - share) / 2.0
    low, high = np.quantile(drawn.mean(axis=1), [tail, 1.0 - tail])
    return float(low), float(high)


def _firm(accounts: int, seed: int) -> tuple[list[HouseholdState], RiskModel]:
    shared = market(NAMES, seed=seed)
    values = np.random.default_rng(seed).uniform(SMALLEST, LARGEST, accounts)
    years = list(Year)
    states = [
        household(make(NAMES, seed=seed + number, year=years[number % len(years)]), shared, value=value)
        for number, value in enumerate(values.tolist())
    ]  # fmt: skip
    return states, shared.risk


def _night(states: Sequence[HouseholdState], risk: RiskModel) -> Night:
    seconds, outcomes = [], Counter[str]()
    for state in tqdm(states, desc="night", unit="account", disable=None, leave=False):
        timing, outcome = timed(partial(_decide, state, risk))
        seconds.append(timing.cpu)
        outcomes[outcome] += 1
    lots = statistics.median(len(state.lots) for state in states)
    return Night(tuple(seconds), dict(outcomes), int(lots))


def _decide(state: HouseholdState, risk: RiskModel) -> str:
    try:
        found = deciding.best_trades(state, _of_universe(state, risk))
    except RebalancingError as error:
        return error.code
    return "proposed" if found.trades else "no trades"


def _of_universe(state: HouseholdState, risk: RiskModel) -> RiskModel:
    """The shared model's rows of the securities an account has or wants: all of them, unless one is neither."""
    rows = np.array(universe(state)) - 1
    if len(rows) == len(risk.specific_variance):
        return risk
    return RiskModel(risk.loadings[rows], risk.specific_variance[rows], risk.observations)


def _tell_stages(states: Sequence[HouseholdState], risk: RiskModel) -> None:
    """Median processor milliseconds of each stage; the figures of the proposal are what is left."""
    stages: dict[str, list[float]] = {}

    def stage(name: str, run: Callable[[], _T]) -> _T:
        timing, answer = timed(run, repeats=3)
        stages.setdefault(name, []).append(timing.cpu)
        return answer

    solves = []
    for state in states:
        own = _of_universe(state, risk)
        try:
            problem, index = stage("arrays", partial(arrays.build, state, own))
            solution = stage("solve", partial(solve, problem))
            trades = stage("whole shares", partial(draft_lines.to_trades, solution, index))
            stage("verify", partial(verify, trades, state))
            stage("all but the solve", partial(_with_answer, solution, state, own))
        except RebalancingError:
            continue
        solves.append(solution.solves)
    medians = {name: statistics.median(found) * 1e3 for name, found in stages.items()}
    medians["figures"] = medians.pop("all but the solve") - sum(
        medians[name] for name in ("arrays", "whole shares", "verify")
    )
    parts = ", ".join(f"{name} {spent:.1f}" for name, spent in medians.items())
    _say(
        f"Where the time goes, ms (medians of {len(solves)} accounts): {parts}; "
        f"{statistics.median(solves):.0f} convex solves an account"
    )


def _with_answer(solution: Solution, state: HouseholdState, risk: RiskModel) -> Figures:
    """Everything around the solver: its answer is given."""
    with mock.patch.object(deciding, "solve", return_value=solution):
        return deciding.best_trades(state, risk)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
