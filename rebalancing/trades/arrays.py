"""The one border between Decimal and float64.

Outwards every amount becomes a fraction of the household's value V. Inwards a float is read digit by digit,
``Decimal(repr(x))``, and becomes whole shares (``rebalancing.trades.whole_shares``) that are checked again in Decimal
(``rebalancing.household.checks``) before anybody sees them.

Units: the policy's risk aversion is a price *per year*, trading costs and taxes are paid *once*. The optimiser adds
them up, so it is given ``risk_aversion * horizon_years`` (T40); the covariance stays annual. Where each security has a
horizon of its own, the mean takes the place of ``horizon_years`` and the covariance is scaled by the rest
(``rebalancing.trades.horizons``); figures for people come from the yearly risk all the same.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

import numpy as np

from lots.types import Term
from lots.year_tax import added_tax
from proposals.types import DraftTrade, Side
from rebalancing.household import location
from rebalancing.household import published_changes as published
from rebalancing.household.cash_bands import cash_bands
from rebalancing.household.state import share_of_basis
from rebalancing.optimizer.objective import evaluate
from rebalancing.optimizer.problem import FloatArray, Problem
from rebalancing.optimizer.tax_schedule import TaxSchedule
from rebalancing.policies import drift
from rebalancing.policies.policy import Horizon
from rebalancing.risk import RiskModel
from rebalancing.trades import horizons, later_tax
from rebalancing.trades.joint_rows import joint_limits
from rebalancing.trades.whole_shares import Shares, Wanted, in_whole_shares
from rebalancing.types import (
    CENT,
    NOTICEABLE_IMPACT,
    ONE,
    ZERO,
    HouseholdState,
    Limits,
    LineReason,
    Position,
    StateLot,
)

RISK_QUANTUM = Decimal("0.00000001")
VARIANCE_QUANTUM = RISK_QUANTUM * RISK_QUANTUM
GAP_QUANTUM = Decimal("0.0001")  # basis points
BASIS_POINTS = Decimal(10_000)
_DEAREST_RATE = Decimal("0.5")  # a penny share's commission per share has no limit
_CERTAINLY_A_LOSS = -1e-9  # per dollar: what may turn out a loss is kept on the harvest side


class Trades(Protocol):
    """The part of an optimiser's solution that crosses the border: fractions of V."""

    @property
    def buys(self) -> FloatArray: ...  # (m,)
    @property
    def sells(self) -> FloatArray: ...  # (L,)


@dataclass(frozen=True, slots=True)
class Index:
    """What the rows of a problem's arrays stand for."""

    state: HouseholdState
    value: Decimal  # V in dollars
    accounts: tuple[int, ...]
    securities: tuple[int, ...]
    positions: tuple[Position, ...]
    lots: tuple[StateLot, ...]
    drift: drift.Drift  # of the state
    risk: RiskModel  # yearly, in the order of the securities
    years: FloatArray | None = (
        None  # (n,) over which each security counts; None: one horizon for all
    )


def universe(state: HouseholdState) -> tuple[int, ...]:
    """The securities of the problem in its order: held or targeted, with a price."""
    held = {security for _, security in state.shares()}
    return tuple(sorted(held | (state.targets.keys() & state.prices.keys())))


def build(
    state: HouseholdState, risk: RiskModel, *, is_loose: bool = False
) -> tuple[Problem, Index]:
    """The household's problem; ``risk`` has the securities of ``universe(state)`` in that order.

    With ``is_loose`` an account may keep in cash what it must sell.

    Raises BadProblem where the numbers contradict each other.
    """
    measured = drift.of_state(state)
    buying = _may_buy(state, measured)
    index = _index(state, risk, buying, measured)
    place = {security: at for at, security in enumerate(index.securities)}
    row = {account: at for at, account in enumerate(index.accounts)}
    at = {position: number for number, position in enumerate(index.positions)}
    group = {security: min(state.group_of(security)) for security in index.securities}
    shares = state.shares()
    bands = cash_bands(state, is_loose=is_loose)
    cash = {account.id: account.cash for account in state.accounts}
    values = {lot.key: lot.quantity * state.prices[lot.security] for lot in index.lots}
    lower, upper = _bounds(state, index, {security for _, security in buying})
    most = np.minimum(_upper(state, index), upper)
    problem = Problem(
        weights=_fractions(
            (
                shares.get(position, ZERO) * state.prices[position[1]]
                for position in index.positions
            ),
            index.value,
        ),
        targets=_floats(state.aimed.get(security, ZERO) for security in index.securities),
        cash=_fractions((cash[account] for account in index.accounts), index.value),
        cash_min=_fractions((bands[account].floor for account in index.accounts), index.value),
        cash_max=_fractions((bands[account].ceiling for account in index.accounts), index.value),
        factor_loadings=risk.loadings,
        specific_variance=risk.specific_variance,
        cost_rates=_floats(_linear_rate(state, security) for security in index.securities),
        impact=_impact(state, index),
        location_cost=_location_cost(state, index),
        sell_floor=_must_sell(state, index),
        lower=np.minimum(np.maximum(_lower(state, index), lower), most),
        upper=most,
        may_buy=np.array([position in buying for position in index.positions], dtype=np.bool_),
        lot_weight=_fractions((values[lot.key] for lot in index.lots), index.value),
        lot_sellable=_fractions(
            (lot.sellable * state.prices[lot.security] for lot in index.lots), index.value
        ),
        lot_gain=np.array([_gain(state, lot) for lot in index.lots], dtype=np.float64),
        lot_is_long=np.array([lot.term is Term.LONG for lot in index.lots], dtype=np.bool_),
        lot_is_taxable=np.array([lot.is_taxable for lot in index.lots], dtype=np.bool_),
        lot_position=_numbers(at[lot.account, lot.security] for lot in index.lots),
        position_account=_numbers(row[account] for account, _ in index.positions),
        position_security=_numbers(place[security] for _, security in index.positions),
        tax=_tax_schedule(state, index.value),
        risk_aversion=float(state.limits.risk_aversion * _years_for_all(state.limits)),
        security_group=_numbers(group[security] for security in index.securities),
        min_trade=float(_smallest_trade(state) / index.value),
        joint_limits=joint_limits(state, index.securities, index.value),
    )
    problem = later_tax.counted(problem, state)
    if state.limits.horizon is not Horizon.BY_NAME:
        return problem, index
    years = horizons.by_name(
        problem, model_weights(index), otherwise=float(state.limits.horizon_years)
    )
    return horizons.counted_over(problem, years), replace(index, years=years)


def _years_for_all(limits: Limits) -> Decimal:
    return limits.horizon_years if limits.horizon is Horizon.ONE else ONE


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


def gap_bp(trades: Sequence[DraftTrade], problem: Problem, index: Index, bound: float) -> Decimal:
    """How far the trades, as rounded, are from the proven bound: basis points of the household's value.

    A little is due to whole shares, which the bound does not know. Rounding may also leave its limits by less than a
    share, and so pass it: that is told as no distance at all.
    """
    buys, sells = _as_fractions(trades, index)
    distance = decimal((evaluate(problem, buys, sells).objective - bound) * 1e4)
    return max(distance, ZERO).quantize(GAP_QUANTUM)


def objective(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> Decimal:
    """What the optimiser minimises, at the trades: dollars over the horizon, so that two sets can be told apart.

    By the exact tax of the year, brackets and all, where the optimiser follows the straight lines of its problem.
    """
    found = evaluate(problem, *_as_fractions(trades, index))
    gains = (decimal(gain) * index.value for gain in (found.st_gain, found.lt_gain))
    short, long = (gain.quantize(CENT) for gain in gains)
    exact = added_tax(index.state.tax, short=short, long=long)
    return decimal(found.objective - found.tax) * index.value + exact


def reckoned_tax(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> Decimal:
    """Dollars of this year's tax by the straight lines that the trades were found with."""
    return decimal(evaluate(problem, *_as_fractions(trades, index)).tax) * index.value


def holdings_after(trades: Sequence[DraftTrade], state: HouseholdState) -> dict[int, Decimal]:
    """Dollars per security once the trades are done."""
    held = state.holdings()
    for trade in trades:
        sign = 1 if trade.side is Side.BUY else -1
        held[trade.security] = held.get(trade.security, ZERO) + sign * trade.quantity * trade.price
    return held


def active_weights(index: Index, holdings: Mapping[int, Decimal]) -> FloatArray:
    """(n,) weights of ``holdings`` (dollars per security) less the model's, whatever the trades aim at."""
    weights = _fractions((holdings.get(one, ZERO) for one in index.securities), index.value)
    return weights - model_weights(index)


def model_weights(index: Index) -> FloatArray:
    """(n,) the model's weights, whatever the trades aim at."""
    return _floats(index.state.targets.get(one, ZERO) for one in index.securities)


def tracking_error(index: Index, holdings: Mapping[int, Decimal]) -> Decimal:
    """Yearly tracking error of ``holdings`` (dollars per security) against the model, a fraction."""
    return decimal(index.risk.tracking_error(active_weights(index, holdings))).quantize(
        RISK_QUANTUM
    )


def variance_years(index: Index, holdings: Mapping[int, Decimal]) -> dict[int, Decimal] | None:
    """Security -> what it adds to the active variance of ``holdings`` (dollars per security), times its years.

    None where one horizon counts for all.
    """
    if index.years is None:
        return None
    risk = horizons.Risk(index.risk.loadings, index.risk.specific_variance).over(index.years)
    shares = risk.shares(active_weights(index, holdings))
    return {
        security: decimal(share).quantize(VARIANCE_QUANTUM)
        for security, share in zip(index.securities, shares, strict=True)
    }


def decimal(number: float) -> Decimal:
    """The number as its shortest digits say it, not its binary expansion."""
    return Decimal(repr(float(number)))


def fingerprint(risk: RiskModel) -> str:
    """SHA-256 of the risk model's numbers: floats have no canonical text, their bytes have."""
    digest = hashlib.sha256()
    for array in (risk.loadings, risk.specific_variance):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def in_words(text: str, index: Index) -> str:
    """A message of the optimiser or the risk model with the names of accounts and securities instead of their rows."""
    accounts = {account.id: account.name for account in index.state.accounts}

    def account(found: re.Match[str]) -> str:
        return f"account {accounts[index.accounts[int(found[1])]]}"

    def security(found: re.Match[str]) -> str:
        return index.state.symbols[index.securities[int(found[1])]]

    def joint(found: re.Match[str]) -> str:
        return index.state.joint[int(found[1])].name

    text = re.sub(r"(?:security|column) (\d+)", security, re.sub(r"account (\d+)", account, text))
    return re.sub(r"(?:most|least) of joint limit (\d+)", joint, text)


def _index(
    state: HouseholdState,
    risk: RiskModel,
    buying: frozenset[Position],
    measured: drift.Drift,
) -> Index:
    positions = sorted(state.shares().keys() | buying)
    return Index(
        state=state,
        value=state.value,
        accounts=tuple(account.id for account in state.accounts),
        securities=universe(state),
        positions=tuple(positions),
        lots=state.lots,
        drift=measured,
        risk=risk,
    )


def _may_buy(state: HouseholdState, measured: drift.Drift) -> frozenset[Position]:
    """Where a purchase could make sense: nothing above its band but for a floor, no account without means."""
    securities = drift.worth_buying(state, measured) | (_below_a_floor(state) & state.buyable)
    means = {account.id for account in state.accounts if account.cash > ZERO}
    means |= {lot.account for lot in state.lots if lot.sellable > ZERO}
    every = frozenset((account, security) for account in means for security in securities)
    return every - state.barred


def _below_a_floor(state: HouseholdState) -> frozenset[int]:
    """Securities that a mandate wants more of than there is, alone or together, whatever the model wants."""
    value = state.value
    held = {security: dollars / value for security, dollars in state.holdings().items()}
    found = {
        security
        for security, bounds in state.bounds.items()
        if bounds.low is not None and held.get(security, ZERO) < bounds.low
    }
    for one in state.joint:
        if one.low is not None and one.value(held, state.cash / value) < one.low:
            found |= {security for security, each in one.weights.items() if each > ZERO}
    return frozenset(found)


def _must_sell(state: HouseholdState, index: Index) -> FloatArray | None:
    """(L,) what must be sold of each lot; None where nothing must."""
    if not state.must_sell:
        return None
    return _fractions(
        (
            state.account_of[lot.account].most_of(lot) * state.prices[lot.security]
            if (lot.account, lot.security) in state.must_sell
            else ZERO
            for lot in index.lots
        ),
        index.value,
    )


def _upper(state: HouseholdState, index: Index) -> FloatArray:
    """(n,) largest weights of the household; inf where there is none."""
    heaviest = state.heaviest()
    return np.array(
        [
            float(heaviest[security] / index.value) if security in heaviest else np.inf
            for security in index.securities
        ]
    )


def _location_cost(state: HouseholdState, index: Index) -> FloatArray | None:
    """(m,) what the location of a dollar costs over the horizon: the drag is yearly, trades are paid once (T40).

    Drift does not undo where a dollar lies: it counts over the policy's years, whatever each security's own are.
    """
    found = location.costs(state)
    if found is None:
        return None
    years = state.limits.horizon_years
    return _floats(found.get(position, ZERO) * years for position in index.positions)


def _linear_rate(state: HouseholdState, security: int) -> Decimal:
    """Half the spread and the dearest of the accounts' commission rates, per dollar traded.

    The problem has one rate a security while commissions are those of a custodian: the dearest leaves no account short.
    """
    price = state.prices[security]
    commissions = (state.costs.commissions.get(account.id) for account in state.accounts)
    charged = max((one.rate(price) for one in commissions if one is not None), default=ZERO)
    return state.half_spreads[security] + min(charged, _DEAREST_RATE)


def _impact(state: HouseholdState, index: Index) -> FloatArray | None:
    """(n,) coefficients of ``|x|^(3/2)``, x in fractions of V; None where no trade could move a price noticeably.

    A security has one where its largest sensible trade (out of it, or up to its target) has an impact above
    ``NOTICEABLE_IMPACT``. The household's trade is taken as one order; in several accounts it is cheaper.
    """
    held = state.holdings()
    found = np.zeros(len(index.securities))
    for at, security in enumerate(index.securities):
        price = state.prices[security]
        largest = max(
            held.get(security, ZERO), state.targets.get(security, ZERO) * index.value
        )  # dollars
        impact = state.costs.impact_of(security=security, amount=largest, price=price)
        if impact > largest * NOTICEABLE_IMPACT:
            # c x amount^1.5 dollars are c x sqrt(V) x x^1.5 of V
            one = state.costs.impact_of(security=security, amount=ONE, price=price)
            found[at] = float(one * index.value.sqrt())
    return found if found.any() else None


def _smallest_trade(state: HouseholdState) -> Decimal:
    """Dollars that a trade has at least in the account with the cheapest ticket; rounding looks at each account."""
    return min(state.smallest_trade(account.id) for account in state.accounts)


def _lower(state: HouseholdState, index: Index) -> FloatArray:
    """(n,) least weights after the trades; a float's last digit must not make the present weight too little."""
    least = [state.keeps.get(security) for security in index.securities]
    return np.array([-np.inf if one is None else float(one) - 1e-9 for one in least])


def _bounds(
    state: HouseholdState, index: Index, buyable: Set[int]
) -> tuple[FloatArray, FloatArray]:
    """(n,) lowest and highest weights, none where a mandate says nothing.

    A bound that sales or purchases cannot reach gives way to what they can: a portfolio that is outside must be able
    to come nearer. Both are a share tighter, and the upper one by what trading costs the whole, so that the rounded
    trades keep them.
    """
    lower = np.full(len(index.securities), -np.inf)
    upper = np.full(len(index.securities), np.inf)
    if not state.bounds:
        return lower, upper
    held = state.holdings()
    dearest = 2 * max(state.half_spreads.values())
    sellable: dict[int, Decimal] = {}
    for lot in state.lots:
        dollars = lot.sellable * state.prices[lot.security]
        sellable[lot.security] = sellable.get(lot.security, ZERO) + dollars
    for at, security in enumerate(index.securities):
        bounds, now = state.bounds.get(security), held.get(security, ZERO)
        if bounds is None:
            continue
        least = (now - sellable.get(security, ZERO)) / index.value
        share = state.prices[security] / index.value
        if bounds.high is not None:
            upper[at] = float(max(bounds.high * (1 - dearest) - share, least, ZERO))
        if bounds.low is not None:
            wanted = bounds.low + share
            reach = wanted if security in buyable else min(wanted, now / index.value)
            lower[at] = min(float(reach), upper[at])
    return lower, upper


def _gain(state: HouseholdState, lot: StateLot) -> float:
    """Gain per dollar sold; what may turn out a loss is never a gain."""
    gain = float(1 - lot.basis / (lot.quantity * state.prices[lot.security]))
    return min(gain, _CERTAINLY_A_LOSS) if state.may_lose(lot) else gain


def _tax_schedule(state: HouseholdState, value: Decimal) -> TaxSchedule:
    tax = state.tax
    return TaxSchedule(
        st_rate=float(tax.short_rate),
        lt_rate=float(tax.long_rate),
        st_realised=float(tax.short / value),
        lt_realised=float(tax.long / value),
        loss_limit=float(tax.loss_limit / value),
        ordinary_rate=float(tax.ordinary_rate),
        carried_loss_value=float(tax.carried_loss_value),
    )


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


def _as_fractions(trades: Sequence[DraftTrade], index: Index) -> tuple[FloatArray, FloatArray]:
    """Buys (m,) and sells (L,) of the trades, in fractions of V."""
    bought: dict[Position, Decimal] = {}
    sold: dict[tuple[int | None, int | None], Decimal] = {}
    for trade in trades:
        dollars = trade.quantity * trade.price
        if trade.side is Side.BUY:
            bought[trade.account, trade.security] = dollars
        else:
            sold[trade.opening, trade.part] = dollars
    return (
        _fractions((bought.get(position, ZERO) for position in index.positions), index.value),
        _fractions((sold.get(lot.key, ZERO) for lot in index.lots), index.value),
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


def _fractions(amounts: Iterable[Decimal], value: Decimal) -> FloatArray:
    return _floats(amount / value for amount in amounts)


def _floats(amounts: Iterable[Decimal]) -> FloatArray:
    return np.array([float(amount) for amount in amounts], dtype=np.float64)


def _numbers(values: Iterable[int]) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    return np.array(list(values), dtype=np.int64)
