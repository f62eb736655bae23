"""Why a name stays out of band, from restrictions, windows and proposals to a sentence each (F37)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from proposals.types import (
    BuyBlock,
    RestrictionKind,
    RestrictionRow,
    Restrictions,
    SellBlock,
    Windows,
)
from rebalancing.household.kept_back import kept_back
from rebalancing.household.restrictions import why_kept, with_restrictions
from rebalancing.household.state import restricted, tradable
from rebalancing.policies import decision, drift
from rebalancing.policies.decision import Scope
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState, Kept
from tests.rebalancing.states import DAY, account, lot, risk, state

SAID = "The client says so (restricted for the firm since 2022-12-28)"
CLEAR = date(2023, 1, 20)


def row(kind: RestrictionKind, security: int = 1, **changes: Any) -> RestrictionRow:
    values: dict[str, Any] = {
        "security": security,
        "kind": kind,
        "account": None,
        "since": DAY,
        "until": None,
        "reason": "The client says so.",
        "whose": "for the firm",
    }
    return RestrictionRow(**{**values, **changes})


def household(*rows: RestrictionRow, **changes: Any) -> HouseholdState:
    """$100,000 in two taxable accounts: S1 45 % and a gain, S2 15 %, S3 38 %; the model asks for 30, 30 and 38."""
    values: dict[str, Any] = {
        "accounts": (account(1, "1000"), account(2, "1000")),
        "lots": (
            lot(1, "450", "20000", opening=1),
            lot(2, "300", "15000", opening=2),
            lot(3, "380", "38000", opening=3, account=2),
        ),
        "prices": {1: "100", 2: "50", 3: "100"},
        "targets": {1: "0.30", 2: "0.30", 3: "0.38"},
    }
    found = state(**{**values, **changes})
    return with_restrictions(replace(found, restrictions=Restrictions(rows)))


def windows(found: HouseholdState, **changes: Any) -> Windows:
    """Those of the state's restrictions, and ``changes``."""
    held = {(one.account, one.security) for one in found.lots}
    values: dict[str, Any] = {
        "buy_blocked": {},
        "sell_blocked": {},
        "reserved": {},
        "restricted": found.restrictions,
        "no_sell": frozenset(
            (account, security)
            for account, security in held
            for one in found.restrictions.rows
            if one.kind is RestrictionKind.NO_SELL and one.security == security
        ),
    }
    return Windows(**{**values, **changes})


def solvable(*rows: RestrictionRow, **changes: Any) -> HouseholdState:
    found = household(*rows, **changes)
    return tradable(found, windows(found))


def test_nothing_is_said_of_names_that_may_be_traded() -> None:
    assert kept_back(solvable()) == ()


def test_what_must_not_be_sold_is_named_with_its_restriction() -> None:
    assert kept_back(solvable(row(RestrictionKind.NO_SELL))) == (
        "S1 stays at 45.0 % of the household, above its band of 25.0 % to 35.0 %: shares worth $45,000.00 are not for "
        f"sale (they must not be sold, {SAID}).",
    )


def test_a_held_gain_is_named_with_its_restriction() -> None:
    [told] = kept_back(solvable(row(RestrictionKind.HOLD_GAINS, limit=D("0.1"))))
    assert f"shares worth $45,000.00 are not for sale (their gain is held, {SAID})." in told


def test_a_window_on_what_is_too_heavy_is_named_with_its_end() -> None:
    lots = (lot(1, "450", "60000", opening=1), *household().lots[1:])
    found = household(lots=lots)
    block = SellBlock(CLEAR, D(5), "bought 2022-12-20 in A2", permanent=False)
    [told] = kept_back(tradable(found, windows(found, sell_blocked={1: block})))
    assert told.endswith(
        "are not for sale (the loss would be a wash sale until 2023-01-20: bought 2022-12-20 in A2)."
    )
    endless = replace(block, is_endless=True)
    [told] = kept_back(tradable(found, windows(found, sell_blocked={1: endless})))
    assert "wash sale, and no end of it is in sight: bought" in told


def test_what_must_not_be_bought_is_named_with_its_restriction() -> None:
    assert kept_back(solvable(row(RestrictionKind.NO_BUY, 2))) == (
        "S2 stays at 15.0 % of the household, below its band of 25.0 % to 35.0 %: it must not be bought, "
        f"{SAID}.",
    )


def test_a_window_on_what_is_too_light_is_named_with_its_end() -> None:
    found = household()
    block = BuyBlock(CLEAR, "sold at a loss 2022-12-20 in A2", shares=D(5))
    [told] = kept_back(tradable(found, windows(found, buy_blocked={2: block})))
    assert told.endswith(": it is blocked until 2023-01-20: sold at a loss 2022-12-20 in A2.")


def test_a_window_on_an_identical_security_is_the_name_s_own() -> None:
    found = household(groups=(frozenset({2, 9}),))
    block = BuyBlock(CLEAR, "sold at a loss 2022-12-20 in A2", shares=D(5))
    [told] = kept_back(tradable(found, windows(found, buy_blocked={9: block})))
    assert told.startswith("S2 stays at 15.0 %")
    assert "blocked until 2023-01-20" in told


def test_what_no_longer_trades_is_neither_sold_nor_bought() -> None:
    gone = replace(solvable(), delisted={1: date(2022, 12, 1), 2: date(2022, 12, 2)})
    gone = replace(gone, lots=(replace(gone.lots[0], sellable=D(0)), *gone.lots[1:]))
    first, second = kept_back(gone)
    assert "(it has not traded since 2022-12-01)" in first
    assert "it has not traded since 2022-12-02" in second


def test_a_largest_weight_against_a_no_sell_names_both() -> None:
    most = row(RestrictionKind.MAX_WEIGHT, limit=D("0.25"), reason="Too much of one name")
    [told] = [
        one
        for one in kept_back(solvable(most, row(RestrictionKind.NO_SELL)))
        if one.startswith("S1")
    ]
    assert told == (
        "S1 stays at 45.0 % of the household, above its largest weight of 25.0 %, Too much of one name (restricted for "
        "the firm since 2022-12-28): shares worth $45,000.00 are not for sale (they must not be sold, "
        + SAID
        + ")."
    )


def test_a_largest_weight_inside_the_band_is_named_all_the_same() -> None:
    most = row(RestrictionKind.MAX_WEIGHT, limit=D("0.43"))
    found = solvable(most, row(RestrictionKind.NO_SELL), targets={1: "0.45", 2: "0.15", 3: "0.38"})
    assert not any(one.breached for one in drift.of_state(found).rows)
    [told] = kept_back(found)
    assert "above its largest weight of 43.0 %" in told


def test_shares_that_another_proposal_buys_are_named() -> None:
    lots = (lot(2, "300", "15000", opening=2), *household().lots[2:])
    [told] = kept_back(solvable(lots=lots, incoming={(1, 1): D(450)}))
    assert told.endswith(
        "shares worth $45,000.00 are not for sale (another proposal is only buying them)."
    )


def test_a_restriction_that_leaves_enough_to_sell_is_no_reason() -> None:
    """One lot is held, and the other brings the name back to its band."""
    lots = (
        lot(1, "300", "3000", opening=1),
        lot(1, "150", "15000", opening=4),
        *household().lots[1:],
    )
    assert kept_back(solvable(row(RestrictionKind.HOLD_GAINS, limit=D("0.5")), lots=lots)) == ()
    short = (
        lot(1, "400", "4000", opening=1),
        lot(1, "50", "5000", opening=4),
        *household().lots[1:],
    )
    [told] = kept_back(solvable(row(RestrictionKind.HOLD_GAINS, limit=D("0.5")), lots=short))
    assert "shares worth $40,000.00" in told


def test_one_account_that_must_not_buy_counts_where_the_other_cannot_pay() -> None:
    alone = row(RestrictionKind.NO_BUY, 2, account=1)
    poor = solvable(alone, row(RestrictionKind.NO_SELL, 3))
    assert [one for one in kept_back(poor) if one.startswith("S2")] == [
        "S2 stays at 15.0 % of the household, below its band of 25.0 % to 35.0 %: A1 must not buy it, "
        f"{SAID}."
    ]
    assert kept_back(solvable(alone)) == ()  # the other sells some of its S3


def test_what_trades_have_left_is_told_and_what_they_have_mended_is_not() -> None:
    """The optimiser's own trades: half of S1 is held, so it stays above its band; S2 comes back to its own."""
    lots = (
        lot(1, "400", "4000", opening=1),
        lot(1, "50", "5000", opening=4),
        *household().lots[1:],
    )
    start = solvable(row(RestrictionKind.HOLD_GAINS, limit=D("0.5")), lots=lots)
    figures = best_trades(start, risk(len(universe(start))))
    assert figures.trades
    [told] = kept_back(start, figures.after, figures.cash_after)
    assert told.startswith("S1 stays at 40.0 % of the household, above its band")


def test_a_sale_that_would_go_far_enough_is_not_blamed_on_what_is_kept() -> None:
    """The trades sold too little although more was for sale: that is what they cost, and no restriction."""
    lots = (
        lot(1, "200", "2000", opening=1),
        lot(1, "250", "25000", opening=4),
        *household().lots[1:],
    )
    start = solvable(row(RestrictionKind.HOLD_GAINS, limit=D("0.5")), lots=lots)
    after = {1: D(40_000), 2: D(20_000), 3: D(38_000)}
    assert kept_back(start, after, {1: D(1000), 2: D(1000)}) == ()


def test_the_three_farthest_are_named_and_the_others_counted() -> None:
    rows = [row(RestrictionKind.NO_SELL, security) for security in range(1, 6)]
    lots = tuple(lot(one, str(100 + one), "100", opening=one) for one in range(1, 6))
    prices = dict.fromkeys(range(1, 7), "100")
    told = kept_back(
        solvable(*rows, lots=lots, prices=prices, targets={6: "0.95"}, buyable=frozenset())
    )
    assert [one[:2] for one in told[:3]] == ["S5", "S4", "S3"]
    assert told[3:] == ("And 2 more names stay out of band because trades are kept back.",)
    fewer = kept_back(
        solvable(*rows[1:], lots=lots[1:], prices=prices, targets={6: "0.95"}, buyable=frozenset())
    )
    assert fewer[3:] == ("And 1 more name stays out of band because trades are kept back.",)


def test_what_must_be_sold_has_its_own_sentence() -> None:
    assert not [
        one
        for one in kept_back(solvable(row(RestrictionKind.MUST_SELL), row(RestrictionKind.NO_SELL)))
        if one.startswith("S1")
    ]


def test_what_the_policy_s_look_leaves_alone_is_kept_back_by_nobody() -> None:
    start = solvable()
    narrow = decision.narrowed(start, drift.of_state(start), Scope.CASH_ONLY)
    assert why_kept(narrow.lots[0], narrow) == "the policy's look trades other names today"
    assert kept_back(narrow) == ()


def test_a_household_of_nothing_has_no_sentences() -> None:
    start = solvable()
    assert kept_back(start, {}, {1: D(0), 2: D(-5)}) == ()


# What keeps a lot, each told apart


def test_the_first_cause_that_kept_a_lot_is_told() -> None:
    start = household()
    cut = start.keeping((replace(one, sellable=D(0)) for one in start.lots), Kept.BUDGET)
    again = cut.keeping((replace(one, sellable=D(0)) for one in cut.lots), Kept.POLICY)
    assert {why_kept(one, again) for one in again.lots} == {Kept.BUDGET.value}


@pytest.mark.parametrize("why", list(Kept))
def test_every_cause_is_told_apart(why: Kept) -> None:
    start = household()
    one = replace(start.lots[0], sellable=D(0))
    found = start.keeping((one, *start.lots[1:]), why)
    assert why_kept(one, found) == why.value
    assert found.kept == {one.key: why}


def test_a_loss_that_no_window_is_known_of_would_still_wash() -> None:
    start = household(lots=(lot(1, "450", "60000", opening=1), *household().lots[1:]))
    washed = restricted(start, no_buys=(), no_loss_sales=[1])
    assert why_kept(washed.lots[0], washed) == "the loss would be a wash sale"


def test_what_nothing_is_known_of_is_just_not_for_sale() -> None:
    start = household()
    one = replace(start.lots[0], sellable=D(0))
    assert why_kept(one, replace(start, lots=(one, *start.lots[1:]))) == "they are not for sale"
