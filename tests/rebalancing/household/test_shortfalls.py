"""Cash that is needed and cannot be raised: refused with figures, or raised in part and said first (F6)."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from proposals.types import CashFlowKind, RestrictionKind, RestrictionRow, Restrictions
from rebalancing.household.cash_bands import cash_bands, household_band
from rebalancing.household.cash_needs import to_tell_of, within_reach
from rebalancing.household.checks import verify
from rebalancing.household.shortfalls import (
    NeedBeyondMeans,
    below_minimum,
    not_ready,
    refuse_beyond_means,
    shortfall,
    taken_out,
    told,
)
from rebalancing.policies import drift
from rebalancing.telling.explanation import far_out, without_drift
from rebalancing.trades.best_trades import best_trades, with_needs_placed
from rebalancing.types import HouseholdState
from tests.rebalancing.household.test_cash_needs import household, need
from tests.rebalancing.states import DAY, account, risk


def kept(start: HouseholdState, **sellable: str) -> HouseholdState:
    """The household with so many shares of the lots ``lot1`` ... ``lot4`` for sale."""
    lots = tuple(
        replace(one, sellable=D(sellable.get(f"lot{one.opening}", str(one.quantity))))
        for one in start.lots
    )
    return replace(start, lots=lots)


def test_an_account_worth_less_than_its_need_sells_nothing_and_says_the_figures() -> None:
    with pytest.raises(NeedBeyondMeans) as refused:
        with_needs_placed(household(need("60000", account=1)), risk(2))
    assert refused.value.code == "need_beyond_means"
    assert str(refused.value).startswith(
        "More cash is needed than can be raised: $60,000.00 for the withdrawal of 2022-12-28 from A1; what may pay "
        "for it (A1) is worth $25,000.00, and $35,000.00 is missing. Cash does not move between accounts. Nothing is "
        "proposed and nothing is sold."
    )


def test_a_household_is_not_sold_out_for_a_need_that_only_its_ira_could_meet() -> None:
    """$60,000 of $50,000 in taxable accounts; the $50,000 of the IRA are named and not asked."""
    with pytest.raises(NeedBeyondMeans) as refused:
        with_needs_placed(household(need("60000")), risk(2))
    assert "(A1, A2) is worth $50,000.00, and $10,000.00 is missing." in str(refused.value)
    assert "A retirement account pays only a need that names it: $50,000.00 in A3." in str(
        refused.value
    )
    refuse_beyond_means(household(need("50000")))
    refuse_beyond_means(household(need("50000", account=3, kind=CashFlowKind.RMD)))


def test_needs_of_one_account_are_taken_together_and_before_the_households() -> None:
    refuse_beyond_means(household(need("15000", account=1), need("35000")))
    with pytest.raises(
        NeedBeyondMeans, match=r"\$35,001\.00 .* is worth \$35,000\.00, and \$1\.00"
    ):
        refuse_beyond_means(household(need("15000", account=1), need("35001")))
    with pytest.raises(
        NeedBeyondMeans, match=r"\$15,000\.00 .*, \$10,001\.00 .* is worth \$25,000"
    ):
        refuse_beyond_means(household(need("15000", account=1), need("10001", account=1)))


def test_a_household_without_a_taxable_account_refuses_a_need_that_names_none() -> None:
    start = household(need("6000"))
    sheltered = replace(
        start, accounts=tuple(replace(one, is_taxable=False) for one in start.accounts)
    )
    with pytest.raises(NeedBeyondMeans, match="no account of the household may pay for it"):
        refuse_beyond_means(sheltered)


def test_what_is_not_for_sale_leaves_a_part_missing_that_is_said_first() -> None:
    """Of $24,000 from A1 100 shares at $100 less 5 bp and a cent, and $1,000 of cash, can be raised."""
    start = kept(household(need("24000", account=1)), lot1="100")
    start = replace(
        start,
        restrictions=Restrictions(
            (
                RestrictionRow(
                    security=1,
                    kind=RestrictionKind.NO_SELL,
                    account=1,
                    since=DAY,
                    until=None,
                    reason="Founder {shares}.",
                    whose="",
                    limit=None,
                ),
            )
        ),
    )
    placed = with_needs_placed(start, risk(2))
    found = shortfall(placed)
    assert found is not None
    assert (found.needed, found.ready, found.missing) == (D(24000), D("10994.99"), D("13005.01"))
    assert told(placed) == (
        "Only $10,994.99 of the $24,000.00 needed can be made ready; $13,005.01 is missing: shares worth $14,000.00 "
        "are not for sale (they must not be sold, Founder {shares} (restricted since 2022-12-28)).",
        "Needed: $24,000.00 for the withdrawal of 2022-12-28 from A1.",
    )
    figures = best_trades(placed, risk(2))
    assert verify(figures.trades, placed) == []
    assert figures.cash_after[1] >= 0


def test_what_selling_costs_is_a_cause_of_its_own() -> None:
    """All of A1 is needed: only half the spread of $24,000 and a cent are missing."""
    placed = with_needs_placed(household(need("25000", account=1)), risk(2))
    found = shortfall(placed)
    assert found is not None
    assert found.missing == D("12.01")
    assert found.causes == ("$12.01 is what the sales cost and what rounding leaves",)


def test_a_household_is_not_paid_out_whole() -> None:
    start = household(need("25000", account=1), need("25000", account=2), need("50000", account=3))
    found = shortfall(with_needs_placed(start, risk(2)))
    assert found is not None
    assert found.causes[0] == "$1,000.00 stays, because a household is not paid out whole"


def test_positions_below_the_smallest_trade_raise_nothing() -> None:
    start = household(
        need("24000", account=1), limits=replace(household().limits, minimum_trade=D(24_001))
    )
    found = shortfall(with_needs_placed(start, risk(2)))
    assert found is not None
    assert found.ready == 1000
    assert found.causes == ("positions worth $24,000.00 are below the smallest trade",)


def test_the_ira_that_is_not_asked_is_named_beside_what_is_not_for_sale() -> None:
    start = kept(household(need("40000")), lot1="0")
    found = shortfall(with_needs_placed(start, risk(2)))
    assert found is not None
    assert found.causes[-1] == "a retirement account pays only a need that names it (A3)"
    assert found.causes[0].startswith("shares worth $24,000.00 are not for sale (")


def test_what_is_met_has_no_shortfall() -> None:
    placed = with_needs_placed(household(need("8000")), risk(2))
    assert shortfall(placed) is None
    assert told(placed)[0].startswith("Set aside: $8,000.00")
    assert not_ready(household()) == ()
    # Nothing is traded although it could be: what the account lacks is said.
    assert not_ready(placed) == ("Not raised for what is needed: $7,000.00 in A2.",)


def test_what_the_weights_are_parts_of_is_told() -> None:
    assert taken_out(household()) == ()
    assert taken_out(household(need("20000"))) == (
        "Weights are parts of the $80,000.00 that stay once $20,000.00 is taken out: $20,000.00 for the withdrawal of "
        "2022-12-28 from the household.",
    )
    beyond, parts = taken_out(household(need("500000")))
    assert beyond.startswith("More cash is needed than can be raised: $500,000.00")
    assert parts == "Weights are parts of the $100,000.00 that are there; nothing is set aside."


def test_a_need_beyond_means_leaves_the_weights_as_they_are_and_still_must_be_told() -> None:
    calm, asked = household(), household(need("500000"))
    assert drift.of_state(asked) == drift.of_state(calm)
    assert (calm.must_act, asked.must_act) == (False, True)


def test_where_more_leaves_than_stays_weights_are_parts_of_what_is_there() -> None:
    leaving = household(need("40000", account=3), need("48000"))
    assert to_tell_of(household(need("20000"))) == household(need("20000"))
    shown = to_tell_of(leaving)
    assert (shown.value, shown.cash) == (D(100_000), D(3_000))
    assert drift.of_state(shown).rows == drift.of_state(household()).rows
    assert taken_out(leaving)[0].startswith(
        "Weights are parts of the $100,000.00 that are there, of which $88,000.00 is taken out: $40,000.00 for"
    )


def test_a_need_of_which_nothing_can_be_raised_sets_nothing_aside_and_opens_nothing() -> None:
    asked = kept(
        household(
            need("24000", account=1),
            accounts=(account(1, "0"), account(2, "1000"), account(3, "2000", is_taxable=False)),
        ),
        lot1="0",
    )
    assert asked.must_act
    found = within_reach(asked)
    assert (found.must_act, found.value, found.cash) == (False, D(100_000), D(3_000))
    assert not_ready(found)[0].startswith("Only $0.00 of the $24,000.00 needed can be made ready;")


def test_a_need_of_the_household_that_no_taxable_account_can_raise_opens_nothing() -> None:
    asked = kept(
        household(
            need("40000"),
            accounts=(account(1, "0"), account(2, "0"), account(3, "3000", is_taxable=False)),
        ),
        lot1="0",
        lot2="0",
    )
    found = within_reach(asked)
    assert (asked.must_act, found.must_act, found.unplaced_need) == (True, False, D(0))


def test_cash_to_raise_is_told_in_dollars_and_not_as_a_part_of_what_stays() -> None:
    """Of $100,000 $90,000 leave: -$87,000 of cash would be -870 % of the $10,000 that stay."""
    start = household(need("40000", account=3), need("24000", account=1), need("24000", account=2))
    words = far_out(drift.of_state(start), start.symbols)
    assert words == "$85,000.00 of cash to raise"  # and no drift: S1 would be 480 % of what stays
    assert without_drift(f"{words}; trades 2 lines.") == "Trades 2 lines."
    short = "Only $1.00 of the $3.00 needed can be made ready; $2.00 is missing: a. b."
    assert without_drift(f"{short} {words}; trades 2 lines.") == f"{short} Trades 2 lines."


@pytest.mark.parametrize("sellable", ["0", "3", "4", "240"])
def test_cash_below_the_minimum_is_raised_as_far_as_it_goes(sellable: str) -> None:
    """$485 of $97,000 is the minimum. Three shares bring less than that, and are sold; two are too small."""
    start = household(
        accounts=(account(1), account(2), account(3, is_taxable=False)),
    )
    start = kept(start, lot1=sellable, lot2="2", lot3="0", lot4="0")
    start = replace(start, buyable=frozenset())
    least = household_band(start)[0]
    assert least == D("485.000")
    able = D(sellable) * 100 * D("0.9995") * D("0.9")
    assert sum(band.floor for band in cash_bands(start).values()) == min(able, least)
    figures = best_trades(start, risk(2))
    assert verify(figures.trades, start) == []
    cash = sum(figures.cash_after.values(), D(0))
    assert cash >= min(able, least)
    said = below_minimum(start, figures.cash_after)
    if cash >= least:
        assert said == ()
    else:
        assert said[0].startswith(
            f"Cash comes to ${cash:,.2f}, ${least - cash:,.2f} less than the policy's minimum of $485.00: shares worth"
        )
