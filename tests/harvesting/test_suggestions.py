"""Suggestions are ranked by figures, and decide nothing."""

from decimal import Decimal

from harvesting.figures import measured_pair
from harvesting.suggestions import Listed, cost_of_standing_in, suggest
from harvesting.types import PairFigures

AAA = Listed(1, "AAA")
RISK = Decimal(10)


def figures(error: str, correlation: str = "0.8", beta: str = "1") -> PairFigures:
    return PairFigures(Decimal(error), Decimal(correlation), Decimal(beta), 252)


def test_the_cost_is_the_spread_both_ways_and_the_expenses_of_a_window() -> None:
    fund = Listed(2, "FUND", half_spread=Decimal("0.0005"), expense_ratio=Decimal("0.00365"))
    assert cost_of_standing_in(fund) == Decimal("0.00131")


def test_tracking_and_cost_are_weighed_in_one_unit() -> None:
    """10 x 0.01 x 31 / 365 = 0.849 % of tracking against 1 % of spread: the tight follower is too dear."""
    near = Listed(2, "NEAR", half_spread=Decimal("0.005"))
    far = Listed(3, "FAR")
    found = suggest(AAA, [near, far], {2: figures("0"), 3: figures("0.1")}, {}, risk_price=RISK)
    assert [one.listed.symbol for one in found.offered] == ["FAR", "NEAR"]
    assert [round(one.burden, 5) for one in found.offered] == [
        Decimal("0.00849"), Decimal("0.01000")
    ]  # fmt: skip


def test_equals_follow_by_correlation_then_by_a_beta_near_one() -> None:
    candidates = [Listed(number, f"S{number}") for number in (2, 3, 4)]
    found = suggest(
        AAA,
        candidates,
        {
            2: figures("0.2", "0.7"),
            3: figures("0.2", "0.9", "1.5"),
            4: figures("0.2", "0.9", "0.9"),
        },
        {},
        risk_price=RISK,
    )
    assert [one.listed.security for one in found.offered] == [4, 3, 2]


def test_the_refused_and_the_unmeasured_are_left_out_with_the_reason() -> None:
    young = measured_pair(Decimal(0), Decimal(1), Decimal(1), 59)
    found = suggest(
        AAA,
        [Listed(2, "TWIN"), Listed(3, "YOUNG"), Listed(4, "SAME")],
        {2: figures("0"), 3: young, 4: figures("0")},
        {2: "substantially identical to AAA", 4: "substantially identical to AAA"},
        risk_price=RISK,
    )
    assert found.offered == ()
    assert found.left_out == {
        "fewer than 60 daily returns in common": ("YOUNG",),
        "substantially identical to AAA": ("SAME", "TWIN"),
    }


def test_a_single_name_for_a_fund_and_a_fund_for_a_name_are_flagged() -> None:
    """T43: MSFT for a fund adds the risk of one name; QQQ for AAPL holds AAPL."""
    qqq, msft, aapl = Listed(1, "QQQ", is_fund=True), Listed(2, "MSFT"), Listed(3, "AAPL")
    (single,) = suggest(qqq, [msft], {2: figures("0.2")}, {}, risk_price=RISK).offered
    (fund,) = suggest(aapl, [qqq], {1: figures("0.2")}, {}, risk_price=RISK).offered
    (plain,) = suggest(aapl, [msft], {2: figures("0.2")}, {}, risk_price=RISK).offered
    assert single.cautions == ("A single name for a fund: the risk of MSFT alone comes along.",)
    assert fund.cautions == ("A fund may hold AAPL itself: look at what it holds.",)
    assert plain.cautions == ()


def test_only_the_best_are_offered() -> None:
    candidates = [Listed(number, f"S{number:02}") for number in range(2, 30)]
    found = suggest(
        AAA, candidates, {one.security: figures("0.2") for one in candidates}, {}, risk_price=RISK
    )
    assert [one.listed.symbol for one in found.offered] == [f"S{n:02}" for n in range(2, 12)]
