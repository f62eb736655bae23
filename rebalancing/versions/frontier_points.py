"""Other points between little tax and little tracking error, each in whole shares and checked: complete proposals.

The optimiser walks along its frontier (``optimizer.frontier``) under the caps that are left of the year's budget. A
point that breaks a rule once it is in whole shares, or the budget, is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.canonical import decimal_text
from lots.types import LotRow
from proposals.budgets import Usage, fits, gains_of
from proposals.types import DraftTrade, Side
from rebalancing.errors import RebalancingError, TooFarFromBest
from rebalancing.household.checks import verify
from rebalancing.optimizer import frontier
from rebalancing.risk import RiskModel
from rebalancing.telling.figures import Figures, Proof
from rebalancing.trades import arrays, draft_lines
from rebalancing.trades.best_trades import figures_of, proof_of
from rebalancing.trades.risk_rows import RiskRows
from rebalancing.transition.schedule import caps_of
from rebalancing.transition.tracking_first import capped, tax_added
from rebalancing.types import HouseholdState
from rebalancing.versions.fixed_rows import FixedRow
from rebalancing.versions.ways import PlanStep, Solve

POINTS = 7
SECONDS = 3.0  # somebody waits for the page

LotKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Point:
    """One complete set of trades; ``is_given`` at the household's own price of risk."""

    figures: Figures
    is_given: bool


@dataclass(slots=True, kw_only=True)
class FrontierWalk:
    """A ``ways.Way`` that leads where the household's own does, and keeps what lies beside it in ``points``.

    ``lots`` are the household's as booked, ``plan`` the one whose step is looked at, ``seconds`` those of all solving.
    """

    lots: Mapping[LotKey, LotRow]
    plan: PlanStep | None = None
    seconds: float = SECONDS
    points: list[Point] = field(default_factory=list)
    left_out: int = 0

    @property
    def reasons(self) -> tuple[str, ...]:
        return ()

    @property
    def among(self) -> tuple[str, ...]:
        return ()

    @property
    def is_whole(self) -> bool:
        return self.plan is not None

    def solver(self, risk: RiskModel, securities: Sequence[int], usage: Usage | None) -> Solve:
        """Raises what the optimiser raises for the household's own point."""
        rows = RiskRows(risk, securities)
        return lambda state: self._walk(state, rows, usage)

    def recorded(self, state: HouseholdState) -> HouseholdState:
        return self.plan.recorded(state) if self.plan else state

    def told(self, trades: Sequence[DraftTrade], state: HouseholdState) -> Mapping[str, object]:
        """Nothing: what it found is no proposal yet."""
        return {}

    def _walk(self, state: HouseholdState, rows: RiskRows, usage: Usage | None) -> Figures:
        risk = rows.of(state)
        problem, index = arrays.build(self.recorded(state), risk)
        problem = capped(problem, caps_of(usage), state.tax, index.value)
        self.points, self.left_out = [], 0
        given = None
        for found in frontier(problem, points=POINTS, time_limit=self.seconds):
            trades = draft_lines.to_trades(found.solution, index)
            # A point is the best at its own price of risk: its bound says nothing at another one.
            asked = problem.replace(risk_aversion=found.risk_aversion)
            try:
                proof = proof_of(found.solution, risk, asked, index, trades)
            except TooFarFromBest:
                if found.is_given:
                    raise
                self.left_out += 1
                continue
            if verify(trades, state):
                self.left_out += 1
                continue
            figures = figures_of(trades, state, risk, proof)
            if found.is_given:
                given = figures
            if self._fits(figures, state, usage):
                self.points.append(Point(figures, found.is_given))
            else:
                self.left_out += 1
        if given is None:
            raise RebalancingError(
                "The household's own point breaks a rule in whole shares.",
                advice="Lower the policy's smallest trade.",
            )
        return given

    def _fits(self, figures: Figures, state: HouseholdState, usage: Usage | None) -> bool:
        if usage is None:
            return True
        gains = gains_of(figures.trades, self.lots, accounts=usage.accounts, as_of=state.as_of)
        return fits(usage, gains)


def record_of(point: Point) -> dict[str, object]:
    """A point as plain values: its figures, where it comes from, and its rows."""
    figures, proof = point.figures, point.figures.proof
    return {
        "is_given": point.is_given,
        "tax": f"{tax_added(figures):.2f}",
        "carried_worth": f"{figures.carried_worth:.2f}",
        "later_tax": f"{figures.worth.later_tax:.2f}",
        "cost": f"{figures.worth.trading_cost:.2f}",
        "short_gain": f"{figures.short_gain:.2f}",
        "long_gain": f"{figures.long_gain:.2f}",
        "risk": str(figures.risk_after),
        "rows": [_row(trade) for trade in figures.trades],
        "proof": {
            "solver": proof.solver,
            "solver_version": proof.solver_version,
            "gap_bp": str(proof.gap_bp),
            "cut_short": proof.cut_short,
            "objective": None if proof.objective is None else decimal_text(proof.objective),
            "bound": None if proof.bound is None else decimal_text(proof.bound),
            "risk_sha256": proof.risk_sha256,
            "risk_source": proof.risk_source,
            "risk_observations": proof.risk_observations,
            "risk_notes": list(proof.risk_notes),
        },
    }


def fixed_of(record: Mapping[str, Any]) -> tuple[FixedRow, ...]:
    """The rows of a stored point, each to the share."""
    return tuple(
        FixedRow(
            account=account,
            security=security,
            side=Side(side),
            quantity=Decimal(shares),
            opening=opening,
            part=part,
        )
        for account, security, side, shares, opening, part in record["rows"]
    )


def proof_of_record(record: Mapping[str, Any]) -> Proof:
    """Where a stored point comes from."""
    proof = record["proof"]
    # Points kept by an earlier version say neither.
    objective, bound = (
        None if proof.get(name) is None else Decimal(proof[name]) for name in ("objective", "bound")
    )
    return Proof(
        solver=proof["solver"],
        solver_version=proof["solver_version"],
        gap_bp=Decimal(proof["gap_bp"]),
        risk_sha256=proof["risk_sha256"],
        risk_source=proof["risk_source"],
        risk_observations=proof["risk_observations"],
        risk_notes=tuple(proof["risk_notes"]),
        cut_short=proof.get("cut_short", ""),  # points kept by an earlier version do not say
        objective=objective,
        bound=bound,
    )


def is_of(record: Mapping[str, Any], trades: Sequence[DraftTrade]) -> bool:
    """Whether a stored point is exactly these trades."""
    return sorted(map(str, record["rows"])) == sorted(str(_row(trade)) for trade in trades)


def _row(trade: DraftTrade) -> list[object]:
    shares = f"{trade.quantity.normalize():f}"
    return [trade.account, trade.security, trade.side.value, shares, trade.opening, trade.part]
