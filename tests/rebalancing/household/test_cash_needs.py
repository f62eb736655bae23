"""Withdrawals, required distributions and deposits: cash is ready in time, from the best account (F6)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest

from lots.types import Term
from proposals.cash_flows import Paid, still_needed
from proposals.costs import Commission, TradingCosts
from proposals.types import CashFlow, CashFlowKind, Side
from rebalancing.household.cash_needs import candidates, with_needs, within_reach
from rebalancing.household.checks import verify
from rebalancing.household.shortfalls import NeedBeyondMeans, told
from rebalancing.household.state import invest_only, raise_only
from rebalancing.policies import drift
from rebalancing.trades.best_trades import best_trades, with_needs_placed
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState
from tests.rebalancing.states import DAY, LIMITS, account, lot, random_state, risk, state


def need(amount: str, account: int | None = None, **changes: Any) -> CashFlow:
    values: dict[str, Any] = {
        "kind": CashFlowKind.WITHDRAWAL,
        "amount": D(amount),
        "due_on": DAY,
        "account": account,
        "reason": "Roof",
    }
    return CashFlow(**{**values, **changes})


def household(*flows: CashFlow, **changes: Any) -> HouseholdState:
    """$100,000: S1 in two taxable accounts, dear to sell in the first; S1 and S2 in an IRA."""
    values: dict[str, Any] = {
        "accounts": (account(1, "1000"), account(2, "1000"), account(3, "1000", is_taxable=False)),
        "lots": (
            lot(1, "240", "2400", opening=1, term=Term.SHORT),
            lot(1, "240", "23900", opening=2, account=2),
            lot(1, "10", "900", opening=3, account=3, is_taxable=False),
            lot(2, "960", "9000", opening=4, account=3, is_taxable=False),
        ),
        "prices": {1: "100", 2: "50"},
        "targets": {1: "0.49", 2: "0.48"},
    }
    return with_needs(state(**{**values, **changes}), flows)


def solved(start: HouseholdState) -> Any:
    return best_trades(start, risk(len(universe(start))))


def test_a_need_is_raised_in_its_account_to_the_cent() -> None:
    start = household(need("6000", account=3, kind=CashFlowKind.RMD))
    assert [one.cash for one in start.accounts] == [D(1000), D(1000), D(-5000)]
    assert start.value == 100_000 - 6000
    assert start.must_act
    figures = solved(start)
    assert verify(figures.trades, start) == []
    assert 0 <= figures.cash_after[3] < 1000
    assert {one.account for one in figures.trades if one.side is Side.SELL} >= {3}
    assert told(start) == (
        "Set aside: $6,000.00 for the required distribution of 2022-12-28 from A3.",
    )


def test_targets_and_bands_look_at_what_stays() -> None:
    """$6,000 that leaves is no cash drift, and the model is a fraction of the other $91,000."""
    start = household(
        need("2000", account=1),
        accounts=(account(1, "3000"), account(2, "1000"), account(3, "1000", is_taxable=False)),
    )
    assert drift.of_state(start).cash_weight == D(3000) / start.value
    assert not start.must_act


def test_the_households_need_is_raised_where_it_costs_least() -> None:
    """The first account would sell short-term gains of 90 %, the second hardly any; the IRA is never asked."""
    start = household(need("8000"))
    assert start.unplaced_need == 8000
    placed = with_needs_placed(start, risk(2))
    assert placed.unplaced_need == 0
    assert [one.set_aside for one in placed.accounts] == [D(0), D(8000), D(0)]
    figures = solved(placed)
    assert verify(figures.trades, placed) == []
    assert {one.account for one in figures.trades if one.side is Side.SELL} <= {2, 3}


def test_no_candidate_beats_the_one_that_is_taken() -> None:
    start = household(need("8000"))
    best = with_needs_placed(start, risk(2))

    def cost(one: HouseholdState) -> Any:
        worth = solved(one).worth
        return worth.cost - worth.avoided

    assert all(cost(best) <= cost(one) + 1 for one in candidates(within_reach(start)))


def test_cash_that_is_there_is_used_before_anything_is_sold() -> None:
    start = household(need("1800"))
    first = next(candidates(start))
    assert [one.set_aside for one in first.accounts] == [D(1000), D(800), D(0)] or [
        one.set_aside for one in first.accounts
    ] == [D(800), D(1000), D(0)]
    assert not start.must_act


def test_the_commission_of_the_sale_is_raised_too() -> None:
    costs = TradingCosts(commissions={3: Commission(per_order=D("9.95"), of_amount=D("0.001"))})
    start = replace(household(need("6000", account=3)), costs=costs)
    figures = solved(start)
    assert verify(figures.trades, start) == []
    assert figures.cash_after[3] >= 0


def test_a_need_that_is_left_short_is_never_proposed() -> None:
    start = household(need("6000", account=3))
    assert any("Account A3 would lack $5000" in text for text in verify([], start))


def test_deposits_and_what_was_paid_already_need_no_cash() -> None:
    deposit = need("5000", kind=CashFlowKind.DEPOSIT)
    assert household(deposit) == household()
    due = date(2024, 3, 20)
    flows = (
        need("1000", 1, due_on=due),
        need("500", 1, due_on=due, kind=CashFlowKind.FEE),
        need("700", due_on=due),
    )
    paid = [
        Paid(1, date(2024, 3, 15), D(1200), is_fee=False),
        Paid(1, date(2024, 3, 1), D(9000), is_fee=False),  # before the ten days
        Paid(1, date(2024, 3, 15), D(499), is_fee=True),
    ]
    left = still_needed(flows, paid, days=10)
    assert [(one.kind, one.amount) for one in left] == [
        (CashFlowKind.FEE, D(1)),
        (CashFlowKind.WITHDRAWAL, D(500)),
    ]


def test_an_invest_only_household_sells_nothing_and_buys_what_is_light() -> None:
    """New cash is used for drift first: both are below their targets once it is there."""
    start = invest_only(
        household(
            accounts=(account(1, "1000"), account(2, "1000"), account(3, "9000", is_taxable=False))
        )
    )
    figures = solved(start)
    assert {one.side for one in figures.trades} == {Side.BUY}
    before, after = ({one: abs(dollars / start.value - start.targets[one]) for one, dollars in held.items()}
                     for held in (start.holdings(), figures.after))  # fmt: skip
    assert max(after.values()) < max(before.values()) / 2
    assert figures.risk_after < figures.risk_before


def test_a_raise_only_household_buys_nothing() -> None:
    start = raise_only(household(need("6000", account=3)))
    figures = solved(start)
    assert {one.side for one in figures.trades} == {Side.SELL}
    assert verify(figures.trades, start) == []


# Of the first 31: one account is worth less than it has to pay, or no taxable account is there to pay.
BEYOND_MEANS = {3, 5, 7, 9, 12, 16, 18, 20, 21, 22, 25, 28, 29}


@pytest.mark.parametrize("seed", range(31))
def test_needs_of_random_households_are_met_or_refused(seed: int) -> None:
    rng = Random(seed)
    start = random_state(rng)
    worth = start.value
    some = [None, *(one.id for one in start.accounts)]
    flows = [
        need(str((worth * D(rng.randrange(1, 30)) / 100).quantize(D("0.01"))), rng.choice(some))
        for _ in range(2)
    ]
    start = with_needs(start, flows)
    numbers = risk(len(universe(start)))
    if seed in BEYOND_MEANS:
        with pytest.raises(NeedBeyondMeans):
            with_needs_placed(start, numbers)
        return
    placed = with_needs_placed(start, numbers)
    figures = best_trades(placed, numbers)
    assert verify(figures.trades, placed) == []
    assert all(figures.cash_after[one.id] >= 0 for one in placed.accounts if one.set_aside)


SMALL = [  # price, shares of each of two names, smallest trade, cash, needs
    ("600", "8", "1", "0", ()),
    ("600", "8", "1", "-10", ()),
    ("10", "150", "250", "0", ()),
    ("10", "150", "250", "-5", ()),
    ("10", "150", "250", "0", (need("100"),)),
    ("600", "8", "1", "0", (need("100"),)),
    ("2000", "7", "250", "0", (need("500"),)),
    ("2000", "7", "250", "-20", ()),
]


@pytest.mark.parametrize(("price", "shares", "smallest", "cash", "flows"), SMALL)
def test_a_household_of_few_shares_raises_cash_by_the_least_sale(
    price: str, shares: str, smallest: str, cash: str, flows: tuple[CashFlow, ...]
) -> None:
    """One share or one smallest trade is more than its whole cash band: it is sold all the same, and no more."""
    basis = str(D(price) * D(shares) / 2)
    start = household(
        *flows,
        accounts=(account(1, cash),),
        lots=(lot(1, shares, basis, opening=1), lot(2, shares, basis, opening=2)),
        prices={1: price, 2: price},
        targets={1: "0.48", 2: "0.49"},
        limits=replace(LIMITS, minimum_trade=D(smallest)),
    )
    placed = with_needs_placed(start, risk(2))
    figures = best_trades(placed, risk(2))
    [sale] = figures.trades
    missing = D("0.005") * placed.value - placed.cash
    least = max(D(price), D(smallest))
    assert sale.side is Side.SELL
    assert missing <= sale.amount <= missing + least + D(price)
    assert verify(figures.trades, placed) == []


@pytest.mark.parametrize("amount", ["24000", "24600", "24750", "24999.99", "25000"])
def test_a_need_of_nearly_all_there_is_raises_what_it_can(amount: str) -> None:
    start = household(
        need(amount),
        accounts=(account(1, "1000"),),
        lots=(lot(1, "240", "2400", opening=1, term=Term.SHORT),),
        prices={1: "100"},
        targets={1: "0.97"},
    )
    placed = with_needs_placed(start, risk(1))
    figures = best_trades(placed, risk(1))
    assert D(0) <= figures.cash_after[1] < 100
    assert verify(figures.trades, placed) == []
