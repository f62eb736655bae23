"""A household of many names is a matter of seconds (T38)."""

from decimal import Decimal as D
from random import Random
from time import process_time

from lots.types import Term
from proposals.types import Side
from rebalancing.household.checks import verify
from rebalancing.trades.best_trades import best_trades
from rebalancing.types import StateLot
from tests.rebalancing.states import account, lot, risk, state

NAMES, LOTS_A_NAME, SECONDS = 500, 3, 10.0


def test_five_hundred_names_of_three_lots_take_seconds_and_leave_no_small_trade() -> None:
    rng = Random(38)
    names = range(1, NAMES + 1)
    prices = {name: str(D(rng.randrange(1_000, 30_000)) / 100) for name in names}
    lots: list[StateLot] = []
    for name in names:
        for _ in range(LOTS_A_NAME):
            shares = int(D(rng.randrange(300, 2_700)) / D(prices[name])) + 1
            basis = shares * D(prices[name]) * rng.randrange(500, 1_400) / 1000
            lots.append(
                lot(
                    name, str(shares), str(basis.quantize(D("0.01"))), opening=len(lots) + 1,
                    term=rng.choice([Term.SHORT, Term.LONG]),
                )
            )  # fmt: skip
    start = state(
        accounts=(account(1, "60000"),),
        lots=tuple(lots),
        prices=prices,
        targets=dict.fromkeys(names, str(D("0.97") / NAMES)),
    )
    began = process_time()
    figures = best_trades(start, risk(NAMES))
    assert process_time() - began < SECONDS
    assert figures.trades
    assert verify(figures.trades, start) == []
    orders: dict[tuple[int, Side], D] = {}
    for trade in figures.trades:
        key = (trade.security, trade.side)
        orders[key] = orders.get(key, D(0)) + trade.amount
    assert min(orders.values()) >= start.smallest_trade(1)
    assert D(0) <= figures.proof.gap_bp < 5
