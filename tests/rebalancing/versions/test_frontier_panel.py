"""The chart of the frontier has an axis on which its points lie apart."""

from decimal import Decimal

from rebalancing.proposal_panels import axis, carried_worth, later_tax


def test_points_that_cost_the_same_tax_are_set_apart_by_what_trading_costs() -> None:
    same, apart = [Decimal("0.00"), Decimal("0.00")], [Decimal("0.00"), Decimal("0.01")]
    assert axis(same, same) == "cost"
    assert axis(apart, same) == "tax"


def test_points_that_cost_the_same_tax_are_set_apart_by_the_losses_they_carry_on() -> None:
    """With the year's limit used up every point costs no tax: what differs is what is carried on."""
    taxes = [Decimal("0.00"), Decimal("0.00")]
    assert axis(taxes, [Decimal("-3859.44"), Decimal("-226.44")]) == "weighed"


def test_a_point_kept_before_says_nothing_of_carried_losses_or_later_tax() -> None:
    assert carried_worth({"tax": "0.00"}) is None
    assert later_tax({"tax": "0.00"}) is None
    assert later_tax({"tax": "0.00", "later_tax": "-3.10"}) == Decimal("-3.10")
    assert carried_worth({"tax": "0.00", "carried_worth": "12.50"}) == Decimal("12.50")
