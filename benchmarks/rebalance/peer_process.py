"""The other side of ``peer``: accounts on standard input, `taxrebalance`'s trades and times on standard output.

Runs in .venv/bench, so it imports nothing of ours. The clock starts with prices, lots and covariance in memory and
stops with the answer; imports are not counted.
"""

import json
import statistics
import sys
import time
from typing import Any

from taxrebalance import Portfolio, RebalanceConfig, TaxLot, UnitedStatesLots, rebalance


def main() -> None:
    """Solve every account as often as asked and write the last answers."""
    asked = json.load(sys.stdin)
    json.dump([_answer(account, asked["repeats"]) for account in asked["accounts"]], sys.stdout)


def _answer(account: dict[str, Any], repeats: int) -> dict[str, Any]:
    cpu, wall = [], []
    for _ in range(repeats):
        began_cpu, began = time.process_time(), time.perf_counter()
        found = _solve(account)
        cpu.append(time.process_time() - began_cpu)
        wall.append(time.perf_counter() - began)
    return {
        "feasible": found.feasible,
        "trades": found.trades,
        "objective_dollars": found.decision["objective_dollars"],
        "searched": found.decision["explored_patterns"],
        "cpu_seconds": statistics.median(cpu),
        "wall_seconds": statistics.median(wall),
    }


def _solve(account: dict[str, Any]) -> Any:
    return rebalance(
        Portfolio.from_tax_lots(
            [TaxLot(**lot) for lot in account["lots"]],
            prices=account["prices"],
            cash=account["cash"],
        ),
        target_weights=account["targets"],
        covariance=account["covariance"],
        tax_policy=UnitedStatesLots(
            short_term_rate=account["short_rate"], long_term_rate=account["long_rate"]
        ),
        config=RebalanceConfig(
            max_tracking_error=account["most_tracking_error"],
            trading_cost_bps=account["cost_bp"],
            loss_utilization=1.0,
            future_recapture_fraction=0.0,
            risk_aversion=account["risk_aversion"],
            restricted_tickers=tuple(account["restricted"]),
        ),
    )


if __name__ == "__main__":
    main()
