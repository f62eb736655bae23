"""A household as the arrays of the optimiser's problem: every amount a fraction of its value V.

Units: the policy's risk aversion is a price *per year*, trading costs and taxes are paid *once*. The optimiser adds
them up, so it is given ``risk_aversion * horizon_years`` (T40); the covariance stays annual. Where each security has a
horizon of its own, the mean takes the place of ``horizon_years`` and the covariance is scaled by the rest
(``rebalancing.trades.horizons``); figures for people come from the yearly risk all the same.
"""

from collections.abc import Set
from dataclasses import replace
from decimal import Decimal

import numpy as np

from lots.types import Term
from rebalancing.household import location
from rebalancing.household.cash_bands import cash_bands
from rebalancing.optimizer.problem import FloatArray, Problem
from rebalancing.optimizer.tax_schedule import TaxSchedule
from rebalancing.policies import drift
from rebalancing.policies.policy import Horizon
from rebalancing.risk import RiskModel
from rebalancing.trades import horizons, later_tax
from rebalancing.trades.border import floats, fractions, numbers
from rebalancing.trades.index import Index, universe
from rebalancing.trades.joint_rows import joint_limits
from rebalancing.trades.measures import model_weights
from rebalancing.types import (
    NOTICEABLE_IMPACT,
    ONE,
    ZERO,
    HouseholdState,
    Limits,
    Position,
    StateLot,
)

_DEAREST_RATE = Decimal("0.5")  # a penny share's commission per share has no limit
_CERTAINLY_A_LOSS = -1e-9  # per dollar: what may turn out a loss is kept on the harvest side


def build(
    state: HouseholdState, risk: RiskModel, *, is_loose: bool = False
) -> tuple[Problem, Index]:
    """The household's problem; ``risk`` has the securities of ``universe(state)`` in that order.

    With ``is_loose`` an account may keep in cash what it must sell. Rows are in one order whatever the state's own is:
    what the index leads to is the same lines for accounts and lots in any order (I13).

    Raises BadProblem where the numbers contradict each other.
    """
    state = _in_order(state)
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
        weights=fractions(
            (
                shares.get(position, ZERO) * state.prices[position[1]]
                for position in index.positions
            ),
            index.value,
        ),
        targets=floats(state.aimed.get(security, ZERO) for security in index.securities),
        cash=fractions((cash[account] for account in index.accounts), index.value),
        cash_min=fractions((bands[account].floor for account in index.accounts), index.value),
        cash_max=fractions((bands[account].ceiling for account in index.accounts), index.value),
        factor_loadings=risk.loadings,
        specific_variance=risk.specific_variance,
        cost_rates=floats(_linear_rate(state, security) for security in index.securities),
        impact=_impact(state, index),
        location_cost=_location_cost(state, index),
        sell_floor=_must_sell(state, index),
        lower=np.minimum(np.maximum(_lower(state, index), lower), most),
        upper=most,
        may_buy=np.array([position in buying for position in index.positions], dtype=np.bool_),
        lot_weight=fractions((values[lot.key] for lot in index.lots), index.value),
        lot_sellable=fractions(
            (lot.sellable * state.prices[lot.security] for lot in index.lots), index.value
        ),
        lot_gain=np.array([_gain(state, lot) for lot in index.lots], dtype=np.float64),
        lot_is_long=np.array([lot.term is Term.LONG for lot in index.lots], dtype=np.bool_),
        lot_is_taxable=np.array([lot.is_taxable for lot in index.lots], dtype=np.bool_),
        lot_position=numbers(at[lot.account, lot.security] for lot in index.lots),
        position_account=numbers(row[account] for account, _ in index.positions),
        position_security=numbers(place[security] for _, security in index.positions),
        tax=_tax_schedule(state, index.value),
        risk_aversion=float(state.limits.risk_aversion * _years_for_all(state.limits)),
        security_group=numbers(group[security] for security in index.securities),
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


def _in_order(state: HouseholdState) -> HouseholdState:
    """The state with its accounts by id and its lots by account, security and key."""
    accounts = tuple(sorted(state.accounts, key=lambda account: account.id))
    lots = tuple(sorted(state.lots, key=lambda lot: (lot.account, lot.security, lot.key)))
    if accounts == state.accounts and lots == state.lots:
        return state  # with what it has reckoned already
    return replace(state, accounts=accounts, lots=lots)


def _years_for_all(limits: Limits) -> Decimal:
    return limits.horizon_years if limits.horizon is Horizon.ONE else ONE


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
    return fractions(
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
    return floats(found.get(position, ZERO) * years for position in index.positions)


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
