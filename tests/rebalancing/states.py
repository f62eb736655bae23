"""Builders of household states and random ones, as literals: no database."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from random import Random

import numpy as np

from lots.types import Term
from lots.year_tax import TaxPosition
from rebalancing.risk import RiskModel
from rebalancing.types import HouseholdState, Limits, StateAccount, StateLot

DAY = date(2022, 12, 28)
TAX = TaxPosition(
    short_rate=D("0.408"),
    long_rate=D("0.238"),
    ordinary_rate=D("0.37"),
    loss_limit=D(3000),
    carried_loss_value=D("0.12"),
    short=D(0),
    long=D(0),
)
LIMITS = Limits(
    absolute_band=D("0.05"),
    relative_band=D("0.20"),
    risk_aversion=D(10),
    horizon_years=D(1),
    cash_minimum=D("0.005"),
    cash_maximum=D("0.05"),
    minimum_trade=D(250),
)


def account(number: int = 1, cash: str = "0", *, is_taxable: bool = True) -> StateAccount:
    return StateAccount(id=number, name=f"A{number}", is_taxable=is_taxable, cash=D(cash))


def lot(
    security: int,
    quantity: str,
    basis: str,
    *,
    opening: int,
    account: int = 1,
    is_taxable: bool = True,
    term: Term = Term.LONG,
    sellable: str | None = None,
) -> StateLot:
    """``basis`` in dollars of the whole lot."""
    return StateLot(
        account=account,
        security=security,
        opening=opening,
        part=0,
        is_taxable=is_taxable,
        term=term,
        quantity=D(quantity),
        basis=D(basis),
        sellable=D(quantity if sellable is None else sellable),
    )


def state(
    *,
    accounts: tuple[StateAccount, ...],
    lots: tuple[StateLot, ...],
    prices: dict[int, str],
    targets: dict[int, str],
    buyable: frozenset[int] | None = None,
    groups: tuple[frozenset[int], ...] = (),
    incoming: dict[tuple[int, int], D] | None = None,
    limits: Limits = LIMITS,
    tax: TaxPosition = TAX,
) -> HouseholdState:
    """Every targeted security may be bought unless ``buyable`` says otherwise."""
    return HouseholdState(
        household=1,
        as_of=DAY,
        accounts=accounts,
        lots=lots,
        incoming=incoming or {},
        prices={security: D(price) for security, price in prices.items()},
        half_spreads=dict.fromkeys(prices, D("0.0005")),
        symbols={security: f"S{security}" for security in prices},
        targets={security: D(weight) for security, weight in targets.items()},
        groups=groups,
        buyable=frozenset(targets) if buyable is None else buyable,
        tax=tax,
        limits=limits,
    )


def risk(count: int) -> RiskModel:
    """One common factor of 16 % a year and 20 % of its own for each security."""
    return RiskModel(
        loadings=np.full((count, 1), 0.16),
        specific_variance=np.full(count, 0.04),
        observations=504,
    )


def random_state(rng: Random) -> HouseholdState:
    """A small household out of shape: 1-4 accounts, some retirement, blocked buys and sales, incoming shares."""
    numbers = range(1, rng.randrange(3, 9))
    prices = {number: D(rng.randrange(500, 30_000)) / 100 for number in numbers}
    model = list(numbers)[:-1]
    raw = {number: rng.randrange(50, 150) for number in model}
    targets = {
        number: (D("0.97") * part / sum(raw.values())).quantize(D("0.0001"))
        for number, part in raw.items()
    }
    owners = [
        account(number, is_taxable=rng.random() < 0.6) for number in range(1, rng.randrange(2, 6))
    ]
    lots = tuple(
        _random_lot(rng, at, rng.choice(owners), prices) for at in range(rng.randrange(2, 16))
    )
    worth = sum((one.quantity * prices[one.security] for one in lots), D(0))
    share = D(rng.choice(["0", "0.004", "0.03", "0.15"]))
    owners = [
        replace(one, cash=(worth * share * D(rng.random()) / len(owners)).quantize(D("0.01")))
        for one in owners
    ]
    found = state(
        accounts=tuple(owners),
        lots=lots,
        prices={number: str(price) for number, price in prices.items()},
        targets={number: str(weight) for number, weight in targets.items()},
        buyable=frozenset(number for number in model if rng.random() < 0.85),
        groups=(frozenset({1, 2}),) if rng.random() < 0.4 else (),
    )
    if rng.random() < 0.3:
        return replace(found, incoming={(owners[0].id, 1): D(rng.randrange(1, 40))})
    return found


def _random_lot(rng: Random, at: int, owner: StateAccount, prices: dict[int, D]) -> StateLot:
    security = rng.choice(list(prices))
    whole = rng.random() < 0.7
    quantity = D(rng.randrange(20, 400)) if whole else D(rng.randrange(20_0000, 300_0000)) / 10_000
    basis = quantity * prices[security] * D(rng.randrange(400, 1700)) / 1000
    part = rng.random()
    sellable = D(0) if part < 0.1 else D(rng.randrange(0, 20)) if part < 0.2 else quantity
    return StateLot(
        account=owner.id,
        security=security,
        opening=100 + at,
        part=0,
        is_taxable=owner.is_taxable,
        term=rng.choice([Term.SHORT, Term.LONG]),
        quantity=quantity,
        basis=basis.quantize(D("0.0001")),
        sellable=sellable,
    )
