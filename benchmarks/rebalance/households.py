"""Invented accounts as the rebalance sees them, in memory: whole shares, dollars, prices, one risk model for all."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from benchmarks.rebalance.instances import CASH_MAX, CASH_MIN, RISK_AVERSION, Instance
from lots.types import Term
from lots.year_tax import TaxPosition
from rebalancing.optimizer import Problem
from rebalancing.risk import RiskModel, estimate
from rebalancing.types import HouseholdState, Limits, StateAccount, StateLot

AS_OF = date(2022, 12, 28)
DAYS_OF_RETURNS = 504
_ACCOUNT = 1
_CENT, _BASIS, _WEIGHT = Decimal("0.01"), Decimal("0.0001"), Decimal("0.000001")
_LIMITS = Limits(
    absolute_band=Decimal("0.05"),
    relative_band=Decimal("0.20"),
    risk_aversion=Decimal(str(RISK_AVERSION)),
    horizon_years=Decimal(1),
    cash_minimum=Decimal(str(CASH_MIN)),
    cash_maximum=Decimal(str(CASH_MAX)),
    minimum_trade=Decimal(250),
)


@dataclass(frozen=True)
class Market:
    """What all accounts share: securities 1, 2, ... with a price, half a spread, and a risk model in that order."""

    prices: dict[int, Decimal]
    half_spreads: dict[int, Decimal]
    risk: RiskModel


def market(size: int, *, seed: int) -> Market:
    """Prices of 20-300 dollars and a risk model of two years of daily returns, estimated as the product does it."""
    random = np.random.default_rng([seed, size])
    names = range(1, size + 1)
    common = 0.01 * random.standard_normal((DAYS_OF_RETURNS, 1)) * random.uniform(0.7, 1.3, size)
    own = random.uniform(0.01, 0.022, size) * random.standard_normal((DAYS_OF_RETURNS, size))
    return Market(
        prices={name: _decimal(random.uniform(20, 300), _CENT) for name in names},
        half_spreads={name: _decimal(random.uniform(0.0001, 0.0008), _WEIGHT) for name in names},
        risk=estimate(common + own),
    )


def household(instance: Instance, market: Market, *, value: float) -> HouseholdState:
    """One taxable account worth about ``value`` dollars: the instance's weights, lots and year in whole shares."""
    problem = instance.problem
    dollars = Decimal(round(value))
    targets = {
        name: _decimal(weight, _WEIGHT)
        for name, weight in enumerate(problem.targets.tolist(), start=1)
        if weight > 0.0
    }
    return HouseholdState(
        household=1,
        as_of=AS_OF,
        accounts=(
            StateAccount(
                id=_ACCOUNT,
                name="Account",
                is_taxable=True,
                cash=_decimal(float(problem.cash[0]) * value, _CENT),
            ),
        ),
        lots=tuple(_lots(problem, market, value)),
        incoming={},
        prices=market.prices,
        half_spreads=market.half_spreads,
        symbols={name: f"S{name}" for name in market.prices},
        targets=targets,
        groups=(),
        buyable=frozenset(name for name in targets if problem.may_buy[name - 1]),
        tax=_tax(problem, dollars),
        limits=_LIMITS,
    )


def _lots(problem: Problem, market: Market, value: float) -> list[StateLot]:
    found = []
    for lot, position in enumerate(problem.lot_position.tolist()):
        price = market.prices[position + 1]
        quantity = Decimal(round(problem.lot_weight[lot] * value / float(price)))
        if not quantity:
            continue
        basis = quantity * price * _decimal(1.0 - problem.lot_gain[lot], _BASIS)
        found.append(
            StateLot(
                account=_ACCOUNT,
                security=position + 1,
                opening=lot + 1,
                part=0,
                is_taxable=True,
                term=Term.LONG if problem.lot_is_long[lot] else Term.SHORT,
                quantity=quantity,
                basis=basis.quantize(_BASIS),
                sellable=quantity if problem.lot_sellable[lot] > 0.0 else Decimal(0),
            )
        )
    return found


def _tax(problem: Problem, dollars: Decimal) -> TaxPosition:
    tax = problem.tax
    return TaxPosition(
        short_rate=_decimal(tax.st_rate, _BASIS),
        long_rate=_decimal(tax.lt_rate, _BASIS),
        ordinary_rate=_decimal(tax.ordinary_rate, _BASIS),
        loss_limit=Decimal(3000),
        carried_loss_value=_decimal(tax.carried_loss_value, _BASIS),
        short=(_decimal(tax.st_realised, _WEIGHT) * dollars).quantize(_CENT),
        long=(_decimal(tax.lt_realised, _WEIGHT) * dollars).quantize(_CENT),
    )


def _decimal(number: float, quantum: Decimal) -> Decimal:
    return Decimal(repr(float(number))).quantize(quantum)
