"""Universe changes without a database: weights, steps, the file of constituents, exit rules, what stands against."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesting.substitutes import MappingRow
from proposals.types import RestrictionKind, RestrictionRow, Restrictions, SellBlock, Side, Windows
from rebalancing.household.checks import verify
from rebalancing.household.exits import with_exits
from rebalancing.household.restrictions import with_restrictions
from rebalancing.model_changes.change_effects import large_orders, shares_wanted, wash_conflicts
from rebalancing.model_changes.constituents import read_constituents
from rebalancing.model_changes.recipes import ExitRule, Freed, VersionKind
from rebalancing.model_changes.universe import (
    Addition,
    BadChange,
    Deletion,
    changed_weights,
    difference,
    step_weights,
    turnover,
)
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import universe
from rebalancing.types import Exit, HouseholdState, ModelChange
from scans.substitute_breaks import checked
from securities.importers.refusal import ImportRefused
from tests.rebalancing.states import DAY, account, lot, risk, state

MODEL = {1: D("0.50"), 2: D("0.30"), 3: D("0.17")}
POINTS = st.integers(min_value=0, max_value=100_000_000)
WEIGHTS = st.dictionaries(st.integers(1, 12), POINTS, min_size=1, max_size=8).map(
    lambda found: {one: D(points) / 10**9 for one, points in found.items() if points}
)


# New weights


def test_what_leaves_goes_to_what_comes_and_to_the_names_that_stay() -> None:
    found = changed_weights(
        MODEL, [Addition(4, D("0.10"))], [Deletion(3, ExitRule.SELL)], Freed.OTHERS
    )
    assert found == {1: D("0.54375"), 2: D("0.32625"), 4: D("0.10")}
    assert sum(found.values()) == sum(MODEL.values())


def test_what_is_left_over_may_go_to_cash() -> None:
    found = changed_weights(
        MODEL, [Addition(4, D("0.10"))], [Deletion(3, ExitRule.SELL)], Freed.CASH
    )
    assert found == {1: D("0.50"), 2: D("0.30"), 4: D("0.10")}
    with pytest.raises(BadChange, match="3 % more than what leaves"):
        changed_weights(MODEL, [Addition(4, D("0.20"))], [Deletion(3, ExitRule.SELL)], Freed.CASH)


@pytest.mark.parametrize(
    ("additions", "deletions", "told"),
    [
        ([Addition(1, D("0.1"))], [], "already"),
        ([], [Deletion(9, ExitRule.HOLD)], "cannot leave"),
        ([Addition(4, D("0.1")), Addition(4, D("0.1"))], [], "twice"),
        ([Addition(4, D("0.97"))], [], "nothing would be left"),
        ([], [Deletion(one, ExitRule.SELL) for one in MODEL], "No name stays"),
    ],
)
def test_a_list_that_cannot_be_is_refused(additions: Any, deletions: Any, told: str) -> None:
    with pytest.raises(BadChange, match=told):
        changed_weights(MODEL, additions, deletions, Freed.OTHERS)


@given(WEIGHTS, WEIGHTS, st.integers(1, 20))
def test_every_step_keeps_the_sum_and_the_last_lands_on_the_target(
    before: dict[int, D], after: dict[int, D], steps: int
) -> None:
    total, end = sum(before.values(), D(0)), sum(after.values(), D(0))
    assert step_weights(before, after, 0, steps) == before
    assert step_weights(before, after, steps, steps) == after
    for step in range(1, steps):
        found = step_weights(before, after, step, steps)
        assert all(weight == weight.quantize(D("1e-8")) > 0 for weight in found.values())
        exact = total + (end - total) * step / steps
        assert exact - D("1e-8") < sum(found.values(), D(0)) <= exact + D("1e-20")
        for one in before.keys() | after.keys():
            was, becomes = before.get(one, D(0)), after.get(one, D(0))
            way = was + (becomes - was) * step / steps
            assert abs(found.get(one, D(0)) - way) <= D("1e-8")


def test_equal_sums_stay_equal_in_every_step() -> None:
    before, after = {1: D("0.5"), 2: D("0.47")}, {2: D("0.333"), 3: D("0.637")}
    for step in range(8):
        assert sum(step_weights(before, after, step, 7).values()) == D("0.97")
    with pytest.raises(ValueError, match="Step 8 of 7"):
        step_weights(before, after, 8, 7)


@given(WEIGHTS, WEIGHTS)
def test_the_difference_rebuilds_what_comes_after(
    before: dict[int, D], after: dict[int, D]
) -> None:
    found = difference(before, after)
    rebuilt = {one: weight for one, weight in before.items() if one not in found.deleted}
    rebuilt |= dict(found.added) | {one: becomes for one, (_, becomes) in found.changed.items()}
    assert rebuilt == after
    assert found.is_empty == (before == after)
    assert turnover(before, after) == turnover(after, before)


# The file


def read(*rows: str, column: str = "weight") -> Any:
    text = "\n".join([f"symbol,{column},effective_date", *rows]) + "\n"
    return read_constituents(text, name="index.csv", securities={"AAA": 1, "BBB": 2, "CCC": 3})


def problems(*rows: str, column: str = "weight") -> str:
    with pytest.raises(ImportRefused) as refused:
        read(*rows, column=column)
    return "\n".join(map(str, refused.value.problems))


def test_weights_of_a_file_share_what_the_model_has_in_names() -> None:
    thirds = [f"{symbol},0.3333,2022-12-19" for symbol in ("AAA", "BBB", "CCC")]
    found = read(*thirds)
    assert found.effective_on == date(2022, 12, 19)
    weights = found.weights(D("0.97"))
    assert sum(weights.values()) == D("0.97")
    assert set(weights.values()) == {D("0.32333333"), D("0.32333334")}


def test_market_values_and_per_cent_make_weights() -> None:
    caps = read(
        "AAA,3000000000000.5,2022-12-19", "BBB,1000000000000,2022-12-19", column="market_value"
    )
    assert sum(caps.weights(D(1)).values()) == 1
    assert caps.weights(D(1))[1] == D("0.75000000")
    half = read("AAA,50.0,2022-12-19", "BBB,50.0,2022-12-19", column="weight_percent")
    assert half.weights(D(1)) == {1: D("0.5"), 2: D("0.5")}


def test_every_problem_of_a_file_has_its_line() -> None:
    told = problems(
        "AAA,0.5,2022-12-19",
        "AAA,0.1,2022-12-19",
        "XXX,0.1,2022-12-19",
        "BBB,-0.1,2022-12-20",
        "CCC,0,soon",
    )
    for line in (
        "line 3, column symbol: AAA stands on line 2 already",
        "line 4, column symbol: 'XXX' is no known symbol",
        "line 5, column weight: '-0.1' is negative",
        "line 5, column effective_date: 2022-12-20 is not 2022-12-19, the date on line 2",
        "line 6, column weight: a constituent weighs more than 0",
        "line 6, column effective_date: 'soon' is not a date",
    ):
        assert line in told


def test_weights_that_do_not_come_to_the_whole_are_refused() -> None:
    assert "come to 1.1, not to 1" in problems("AAA,0.6,2022-12-19", "BBB,0.5,2022-12-19")
    assert "none stands there" in problems_header("")
    assert "weight and market_value stand there" in problems_header("weight,market_value,")


def problems_header(columns: str) -> str:
    text = f"symbol,{columns}effective_date\nAAA,{'1,' * columns.count(',')}2022-12-19\n"
    with pytest.raises(ImportRefused) as refused:
        read_constituents(text, name="index.csv", securities={"AAA": 1})
    return str(refused.value.problems[0])


# Exit rules on a state


def household(rule: ExitRule, *, weight: str = "0", **changes: Any) -> HouseholdState:
    """$100,000: S1 30 % left the model; a lot with a gain, one at a loss, and one in the IRA."""
    values: dict[str, Any] = {
        "accounts": (account(1, "1000"), account(2, "1000", is_taxable=False)),
        "lots": (
            lot(1, "100", "4000", opening=1),
            lot(1, "100", "14000", opening=2),
            lot(1, "100", "5000", opening=3, account=2, is_taxable=False),
            lot(2, "700", "35000", opening=4),
            lot(3, "330", "33000", opening=5, account=2, is_taxable=False),
        ),
        "prices": {1: "100", 2: "50", 3: "100"},
        "targets": {2: "0.50", 3: "0.48"} | ({1: weight} if D(weight) else {}),
    }
    found = state(**{**values, **changes})
    left = {1: Exit(rule, DAY, VersionKind.RECONSTITUTION, "version 2 of Core (reconstitution)")}
    found = replace(found, whole_targets=found.targets, exits=left)
    return with_restrictions(with_exits(found))


def solved(start: HouseholdState) -> Any:
    return best_trades(start, risk(len(universe(start))))


def sold(figures: Any, security: int = 1) -> set[int]:
    return {
        one.opening for one in figures.trades if one.side is Side.SELL and one.security == security
    }


def test_sell_sells_every_lot_out_whatever_the_tax_and_says_why() -> None:
    start = household(ExitRule.SELL)
    figures = solved(start)
    assert start.must_act
    assert sold(figures) == {1, 2, 3}
    assert verify(figures.trades, start) == []
    assert {one.reason for one in figures.trades if one.security == 1} == {"RECONSTITUTION"}


def test_no_gains_keeps_the_taxable_gain_and_sells_the_rest() -> None:
    start = household(ExitRule.NO_GAINS)
    figures = solved(start)
    assert sold(figures) == {2, 3}
    assert figures.long_gain + figures.short_gain <= 0
    kept = [replace(one, opening=1) for one in figures.trades if one.opening == 2]
    assert any("held for its gain" in told for told in verify(kept, start))


def test_hold_neither_sells_nor_buys() -> None:
    start = household(ExitRule.HOLD)
    assert not start.must_act
    assert 1 not in start.buyable
    assert not [one for one in solved(start).trades if one.security == 1]


def test_a_name_that_leaves_in_steps_is_not_sold_out_before_the_last() -> None:
    start = household(ExitRule.SELL, weight="0.20", targets={1: "0.20", 2: "0.40", 3: "0.38"})
    assert not start.must_sell
    assert 1 not in start.buyable


def test_an_order_to_sell_goes_before_the_rule_and_a_stand_in_waits() -> None:
    start = household(ExitRule.HOLD)
    row = RestrictionRow(
        security=1, kind=RestrictionKind.MUST_SELL, account=None, since=DAY, until=None, reason="No"
    )
    bare = replace(start, lots=household(ExitRule.SELL).lots, restrictions=Restrictions((row,)))
    assert with_exits(bare).exits == {}
    standing = replace(
        household(ExitRule.SELL), targets={1: D("0.2"), 2: D("0.4")}, whole_targets={2: D("0.6")}
    )
    assert with_exits(replace(standing, restrictions=Restrictions())).exits == {}


def test_a_trade_is_owed_to_a_change_only_where_drift_alone_would_not_have_made_it() -> None:
    start = state(
        accounts=(account(1, "2000"),),
        lots=(lot(1, "400", "40000", opening=1), lot(2, "580", "58000", opening=2)),
        prices={1: "100", 2: "100", 3: "100"},
        targets={1: "0.20", 2: "0.58", 3: "0.20"},
    )
    change = ModelChange(D("0.40"), D("0.20"), VersionKind.UNIVERSE, "version 3 of Core")
    new = replace(change, before=D(0), after=D("0.20"))
    owed = replace(start, model_changes={1: change, 3: new})
    assert {one.reason for one in solved(owed).trades} == {"UNIVERSE"}
    drifted = replace(start, model_changes={1: replace(change, before=D("0.25"))})
    reasons = {one.security: one.reason for one in solved(drifted).trades}
    assert (reasons[1], reasons[3]) == ("OVERWEIGHT", "UNDERWEIGHT")


# What stands against it


def test_wash_conflicts_and_large_orders_are_told() -> None:
    start = household(ExitRule.SELL, groups=(frozenset({1, 3}),))
    block = SellBlock(date(2023, 1, 20), D(50), "50 S1 were bought on 2022-12-20", permanent=False)
    windows = Windows({}, {1: block}, {})
    wanted = shares_wanted(start, [1, 2, 3])
    assert wanted[1] == -300
    told = [one.told for one in wash_conflicts(start, windows, wanted)]
    assert told == [
        "100 shares of S1 at a loss cannot be sold before 2023-01-20: 50 S1 were bought on 2022-12-20.",
        "S1 would be sold at a loss while S3, identical with it, is bought: the night does one of the two.",
    ]
    found = large_orders(
        {(1, Side.SELL): D(2500), (2, Side.BUY): D(10)}, {1: D(10_000), 2: D(10_000)}, D("0.1")
    )
    assert [(one.security, one.of_volume, one.days) for one in found] == [(1, D("0.25"), 3)]


def test_substitutes_that_a_change_breaks_are_named() -> None:
    symbols = {1: "AAA", 2: "BBB", 3: "CCC", 4: "DDD"}
    rows = [
        MappingRow(security=2, substitute=1, rank=1, pair="BBB -> AAA"),
        MappingRow(security=2, substitute=4, rank=2, pair="BBB -> DDD", valid_until=DAY),
        MappingRow(security=1, substitute=3, rank=1, pair="AAA -> CCC"),
    ]
    found = checked(
        rows, added=[4], deleted=[1], members=[2, 4], symbols=symbols, as_of=date(2023, 1, 3)
    )
    told = {one.pair: " ".join(one.problems) for one in found}
    assert "AAA leaves the model and would stand in for BBB" in told["BBB -> AAA"]
    assert "bought for itself" in told["BBB -> DDD"]
    assert "was to be reviewed by" in told["BBB -> DDD"]
    assert "AAA leaves the model: nobody needs" in told["AAA -> CCC"]
    assert told["DDD"] == "DDD is new and has no substitute in force."
