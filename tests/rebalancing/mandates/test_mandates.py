"""Rules of a mandate against a portfolio, as literals."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from rebalancing.mandates.bounds import weight_bounds
from rebalancing.mandates.rules import (
    Classification,
    Portfolio,
    RiskFigures,
    Rule,
    RuleFinding,
    RuleKind,
    State,
    Trigger,
    breaches,
    check,
    narrowed,
    worsened,
)
from rebalancing.types import Bounds

STOCK, FUND, BOND = 1, 2, 3
CLASSES = {
    STOCK: Classification("us_equity", "Energy"),
    FUND: Classification("us_equity", "Broad", is_fund=True),
    BOND: Classification("fixed_income", "Government"),
}
PORTFOLIO = Portfolio(
    weights={STOCK: D("0.30"), FUND: D("0.40"), BOND: D("0.25")},
    cash=D("0.05"),
    targets={STOCK: D("0.20"), FUND: D("0.50"), BOND: D("0.25")},
    classes=CLASSES,
    symbols={STOCK: "STK", FUND: "FND", BOND: "BND", 4: "NEW"},
    risk=RiskFigures(
        tracking_error=D("0.031"),
        volatility=D("0.15"),
        active_exposures={"factor 1": D("-0.02")},
    ),
)


def rule(kind: RuleKind, low: str | None = None, high: str | None = None, **more: object) -> Rule:
    return Rule(
        mandate="Core",
        key="one",
        kind=kind,
        low=None if low is None else D(low),
        high=None if high is None else D(high),
        **more,  # type: ignore[arg-type]
    )


def only(one: Rule, portfolio: Portfolio = PORTFOLIO) -> RuleFinding:
    (found,) = check([one], portfolio)
    return found


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (rule(RuleKind.ASSET_CLASS, high="1", subject="us_equity"), "0.70"),
        (rule(RuleKind.ASSET_CLASS, high="1", subject="cash"), "0.05"),
        (rule(RuleKind.SECTOR, high="1", subject="Energy"), "0.30"),
        (rule(RuleKind.SECURITY, high="1", security=BOND), "0.25"),
        (rule(RuleKind.SECURITY, low="0", security=4), "0"),
        (rule(RuleKind.CASH, high="1"), "0.05"),
        (rule(RuleKind.ACTIVE_WEIGHT, high="1"), "0.10"),
        (rule(RuleKind.SINGLE_NAME, high="1"), "0.30"),  # the fund is larger, and no single name
        (rule(RuleKind.TOP_TEN, high="1"), "0.55"),
        (rule(RuleKind.NAMES, low="1"), "3"),
        (rule(RuleKind.TRACKING_ERROR, high="1"), "0.031"),
        (rule(RuleKind.VOLATILITY, high="1"), "0.15"),
        (rule(RuleKind.FACTOR, high="1", subject="factor 1"), "-0.02"),
    ],
)
def test_each_kind_measures_what_its_name_says(one: Rule, value: str) -> None:
    found = only(one)
    assert found.value == D(value)
    assert (found.state, found.by) == (State.INSIDE, D(0))


def test_a_value_on_its_limit_is_inside_and_the_least_beyond_is_not() -> None:
    assert only(rule(RuleKind.CASH, "0.05", "0.05")).state is State.INSIDE
    above = only(rule(RuleKind.CASH, high="0.04999999"))
    assert (above.state, above.by, above.limit) == (
        State.BREACHED, D("0.00000001"), D("0.04999999"),
    )  # fmt: skip
    below = only(rule(RuleKind.CASH, "0.06", "0.10"))
    assert (below.state, below.by, below.limit) == (State.BREACHED, D("0.01"), D("0.06"))


def test_an_exposure_below_a_negative_limit_is_a_breach() -> None:
    found = only(rule(RuleKind.FACTOR, "-0.01", "0.01", subject="factor 1"))
    assert (found.state, found.by) == (State.BREACHED, D("0.01"))


def test_identical_securities_are_one_name() -> None:
    portfolio = replace(PORTFOLIO, groups=(frozenset({STOCK, BOND}),))
    found = only(rule(RuleKind.SINGLE_NAME, high="0.5"), portfolio)
    assert (found.value, found.note) == (D("0.55"), "BND + STK")
    assert found.state is State.BREACHED


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (None, "0.40", State.UNKNOWN),  # 0.30 is inside, 0.70 would not be
        (None, "0.29", State.BREACHED),  # whatever the unclassified fund is
        (None, "0.70", State.INSIDE),
        ("0.35", None, State.UNKNOWN),
        ("0.71", None, State.BREACHED),
        ("0.30", None, State.INSIDE),
        ("0.35", "0.60", State.UNKNOWN),  # too low or too high: nobody knows which
    ],
)
def test_what_nobody_has_classified_may_be_in_the_sector_or_not(
    low: str | None, high: str | None, state: State
) -> None:
    portfolio = replace(PORTFOLIO, classes={**CLASSES, FUND: Classification("us_equity")})
    found = only(rule(RuleKind.SECTOR, low, high, subject="Energy"), portfolio)
    assert found.state is state
    assert found.note == "no sector is known of FND"


def test_a_breach_with_doubt_is_as_large_as_it_is_at_least() -> None:
    portfolio = replace(PORTFOLIO, classes={**CLASSES, FUND: Classification("us_equity")})
    found = only(rule(RuleKind.SECTOR, "0.75", subject="Energy"), portfolio)
    assert found.by == D("0.05")  # the sector is at most 0.70


def test_without_a_risk_model_rules_of_risk_are_unknown_with_the_reason() -> None:
    portfolio = replace(PORTFOLIO, risk=None, why_no_risk="No history.")
    found = only(rule(RuleKind.TRACKING_ERROR, high="0.01"), portfolio)
    assert (found.state, found.value, found.note) == (State.UNKNOWN, None, "No history.")
    assert not found.is_hard_breach


def test_a_factor_that_the_model_does_not_have_is_unknown() -> None:
    found = only(rule(RuleKind.FACTOR, high="0.01", subject="value"))
    assert found.state is State.UNKNOWN
    assert "'value'" in found.note


def test_only_hard_rules_ask_for_a_rebalance() -> None:
    hard, soft = rule(RuleKind.CASH, high="0.01"), rule(RuleKind.CASH, high="0.01", is_hard=False)
    assert [one.rule for one in breaches([hard, soft], PORTFOLIO)] == [hard]


def test_what_triggers_follows_from_the_kind() -> None:
    assert {kind: kind.trigger for kind in RuleKind if kind.trigger is not Trigger.RISK_LIMIT} == {
        RuleKind.ASSET_CLASS: Trigger.MANDATE,
        RuleKind.SECTOR: Trigger.MANDATE,
        RuleKind.SECURITY: Trigger.MANDATE,
        RuleKind.CASH: Trigger.MANDATE,
        RuleKind.FACTOR: Trigger.FACTOR,
    }


def test_a_breach_that_shrinks_is_narrowed_and_one_that_grows_is_worse() -> None:
    rules = [rule(RuleKind.CASH, high="0.01"), rule(RuleKind.SECURITY, high="0.25", security=BOND)]
    before = check(rules, PORTFOLIO)
    less = check(rules, replace(PORTFOLIO, cash=D("0.02")))
    assert narrowed(before, less)
    assert worsened(before, less) == ()
    assert not narrowed(before, before)
    other = check(
        rules, replace(PORTFOLIO, cash=D("0.02"), weights={**PORTFOLIO.weights, BOND: D("0.26")})
    )
    assert [one.rule.kind for one in worsened(before, other)] == [RuleKind.SECURITY]
    assert not narrowed(before, other)  # one is cured at the price of another


def test_the_tightest_of_several_hard_rules_bounds_a_security() -> None:
    rules = [
        rule(RuleKind.SECURITY, "0.05", "0.40", security=STOCK),
        rule(RuleKind.SECURITY, "0.10", security=STOCK),
        rule(RuleKind.SECURITY, high="0.01", security=STOCK, is_hard=False),
        rule(RuleKind.SINGLE_NAME, high="0.15"),
    ]
    assert weight_bounds(rules, PORTFOLIO) == {
        STOCK: Bounds(D("0.10"), D("0.15")),
        BOND: Bounds(None, D("0.15")),
    }


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        check([], replace(PORTFOLIO, cash=0.05))  # type: ignore[arg-type]


def test_a_kept_rule_that_nobody_can_judge_any_more_is_worse() -> None:
    """A purchase of what has no sector may have broken the limit of one."""
    rules = [rule(RuleKind.SECTOR, high="0.40", subject="Energy")]
    unclassified = {**CLASSES, FUND: Classification("us_equity")}
    before, after = check(rules, PORTFOLIO), check(rules, replace(PORTFOLIO, classes=unclassified))
    assert (before[0].state, after[0].state) == (State.INSIDE, State.UNKNOWN)
    assert worsened(before, after) == after
    assert worsened(after, after) == ()
    assert worsened(after, before) == ()
