"""Must-sell, held gains and largest weights, from a restriction to the trades (F37)."""

from dataclasses import replace
from decimal import Decimal as D
from random import Random
from typing import Any

import numpy as np
import pytest

from proposals.types import RestrictionKind, RestrictionRow, Restrictions, Side
from rebalancing.household.checks import verify
from rebalancing.household.restrictions import capped, conflicts, with_restrictions
from rebalancing.household.state import restricted
from rebalancing.trades import arrays, draft_lines
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import Index, universe
from rebalancing.types import HouseholdState
from tests.rebalancing.states import DAY, account, lot, random_state, risk, state


def row(kind: RestrictionKind, security: int = 1, **changes: Any) -> RestrictionRow:
    values: dict[str, Any] = {
        "security": security,
        "kind": kind,
        "account": None,
        "since": DAY,
        "until": None,
        "reason": "The client says so",
    }
    return RestrictionRow(**{**values, **changes})


def household(*rows: RestrictionRow, **changes: Any) -> HouseholdState:
    """$100,000 in a taxable account and an IRA; S1 30 %, S2 and S3 the rest, as the model asks."""
    values: dict[str, Any] = {
        "accounts": (account(1, "1000"), account(2, "1000", is_taxable=False)),
        "lots": (
            lot(1, "150", "9000", opening=1),
            lot(1, "150", "9000", opening=2, account=2, is_taxable=False),
            lot(2, "700", "35000", opening=3),
            lot(3, "330", "33000", opening=4, account=2, is_taxable=False),
        ),
        "prices": {1: "100", 2: "50", 3: "100"},
        "targets": {1: "0.30", 2: "0.35", 3: "0.33"},
    }
    found = state(**{**values, **changes})
    return with_restrictions(replace(found, restrictions=Restrictions(rows)))


def solved(start: HouseholdState) -> Any:
    return best_trades(start, risk(len(universe(start))))


def sold(start: HouseholdState, security: int, account: int | None = None) -> D:
    return sum(
        (
            trade.quantity
            for trade in solved(start).trades
            if trade.side is Side.SELL
            and trade.security == security
            and account in (None, trade.account)
        ),
        D(0),
    )


def test_what_must_be_sold_leaves_every_account_whatever_the_tax() -> None:
    start = household(row(RestrictionKind.MUST_SELL))
    assert start.targets == {2: D("0.98") * 35 / 68, 3: D("0.98") * 33 / 68}
    assert start.must_act
    figures = solved(start)
    assert verify(figures.trades, start) == []
    assert {trade.reason for trade in figures.trades if trade.security == 1} == {"MUST_SELL"}
    assert sum(trade.quantity for trade in figures.trades if trade.security == 1) == 300
    assert figures.long_gain == 150 * 100 - 9000  # the IRA's gain is none
    assert not [one for one in figures.trades if one.security == 1 and one.side is Side.BUY]


def test_one_account_sells_out_and_the_other_keeps_its_shares() -> None:
    start = household(row(RestrictionKind.MUST_SELL, account=1))
    assert (start.targets[1], start.barred) == (D("0.30"), frozenset({(1, 1)}))
    assert (sold(start, 1, account=1), sold(start, 1, account=2)) == (D(150), D(0))


def test_a_loss_that_would_wash_is_not_sold_out_and_says_so() -> None:
    """An emergency sell-out still passes the wash check (F37); the IRA's shares go, it has no losses."""
    start = household(
        row(RestrictionKind.MUST_SELL),
        lots=(
            lot(1, "150", "19000", opening=1),
            lot(1, "150", "9000", opening=2, account=2, is_taxable=False),
            lot(2, "700", "35000", opening=3),
            lot(3, "330", "33000", opening=4, account=2, is_taxable=False),
        ),
    )
    window = restricted(start, no_buys=(), no_loss_sales=[1])
    assert (sold(window, 1, account=1), sold(window, 1, account=2)) == (D(0), D(150))
    [told] = conflicts(window)
    assert (
        told == "150 shares of S1 in A1 must be sold and are kept: the loss would be a wash sale."
    )


def test_what_must_not_be_sold_is_kept_although_it_must_be_sold() -> None:
    start = household(row(RestrictionKind.MUST_SELL), row(RestrictionKind.NO_SELL))
    kept = replace(
        start,
        lots=tuple(replace(one, sellable=D(0)) if one.security == 1 else one for one in start.lots),
    )
    assert sold(kept, 1) == 0
    assert all("must not be sold, The client says so" in told for told in conflicts(kept))
    assert len(conflicts(kept)) == 2


def test_a_held_gain_is_kept_although_it_must_be_sold() -> None:
    """Keeping can be mended tomorrow, selling cannot."""
    start = household(
        row(RestrictionKind.MUST_SELL),
        row(RestrictionKind.HOLD_GAINS, limit=D("0.2"), account=1),
    )
    assert (sold(start, 1, account=1), sold(start, 1, account=2)) == (D(0), D(150))
    assert "their gain is held" in conflicts(start)[0]


def test_more_cash_than_the_band_is_kept_where_nothing_may_be_bought() -> None:
    start = household(row(RestrictionKind.MUST_SELL), buyable=frozenset())
    figures = solved(start)
    assert verify(figures.trades, start) == []
    assert sum(figures.cash_after.values()) > D("0.3") * start.value
    free = household(buyable=frozenset())
    assert "more than its maximum" in " ".join(verify(figures.trades, free))


def test_a_small_rest_that_must_be_sold_goes_below_the_smallest_trade() -> None:
    start = household(
        row(RestrictionKind.MUST_SELL, 4),
        lots=(*household().lots, lot(4, "1.5", "10", opening=5)),
        prices={1: "100", 2: "50", 3: "100", 4: "20"},
    )
    assert sold(start, 4) == D("1.5")


def test_a_lot_with_a_large_gain_is_held_and_the_others_are_not() -> None:
    """40 % of its value is gain: above 30 it is held, above 50 it is not; an IRA has no gain."""
    held = household(row(RestrictionKind.HOLD_GAINS, limit=D("0.3")))
    assert [one.sellable for one in held.lots] == [0, 150, 700, 330]
    free = household(row(RestrictionKind.HOLD_GAINS, limit=D("0.5")))
    assert [one.sellable for one in free.lots] == [150, 150, 700, 330]
    exact = household(row(RestrictionKind.HOLD_GAINS, limit=D("0.4")))
    assert exact.lots[0].sellable == 150


def test_a_largest_weight_binds_exactly_after_rounding() -> None:
    start = household(row(RestrictionKind.MAX_WEIGHT, limit=D("0.2005")))
    assert start.targets[1] == D("0.2005")
    assert start.must_act
    figures = solved(start)
    assert verify(figures.trades, start) == []
    assert figures.after[1] <= D("0.2005") * start.value
    assert figures.after[1] > D("0.2005") * start.value - 200


def test_what_cannot_be_sold_may_stay_above_its_largest_weight() -> None:
    start = household(row(RestrictionKind.MAX_WEIGHT, limit=D("0.1")))
    stuck = replace(
        start,
        lots=tuple(replace(one, sellable=D(0)) if one.security == 1 else one for one in start.lots),
    )
    assert stuck.heaviest() == {1: D(30_000)}
    figures = solved(stuck)
    assert verify(figures.trades, stuck) == []
    assert figures.after[1] == 30_000


def test_capped_targets_give_what_they_lose_to_the_others() -> None:
    targets = {1: D("0.5"), 2: D("0.3"), 3: D("0.1")}
    assert capped(targets, {1: D("0.3")}) == {1: D("0.3"), 2: D("0.45"), 3: D("0.15")}
    twice = capped(targets, {1: D("0.3"), 2: D("0.4")})
    assert twice == {1: D("0.3"), 2: D("0.4"), 3: D("0.2")}
    assert capped(targets, dict.fromkeys(targets, D("0.1"))) == dict.fromkeys(targets, D("0.1"))
    assert capped(targets, {1: D(0)}) == {2: D("0.675"), 3: D("0.225")}


@pytest.mark.parametrize("seed", range(30))
def test_restricted_random_households_break_no_rule(seed: int) -> None:
    rng = Random(seed)
    start = random_state(rng)
    securities = sorted(start.prices)
    rows = [
        row(kind, rng.choice(securities), account=rng.choice([None, start.accounts[0].id]))
        for kind in (RestrictionKind.MUST_SELL,)
    ]
    rows.append(row(RestrictionKind.HOLD_GAINS, rng.choice(securities), limit=D("0.1")))
    rows.append(row(RestrictionKind.MAX_WEIGHT, rng.choice(securities), limit=D("0.15")))
    start = with_restrictions(replace(start, restrictions=Restrictions(tuple(rows))))
    figures = solved(start)
    assert verify(figures.trades, start) == []


# A wrong optimiser


def rounded(
    start: HouseholdState, *, buys: dict[tuple[int, int], float], sells: dict[int, float]
) -> list[str]:
    """What is wrong with trades of these dollars, by position bought and opening sold, as they would be proposed."""

    class Answer:
        pass

    _, index = arrays.build(start, risk(len(universe(start))))
    answer: Any = Answer()
    value = float(index.value)
    answer.buys = np.array([buys.get(one, 0.0) / value for one in index.positions])
    answer.sells = np.array([sells.get(one.opening, 0.0) / value for one in index.lots])
    return verify(draft_lines.to_trades(answer, index), start)


def test_a_wrong_optimiser_cannot_sell_a_held_gain() -> None:
    start = household(row(RestrictionKind.HOLD_GAINS, limit=D("0.3")))
    loosened = replace(start, lots=tuple(replace(one, sellable=one.quantity) for one in start.lots))
    assert any("held for its gain" in text for text in rounded(loosened, buys={}, sells={1: 5000}))


def test_a_wrong_optimiser_cannot_buy_where_one_account_must_not() -> None:
    start = replace(household(), barred=frozenset({(1, 3)}))
    assert (1, 3) not in arrays.build(start, risk(3))[1].positions
    free = replace(start, barred=frozenset())
    _, index = arrays.build(free, risk(3))
    trades = draft_lines.to_trades(_answer(index, buys={(1, 3): 600.0}), index)
    assert [trade.security for trade in trades] == [3]
    assert any("must not be bought" in text for text in verify(trades, start))
    assert verify(trades, free) == []


def test_a_wrong_optimiser_cannot_keep_what_must_be_sold() -> None:
    """Rounding sells it anyway; and trades that do not are refused."""
    start = household(row(RestrictionKind.MUST_SELL))
    assert any("must be sold, 0 of 150" in text for text in verify([], start))
    _, index = arrays.build(start, risk(3))
    trades = draft_lines.to_trades(_answer(index), index)
    assert sum(trade.quantity for trade in trades if trade.security == 1) == 300
    assert not any("must be sold" in text for text in verify(trades, start))


def test_a_wrong_optimiser_cannot_exceed_a_largest_weight() -> None:
    start = household(row(RestrictionKind.MAX_WEIGHT, 2, limit=D("0.355")))
    trades = draft_lines.to_trades(
        _answer(arrays.build(start, risk(3))[1], buys={(1, 2): 900.0}),
        arrays.build(start, risk(3))[1],
    )
    assert sum(trade.amount for trade in trades) <= 500
    assert verify(trades, start) == []
    bare = replace(start, max_weights={})
    _, index = arrays.build(bare, risk(3))
    unaware = draft_lines.to_trades(_answer(index, buys={(1, 2): 900.0}), index)
    assert any("more than its largest weight" in text for text in verify(unaware, start))


def _answer(index: Index, *, buys: dict[tuple[int, int], float] | None = None) -> Any:
    class Answer:
        pass

    answer: Any = Answer()
    wanted = buys or {}
    answer.buys = np.array([wanted.get(one, 0.0) / float(index.value) for one in index.positions])
    answer.sells = np.zeros(len(index.lots))
    return answer
