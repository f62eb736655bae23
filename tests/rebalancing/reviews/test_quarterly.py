"""Every kind of line that a quarter adds of a household, from facts alone, with figures computed by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from proposals.types import CashFlow, CashFlowKind
from rebalancing.mandates.rules import Classification, Portfolio
from rebalancing.reviews import quarterly
from rebalancing.reviews.quarterly import (
    BudgetLeft,
    Ending,
    Executed,
    Looks,
    OwnWord,
    PlanProgress,
    QuarterFacts,
    quarter_of,
)

DAY = date(2022, 9, 30)
FACTS = QuarterFacts(
    quarter=quarter_of(DAY),
    value=D(100_000),
    plan=None,
    budget=(),
    policy=(),
    restrictions=(),
    needs=(),
    cash={},
    taxable=frozenset({1, 2}),
    account_names={1: "Joint", 2: "Trust", 3: "Ann IRA"},
    looks=Looks(looks=0, proposed=0, approved=0, refused=0, executed=()),
)
PLAN = PlanProgress(
    started_on=date(2022, 1, 3),
    legacy_then=D(500_000),
    legacy_now=D("320000.5"),
    used=(BudgetLeft(name="long-term gain", whole=D(20_000), used=D("12500.25")),),
    years=3,
    ending="",
)


def lines(topic: str, **values: object) -> list[Any]:
    found = quarterly.findings(replace(FACTS, **values))  # type: ignore[arg-type]
    return [line for line in found if line.topic == topic]


@pytest.mark.parametrize(
    ("day", "first", "last", "next_last", "left"),
    [
        (date(2022, 1, 1), date(2022, 1, 1), date(2022, 3, 31), date(2022, 6, 30), 3),
        (date(2022, 3, 31), date(2022, 1, 1), date(2022, 3, 31), date(2022, 6, 30), 3),
        (date(2022, 4, 1), date(2022, 4, 1), date(2022, 6, 30), date(2022, 9, 30), 2),
        (date(2022, 9, 30), date(2022, 7, 1), date(2022, 9, 30), date(2022, 12, 31), 1),
        (date(2022, 12, 30), date(2022, 10, 1), date(2022, 12, 31), date(2023, 3, 31), 0),
        (date(2023, 12, 29), date(2023, 10, 1), date(2023, 12, 31), date(2024, 3, 31), 0),
    ],
)
def test_the_quarter_of_a_day(
    day: date, first: date, last: date, next_last: date, left: int
) -> None:
    found = quarter_of(day)
    assert (found.first, found.last, found.next_last) == (first, last, next_last)
    assert found.left_in_year == left


def test_a_household_with_nothing_to_tell_has_its_policy_and_its_looks() -> None:
    found = quarterly.findings(FACTS)
    assert [(one.topic.value, one.key) for one in found] == [
        ("policy", "own policy"), ("looks", "quarter"),
    ]  # fmt: skip
    assert found[0].sentence == "Its policy is that of its model and the firm."
    assert found[1].sentence == (
        "0 looks for drift since 2022-07-01; 0 rebalances proposed, 0 approved, 0 refused, 0 executed."
    )


def test_asset_classes_beside_the_models_with_cash_among_them() -> None:
    """60 % stock (1), 25 % bonds (2), 5 % a money fund (3) and 10 % cash, against 50, 40 and 0 %."""
    portfolio = Portfolio(
        weights={1: D("0.60"), 2: D("0.25"), 3: D("0.05")},
        cash=D("0.10"),
        targets={1: D("0.50"), 2: D("0.40")},
        classes={
            1: Classification("us_equity"),
            2: Classification("bonds"),
            3: Classification("cash"),
        },
        symbols={1: "AAA", 2: "BBB", 3: "MMF"},
    )
    found: list[Any] = list(quarterly.of_classes(portfolio))
    assert [(one.key, one.value, one.sentence) for one in found] == [
        ("bonds", D("0.25"), "Bonds weighs 25.00 %, 15.00 points less than its model (40.00 %)."),
        (
            "us_equity",
            D("0.60"),
            "US equity weighs 60.00 %, 10.00 points more than its model (50.00 %).",
        ),
        ("cash", D("0.15"), "Cash weighs 15.00 %, 5.00 points more than its model (10.00 %)."),
    ]


def test_a_security_without_a_class_is_told_as_such() -> None:
    portfolio = Portfolio(
        weights={1: D("0.9")}, cash=D("0.1"), targets={1: D("0.9")}, classes={}, symbols={1: "AAA"}
    )
    found = {one.key: one.sentence for one in quarterly.of_classes(portfolio)}
    assert found["not classified"] == ("Not classified weighs 90.00 %, as in its model (90.00 %).")


def test_a_plan_that_finishes() -> None:
    left, limit, years = lines("transition", plan=PLAN)
    assert (left.value, left.unit) == (D("320000.50"), "dollars")
    assert left.sentence == (
        "Transition since 2022-01-03: $320,000.50 of the legacy is left; it was $500,000.00 when the first step was "
        "proposed."
    )
    assert (limit.key, limit.value, limit.high) == (
        "long-term gain of the year", D("12500.25"), D(20_000),
    )  # fmt: skip
    assert (
        limit.sentence
        == "The plan allows a long-term gain of $20,000.00 a year; $12,500.25 is used."
    )
    # This year is the first of three: 2022, 2023, 2024.
    assert (years.value, years.state) == (3, "note")
    assert years.sentence == "At today's prices the plan finishes in 2024."


@pytest.mark.parametrize(
    ("values", "state", "sentence"),
    [
        ({"years": None, "ending": "gains are above the limits"}, "flagged",
         "The plan does not finish: gains are above the limits."),
        ({"years": None, "why_not": "There is no tax profile."}, "unknown",
         "When the plan finishes is not known: There is no tax profile."),
    ],
)  # fmt: skip
def test_a_plan_whose_end_is_not_in_sight(
    values: dict[str, object], state: str, sentence: str
) -> None:
    *_, last = lines("transition", plan=replace(PLAN, **values))  # type: ignore[arg-type]
    assert (last.key, last.value, last.state, last.sentence) == (
        "years left", None, state, sentence,
    )  # fmt: skip


def test_a_plan_before_its_first_step_and_a_use_that_is_not_known() -> None:
    plan = replace(PLAN, legacy_then=None, used=(replace(PLAN.used[0], used=None),))
    left, limit, _ = lines("transition", plan=plan)
    assert left.sentence.endswith("is left; its first step has yet to be proposed.")
    assert (limit.state, limit.value) == ("unknown", None)


def test_what_is_left_of_the_budget() -> None:
    budget = (
        BudgetLeft(name="tax", whole=D(10_000), used=D("2500.5")),
        BudgetLeft(name="long-term gain", whole=D(10_000), used=D(12_000)),
        BudgetLeft(name="short-term gain", whole=D(500), used=None),
    )
    tax, over, unknown = lines("budget_left", budget=budget)
    assert (tax.value, tax.state) == (D("7499.5"), "note")
    assert tax.sentence == (
        "What is left of the tax budget of 2022 ($10,000.00) is $7,499.50, with 1 quarter of the year ahead."
    )
    assert over.value == 0  # nothing is left, and never less
    assert (unknown.value, unknown.state) == (None, "unknown")


def test_words_of_its_own() -> None:
    words = (OwnWord(key="cash_maximum", own="0.2", else_="0.05"),)
    (line,) = lines("policy", policy=words)
    assert (line.value, line.unit) == (1, "count")
    assert line.sentence == (
        "Its policy departs from its model's and the firm's: cash maximum 0.2 instead of 0.05."
    )


def test_restrictions_that_ran_out_and_that_will() -> None:
    rows = (
        Ending(what="AAA not bought", until=date(2022, 9, 29)),
        Ending(what="BBB not sold", until=DAY),  # its last day is today: it holds still
        Ending(what="CCC not sold", until=date(2022, 12, 31)),
    )
    over, soon = lines("restrictions", restrictions=rows)
    assert (over.value, over.state) == (1, "flagged")
    assert over.sentence == (
        "Restrictions that ran out this quarter: AAA not bought, until 2022-09-29."
    )
    assert soon.value == 2
    assert soon.sentence.endswith("BBB not sold, until 2022-09-30; CCC not sold, until 2022-12-31.")


def need(
    amount: str, account: int | None = None, kind: CashFlowKind = CashFlowKind.WITHDRAWAL
) -> CashFlow:
    return CashFlow(kind, D(amount), date(2022, 12, 15), account, "")


def test_needs_that_todays_cash_covers() -> None:
    (line,) = lines("cash_needs", needs=(need("3000"),), cash={1: D(1000), 2: D(2000)})
    assert (line.state, line.value, line.by) == ("inside", 3000, 0)
    assert line.sentence == (
        "Due by 2022-12-31: $3,000.00 for the withdrawal of 2022-12-15 from the household; the cash there covers it."
    )


def test_needs_that_it_does_not() -> None:
    """The IRA's own 500 leave 100 open; of the household's 3,000 the two taxable accounts have 2,400."""
    needs = (need("3000"), need("500", 3))
    (line,) = lines("cash_needs", needs=needs, cash={1: D(2000), 2: D(400), 3: D(400)})
    assert (line.state, line.value, line.by) == ("flagged", 3500, 700)
    assert line.sentence.endswith("; $700.00 of it is not there in cash yet.")


def test_an_overdrawn_account_pays_nothing_and_owes_the_others_nothing() -> None:
    assert quarterly.shortfall([need("100")], {1: D(-50), 2: D(80)}, frozenset({1, 2})) == 20


def test_a_needs_own_account_pays_before_the_household_does() -> None:
    needs = [need("100"), need("60", 1)]
    assert quarterly.shortfall(needs, {1: D(100)}, frozenset({1})) == 60


def test_money_that_comes_in_is_no_need() -> None:
    assert lines("cash_needs", needs=(need("100", kind=CashFlowKind.DEPOSIT),)) == []


def test_what_was_executed() -> None:
    done = Executed(
        day=date(2022, 8, 2), traded=D(20_000), cost=D("12.5"), tax=D(-300),
        risk_before=D("0.021"), risk_after=D("0.0105"),
    )  # fmt: skip
    looks = Looks(looks=64, proposed=3, approved=2, refused=1, executed=(done,))
    (line,) = lines("looks", looks=looks)
    assert line.value == 64
    assert line.sentence == (
        "64 looks for drift since 2022-07-01; 3 rebalances proposed, 2 approved, 1 refused, 1 executed."
    )
    (line,) = lines("executed", looks=looks)
    assert (line.key, line.value) == ("2022-08-02 1", 20_000)
    # Half of both sides is one way: 10,000 of 100,000.
    assert line.sentence == (
        "Rebalance of 2022-08-02: $20,000.00 bought and sold (10.00 % of today's value one way), to bring the tracking "
        "error from 2.10 % to 1.05 %; expected cost $12.50, expected tax of the year -$300.00."
    )


def test_a_part_of_a_rebalance_and_one_without_figures() -> None:
    part = Executed(
        day=DAY, traded=D(10), is_part=True, cost=D(1), tax=D(2), risk_before=None, risk_after=None
    )
    (line,) = lines("executed", value=None, looks=replace(FACTS.looks, executed=(part,)))
    assert line.sentence == (
        "Rebalance of 2022-09-30: $10.00 bought and sold, with a tracking error that is not on record; expected cost "
        "$1.00, expected tax of the year $2.00, both of the whole rebalance: a part of it lies in another quarter."
    )
