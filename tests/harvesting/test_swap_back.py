"""Each pair has one state, by the dollars of each way out. Literals only."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest

from harvesting.pair_decisions import Decision
from harvesting.swap_back import decide
from harvesting.swap_back_drafts import draft
from harvesting.types import Finding, HarvestRules, Outcome, PairFigures, Terms
from harvesting.ways_back import Situation, Way, free_lots
from lots.types import LotRow
from lots.year_tax import TaxPosition, added_tax
from proposals.costs import Commission, TradingCosts
from proposals.types import PairState, Side, StandIn
from tests.harvesting.books import AAA, BBB, CCC, DDD, TAXABLE, book, lot, position

TODAY = date(2022, 12, 28)
SOLD_ON = TODAY - timedelta(days=31)
BUY_ORDER = 900


def pair(
    shares: str = "100", *, order: int = BUY_ORDER, opening: int = 50, **changes: object
) -> StandIn:
    """CCC stands in for AAA since 31 days ago, for $10,000 sold of it."""
    one = StandIn(
        proposal=1,
        pair=order - BUY_ORDER + 1,
        order=order,
        account=TAXABLE,
        substitute=CCC,
        originals={AAA: Decimal(10000)},
        sold_on=SOLD_ON,
        due_on=TODAY,
        openings=frozenset({opening}),
        shares=Decimal(shares),
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def ccc(
    basis: str = "10000", quantity: str = "100", *, opening: int = 50, acquired: date = SOLD_ON
) -> LotRow:
    return lot(opening, CCC, quantity, basis, acquired=acquired)


def situation(
    *lots: LotRow,
    price: str = "100",
    error: str = "0.05",
    rules: HarvestRules | None = None,
    tax: TaxPosition | None = None,
    prices: Mapping[int, str] | None = None,
    **changes: object,
) -> Situation:
    """CCC at ``price``; AAA and BBB at 80, so that 100 CCC buy 125 of them."""
    known = {CCC: price, **(prices or {})}
    found = Situation(
        book=book(
            *(lots or (ccc(),)), prices=known, rules=rules or HarvestRules(risk_price=Decimal(10))
        ),
        tax=tax or position(),
        costs=TradingCosts(half_spreads={CCC: Decimal("0.0005"), AAA: Decimal("0.0005")}),
        tracking={
            pair: PairFigures(Decimal(error), Decimal("0.9"), Decimal(1), 252)
            for pair in product((AAA, BBB), (CCC, DDD))
        },
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def decided(one: StandIn, around: Situation) -> Decision:
    (decision,) = decide([one], around)
    return decision


# The states in their order


def test_until_day_31_it_waits_and_the_sum_is_shown():
    """T44: after the last fill of the sales, day 30 is still inside."""
    for day in (1, 29, 30):
        sold_on = TODAY - timedelta(days=day)
        one = pair(sold_on=sold_on, due_on=sold_on + timedelta(days=31))
        found = decided(one, situation())
        assert found.state is PairState.WAITING
        assert found.reason == f"Day {day} of 31: AAA can be bought from {one.due_on}."
        assert found.figures["avoided"] == "250"
        assert not found.trades
    assert decided(pair(), situation()).state is PairState.PROPOSED


def test_without_gain_it_goes_back_for_the_price_of_trading():
    """$10,000 at 5 % tracking error cost 10 x 0.05^2 x 10,000 = $250 a year; both legs cost $10."""
    found = decided(pair(), situation())
    assert found.state is PairState.PROPOSED
    sell, buy = found.trades
    assert (sell.side, sell.security, sell.quantity, sell.opening) == (
        Side.SELL,
        CCC,
        Decimal(100),
        50,
    )
    # 10,000 less 5 of spread buys 124 at 80 (9,920 and 4.96); 70.04 is left.
    assert (buy.side, buy.security, buy.quantity, buy.account) == (
        Side.BUY,
        AAA,
        Decimal(124),
        TAXABLE,
    )
    assert {trade.pair for trade in found.trades} == {BUY_ORDER}
    assert found.figures["cash_left"] == "70.04"
    assert found.figures["net"] == "240.04"
    assert found.figures["ways"] == {"keep": "0", "back": "240.04"}
    assert found.figures["break_even_days"] == "15"
    assert found.reason == (
        "Going back to AAA avoids $250.00 of tracking error in 1 year for $0.00 of tax, less $0.00 that "
        "the higher basis saves later, and $9.96 of trading cost: $240.04 to the good."
    )


@pytest.mark.parametrize(
    ("error", "state"), [("0.05", PairState.KEEP), ("0.12", PairState.PROPOSED)]
)
def test_t16_after_a_rise_of_12_per_cent_the_dollars_decide(error: str, state: PairState):
    """T16: $1,200 of short-term gain cost $489.60; the higher basis saves 1,200 x 0.238 / 1.05^10 = $175.33 later."""
    found = decided(pair(), situation(price="112", error=error))
    assert found.state is state
    assert (found.figures["tax"], found.figures["later"]) == ("489.6", "175.33")
    assert found.figures["short_gain"] == "1200"
    net = Decimal(str(found.figures["net"]))
    assert (net > 0) is (state is PairState.PROPOSED)
    parts = (Decimal(str(found.figures[name])) for name in ("avoided", "tax", "later", "cost"))
    avoided, tax, later, cost = parts
    assert net == avoided - tax + later - cost


def test_a_kept_one_names_its_break_even_and_the_day_its_gain_turns_long_term():
    found = decided(pair(), situation(price="112"))
    assert found.state is PairState.KEEP
    # 489.60 - 175.33 + 11.16 of 280 a year: 424.2 days
    assert "It would pay after 425 days of staying." in found.reason
    assert "The short-term gain turns long-term on 2023-11-28" in found.reason
    assert "going back then would save $204.00 of tax." in found.reason  # 1,200 x (0.408 - 0.238)
    assert found.figures["waiting_saves"] == "204"


def test_where_waiting_for_the_long_term_is_worth_most_it_keeps_until_that_day():
    """A lot that turns long-term in five days: 1,000 of gain at 23.8 % instead of 40.8 % is worth the wait."""
    acquired = date(2022, 1, 2)
    around = situation(ccc("9000", acquired=acquired), error="0.06")
    found = decided(pair(), around)
    assert found.state is PairState.KEEP
    assert found.figures["until"] == "2023-01-03"
    assert found.reason.startswith("Keep until 2023-01-03: ")
    ways = {way: Decimal(str(dollars)) for way, dollars in dict(found.figures["ways"]).items()}  # type: ignore[call-overload]
    assert max(ways, key=lambda way: ways[way]) == Way.LATER


def test_nothing_left_is_done_after_a_swap_back_and_gone_otherwise():
    assert decided(pair("0", swapped=Decimal(100)), situation()).state is PairState.DONE
    gone = decided(pair("0"), situation())
    assert (gone.state, gone.reason) == (PairState.GONE, "No CCC of this pair is held any more.")


def test_a_waived_pair_stays_waived_with_its_sum_but_ends_like_any_other():
    found = decided(pair(waived="Ada decided to stay: gift."), situation())
    assert (found.state, found.reason) == (PairState.WAIVED, "Ada decided to stay: gift.")
    assert found.figures["net"] == "240.04"
    assert not found.trades
    assert decided(pair("0", waived="stay"), situation()).state is PairState.GONE


def test_an_approved_swap_back_is_proposed_and_holds_the_others_back():
    assert decided(pair(under_way=True), situation(is_busy=True)).state is PairState.PROPOSED
    other = decided(pair(), situation(is_busy=True))
    assert (other.state, other.trades) == (PairState.KEEP, ())
    assert "when the approved swap-back of this household is filled" in other.reason


def test_an_original_inside_a_window_makes_a_due_pair_wait_until_it_opens():
    closed = {AAA: (date(2023, 1, 20), "5 AAA sold at a loss on 2022-12-20 in Ann taxable")}
    found = decided(pair(), situation(closed=closed))
    assert found.state is PairState.WAITING
    assert found.figures["until"] == "2023-01-20"
    assert "inside a window until 2023-01-20: 5 AAA sold at a loss" in found.reason


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"prices": {AAA: ""}}, "AAA has no price."),
        (
            {"not_bought": {AAA: "AAA must not be bought: client's wish"}},
            "AAA must not be bought: client's wish.",
        ),
        ({"not_sold": {CCC: "CCC must not be sold: pledged"}}, "CCC must not be sold: pledged."),
        (
            {"reserved": {(50, 0): Decimal(100)}},
            "Every share of CCC is being sold by another proposal.",
        ),
        (
            {"barred": {BUY_ORDER: "It cannot go back today: washed."}},
            "It cannot go back today: washed.",
        ),
        ({"tax": None, "no_tax": "Nobody entered rates."}, "Nobody entered rates."),
    ],
)
def test_what_stands_in_the_way_is_the_reason_for_keeping(changes: dict[str, object], why: str):
    prices = changes.pop("prices", None)
    found = decided(pair(), replace(situation(prices=prices), **changes))  # type: ignore[arg-type]
    assert (found.state, found.reason, found.trades) == (PairState.KEEP, why, ())


def test_a_stale_price_is_named():
    around = situation()
    old = replace(around.book.prices[AAA], day=date(2022, 12, 1))
    around = replace(around, book=replace(around.book, prices={**around.book.prices, AAA: old}))
    assert decided(pair(), around).reason == "The last price of AAA is of 2022-12-01."


# The harvest, and new money


def finding(outcome: Outcome, detail: str = "") -> Finding:
    terms = Terms(saved=Decimal(238), cost=Decimal(9))
    return Finding(TAXABLE, CCC, 50, 0, outcome, detail, Decimal(100), Decimal(1000), terms=terms)


def test_a_loss_above_the_floors_is_left_to_the_harvest():
    found = decided(pair(), situation(price="90"))
    assert (found.state, found.trades) == (PairState.HARVEST, ())
    assert "stands at a loss of $1,000.00, which passes the floors" in found.reason
    # it meets long-term gain: 1,000 x 0.238 less 1,000 x 0.238 / 1.05^10 less 2 x 4.50
    assert dict(found.figures["ways"])["harvest"] == "82.89"  # type: ignore[call-overload]


@pytest.mark.parametrize("outcome", [Outcome.TAKE, Outcome.WAIT, Outcome.HOUSEHOLD_BUSY])
def test_what_the_harvest_takes_or_waits_for_is_the_harvests(outcome: Outcome):
    around = situation(
        price="90", findings={(50, 0): finding(outcome, "Worth more on 2023-01-03.")}
    )
    found = decided(pair(), around)
    assert found.state is PairState.HARVEST
    assert found.reason.endswith("Worth more on 2023-01-03.")
    taken = replace(around, reserved={(50, 0): Decimal(100)})  # tonight's draft sells it
    assert decided(pair(), taken).state is PairState.HARVEST


@pytest.mark.parametrize("outcome", [Outcome.NO_SUBSTITUTE, Outcome.NO_BENEFIT])
def test_what_the_harvest_passed_over_goes_back_with_its_loss(outcome: Outcome):
    """$1,000 of loss meets long-term gain: it saves $238 now and costs $146.11 later, so that going back pays twice."""
    around = situation(price="90", findings={(50, 0): finding(outcome)})
    found = decided(pair(), around)
    assert found.state is PairState.PROPOSED
    assert (found.figures["tax"], found.figures["later"]) == ("-238", "-146.11")


def test_a_loss_below_the_floors_is_no_harvest():
    found = decided(pair(), situation(price="99.50"))  # $50
    assert found.state is PairState.PROPOSED


def test_where_the_loss_would_be_washed_only_lots_at_a_gain_may_go():
    around = situation(price="99.50", only_gains=frozenset({BUY_ORDER}))
    found = decided(pair(), around)
    assert (found.state, found.trades) == (PairState.KEEP, ())
    assert "a loss that would be washed" in found.reason


def test_new_money_goes_home_where_going_back_costs_too_much():
    """$5,600 beside $11,200 of the substitute: a third of 280 is made up for, without tax."""
    around = situation(price="112", new_money={AAA: Decimal(5600)})
    found = decided(pair(), around)
    assert (found.state, found.trades) == (PairState.NEW_CASH, ())
    assert dict(found.figures["ways"])["new_cash"] == "93.33"  # type: ignore[call-overload]
    assert (
        "$5,600.00 into AAA, which makes up for $93.33 of tracking error: CCC stays."
        in found.reason
    )


def test_going_back_beats_new_money_where_it_is_worth_more():
    assert decided(pair(), situation(new_money={AAA: Decimal(5000)})).state is PairState.PROPOSED


def test_new_money_is_counted_once():
    first, second = pair("50"), pair("50", order=BUY_ORDER + 1, opening=51)
    lots = (ccc("5000", "50"), ccc("5000", "50", opening=51))
    around = situation(*lots, price="112", new_money={AAA: Decimal(5600)})
    states = [one.state for one in decide([second, first], around)]
    assert states == [PairState.NEW_CASH, PairState.KEEP]  # the first takes 5,600, its whole worth


# Lots, costs, several pairs


def test_several_originals_share_the_dollars_as_they_were_sold():
    """T8: $7,500 of AAA and $2,500 of BBB were sold; what rounding leaves is less than one share and the costs."""
    one = pair(originals={AAA: Decimal(7500), BBB: Decimal(2500)})
    around = situation(prices={BBB: "33"})
    found = decided(one, around)
    amounts = {trade.security: trade.amount for trade in found.trades if trade.side is Side.BUY}
    assert abs(amounts[AAA] - 7500) < 80
    assert abs(amounts[BBB] - 2500) < 80
    left = Decimal(str(found.figures["cash_left"]))
    assert 0 <= left < 34
    assert sum(amounts.values()) + left + Decimal(str(found.figures["cost"])) == 10000


def test_the_cheapest_lots_go_first_and_never_more_than_the_pairs_shares():
    """40 dear shares of another purchase cost no tax: they go before the pair's own at a gain."""
    own, other = ccc("8000"), ccc("4400", "40", opening=60, acquired=date(2021, 1, 4))
    found = free_lots(pair(), situation(own, other))
    assert [(one.key, one.quantity) for one in found] == [
        ((60, 0), Decimal(40)),
        ((50, 0), Decimal(60)),
    ]


def test_whole_shares_go_where_the_account_trades_no_fractions_and_the_position_stays_in_part():
    around = situation(ccc(), ccc("4400", "40", opening=60))
    assert sum(one.quantity for one in free_lots(pair("99.4"), around)) == 99
    whole = pair("140.25")
    position = situation(ccc(), ccc("4400", "40.25", opening=60))
    assert sum(one.quantity for one in free_lots(whole, position)) == Decimal("140.25")
    ann = replace(around.book.accounts[TAXABLE], trades_fractions=True)
    fractions = replace(around, book=replace(around.book, accounts={TAXABLE: ann}))
    assert sum(one.quantity for one in free_lots(pair("99.4"), fractions)) == Decimal("99.4")
    little = decided(pair("0.4"), around)
    assert little.state is PairState.KEEP
    assert little.reason.startswith("Less than one whole share of CCC stands in")


def test_only_the_lots_that_are_worth_it_go():
    """Half stands at no gain, half at a gain of 100 %: the second half's tax is more than it avoids."""
    flat, risen = ccc("5000", "50"), ccc("2500", "50", opening=51)
    found = decided(pair(openings=frozenset({50, 51})), situation(flat, risen))
    assert found.state is PairState.PROPOSED
    assert [trade.opening for trade in found.trades if trade.side is Side.SELL] == [50]
    assert "50 CCC stay" in found.reason


def test_commission_and_impact_of_both_legs_count():
    costs = TradingCosts(
        commissions={TAXABLE: Commission(per_order=Decimal(130))},
    )
    found = decided(pair(), situation(costs=costs))
    assert found.state is PairState.KEEP  # 2 x 130 is more than 250
    assert found.figures["cost"] == "260"


def test_the_second_pair_pays_the_tax_that_the_first_has_left_it():
    """Losses of 1,000 this year cover the first gain only."""
    tax = position(short="-1000", long="0", limit="0", carried="0")
    first, second = pair("50"), pair("50", order=BUY_ORDER + 1, opening=51)
    lots = (ccc("4000", "50"), ccc("4000", "50", opening=51))
    around = situation(*lots, tax=tax, error="0.3")
    one, two = decide([first, second], around)
    assert (one.figures["tax"], two.figures["tax"]) == ("0", "408")
    whole = draft(household=1, decisions=(one, two), situation=around)
    assert whole is not None
    assert -whole.tax_saved == added_tax(tax, short=whole.short_gain, long=whole.long_gain) == 408
    assert whole.cost == sum(Decimal(str(each.figures["cost"])) for each in (one, two))
    assert whole.explanation["worth"]["tax"] == "408"  # type: ignore[index]


def test_two_pairs_never_trade_against_each_other():
    """AAA stands in for CCC in one pair, CCC for AAA in the other: only one of them goes."""
    back = pair(order=BUY_ORDER + 1, opening=51, substitute=AAA, originals={CCC: Decimal(8000)})
    aaa = lot(51, AAA, "100", "8000", acquired=SOLD_ON)
    around = situation(ccc(), aaa)
    around = replace(around, tracking={**around.tracking, (CCC, AAA): around.tracking[AAA, CCC]})
    one, two = decide([pair(), back], around)
    assert (one.state, two.state) == (PairState.PROPOSED, PairState.KEEP)
    assert two.reason == "Another swap-back of tonight sells CCC."


def test_the_same_night_decides_the_same():
    pairs = [pair("50"), pair("50", order=BUY_ORDER + 1, opening=51)]
    around = situation(ccc("5000", "50"), ccc("4000", "50", opening=51))
    assert decide(pairs, around) == decide(reversed(pairs), around)


def test_the_choice_is_the_best_of_its_own_sums():
    """Over a grid of prices, errors and new money, no way shown is worth more than the one chosen."""
    chosen = {
        PairState.PROPOSED: (Way.BACK,),
        PairState.NEW_CASH: (Way.NEW_CASH,),
        PairState.KEEP: (Way.KEEP, Way.LATER),
    }
    seen = set()
    for price, error, money, acquired in product(
        ("96", "100", "104", "112", "140"),
        ("0", "0.02", "0.08", "0.2"),
        ("0", "2000"),
        (SOLD_ON, date(2022, 1, 10), date(2021, 1, 4)),
    ):
        around = situation(
            ccc(acquired=acquired), price=price, error=error, new_money={AAA: Decimal(money)}
        )
        found = decided(pair(), around)
        seen.add(found.state)
        if found.state is PairState.HARVEST:
            continue
        ways = {Way(way): Decimal(str(sum_)) for way, sum_ in dict(found.figures["ways"]).items()}  # type: ignore[call-overload]
        best = max(ways.values())
        assert max(ways[one] for one in chosen[found.state] if one in ways) == best
    assert seen >= set(chosen)
