"""What each way out of parked cash comes to, in literals, and what holds of any pairs and any cash."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesting.pair_decisions import Decision
from harvesting.swap_back import decide
from harvesting.types import PairFigures
from harvesting.ways_back import Situation
from proposals.types import CASH, PairState, ParkedMoney, Side, StandIn
from tests.harvesting.books import AAA, BBB, TAXABLE
from tests.harvesting.test_swap_back import BUY_ORDER, TODAY, pair, situation

ENDS = (PairState.DONE, PairState.GONE)


def in_cash(
    proceeds: str = "10000",
    *,
    home: str = "0",
    balance: str = "",
    missed_on: date | None = TODAY - timedelta(days=1),
    **changes: object,
) -> StandIn:
    """$10,000 of AAA sold 31 days ago and parked; AAA stands at 80. Cash that is missing was so the night before."""
    money = ParkedMoney(
        Decimal(proceeds), Decimal(home), Decimal(balance or proceeds), missed_on=missed_on
    )
    one = pair("0", substitute=CASH, openings=frozenset(), parked=money)
    return replace(one, **changes)  # type: ignore[arg-type]


def around(*, error: str = "0.2", **changes: object) -> Situation:
    """AAA and BBB move by a fifth a year."""
    found = situation()
    figures = PairFigures(Decimal(error), Decimal(0), Decimal(0), 252)
    tracking = {**found.tracking, (AAA, CASH): figures, (BBB, CASH): figures}
    return replace(found, tracking=tracking, **changes)  # type: ignore[arg-type]


def decided(one: StandIn, here: Situation) -> Decision:
    (decision,) = decide([one], here)
    return decision


def test_buying_back_costs_one_leg_and_no_tax():
    """124 AAA at 80 and 4.96 of spread: 10 x 0.2^2 x 9,920 = $3,968 a year."""
    found = decided(in_cash(), around())
    assert found.state is PairState.PROPOSED
    (buy,) = found.trades
    assert (buy.side, buy.security, buy.quantity) == (Side.BUY, AAA, Decimal(124))
    assert (buy.account, buy.pair, buy.reason) == (TAXABLE, BUY_ORDER, "BUY_BACK_FROM_CASH")
    assert found.figures["ways"] == {"keep": "0", "back": "3963.04"}
    assert (found.figures["cash_left"], found.figures["tax"]) == ("75.04", "0")
    assert found.figures["break_even_days"] == "1"


def test_two_originals_share_the_dollars_as_they_were_sold():
    originals = {AAA: Decimal(6000), BBB: Decimal(4000)}
    found = decided(in_cash(originals=originals), around())
    assert {trade.security: trade.quantity for trade in found.trades} == {
        AAA: Decimal(74),
        BBB: Decimal(50),
    }


@pytest.mark.parametrize(
    ("money", "state", "words"),
    [
        # so much went home that the rest buys no share at 80
        (("10000", "9921", "79"), PairState.DONE, "$9,921.00 of the $10,000.00 parked bought AAA"),
        (("10000", "9920", "80"), PairState.KEEP, "$80.00 buys no whole share of AAA."),
        (("10000", "0", "79.99"), PairState.GONE, "only $79.99 of cash is in Ann taxable."),
        (("10000", "0", "0"), PairState.GONE, "only $0.00 of cash is in Ann taxable."),
        (("10000", "500", "20"), PairState.DONE, "only $20.00 of cash is in Ann taxable for the"),
        # never enough for a share, and still there
        (("79", "0", "79"), PairState.KEEP, "$79.00 buys no whole share of AAA."),
        (("79", "0", "78"), PairState.GONE, "only $78.00"),
        (("10000", "0", "-0.01"), PairState.KEEP, "The books show -$0.01 of cash in Ann taxable"),
    ],
)
def test_an_end_is_what_the_cash_says(money: tuple[str, str, str], state: PairState, words: str):
    proceeds, home, balance = money
    found = decided(in_cash(proceeds, home=home, balance=balance), around())
    assert found.state is state
    assert words in found.reason


@pytest.mark.parametrize("missed_on", [None, TODAY])
@pytest.mark.parametrize("home", ["0", "500"])
def test_cash_that_is_missing_for_the_first_night_is_no_end(missed_on: date | None, home: str):
    """T9: a sweep booked a day late; TODAY is the same night again."""
    found = decided(in_cash(home=home, balance="10", missed_on=missed_on), around())
    assert (found.state, found.figures["missed_on"]) == (PairState.KEEP, TODAY.isoformat())
    assert "only $10.00 of cash is in Ann taxable. If the next night" in found.reason
    waived = decided(in_cash(balance="10", missed_on=missed_on, waived="stay"), around())
    assert (waived.state, waived.figures["missed_on"]) == (PairState.WAIVED, TODAY.isoformat())
    assert "missed_on" not in decided(in_cash(), around()).figures


def test_the_end_comes_before_a_waiver_and_before_day_31_but_not_before_what_is_under_way():
    sold_on = TODAY - timedelta(days=5)
    inside: dict[str, Any] = {"sold_on": sold_on, "due_on": sold_on + timedelta(days=31)}
    assert decided(in_cash(balance="10", **inside), around()).state is PairState.GONE
    assert decided(in_cash(balance="10", waived="stay"), around()).state is PairState.GONE
    assert decided(in_cash(balance="10", under_way=True), around()).state is PairState.PROPOSED
    assert decided(in_cash(waived="stay", **inside), around()).state is PairState.WAIVED
    assert decided(in_cash(**inside), around()).state is PairState.WAITING


def test_without_a_price_it_stays_and_nothing_is_summed():
    here = around()
    prices = {one: quote for one, quote in here.book.prices.items() if one != AAA}
    found = decided(in_cash(), replace(here, book=replace(here.book, prices=prices)))
    assert (found.state, found.reason) == (PairState.KEEP, "AAA has no price.")
    assert "value" not in found.figures


def test_what_a_check_objected_to_stays():
    found = decided(in_cash(), around(barred={BUY_ORDER: "It cannot go back today: no."}))
    assert (found.state, found.reason) == (PairState.KEEP, "It cannot go back today: no.")


def test_it_does_not_matter_that_the_tax_rates_are_missing():
    assert decided(in_cash(), around(tax=None, no_tax="none")).state is PairState.PROPOSED


PAIRS = st.lists(
    st.tuples(
        st.integers(0, 60),  # days since its sales
        st.decimals(min_value=1, max_value=3000, places=2),  # parked
        st.decimals(min_value=0, max_value=3000, places=2),  # gone home
        st.decimals(min_value=-50, max_value=3000, places=2),  # booked cash
        st.sampled_from(["", "stay"]),
        st.booleans(),  # under way
        st.booleans(),  # two originals
    ),
    min_size=1,
    max_size=4,
)


@given(PAIRS, st.decimals(min_value=0, max_value=5000, places=2), st.sampled_from(["0", "0.3"]))
def test_every_pair_has_one_state_and_no_more_is_spent_than_there_is(rows, cash, error):
    pairs = []
    for number, (ago, proceeds, home, balance, waived, under_way, two) in enumerate(rows):
        sold_on = TODAY - timedelta(days=ago)
        originals = {AAA: Decimal(60), BBB: Decimal(20)} if two else {AAA: Decimal(80)}
        pairs.append(
            in_cash(
                str(proceeds), home=str(min(home, proceeds)), balance=str(balance),
                order=BUY_ORDER + number, pair=number + 1, sold_on=sold_on, originals=originals,
                due_on=sold_on + timedelta(days=31), waived=waived, under_way=under_way,
            )
        )  # fmt: skip
    decisions = decide(pairs, around(error=error, cash={TAXABLE: Decimal(cash)}))
    assert len(decisions) == len(pairs)
    for one in decisions:
        assert one.reason
        if one.state in ENDS:
            assert not one.pair.under_way
        if one.trades:
            assert (one.state, one.pair.due_on <= TODAY) == (PairState.PROPOSED, True)
            assert one.back is not None
            assert one.back.net > 0
            assert one.pair.parked is not None
            assert one.back.spent <= min(one.pair.parked.left, one.pair.parked.balance)
    spent = sum((one.back.spent for one in decisions if one.back), Decimal(0))
    assert spent <= Decimal(cash) + Decimal("0.01") * len(pairs)  # costs are rounded to the cent
