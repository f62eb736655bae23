"""Which purchases count against a loss taken today."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from harvesting import lookback
from lots.types import EntryKind, LedgerEntry, Treatment, WashMatch
from proposals.types import Intention, ProposalKind, Side, Status
from tests.harvesting.books import AAA, IRA, TODAY, bought, days_ago, lot


def entry(
    opening: int, day: date, kind: EntryKind = EntryKind.BUY, block: str | None = None
) -> LedgerEntry:
    return LedgerEntry(
        id=str(opening),
        trade_date=day,
        account="1",
        kind=kind,
        security=str(AAA),
        quantity=Decimal(100),
        amount=Decimal(10000),
        block=block,
    )


def held(*entries: LedgerEntry, spent: frozenset[tuple[str, int]] = frozenset()) -> list[int]:
    """Openings of the purchases that count, each still held as one lot."""
    found = lookback.purchases_held(
        as_of=TODAY,
        lots=[lot(int(one.id), acquired=one.trade_date) for one in entries],
        entries={one.id: one for one in entries},
        spent=spent,
    )
    return [purchase.opening or 0 for purchase in found]


@pytest.mark.parametrize(("days", "counts"), [(0, True), (29, True), (30, True), (31, False)])
def test_day_30_counts_and_day_31_does_not(days, counts):
    assert held(entry(7, days_ago(days))) == ([7] if counts else [])


def test_a_reinvested_dividend_is_a_purchase():
    assert held(entry(7, days_ago(5), EntryKind.REINVEST)) == [7]


def test_a_gift_is_no_purchase():
    assert held(entry(7, days_ago(5), EntryKind.RECEIVE)) == []


def test_shares_that_served_as_a_replacement_do_not_serve_again():
    match = WashMatch(
        sale="3",
        sold_lot="1",
        replacement="7",
        replacement_account="1",
        shares=Fraction(100),
        amount=Fraction(50),
        treatment=Treatment.DEFERRED,
        rule_ids=("R5",),
        replacement_part=0,
    )
    assert held(entry(7, days_ago(5)), spent=lookback.spent_parts([match])) == []


def test_fills_of_one_order_are_one_block():
    assert lookback.order_of(entry(7, TODAY, block="order 5")) == lookback.order_of(
        entry(8, TODAY, block="order 5")
    )
    assert lookback.order_of(entry(7, TODAY)) != lookback.order_of(entry(8, TODAY))


def test_orders_of_two_accounts_with_one_name_are_two_blocks():
    one = entry(7, TODAY, block="1")
    assert lookback.order_of(one) != lookback.order_of(replace(one, id="8", account="2"))


def test_an_order_named_like_an_entry_is_not_that_entry():
    assert lookback.order_of(entry(7, TODAY, block="8")) != lookback.order_of(entry(8, TODAY))


def test_a_planned_purchase_counts_as_bought_today():
    planned = Intention(
        proposal=9,
        kind=ProposalKind.REBALANCE,
        status=Status.APPROVED,
        as_of=days_ago(1),
        account=IRA,
        security=AAA,
        side=Side.BUY,
        quantity=Decimal(5),
        price=Decimal(80),
        opening=None,
        part=None,
        at_loss=False,
        pair=0,
    )
    (purchase,) = lookback.purchases_intended([planned], TODAY)
    assert (purchase.bought_on, purchase.shares, purchase.opening) == (TODAY, Decimal(5), None)


def test_free_from_is_day_31_after_the_last_purchase():
    assert lookback.free_from([bought(30), bought(3)]) == date(2023, 1, 25)
