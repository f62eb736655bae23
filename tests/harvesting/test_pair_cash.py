"""What a pair sells it buys back, to one share: no cash ever falls by it, and it rises by less than a share."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from harvesting import drafts, gains
from harvesting.swap_back import decide
from lots.wash_sales import first_clear_date
from proposals.costs import Commission, TradingCosts, cash_moved, cost_of
from proposals.types import DraftTrade, Side
from tests.harvesting import test_gains, test_reproduction, test_swap_back
from tests.harvesting.books import AAA, BBB, CCC, SPOUSE, TAXABLE, TODAY, around, book, lot, plan

CENT = Decimal("0.01")
D = Decimal
COSTS = TradingCosts(
    half_spreads={AAA: D("0.0005"), BBB: D("0.0008"), CCC: D("0.0002")},
    commissions={TAXABLE: Commission(per_order=D("4.95"), per_share=D("0.005"))},
)


def pairs(trades: Iterable[DraftTrade]) -> dict[int, list[DraftTrade]]:
    found: dict[int, list[DraftTrade]] = {}
    for trade in trades:
        found.setdefault(trade.pair, []).append(trade)
    return found


def in_balance(legs: list[DraftTrade], costs: TradingCosts) -> None:
    """One account; the purchases cost what the sales bring, less costs, to one share; exact but for a cent a line."""
    (account,) = {trade.account for trade in legs}
    left = cash_moved(legs, costs)[account]
    slack = CENT * len(legs)
    assert left >= -slack, f"the account pays ${-left}"
    for buy in (trade for trade in legs if trade.side is Side.BUY):
        more = replace(buy, quantity=buy.quantity + 1)
        one_more = [more if trade is buy else trade for trade in legs]
        assert cash_moved(one_more, costs)[account] < slack, "one share more could be paid"


def checked(trades: Iterable[DraftTrade], costs: TradingCosts) -> int:
    """How many pairs were in balance; money that is parked in cash is none."""
    found = 0
    for legs in pairs(trades).values():
        if any(trade.side is Side.BUY for trade in legs):
            in_balance(legs, costs)
            found += 1
    return found


def test_ten_thousand_dollars_sold_are_ten_thousand_bought_less_costs():
    """T8: 125 at 80 bring $10,000.00; 5 + 4.95 + 0.625 to sell, 199 at 50 are bought, 4.95 + 0.995 + 1.99 to buy."""
    the_book = book(lot(1, quantity="125", basis="15000"))
    (pair,) = plan(the_book, around(costs=COSTS)).pairs
    (sale,) = pair.sales
    assert (sale.amount, pair.quantity, pair.amount) == (D("10000.00"), D(199), D("9950.00"))
    assert pair.cost == D("18.51")
    assert sale.amount == pair.amount + pair.cost + pair.cash_left
    assert 0 <= pair.cash_left < D("50.00")


def test_every_harvest_pair_is_in_balance():
    """T8, T30: random households, with commissions, impact and fractions of shares."""
    found = 0
    for seed in range(120):
        the_book, surroundings = test_reproduction.random_case(random.Random(seed))
        found += checked(drafts.trades_of(plan(the_book, surroundings)), surroundings.costs)
    assert found > 80


def test_every_gain_that_is_bought_back_is_in_balance():
    """T8, T30: the same security comes back, never more of it."""
    found = 0
    for seed in range(12):
        chance = random.Random(seed)
        lots = tuple(
            lot(
                number,
                chance.choice([AAA, BBB]),
                str(chance.choice([D(40), D(60), D("33.333")])),
                str(chance.randint(200, 4000)),
                account=chance.choice([TAXABLE, SPOUSE]),
            )
            for number in range(1, 3)
        )
        surroundings = test_gains.around(costs=COSTS)
        taken = gains.find(book(*lots, rules=test_gains.RULES), surroundings)
        trades = gains.trades_of(taken)
        found += checked(trades, COSTS)
        for legs in pairs(trades).values():
            sold, bought = (
                sum(trade.quantity for trade in legs if trade.side is side)
                for side in (Side.SELL, Side.BUY)
            )
            assert bought <= sold
    assert found > 10


def test_every_swap_back_is_in_balance():
    """T8, T30: one substitute into one original or two."""
    found = 0
    for seed in range(60):
        chance = random.Random(seed)
        sold_on = TODAY - timedelta(days=chance.randint(31, 50))
        originals: Mapping[int, Decimal] = chance.choice(
            [{AAA: D(8000)}, {AAA: D(6000), BBB: D(2000)}]
        )
        shares = str(chance.randint(3, 120))
        one = test_swap_back.pair(
            shares, sold_on=sold_on, due_on=first_clear_date(sold_on), originals=originals
        )
        held = test_swap_back.ccc(str(D(shares) * chance.randint(70, 120)), shares)
        situation = test_swap_back.situation(
            held, price=str(D(chance.randint(7000, 11000)) / 100), error="0.2", costs=COSTS
        )
        (decision,) = decide([one], situation)
        found += checked(decision.trades, COSTS)
    assert found > 15


@pytest.mark.parametrize("more", [1, -1])
def test_a_share_too_many_or_too_few_is_no_balance(more):
    """The check above is one: it sees a single share."""
    trades = drafts.trades_of(plan(book(lot(1)), around(costs=COSTS)))
    assert cost_of(trades, COSTS).total > 0
    wrong = [
        replace(one, quantity=one.quantity + more) if one.side is Side.BUY else one
        for one in trades
    ]
    with pytest.raises(AssertionError):
        checked(wrong, COSTS)
