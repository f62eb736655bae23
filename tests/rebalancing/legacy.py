"""Books of households that brought a portfolio along, as literals: no database."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal as D
from random import Random

import numpy as np

from lots.types import LotRow
from lots.year_tax import TaxPosition
from proposals.budgets import Budget, Usage
from proposals.types import Windows
from rebalancing.household.state import Books
from rebalancing.risk import RiskModel
from rebalancing.transition.schedule import Planner
from rebalancing.transition.tracking_first import TrackingFirst
from rebalancing.types import Limits
from tests.rebalancing.states import DAY, LIMITS, TAX

LONG_AGO = date(2015, 6, 1)
NO_WINDOWS = Windows({}, {}, {})


def lot(
    opening: int,
    security: int,
    quantity: str,
    basis: str,
    *,
    account: int = 1,
    acquired: date = LONG_AGO,
) -> LotRow:
    """``basis`` in dollars of the whole lot."""
    return LotRow(
        opening=opening,
        part=0,
        account=account,
        security=security,
        acquired=acquired,
        holding_start=acquired,
        quantity=D(quantity),
        basis=D(basis),
    )


def books(
    *,
    lots: Sequence[LotRow],
    targets: dict[int, str],
    prices: dict[int, str] | None = None,
    cash: dict[int, str] | None = None,
    taxable: dict[int, bool] | None = None,
    tax: TaxPosition = TAX,
    limits: Limits = LIMITS,
) -> Books:
    """One taxable account with $3,000, every price $100, unless said otherwise."""
    securities = sorted({row.security for row in lots} | targets.keys())
    accounts = taxable or {1: True}
    quotes = {one: D((prices or {}).get(one, "100")) for one in securities}
    return Books(
        household=1,
        as_of=DAY,
        account_names={account: f"A{account}" for account in accounts},
        taxable=accounts,
        on_the_return=frozenset(account for account, is_taxed in accounts.items() if is_taxed),
        cash={account: D(dollars) for account, dollars in (cash or {1: "3000"}).items()},
        lots=list(lots),
        prices=quotes,
        price_days=dict.fromkeys(quotes, DAY),
        half_spreads=dict.fromkeys(quotes, D("0.0005")),
        symbols={one: f"S{one}" for one in securities},
        groups=(),
        targets={one: D(weight) for one, weight in targets.items()},
        substitutions=(),
        intentions=(),
        limits=limits,
        tax=tax,
    )


def risk(count: int, *, specific: float = 0.06) -> RiskModel:
    """Two factors; the second half of the securities load on the second."""
    loadings = np.full((count, 2), 0.0)
    loadings[:, 0] = 0.16
    loadings[count // 2 :, 1] = 0.10
    return RiskModel(
        loadings=loadings, specific_variance=np.full(count, specific), observations=504
    )


def planner(found: Books, *, windows: Windows = NO_WINDOWS, usage: Usage | None = None) -> Planner:
    securities = sorted({row.security for row in found.lots} | found.targets.keys())
    solve = TrackingFirst(risk(len(securities)), securities)
    nothing = Usage(
        budget=Budget(year=found.as_of.year), accounts=found.on_the_return, tax=found.tax
    )
    return Planner(found, windows, usage or nothing, solve)


def legacy(*, stocks: int = 8, model: int = 10, seed: int = 1) -> Books:
    """About a million: ``stocks`` low-basis names of two long-term lots each; the model holds ``model`` others."""
    rng = Random(seed)
    lots = []
    for number in range(1, stocks + 1):
        for part in (0, 1):
            shares = 97 * 100 // (2 * stocks)
            gain = D(rng.randrange(20, 80)) / 100
            basis = (D(shares) * 100 * (1 - gain)).quantize(D("0.01"))
            lots.append(lot(10 * number + part, number, str(shares), str(basis)))
    weight = (D("0.97") / model).quantize(D("0.0001"))
    targets = {100 + number: str(weight) for number in range(model)}
    return books(lots=lots, targets=targets, cash={1: "30000"})
