"""Ours and the others on the same accounts, side by side, and the goals that follow.

Every contender is judged by our arithmetic on the trades it proposes (``rebalancing.optimizer.objective``): what it
claims for itself counts for nothing. The best known value of an account is the best of our search with 2,000 nodes,
of SCIP where it ends in time, and of every feasible answer. All of it runs in one process with one thread of linear
algebra; seconds are those of the processor, medians over the repeats.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from tqdm import tqdm

from benchmarks.rebalance import anchors, convex, fixed_sides, goals, ours, peer, slsqp, tables
from benchmarks.rebalance.goals import Goal, Solved, Steps
from benchmarks.rebalance.instances import SIZES, Instance, Year, make, make_without_lots
from benchmarks.rebalance.process import alone
from benchmarks.rebalance.tables import Row
from benchmarks.rebalance.timing import Timing, timed
from benchmarks.report import Figure
from rebalancing.optimizer import Problem, Solution, evaluate, solve
from rebalancing.optimizer.objective import sold_by_position, worst_violation
from rebalancing.optimizer.problem import FloatArray

ACCOUNTS_OF_100 = 40  # on which the value of our answers is judged
TIMED_ACCOUNTS = 8  # a size, for the growth of time
REPEATS = 5
STEP_REPEATS = 20
SLSQP_LARGEST = 100  # at 500 names one step takes it minutes
TEXTBOOK_TIMED = 50  # names from which on we must be faster too
SMALLEST_TRADES = ((20, 0.005), (50, 0.002), (100, 0.001), (100, 0.002))  # names, fraction of V
SCIP_LARGEST_WITH_TRADES = 50
SCIP_SECONDS = 120.0  # a tax region
_OURS, _OURS_LONG = "ours", "ours, 2,000 nodes"
_TEXTBOOK = "optimal_rebalance (SLSQP)"
_TRADED = 1e-6  # of V: a dollar in a million is no trade
Trades = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Plan:
    """How much is measured: some ten minutes, or with ``--full`` more accounts."""

    seed: int
    full: bool

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + (5 if self.full else 2))

    def accounts(self, size: int) -> list[Instance]:
        """Those that every contender gets; of the largest only the first two."""
        seeds = self.seeds if size < max(SIZES) else range(self.seed, self.seed + 1)
        return [make(size, seed=seed, year=year) for seed in seeds for year in Year]


def measure(*, seed: int, full: bool) -> list[Figure]:
    """Print the tables and return the goals as figures."""
    return alone(_measure, Plan(seed, full))


def _measure(plan: Plan) -> list[Figure]:
    _load()
    if not peer.is_installed():
        _say("taxrebalance is not installed in .venv/bench (`make bench` does it): left out.")
    peer_seconds: list[float] = []
    ours_beside_peer: list[Solved] = []
    for size in SIZES:
        accounts = plan.accounts(size)
        rows, solved, seconds = _race(size, accounts)
        tables.contenders(
            f"{size} names, {_lots(accounts)} lots: the whole problem, {len(accounts)} accounts",
            rows,
        )
        if size == 100:
            peer_seconds, ours_beside_peer = seconds, solved
    smallest = _smallest(plan)
    steps = _steps(plan)
    found = [
        *goals.of_value([*ours_beside_peer, *_judge(plan)]),
        *goals.of_speed(ours_beside_peer, peer_seconds=peer_seconds),
        *goals.of_smallest_trade(smallest),
        *goals.of_steps(steps),
        goals.of_growth(_growth(plan)),
        *_textbook(plan),
    ]
    tables.goals(found)
    return [as_figure(goal) for goal in found]


def as_figure(goal: Goal) -> Figure:
    side = "goal, at least" if goal.at_least else "goal, at most"
    return Figure(f"rebalance.{goal.name}", goal.measured, goal.unit, goal.limit, side)


def _load() -> None:
    """What a worker has long imported is not counted."""
    small = make(20, seed=0, year=Year.GAINS).problem
    solution = solve(small)
    fixed = fixed_sides.of_solution(small, solution)
    convex.solve_fixed(fixed)
    slsqp.solve(fixed, in_region=True)


def _lots(accounts: Sequence[Instance]) -> str:
    counts = [len(account.problem.lot_weight) for account in accounts]
    return f"{min(counts)}-{max(counts)}"


@dataclass(frozen=True)
class _Answer:
    """What a contender proposes for one account; None: nothing."""

    contender: str
    timing: Timing
    trades: Trades | None
    remark: str = ""
    counts: bool = True  # whether its value, if feasible, may be the best known


def _race(size: int, accounts: Sequence[Instance]) -> tuple[list[Row], list[Solved], list[float]]:
    """Rows of every contender; our answers; the peer's processor seconds."""
    rows: list[Row] = []
    solved: list[Solved] = []
    peer_answers = _peer(accounts)
    bar = tqdm(accounts, desc=f"{size} names", unit="account", disable=None, leave=False)
    for account, theirs in zip(bar, peer_answers, strict=True):
        problem = account.problem
        timing, solution = timed(partial(solve, problem), repeats=REPEATS)
        answers = [
            _Answer(_OURS, timing, (solution.buys, solution.sells)),
            *_others(size, problem),
            *theirs,
        ]
        best = _best_known(problem, answers)
        rows += [_row(problem, answer, best) for answer in answers]
        solved.append(_solved(problem, solution, best, timing.cpu))
    seconds = [
        answer.timing.cpu
        for theirs in peer_answers
        for answer in theirs
        if answer.trades is not None
    ]
    return rows, solved, seconds


def _others(size: int, problem: Problem) -> Iterator[_Answer]:
    timing, longer = timed(lambda: ours.solve_to_the_end(problem))
    yield _Answer(_OURS_LONG, timing, (longer.buys, longer.sells))
    yield _scip(problem)
    timing, plain = timed(lambda: convex.solve_plain(problem))
    yield _Answer("cvxpy, either-or left out", timing, (plain.buys, plain.sells), counts=False)
    if size <= SLSQP_LARGEST:
        rule = slsqp.by_rule(problem)
        yield _attempt(
            "SLSQP with lots, sides by a rule", lambda: slsqp.solve(rule, in_region=False)
        )
    nothing = np.zeros(len(problem.weights)), np.zeros(len(problem.lot_weight))
    yield _Answer("no trade", Timing(0.0, 0.0), nothing)


def _attempt(name: str, run: Callable[[], Trades]) -> _Answer:
    def answer() -> Trades | str:
        try:
            return run()
        except RuntimeError as failure:
            return str(failure)

    timing, found = timed(answer)
    if isinstance(found, str):
        return _Answer(name, timing, None, remark=found)
    return _Answer(name, timing, found)


def _scip(problem: Problem) -> _Answer:
    timing, found = timed(lambda: convex.solve_with_scip(problem, seconds=SCIP_SECONDS))
    name = "SCIP, a binary a name"
    if found is None:
        return _Answer(name, timing, None, remark=f"nothing in {SCIP_SECONDS:.0f} s")
    remark = "" if found.proven else f"not proven in {SCIP_SECONDS:.0f} s"
    return _Answer(name, timing, (found.buys, found.sells), remark=remark)


def _peer(accounts: Sequence[Instance]) -> list[list[_Answer]]:
    """An answer an account, or none where the package is not there or not asked."""
    if not peer.is_installed():
        return [[] for _ in accounts]
    name = "taxrebalance 0.2.0"
    found = peer.solve([account.problem for account in accounts], repeats=1)
    return [
        [_Answer(name, Timing(0.0, 0.0), None, remark="no feasible trades")]
        if answer is None
        else [_Answer(name, Timing(answer.cpu_seconds, answer.wall_seconds), (answer.buys, answer.sells))]
        for answer in found
    ]  # fmt: skip


def _best_known(problem: Problem, answers: Sequence[_Answer]) -> float:
    """Only what keeps every limit to 1e-8 of V counts."""
    return min(
        evaluate(problem, *answer.trades).objective
        for answer in answers
        if answer.counts
        and answer.trades is not None
        and worst_violation(problem, *answer.trades).amount <= goals.LARGEST_VIOLATION
    )


def _row(problem: Problem, answer: _Answer, best: float) -> Row:
    if answer.trades is None:
        return Row(answer.contender, None, 0, 0.0, "", answer.timing, answer.remark)
    buys, sells = answer.trades
    traded = (buys > _TRADED).sum() + (sold_by_position(problem, sells) > _TRADED).sum()
    violation = worst_violation(problem, *answer.trades)
    excess = (evaluate(problem, *answer.trades).objective - best) * goals.BASIS_POINTS
    return Row(
        answer.contender,
        excess,
        int(traded),
        max(violation.amount, 0.0),
        violation.constraint,
        answer.timing,
        answer.remark,
    )


def _solved(problem: Problem, solution: Solution, best: float, seconds: float) -> Solved:
    violation = worst_violation(problem, solution.buys, solution.sells).amount
    return Solved(
        objective=evaluate(problem, solution.buys, solution.sells).objective,
        bound=solution.bound,
        best_known=best,
        violation=max(violation, 0.0),
        seconds=seconds,
    )


def _judge(plan: Plan) -> list[Solved]:
    """Our answers on more accounts of 100 names, against our own search to the end; SCIP has checked that one above."""
    found = []
    half = ACCOUNTS_OF_100 // len(Year)
    seeds = range(plan.seed + 1_000, plan.seed + 1_000 + half)
    accounts = [make(100, seed=seed, year=year) for seed in seeds for year in Year]
    for account in tqdm(accounts, desc="value", unit="account", disable=None, leave=False):
        problem = account.problem
        timing, solution = timed(partial(solve, problem))
        longer = ours.solve_to_the_end(problem)
        best = min(solution.objective, longer.objective)
        found.append(_solved(problem, solution, best, timing.cpu))
    return found


def _smallest(plan: Plan) -> list[Solved]:
    """Accounts with a smallest trade beside SCIP with a binary a trade; returned are ours of 100 names."""
    found: list[Solved] = []
    for size, smallest in SMALLEST_TRADES:
        rows: list[Row] = []
        accounts = _with_smallest(plan, size, smallest)
        for problem in tqdm(accounts, desc="smallest", unit="account", disable=None, leave=False):
            timing, solution = timed(partial(solve, problem), repeats=REPEATS)
            answers = [_Answer(_OURS, timing, (solution.buys, solution.sells))]
            if plan.full or size <= SCIP_LARGEST_WITH_TRADES:
                answers.append(_scip(problem))
            best = _best_known(problem, answers)
            rows += [_row(problem, answer, best) for answer in answers]
            if size == 100:
                found.append(_solved(problem, solution, best, timing.cpu))
        tables.contenders(
            f"{size} names, no trade below {smallest:.2%}: the whole problem, {len(accounts)} accounts",
            rows,
        )
    return found


def _with_smallest(plan: Plan, size: int, smallest: float) -> list[Problem]:
    """Twenty accounts of 100 names; of the others, whom SCIP has to prove, those every contender gets."""
    seeds = range(plan.seed + 3_000, plan.seed + 3_010) if size == 100 else plan.seeds
    return [
        make(size, seed=seed, year=year).problem.replace(min_trade=smallest)
        for seed in seeds
        for year in Year
    ]


def _growth(plan: Plan) -> dict[int, list[float]]:
    """Processor seconds of our whole solve, by size."""
    seeds = range(plan.seed + 2_000, plan.seed + 2_000 + TIMED_ACCOUNTS // len(Year))
    return {
        size: [_seconds(make(size, seed=seed, year=year)) for seed in seeds for year in Year]
        for size in SIZES
    }


def _seconds(account: Instance) -> float:
    timing, _ = timed(lambda: solve(account.problem), repeats=3)
    return timing.cpu


def _steps(plan: Plan) -> list[Steps]:
    """The convex step of every account of 100 names, and the table of all sizes."""
    found: list[Steps] = []
    for size in SIZES:
        rows: list[Row] = []
        accounts = plan.accounts(size)
        for account in tqdm(
            accounts, desc=f"step {size}", unit="account", disable=None, leave=False
        ):
            answers = _step_answers(account.problem, with_slsqp=size <= SLSQP_LARGEST)
            best = _best_known(account.problem, answers)
            rows += [_row(account.problem, answer, best) for answer in answers]
            if size == 100:
                ours_, cvxpy, *rest = (answer.timing.cpu for answer in answers)
                found.append(Steps(ours_, cvxpy, rest[0] if rest else None))
        tables.contenders(f"{size} names: the convex step alone, sides and tax region given", rows)
    return found


def _step_answers(problem: Problem, *, with_slsqp: bool) -> list[_Answer]:
    fixed = fixed_sides.of_solution(problem, solve(problem))
    timing, step = timed(ours.fixed_step(fixed), repeats=STEP_REPEATS)
    answers = [_Answer(_OURS, timing, step)]
    timing, naive = timed(lambda: convex.solve_fixed(fixed), repeats=REPEATS)
    answers.append(_Answer("cvxpy, dense covariance", timing, (naive.buys, naive.sells)))
    if with_slsqp:
        answers.append(_attempt("SLSQP with lots", lambda: slsqp.solve(fixed, in_region=True)))
    return answers


def _textbook(plan: Plan) -> list[Goal]:
    """The two functions without lots beside our optimum of the same problem."""
    found: list[Goal] = []
    for size in SIZES:
        rows: list[Row] = []
        for seed in range(plan.seed, plan.seed + 5):
            rows += _textbook_rows(size, seed)
        tables.contenders(f"{size} names without lots or tax", rows, of="bp, the objective")
        our, their = ([row for row in rows if row.contender == one] for one in (_OURS, _TEXTBOOK))
        found.append(goals.of_textbook(size, ours=_values(our), theirs=_values(their)))
        if size >= TEXTBOOK_TIMED:
            found.append(
                goals.of_textbook_time(
                    size,
                    ours=[row.timing.cpu for row in our],
                    theirs=[row.timing.cpu for row in their],
                )
            )
    return found


def _values(rows: Sequence[Row]) -> list[float]:
    return [row.value_bp for row in rows if row.value_bp is not None]


def _textbook_rows(size: int, seed: int) -> list[Row]:
    account = make_without_lots(size, seed=seed)
    covariance, problem = account.covariance, anchors.as_problem(account)

    def value(weights: FloatArray) -> float:
        found = anchors.value(
            weights, account.current, account.target, covariance, account.cost_rates
        )
        return found * goals.BASIS_POINTS

    runs: list[tuple[str, Callable[[], FloatArray]]] = [
        (_OURS, lambda: anchors.weights_of(problem)),
        (_TEXTBOOK, lambda: anchors.optimal_rebalance(account.current, account.target, covariance, account.cost_rates)),
        ("threshold_rebalance (5 points)", lambda: anchors.threshold_rebalance(account.current, account.target)),
        ("everything to target", lambda: account.target),
    ]  # fmt: skip
    rows = []
    for name, run in runs:
        timing, weights = timed(run, repeats=REPEATS)
        traded = int((np.abs(weights - account.current) > _TRADED).sum())
        off = max(abs(float(weights.sum()) - 1.0), float(-weights.min()))
        rows.append(Row(name, value(weights), traded, off, "weights", timing))
    return rows


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
