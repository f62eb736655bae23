"""The chart of the frontier has an axis on which its points lie apart."""

from decimal import Decimal

from rebalancing.proposal_panels import axis


def test_points_that_cost_the_same_tax_are_set_apart_by_what_trading_costs() -> None:
    assert axis([Decimal("0.00"), Decimal("0.00")]) == "cost"
    assert axis([Decimal("0.00"), Decimal("0.01")]) == "tax"
