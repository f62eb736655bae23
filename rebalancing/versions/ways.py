"""Other ways to the trades of a rebalance than weighing all that may be traded: a plan's step, rows that are fixed.

A way says how trades are found for a state of the household, and what the proposal tells of it. Knows no database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol

import numpy as np

from lots.types import Term
from proposals.budgets import Gains, Usage
from proposals.types import DraftTrade, ReasonCode, Side
from rebalancing.household.checks import BrokenRule, cash_after, verify
from rebalancing.optimizer.problem import Problem
from rebalancing.risk import RiskModel
from rebalancing.telling.figures import Figures, Proof
from rebalancing.trades import draft_lines
from rebalancing.trades.best_trades import Adjust, best_trades, figures_of
from rebalancing.trades.index import Index
from rebalancing.trades.risk_rows import RiskRows
from rebalancing.trades.whole_shares import Shares
from rebalancing.transition import schedule as transition
from rebalancing.transition.tracking_first import TrackingFirst, tracking_first
from rebalancing.types import CENT, NOUNS, ZERO, HouseholdState, Position
from rebalancing.versions import fixed_rows
from rebalancing.versions.fixed_rows import BadRows, FixedRow, buy_caps

_ATTEMPTS = 4
_NEVER_MORE = 1e-12  # of the household: a cap in shares must not lose one to the last digit

Solve = Callable[[HouseholdState], Figures]
Narrowed = Callable[[HouseholdState, Adjust | None], Figures]
Inner = Callable[[Sequence[DraftTrade], HouseholdState], Narrowed]


class Way(Protocol):
    """What a search asks of a way."""

    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def among(self) -> tuple[str, ...]:
        """What holds of the trades that the proof is about; empty where it is about all."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether everything may be traded, whatever the policy's bands are about."""
        ...

    def solver(self, risk: RiskModel, securities: Sequence[int], usage: Usage | None) -> Solve:
        """Trades for any state of the household; ``risk`` has the ``securities`` in that order."""
        ...

    def recorded(self, state: HouseholdState) -> HouseholdState:
        """The state as it stands in the proposal's inputs."""
        ...

    def told(self, trades: Sequence[DraftTrade], state: HouseholdState) -> Mapping[str, object]:
        """What the explanation says beside a rebalance's own: plain values."""
        ...


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A step of a transition plan: as near to the model as the budget of the year allows (F44)."""

    since: date

    @property
    def reasons(self) -> tuple[str, ...]:
        return ("TRANSITION",)

    @property
    def among(self) -> tuple[str, ...]:
        return ("with tracking error first, inside the limits of the year",)

    @property
    def is_whole(self) -> bool:
        return True

    def solver(self, risk: RiskModel, securities: Sequence[int], usage: Usage | None) -> Solve:
        """Tracking first, inside what is left of the year's limits."""
        found = self.narrowed(risk, securities, usage)
        return lambda state: found(state, None)

    def narrowed(self, risk: RiskModel, securities: Sequence[int], usage: Usage | None) -> Narrowed:
        """The same with a problem that may be narrowed further."""
        first, caps = TrackingFirst(risk, securities), transition.caps_of(usage)
        return lambda state, adjust: first(state, caps, adjust=adjust)

    def recorded(self, state: HouseholdState) -> HouseholdState:
        """With the price of tracking that the trades were found with."""
        return tracking_first(state)

    def told(self, trades: Sequence[DraftTrade], state: HouseholdState) -> Mapping[str, object]:
        """How much of what was brought along goes."""
        return {"transition": transition.told(trades, state, since=self.since)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AroundRows:
    """The best trades around rows that somebody has fixed; with ``alone`` nothing else is traded.

    ``plan`` is the way around them where the proposal is a plan's step.
    """

    rows: tuple[FixedRow, ...]
    by: str  # a name
    plan: PlanStep | None = None
    alone: Proof | None = None  # where the rows come from when they are everything
    because: tuple[str, ...] = (ReasonCode.EDITED.value,)
    more: Mapping[str, object] | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        return (*self.because, *(self.plan.reasons if self.plan else ()))

    @property
    def among(self) -> tuple[str, ...]:
        if self.alone is not None:
            return ("at the point's own price of tracking error, when the points were computed",)
        return ("that keep the lines as they were fixed", *(self.plan.among if self.plan else ()))

    @property
    def is_whole(self) -> bool:
        return self.plan is not None or self.alone is not None

    def solver(self, risk: RiskModel, securities: Sequence[int], usage: Usage | None) -> Solve:
        """Raises BadRows for rows that cannot be traded, besides what the optimiser raises."""
        rows_of = RiskRows(risk, securities)
        plan = self.plan

        def inner(fixed: Sequence[DraftTrade], state: HouseholdState) -> Narrowed:
            if plan is not None:
                return plan.narrowed(risk, securities, _with_gains(usage, fixed, state))
            return lambda one, adjust: best_trades(one, rows_of.of(one), adjust=adjust)

        return lambda state: self._solve(state, rows_of, inner)

    def recorded(self, state: HouseholdState) -> HouseholdState:
        return self.plan.recorded(state) if self.plan else state

    def told(self, trades: Sequence[DraftTrade], state: HouseholdState) -> Mapping[str, object]:
        """Who fixed which rows."""
        plan = self.plan.told(trades, state) if self.plan else {}
        edited = {"by": self.by, "rows": [_row_told(row, state) for row in self.rows]}
        return {**plan, "edited": edited, **(self.more or {})}

    def _solve(self, state: HouseholdState, rows_of: RiskRows, inner: Inner) -> Figures:
        wrong = fixed_rows.problems_of(self.rows, state)
        if wrong:
            raise BadRows(wrong)
        rows = self.rows
        if self.alone is not None:
            trades = draft_lines.lines(fixed_rows.shares_of(rows), state)
            return figures_of(trades, state, rows_of.of(state), self.alone)
        reserve: dict[int, Decimal] = {}
        for attempt in range(_ATTEMPTS):
            fixed = fixed_rows.shares_of(rows)
            traded = draft_lines.lines(fixed, state)
            left = _less_cash(fixed_rows.around(state, rows, traded), reserve)
            found = inner(traded, state)(left, _narrowed(rows))
            over = _over_caps(rows, found.trades, state)
            if over:
                rows = tuple(over.get(row, row) for row in rows)
                continue
            together = draft_lines.lines(_joined(fixed, found.trades), state)
            missing = _missing(together, state)
            if missing and attempt < _ATTEMPTS - 1 and together:
                # An order that a fixed row shares with others may cost a little more than the two apart.
                for account, dollars in missing.items():
                    reserve[account] = reserve.get(account, ZERO) + dollars
                continue
            return figures_of(together, state, rows_of.of(state), found.proof)
        raise BrokenRule("The rows cannot be kept together with the limits of their purchases.")


def _with_gains(
    usage: Usage | None, trades: Sequence[DraftTrade], state: HouseholdState
) -> Usage | None:
    """What draws on the year's budget once the trades are done: a loss among them gives room to the others."""
    if usage is None:
        return None
    gains = Gains(
        fixed_rows.gain(trades, state, Term.SHORT), fixed_rows.gain(trades, state, Term.LONG)
    )
    return replace(usage, realised=usage.realised + gains)


def _narrowed(rows: Sequence[FixedRow]) -> Adjust:
    """The problem without purchases of what is fixed, and with caps where there are caps."""
    caps = buy_caps(rows)

    def adjust(problem: Problem, index: Index) -> Problem:
        if not caps:
            return problem
        may_buy = np.array(
            [
                bool(allowed) and caps.get(position) != ZERO
                for allowed, position in zip(problem.may_buy, index.positions, strict=True)
            ],
            dtype=np.bool_,
        )
        most = np.array([_most(position, caps, index) for position in index.positions])
        return problem.replace(may_buy=may_buy, buy_cap=most)

    return adjust


def _most(position: Position, caps: Mapping[Position, Decimal], index: Index) -> float:
    if position not in caps:
        return float("inf")
    dollars = caps[position] * index.state.prices[position[1]]
    return float(dollars / index.value) + (_NEVER_MORE if dollars else 0.0)


def _over_caps(
    rows: Sequence[FixedRow], trades: Sequence[DraftTrade], state: HouseholdState
) -> dict[FixedRow, FixedRow]:
    """Caps of purchases that rounding has passed, as rows of exactly so many shares as can be traded."""
    bought = {(t.account, t.security): t.quantity for t in trades if t.side is Side.BUY}
    return {
        row: replace(row, is_cap=False, quantity=state.account_of[row.account].cut(row.quantity))
        for row in rows
        if row.is_cap and row.side is Side.BUY and bought.get(row.position, ZERO) > row.quantity
    }


def _joined(fixed: Shares, trades: Sequence[DraftTrade]) -> Shares:
    joined = Shares(buys=dict(fixed.buys), sells=dict(fixed.sells))
    for trade in trades:
        if trade.side is Side.BUY:
            joined.buys[trade.account, trade.security] = trade.quantity
        else:
            joined.sells[trade.opening or 0, trade.part or 0] = trade.quantity
    return joined


def _missing(trades: Sequence[DraftTrade], state: HouseholdState) -> dict[int, Decimal]:
    """Dollars by which accounts would end below nothing, where that is all that is wrong."""
    after = cash_after(trades, state)
    short = {account: -dollars + CENT for account, dollars in after.items() if dollars < ZERO}
    return short if short and len(verify(trades, state)) == len(short) else {}


def _less_cash(state: HouseholdState, reserve: Mapping[int, Decimal]) -> HouseholdState:
    if not reserve:
        return state
    return replace(
        state,
        accounts=tuple(
            replace(account, cash=account.cash - reserve.get(account.id, ZERO))
            for account in state.accounts
        ),
    )


def _row_told(row: FixedRow, state: HouseholdState) -> str:
    names = {account.id: account.name for account in state.accounts}
    what = f"{NOUNS[row.side]} of {state.symbols[row.security]} in {names[row.account]}"
    if row.quantity == ZERO:
        return f"No {what}."
    how = "at most" if row.is_cap else "exactly"
    return f"The {what}: {how} {fixed_rows.plain_shares(row.quantity)} shares."
