"""Plain tables for a terminal."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.rebalance.goals import Goal
from benchmarks.rebalance.timing import Timing

NOTICEABLE = 1e-6  # of V, a dollar in a million: what misses a limit by more is called infeasible


@dataclass(frozen=True)
class Row:
    """One contender on one account; ``value_bp`` as the table says, None where it has no answer."""

    contender: str
    value_bp: float | None
    traded: int  # positions bought and positions sold
    violation: float
    constraint: str
    timing: Timing
    remark: str = ""


def contenders(title: str, rows: Sequence[Row], *, of: str = "bp above the best") -> None:
    """Medians over the accounts of one size, a line a contender, in the order they came."""
    _say(f"\n{title}")
    _say(
        f"  {'':<34} {'answers':>7} {of:>22} {'trades':>7} {'CPU ms':>10} {'clock ms':>10}  limits"
    )
    _say(f"  {'':<34} {'':>7} {'median':>11}{'largest':>11}")
    for name in dict.fromkeys(row.contender for row in rows):
        _say(_line(name, [row for row in rows if row.contender == name]))


def _line(name: str, rows: Sequence[Row]) -> str:
    excess = [row.value_bp for row in rows if row.value_bp is not None]
    answered = f"{len(excess)}/{len(rows)}"
    cpu = statistics.median(row.timing.cpu for row in rows) * 1e3
    wall = statistics.median(row.timing.wall for row in rows) * 1e3
    traded = statistics.median(row.traded for row in rows)
    value = f"{statistics.median(excess):>11.4f}{max(excess):>11.4f}" if excess else f"{'-':>22}"
    return f"  {name:<34} {answered:>7} {value} {traded:>7.0f} {cpu:>10.1f} {wall:>10.1f}  {_limits(rows)}".rstrip()


def _limits(rows: Sequence[Row]) -> str:
    broken = [row for row in rows if row.value_bp is not None and row.violation > NOTICEABLE]
    remarks = list(dict.fromkeys(row.remark for row in rows if row.remark))
    words = "kept"
    if broken:
        worst = max(broken, key=lambda row: row.violation)
        what = worst.constraint.rstrip("0123456789 ")
        words = f"INFEASIBLE in {len(broken)}: {what}, by {worst.violation * 100:.4f} % of V"
    return "; ".join([words, *remarks])


def goals(found: Sequence[Goal]) -> None:
    """Goal, target, measured, met."""
    width = max(len(goal.what) for goal in found)
    _say(f"\n  {'goal':<{width}}  {'target':>14}  {'measured':>12}  met")
    for goal in found:
        sign = ">=" if goal.at_least else "<="
        target = f"{sign} {goal.limit:g} {goal.unit}".rstrip()
        measured = f"{goal.measured:.3g}" if goal.measured < 1000 else f"{goal.measured:.0f}"
        _say(
            f"  {goal.what:<{width}}  {target:>14}  {measured:>12}  {'yes' if goal.is_met else 'NO'}"
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
