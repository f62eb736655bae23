"""`taxrebalance` 0.2.0 (MIT, on PyPI) on our accounts, in an environment of its own: it needs another osqp than ours.

What it can be told, exactly: one taxable account; prices, lots, targets; a dense covariance; that cash may not fall
below a floor (the floor is taken out of the account); lots that may not be sold (taken out, with as much of the
target); a price of active variance; rates for short and long term. What it cannot:

- netting and the year so far: it has one rate a term, here those at which the year stands;
- a rate of cost for each name: it gets the mean, and what its purchases then lack in cash is taken off them;
- that a name may not be bought but may be sold: it is told to leave the name alone;
- a ceiling for cash, upper bounds of weights, several accounts, identical securities, market impact.

Its own limits are set so that they never bind (tracking error, turnover), its values of a future (recapture of a loss,
part of a loss that can be used) to our problem's: none and all. Everything is judged by our objective and rules.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rebalance.regions import of_trades
from benchmarks.servers import CHECKOUT, ONE_THREAD
from rebalancing.optimizer import Problem
from rebalancing.optimizer.objective import cash_after
from rebalancing.optimizer.problem import FloatArray, summed

_ENVIRONMENT = CHECKOUT / ".venv" / "bench"
INTERPRETER = _ENVIRONMENT / "bin" / "python"
VALUE = 1_000_000.0  # dollars
PRICE = 100.0
_CASH_NAME = "cash"
_CHILD = Path(__file__).with_name("peer_process.py")
_NEVER_BINDS = 0.999
_SPECK = 1e-12


@dataclass(frozen=True)
class PeerAnswer:
    """Trades in fractions of V, its own objective, the medians of its times in seconds, the sides it looked at."""

    buys: FloatArray
    sells: FloatArray
    objective_dollars: float
    cpu_seconds: float
    wall_seconds: float
    searched: int


def is_installed() -> bool:
    """Whether `make bench` could install it."""
    return (_ENVIRONMENT / "installed").exists()


def solve(problems: Sequence[Problem], *, repeats: int) -> list[PeerAnswer | None]:
    """None for a problem where it says that it has no feasible trades. Raises RuntimeError where the process fails."""
    accounts = [as_account(problem) for problem in problems]
    run = subprocess.run(
        [str(INTERPRETER), str(_CHILD)],
        input=json.dumps({"accounts": accounts, "repeats": repeats}),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_THREAD, "RAYON_NUM_THREADS": "1"},
    )
    if run.returncode:
        raise RuntimeError(f"taxrebalance: {run.stderr.strip().splitlines()[-1]}")
    answers = json.loads(run.stdout)
    return [read(problem, answer) for problem, answer in zip(problems, answers, strict=True)]


def as_account(problem: Problem) -> dict[str, Any]:
    """The account in the package's terms: dollars, shares, names. Raises ValueError for several accounts."""
    if len(problem.cash) != 1:
        raise ValueError("taxrebalance knows one account")
    if not np.array_equal(problem.position_security, np.arange(len(problem.targets))):
        raise ValueError("taxrebalance needs every security once, in order")
    sold = summed(problem.lot_position, problem.lot_sellable, len(problem.weights))
    frozen = problem.weights - sold
    frozen[frozen < _SPECK] = 0.0
    left = 1.0 - float(problem.cash_min[0]) - float(frozen.sum())  # of V: its whole account
    targets = np.maximum(problem.targets - frozen, 0.0) / left
    names = [f"S{number:04d}" for number in range(len(targets))]
    region = of_trades(problem, np.zeros(len(problem.lot_weight)))
    loadings = problem.factor_loadings
    covariance = loadings @ loadings.T + np.diag(problem.specific_variance)
    size = len(names)
    with_cash = np.zeros((size + 1, size + 1))
    with_cash[:size, :size] = covariance
    blocked = [names[i] for i in np.flatnonzero(~problem.may_buy)]
    return {
        "prices": {**dict.fromkeys(names, PRICE), _CASH_NAME: PRICE},
        "targets": {**dict(zip(names, targets.tolist(), strict=True)), _CASH_NAME: 1.0 - targets.sum()},
        "covariance": with_cash.tolist(),
        "cash": float(problem.cash[0] - problem.cash_min[0]) * VALUE,
        "lots": [
            {
                "lot_id": str(lot),
                "ticker": names[problem.lot_position[lot]],
                "shares": float(problem.lot_sellable[lot]) * VALUE / PRICE,
                "basis_per_share": PRICE * (1.0 - float(problem.taxed_gain[lot])),
                "days_held": 730 if problem.lot_is_long[lot] else 30,
            }
            for lot in np.flatnonzero(problem.lot_sellable > 0.0)
        ],
        "short_rate": region.short,
        "long_rate": region.long,
        "cost_bp": float(problem.cost_rates.mean()) * 1e4,
        "risk_aversion": problem.risk_aversion * left,  # its weights are of what is left of V
        "restricted": [*blocked, _CASH_NAME],
        "most_tracking_error": _NEVER_BINDS,
    }  # fmt: skip


def read(problem: Problem, answer: dict[str, Any]) -> PeerAnswer | None:
    """Its trades as ours, paid for."""
    if not answer["feasible"]:
        return None
    buys, sells = np.zeros(len(problem.weights)), np.zeros(len(problem.lot_weight))
    for trade in answer["trades"]:
        weight = trade["shares"] * PRICE / VALUE
        if trade["side"] == "BUY":
            buys[int(trade["ticker"][1:])] = weight
        else:
            lot = int(trade["lot_id"])
            sells[lot] = min(
                weight, float(problem.lot_sellable[lot])
            )  # it rounds to 0.00001 shares
    return PeerAnswer(
        buys=paid_for(problem, buys, sells),
        sells=sells,
        objective_dollars=answer["objective_dollars"],
        cpu_seconds=answer["cpu_seconds"],
        wall_seconds=answer["wall_seconds"],
        searched=answer["searched"],
    )


def paid_for(problem: Problem, buys: FloatArray, sells: FloatArray) -> FloatArray:
    """(m,) purchases, all smaller in proportion where the cash of the account does not reach its floor."""
    missing = float(problem.cash_min[0] - cash_after(problem, buys, sells)[0])
    if missing <= 0.0 or not buys.any():
        return buys
    spent = float((buys * (1.0 + problem.cost_rates[problem.position_security])).sum())
    return np.asarray(buys * max(0.0, 1.0 - missing / spent))
