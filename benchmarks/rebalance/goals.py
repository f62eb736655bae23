"""What the optimiser is held to, against what was measured: the arithmetic alone."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

BASIS_POINTS = 1e4
# n = 100 names with about 400 lots, one thread.
MEDIAN_EXCESS_BP, LARGEST_EXCESS_BP = 0.05, 0.5
GAP_BP, SHARE_WITHIN_GAP = 1.0, 0.95
LARGEST_VIOLATION = 1e-8
PROPOSAL_MS, FIXED_STEP_MS = 80.0, 3.0
FASTER_THAN_PEER, FASTER_THAN_CVXPY, FASTER_THAN_SLSQP = 70.0, 9.0, 3_400.0
LARGEST_EXPONENT = 1.3
BETTER_THAN_TEXTBOOK = 0.02
NIGHT_ACCOUNTS, NIGHT_SECONDS = 10_000, 900.0


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured value and its limit in one unit; ``at_least`` says on which side of it is good."""

    name: str
    what: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True, slots=True)
class Solved:
    """One account solved by us: fractions of V, processor seconds, and the best value known to anybody."""

    objective: float
    bound: float
    best_known: float
    violation: float
    seconds: float

    @property
    def excess_bp(self) -> float:
        return max(0.0, self.objective - self.best_known) * BASIS_POINTS

    @property
    def gap_bp(self) -> float:
        return (self.objective - self.bound) * BASIS_POINTS


@dataclass(frozen=True, slots=True)
class Steps:
    """Processor seconds of one account's convex step: ours, cvxpy, SLSQP (None: not measured)."""

    ours: float
    cvxpy: float
    slsqp: float | None


def of_value(accounts: Sequence[Solved]) -> list[Goal]:
    """How good the trades are. Raises ValueError for no accounts."""
    if not accounts:
        raise ValueError("no account was solved")
    excess = [account.excess_bp for account in accounts]
    within = sum(account.gap_bp <= GAP_BP for account in accounts) / len(accounts)
    violation = max(account.violation for account in accounts)
    above = "objective above branch and bound"
    gap = "accounts with a bound gap of 1 bp or less"
    return [
        Goal(
            "excess_median", f"{above}, median", statistics.median(excess), MEDIAN_EXCESS_BP, "bp"
        ),
        Goal("excess_max", f"{above}, largest", max(excess), LARGEST_EXCESS_BP, "bp"),
        Goal("gap_within_1bp", gap, within, SHARE_WITHIN_GAP, "share", at_least=True),
        Goal("violation_max", "largest violation of a limit", violation, LARGEST_VIOLATION, "of V"),
    ]


def of_speed(accounts: Sequence[Solved], *, peer_seconds: Sequence[float]) -> list[Goal]:
    """How fast a proposal is, and how many times faster than the peer package on the same accounts, if measured."""
    ours = statistics.median(account.seconds for account in accounts)
    goals = [Goal("proposal", "whole solve, median, processor", ours * 1e3, PROPOSAL_MS, "ms")]
    if peer_seconds:
        times = statistics.median(peer_seconds) / ours
        goals.append(_times("beside_peer", "taxrebalance", times, FASTER_THAN_PEER))
    return goals


def of_smallest_trade(accounts: Sequence[Solved]) -> list[Goal]:
    """The same where no trade may be small, which is harder. Raises ValueError for no accounts."""
    if not accounts:
        raise ValueError("no account was solved")
    within = sum(account.gap_bp <= GAP_BP for account in accounts) / len(accounts)
    seconds = statistics.median(account.seconds for account in accounts)
    what = "with a smallest trade"
    return [
        Goal("smallest_gap_within_1bp", f"{what}: accounts with a gap of 1 bp or less", within,
             SHARE_WITHIN_GAP, "share", at_least=True),
        Goal("smallest_proposal", f"{what}: whole solve, median, processor", seconds * 1e3,
             PROPOSAL_MS, "ms"),
    ]  # fmt: skip


def of_steps(steps: Sequence[Steps]) -> list[Goal]:
    """The convex step alone; ratios are medians of the ratios on one account."""
    milliseconds = statistics.median(step.ours for step in steps) * 1e3
    cvxpy = statistics.median(step.cvxpy / step.ours for step in steps)
    slsqp = [step.slsqp / step.ours for step in steps if step.slsqp is not None]
    goals = [
        Goal("fixed_step", "fixed-side step, median, processor", milliseconds, FIXED_STEP_MS, "ms"),
        _times("step_beside_cvxpy", "naive cvxpy, fixed-side step", cvxpy, FASTER_THAN_CVXPY),
    ]
    if slsqp:
        what = "SLSQP with lots, fixed-side step"
        goals.append(_times("step_beside_slsqp", what, statistics.median(slsqp), FASTER_THAN_SLSQP))
    return goals


def _times(name: str, whom: str, measured: float, limit: float) -> Goal:
    return Goal(name, f"times faster than {whom}", measured, limit, "x", at_least=True)


def exponent(seconds: Mapping[int, Sequence[float]]) -> float:
    """Of the median time over the number of names: 1 is flat time a name. Raises ValueError below two sizes."""
    if len(seconds) < 2:
        raise ValueError("growth needs two sizes")
    sizes = sorted(seconds)
    return statistics.linear_regression(
        [log(size) for size in sizes], [log(statistics.median(seconds[size])) for size in sizes]
    ).slope


def of_growth(seconds: Mapping[int, Sequence[float]]) -> Goal:
    what = f"exponent of time over names, {min(seconds)} to {max(seconds)}"
    return Goal("exponent", what, exponent(seconds), LARGEST_EXPONENT, "")


def of_textbook(size: int, *, ours: Sequence[float], theirs: Sequence[float]) -> Goal:
    """By how much of its objective the textbook's SLSQP is beaten, median: values in equal order, all above zero."""
    shares = [their / our - 1.0 for our, their in zip(ours, theirs, strict=True)]
    what = f"textbook SLSQP above ours, n={size}, median"
    median = statistics.median(shares)
    return Goal(
        f"textbook_value.{size}", what, median, BETTER_THAN_TEXTBOOK, "share", at_least=True
    )


def of_textbook_time(size: int, *, ours: Sequence[float], theirs: Sequence[float]) -> Goal:
    """How many times the textbook's SLSQP takes what we take: medians of processor seconds."""
    times = statistics.median(theirs) / statistics.median(ours)
    return _times(f"textbook_time.{size}", f"the textbook's SLSQP, n={size}", times, 1.0)


def of_night(account_seconds: float) -> Goal:
    """Every account takes what the measured ones took on average."""
    what = f"a night of {NIGHT_ACCOUNTS} accounts, extrapolated"
    return Goal("night", what, account_seconds * NIGHT_ACCOUNTS, NIGHT_SECONDS, "s")
