"""An optimiser's solution as the lines of a proposal: whole shares at the state's prices, each with its reason."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from proposals.types import DraftTrade, Side
from rebalancing.household import location
from rebalancing.household import published_changes as published
from rebalancing.household.state import share_of_basis
from rebalancing.optimizer.problem import FloatArray
from rebalancing.policies import drift
from rebalancing.trades.border import decimal
from rebalancing.trades.index import Index
from rebalancing.trades.whole_shares import Shares, Wanted, in_whole_shares
from rebalancing.types import ZERO, HouseholdState, LineReason, StateLot


class Trades(Protocol):
    """The part of an optimiser's solution that crosses the border: fractions of V."""

    @property
    def buys(self) -> FloatArray: ...  # (m,)
    @property
    def sells(self) -> FloatArray: ...  # (L,)


def to_trades(solution: Trades, index: Index) -> list[DraftTrade]:
    """The solution as whole shares at the state's prices, sales before purchases; not yet verified."""
    shares = in_whole_shares(index.state, _wanted(solution, index))
    return lines(shares, index.state, index.drift)


def lines(
    shares: Shares, state: HouseholdState, measured: drift.Drift | None = None
) -> list[DraftTrade]:
    """Shares as the lines of a proposal, sales before purchases; not yet verified.

    ``measured`` is the drift of the state, where it is known.
    """
    reasons = _Reasons(state, measured or drift.of_state(state))
    return [*_sales(shares, state, reasons), *_purchases(shares, state, reasons)]


def _wanted(solution: Trades, index: Index) -> Wanted:
    value = index.value
    return Wanted(
        buys={
            position: decimal(solution.buys[at]) * value
            for at, position in enumerate(index.positions)
            if solution.buys[at] > 0.0
        },
        sells={
            lot.key: decimal(solution.sells[at]) * value
            for at, lot in enumerate(index.lots)
            if solution.sells[at] > 0.0
        },
    )


class _Reasons:
    """Why a line is there, from where its security stands before the trades."""

    def __init__(self, state: HouseholdState, measured: drift.Drift) -> None:
        self._state = state
        self._rows = {row.security: row for row in measured.rows}
        self._drift = {row.security: row.drift for row in measured.rows}
        self._targets = state.targets
        self._must_sell = state.must_sell
        self._costs = location.costs(state) or {}

    def of_sale(self, lot: StateLot, gain: Decimal) -> LineReason:
        account, security = lot.account, lot.security
        owed = published.sale(security, self._state, self._rows)
        if owed is not None:
            return owed
        if (account, security) in self._must_sell:
            return LineReason.MUST_SELL
        if security not in self._targets:
            return LineReason.NOT_IN_MODEL
        if self._drift.get(security, ZERO) > ZERO:
            return LineReason.OVERWEIGHT
        if lot.is_taxable and gain < ZERO:
            return LineReason.TAX_LOSS
        badly = self._costs.get((account, security), ZERO) > ZERO
        return LineReason.LOCATION if badly else LineReason.RAISE_CASH

    def of_purchase(self, account: int, security: int) -> LineReason:
        owed = published.purchase(security, self._state, self._rows)
        if owed is not None:
            return owed
        if self._drift.get(security, ZERO) < ZERO:
            return LineReason.UNDERWEIGHT
        well = self._costs.get((account, security), ZERO) < ZERO
        return LineReason.LOCATION if well else LineReason.INVEST_CASH


def _sales(shares: Shares, state: HouseholdState, reasons: _Reasons) -> Iterable[DraftTrade]:
    lots = [lot for lot in state.lots if lot.key in shares.sells]
    for lot in sorted(lots, key=lambda lot: (lot.account, lot.security, lot.key)):
        quantity, price = shares.sells[lot.key], state.prices[lot.security]
        basis = share_of_basis(basis=lot.basis, shares=quantity, of=lot.quantity)
        yield DraftTrade(
            account=lot.account,
            security=lot.security,
            side=Side.SELL,
            quantity=quantity,
            price=price,
            reason=reasons.of_sale(lot, quantity * price - basis),
            opening=lot.opening,
            part=lot.part,
            basis=basis,
            term=lot.term.value,
        )


def _purchases(shares: Shares, state: HouseholdState, reasons: _Reasons) -> Iterable[DraftTrade]:
    for (account, security), quantity in sorted(shares.buys.items()):
        yield DraftTrade(
            account=account,
            security=security,
            side=Side.BUY,
            quantity=quantity,
            price=state.prices[security],
            reason=reasons.of_purchase(account, security),
        )
