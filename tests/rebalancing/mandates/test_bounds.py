"""What rules leave an optimiser: limits on several securities together say what the rules themselves say."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal as D
from random import Random

import pytest

from rebalancing.mandates.bounds import joint_bounds, largest_together, weight_bounds
from rebalancing.mandates.rules import (
    Classification,
    Portfolio,
    RiskFigures,
    Rule,
    RuleKind,
    State,
    check,
)
from rebalancing.types import JointBounds
from tests.rebalancing.mandates.test_mandates import BOND, FUND, PORTFOLIO, STOCK, rule

EXPOSURES = {"beta": {STOCK: D("1.2"), FUND: D(1), BOND: D("-0.1")}}


def bounds(one: Rule, portfolio: Portfolio = PORTFOLIO) -> tuple[JointBounds, ...]:
    return joint_bounds(check([one], portfolio), portfolio, EXPOSURES)


def keeps(bounds: Sequence[JointBounds], portfolio: Portfolio) -> bool:
    def value(one: JointBounds) -> D:
        held = (each * portfolio.weights.get(name, D(0)) for name, each in one.weights.items())
        return sum(held, one.cash * portfolio.cash)

    return all(
        (one.low is None or value(one) >= one.low) and (one.high is None or value(one) <= one.high)
        for one in bounds
    )


def test_a_sector_counts_its_members_and_an_asset_class_of_cash_counts_cash() -> None:
    (one,) = bounds(rule(RuleKind.SECTOR, "0.1", "0.4", subject="Energy"))
    assert (one.weights, one.cash, one.low, one.high) == ({STOCK: D(1)}, D(0), D("0.1"), D("0.4"))
    assert one.name == "Sector Energy (Core/one)"
    (one,) = bounds(rule(RuleKind.ASSET_CLASS, high="0.1", subject="cash"))
    assert not one.weights
    assert one.cash == 1


def test_what_nobody_has_classified_counts_where_it_does_harm() -> None:
    unsaid = replace(PORTFOLIO, classes={**PORTFOLIO.classes, BOND: Classification("other")})
    floor, ceiling = bounds(rule(RuleKind.SECTOR, "0.1", "0.9", subject="Energy"), unsaid)
    assert (floor.weights, floor.high) == ({STOCK: D(1)}, None)
    assert (ceiling.weights, ceiling.low) == ({STOCK: D(1), BOND: D(1)}, None)
    # Nobody can say whether 30 or 55 % is too much: what is known stays inside, and what may be comes up to the floor.
    known, may_be = bounds(rule(RuleKind.SECTOR, "0.1", "0.4", subject="Energy"), unsaid)
    assert (known.weights, known.low, known.high) == ({STOCK: D(1)}, None, D("0.4"))
    assert (may_be.weights, may_be.low, may_be.high) == ({STOCK: D(1), BOND: D(1)}, D("0.1"), None)
    # Broken, and judged by what is known: neither end may go further.
    for limits in ({"high": "0.05"}, {"low": "0.95"}):
        broken = bounds(rule(RuleKind.SECTOR, **limits, subject="Energy"), unsaid)
        assert [one.weights for one in broken] == [{STOCK: D(1)}, {STOCK: D(1), BOND: D(1)}]
        assert {(one.low, one.high) for one in broken} == {
            tuple(None if one is None else D(one) for one in map(limits.get, ("low", "high")))
        }


def test_the_exposure_of_the_targets_is_added_to_the_limits_of_an_active_one() -> None:
    (one,) = bounds(rule(RuleKind.FACTOR, "-0.1", "0.1", subject="beta"))
    wanted = D("0.20") * D("1.2") + D("0.50") - D("0.25") * D("0.1")
    assert (one.low, one.high) == (wanted - D("0.1"), wanted + D("0.1"))
    assert bounds(rule(RuleKind.FACTOR, "-0.1", "0.1", subject="unknown")) == ()


def test_identical_securities_are_one_name_and_funds_none() -> None:
    group = replace(PORTFOLIO, groups=(frozenset({STOCK, BOND}),))
    (one,) = bounds(rule(RuleKind.SINGLE_NAME, high="0.5"), group)
    assert one.weights == {STOCK: D(1), BOND: D(1)}
    (held, wanted) = bounds(rule(RuleKind.TOP_TEN, high="0.5"), group)
    assert held.weights == wanted.weights == {STOCK: D(1), BOND: D(1)}


@pytest.mark.parametrize(
    "other", [FUND, 99], ids=["a fund", "one that the household has nothing to do with"]
)
def test_a_name_whose_identical_securities_do_not_count_has_a_bound_of_its_own(other: int) -> None:
    group = replace(PORTFOLIO, groups=(frozenset({STOCK, other}),))
    one = rule(RuleKind.SINGLE_NAME, high="0.5")
    assert weight_bounds([one], group)[STOCK].high == D("0.5")
    assert bounds(one, group) == ()


@pytest.mark.parametrize(
    "one",
    [
        rule(RuleKind.SECTOR, high="0.3", subject="Energy", is_hard=False),
        rule(RuleKind.NAMES, "5"),
        rule(RuleKind.TRACKING_ERROR, high="0.01"),
        rule(RuleKind.VOLATILITY, high="0.01"),
        rule(RuleKind.SECURITY, high="0.30", security=STOCK),  # kept: a bound of its own weight
    ],
)
def test_soft_rules_and_those_of_another_kind_are_no_limit(one: Rule) -> None:
    assert bounds(one) == ()


def some_portfolio(rng: Random, *, like: Portfolio | None = None) -> Portfolio:
    """14 names in 3 sectors, some without one, two of them identical, three funds; and cash."""
    parts = [D(rng.randrange(1, 100)) ** 2 * (rng.random() < 0.9) for _ in range(15)]
    whole = sum(parts, D(1))
    weights = {name: (part / whole).quantize(D("0.000001")) for name, part in enumerate(parts[:14])}
    sectors = ["Energy", "Tech", "Tech"] + [""] * (rng.random() < 0.5)
    return Portfolio(
        weights=weights,
        cash=1 - sum(weights.values(), D(0)),
        targets=like.targets if like else {one: D(1) / 14 for one in weights},
        classes=like.classes
        if like
        else {
            one: Classification(
                rng.choice(["us_equity", "fixed_income"]), rng.choice(sectors), is_fund=one < 3
            )
            for one in weights
        },
        symbols={one: f"S{one}" for one in weights},
        groups=(frozenset({4, 5}),),
        risk=RiskFigures(tracking_error=D(0), volatility=D(0)),
    )


KINDS = (
    RuleKind.SECTOR,
    RuleKind.ASSET_CLASS,
    RuleKind.CASH,
    RuleKind.ACTIVE_WEIGHT,
    RuleKind.TOP_TEN,
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_portfolio_inside_the_limits_keeps_the_rule_and_one_that_keeps_it_is_inside(
    kind: RuleKind,
) -> None:
    """Against another portfolio than the one they were made from; of the largest names only the second holds."""
    rng, both = Random(7), [0, 0]
    for _ in range(300):
        before = some_portfolio(rng)
        after = some_portfolio(rng, like=before)
        subject = {RuleKind.SECTOR: "Tech", RuleKind.ASSET_CLASS: "us_equity"}.get(kind, "")
        limit = D(rng.randrange(5, 100)) / 100
        one = rule(kind, high=str(limit), subject=subject)
        if kind in (RuleKind.SECTOR, RuleKind.CASH) and rng.random() < 0.5:
            one = rule(kind, str(limit / 2), subject=subject)
        (was,), (now,) = check([one], before), check([one], after)
        found = joint_bounds([was], before, {})
        is_kept = keeps(found, after)
        if now.state is State.INSIDE:
            assert is_kept
        elif was.state is not State.UNKNOWN and kind is not RuleKind.TOP_TEN:
            assert not is_kept
        both[now.state is State.INSIDE] += 1
        if kind is RuleKind.TOP_TEN:
            assert keeps([largest_together(one, after)], after) == (now.state is State.INSIDE)
    assert min(both) > 20
